// Depthwise convolution: each channel has its own filter.
//
//   y[n, oy, ox, c] = act( bias[c] + Σ_{ky, kx} x[n, iy, ix, c] · w[ky, kx, c] + residual )
//
//   x, residual, y as in conv2d_direct.wgsl      w  [ky, kx, 4, c] with c padded to vec4 groups; of the 4 input lanes only the first is used
//
// A thread owns four channels of one pixel.
//
// Prelude: elem; BIAS, RESIDUAL, ACTIVATION, PADDED as in conv2d_direct.wgsl; PROLOGUE is 0.

#include activation
#include conv2d

@group(0) @binding(1) var<storage, read> w: array<vec4<elem>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  let group = index % params.out_groups;
  let pixel = index / params.out_groups;
  if (pixel >= params.count) {
    return;
  }
  let source = place(pixel);
  var sum = vec4f(0);
  for (var ky = 0u; ky < params.kernel_h; ky++) {
    for (var kx = 0u; kx < params.kernel_w; kx++) {
      sum += load(tap(source, ky, kx), group) * vec4f(w[(ky * params.kernel_w + kx) * 4 * params.out_groups + group]);
    }
  }
  store(pixel, group, sum);
}
