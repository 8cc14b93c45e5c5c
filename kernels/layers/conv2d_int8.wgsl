// Convolution of 8-bit integers with 32-bit sums. It is exact but for the last step, which turns a sum into a float.
//
//   y[n, oy, ox, o] = act( bias[o] + x_scale · scale[o] · Σ_{ky, kx, i} (x[n, oy·s + ky·d − p, ox·s + kx·d − p, i] − zero) · w[ky, kx, i, o]
//                          + residual[n, oy, ox, o] )          outside of the image x is zero
//
//   x            nhwc4 of words, which are four 8-bit integers (quantize.wgsl)
//   w            [ky, kx, chunk, o] vec4s of words: 16 input lanes of an output channel (pack_int8.wgsl)
//   scales       [3, outputs]: scale, its inverse, and Σ_{ky, kx, i} w of each output channel (int8_scales.wgsl)
//   residual, y  nhwc4; a band of output pixels `first … first + count` counted over all images
//
// The zero point leaves the sum: Σ (x − zero) · w = Σ x · w − zero · Σ w. Where a lane is padding, w is 0.
// A thread owns PIXELS (4) consecutive output pixels × 4 output channels. Lanes along x differ in channels, lanes along y in pixels.
//
// Prelude: elem; BIAS, RESIDUAL, ACTIVATION, PADDED (whether taps can be outside); PACKED (whether WGSL has products of packed integers).

#include conv2d_int8

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_id) lane: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let out = workgroup.x * 8 + lane.x;
  let pixel = ((workgroup.y + workgroup.z * workgroups.y) * 8 + lane.y) * 4;
  if (out >= params.out_groups || pixel >= params.count) {
    return;
  }
  let p0 = place(pixel);
  let p1 = place(pixel + 1);
  let p2 = place(pixel + 2);
  let p3 = place(pixel + 3);
  var sum0 = first_sum(out);
  var sum1 = sum0;
  var sum2 = sum0;
  var sum3 = sum0;

  var weight = out * 4;
  for (var ky = 0u; ky < params.kernel_h; ky++) {
    for (var kx = 0u; kx < params.kernel_w; kx++) {
      let t0 = tap(p0, ky, kx);
      let t1 = tap(p1, ky, kx);
      let t2 = tap(p2, ky, kx);
      let t3 = tap(p3, ky, kx);
      for (var i = 0u; i < params.in_groups; i++) {
        let w0 = w[weight];
        let w1 = w[weight + 1];
        let w2 = w[weight + 2];
        let w3 = w[weight + 3];
        weight += 4 * params.out_groups;
        sum0 += products(load(t0, i), w0, w1, w2, w3);
        sum1 += products(load(t1, i), w0, w1, w2, w3);
        sum2 += products(load(t2, i), w0, w1, w2, w3);
        sum3 += products(load(t3, i), w0, w1, w2, w3);
      }
    }
  }
  store_sum(pixel, out, sum0);
  store_sum(pixel + 1, out, sum1);
  store_sum(pixel + 2, out, sum2);
  store_sum(pixel + 3, out, sum3);
}
