// Convolution, register-blocked, without workgroup memory. This suits software adapters, and shapes that are too small for tiles.
//
//   y[n, oy, ox, o] = act( bias[o] + Σ_{ky, kx, i} pre(x[n, oy·s + ky·d − p, ox·s + kx·d − p, i]) · w[ky, kx, i, o]
//                          + residual[n, oy, ox, o] )          pre(v) = max(0, v · scale[i] + shift[i]), 0 outside
//
//   x, residual, y  nhwc4; a band of output pixels `first … first + count` counted over all images
//   w               [ky, kx, i, o] with i and o padded to vec4 groups, o innermost; i within its convolution group
//   affine          scale, then shift, of each input group
//
// A thread owns PIXELS (4) consecutive output pixels × 4 output channels. Lanes along x differ in channels, lanes along y in pixels.
//
// Prelude: elem; BIAS, RESIDUAL, PROLOGUE (0 none, 1 affine, 2 affine + ReLU), ACTIVATION, PADDED (whether taps can be outside);
// TEXELS (see conv2d_weights.wgsl); LANES (of a vec4 of input channels that are in use, see conv2d.wgsl).

#include conv2d
#include conv2d_weights

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_id) lane: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let out = workgroup.x * 8 + lane.x;
  let pixel = ((workgroup.y + workgroup.z * workgroups.y) * 8 + lane.y) * 4;
  if (out >= params.out_groups || pixel >= params.count) {
    return;
  }
  let channels = out / params.group_outputs * params.in_groups;  // first input group of this convolution group

  let p0 = place(pixel);
  let p1 = place(pixel + 1);
  let p2 = place(pixel + 2);
  let p3 = place(pixel + 3);
  var sum0 = vec4f(0);
  var sum1 = vec4f(0);
  var sum2 = vec4f(0);
  var sum3 = vec4f(0);

  var weight = out;
  for (var ky = 0u; ky < params.kernel_h; ky++) {
    let r0 = row_of(p0, ky);
    let r1 = row_of(p1, ky);
    let r2 = row_of(p2, ky);
    let r3 = row_of(p3, ky);
    for (var kx = 0u; kx < params.kernel_w; kx++) {
      let t0 = tap_of(p0, r0, kx);
      let t1 = tap_of(p1, r1, kx);
      let t2 = tap_of(p2, r2, kx);
      let t3 = tap_of(p3, r3, kx);
      for (var i = channels; i < channels + input_groups(); i++) {
        let weights = load_weights(weight);
        weight += 4 * params.out_groups;
        let a0 = load(t0, i);
        let a1 = load(t1, i);
        let a2 = load(t2, i);
        let a3 = load(t3, i);
        // fma() would be twice as slow on SwiftShader.
        sum0 += products(weights, a0);
        sum1 += products(weights, a1);
        sum2 += products(weights, a2);
        sum3 += products(weights, a3);
      }
    }
  }
  let own_bias = bias_of(out);
  // The code that stores is there once, as in conv2d_subgroup.wgsl: each step stores sum0, then the sums move down.
  let end = min(pixel + 4, params.count);
  for (var p = pixel; p < end; p++) {
    store_biased(p, out, sum0 + own_bias);
    sum0 = sum1;
    sum1 = sum2;
    sum2 = sum3;
  }
}
