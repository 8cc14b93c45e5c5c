// Depthwise convolution: each channel has its own filter.
//
//   y[n, oy, ox, c] = act( bias[c] + Σ_{ky, kx} x[n, iy, ix, c] · w[ky, kx, c] + residual )
//
//   x, residual, y as in conv2d_direct.wgsl      w  [ky, kx, 4, c] with c padded to vec4 groups; of the 4 input lanes only the first is used
//
// A thread owns four channels of a strip: four neighbouring pixels of a row of y. They share what is read of w. With SLIDE they also share
// what is read of x: from one tap to the next, the four windows move by one pixel, so only one pixel is new.
//
// Prelude: elem; BIAS, RESIDUAL, ACTIVATION, PADDED as in conv2d_direct.wgsl; PROLOGUE is 0; SLIDE where stride and dilation along x are 1.

#include conv2d

@group(0) @binding(1) var<storage, read> w: array<vec4<elem>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  let group = index % params.out_groups;
  let strip = index / params.out_groups;
  let strips = (params.out_w + 3) / 4;
  let column = strip % strips * 4;
  let row = params.first / params.out_w + strip / strips;
  let pixel = row * params.out_w + column;
  if (pixel >= params.first + params.count) {
    return;
  }
  let at0 = place_of(pixel);
  let at1 = Place(at0.image, at0.y, at0.x + params.stride_w);
  let at2 = Place(at0.image, at0.y, at0.x + params.stride_w * 2);
  let at3 = Place(at0.image, at0.y, at0.x + params.stride_w * 3);
  var sum0 = vec4f(0);
  var sum1 = vec4f(0);
  var sum2 = vec4f(0);
  var sum3 = vec4f(0);
  for (var ky = 0u; ky < params.kernel_h; ky++) {
    var v0 = vec4f(0);
#if SLIDE
    var v1 = load(tap(at0, ky, 0), group);
    var v2 = load(tap(at1, ky, 0), group);
    var v3 = load(tap(at2, ky, 0), group);
#else
    var v1 = vec4f(0);
    var v2 = vec4f(0);
    var v3 = vec4f(0);
#endif
    for (var kx = 0u; kx < params.kernel_w; kx++) {
#if SLIDE
      v0 = v1;
      v1 = v2;
      v2 = v3;
#else
      v0 = load(tap(at0, ky, kx), group);
      v1 = load(tap(at1, ky, kx), group);
      v2 = load(tap(at2, ky, kx), group);
#endif
      v3 = load(tap(at3, ky, kx), group);
      let weight = vec4f(w[(ky * params.kernel_w + kx) * 4 * params.out_groups + group]);
      sum0 += v0 * weight;
      sum1 += v1 * weight;
      sum2 += v2 * weight;
      sum3 += v3 * weight;
    }
  }
  // Pixels before the first one wrap to large numbers, so `store` leaves them out, as it does those behind the last one.
  let to = pixel - params.first;
  store(to, group, sum0);
  if (column + 1 < params.out_w) {
    store(to + 1, group, sum1);
  }
  if (column + 2 < params.out_w) {
    store(to + 2, group, sum2);
  }
  if (column + 3 < params.out_w) {
    store(to + 3, group, sum3);
  }
}
