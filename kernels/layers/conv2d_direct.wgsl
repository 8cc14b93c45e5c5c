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
// Prelude: elem; BIAS, RESIDUAL, PROLOGUE (0 none, 1 affine, 2 affine + ReLU), ACTIVATION, PADDED (whether taps can be outside).

#include conv2d

@group(0) @binding(1) var<storage, read> w: array<vec4<elem>>;

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
    for (var kx = 0u; kx < params.kernel_w; kx++) {
      let t0 = tap(p0, ky, kx);
      let t1 = tap(p1, ky, kx);
      let t2 = tap(p2, ky, kx);
      let t3 = tap(p3, ky, kx);
      for (var i = channels; i < channels + params.in_groups; i++) {
        let w0 = vec4f(w[weight]);
        let w1 = vec4f(w[weight + params.out_groups]);
        let w2 = vec4f(w[weight + 2 * params.out_groups]);
        let w3 = vec4f(w[weight + 3 * params.out_groups]);
        weight += 4 * params.out_groups;
        let a0 = load(t0, i);
        let a1 = load(t1, i);
        let a2 = load(t2, i);
        let a3 = load(t3, i);
        // fma() would be twice as slow on SwiftShader.
        sum0 += a0.x * w0 + a0.y * w1 + a0.z * w2 + a0.w * w3;
        sum1 += a1.x * w0 + a1.y * w1 + a1.z * w2 + a1.w * w3;
        sum2 += a2.x * w0 + a2.y * w1 + a2.z * w2 + a2.w * w3;
        sum3 += a3.x * w0 + a3.y * w1 + a3.z * w2 + a3.w * w3;
      }
    }
  }
  store(pixel, out, sum0);
  store(pixel + 1, out, sum1);
  store(pixel + 2, out, sum2);
  store(pixel + 3, out, sum3);
}
