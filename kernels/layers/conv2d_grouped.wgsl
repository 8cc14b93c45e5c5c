// Grouped convolution that reads single lanes: for groups whose width is not a multiple of 4 channels, and for inputs with holes between
// segments.
//
//   y[n, oy, ox, o] = act( bias[o] + Σ_{ky, kx, i} x[n, iy, ix, g·I + i] · w[o, i, ky, kx] + residual )
//                                                       g = ⌊o / O⌋, with I inputs and O outputs in each group
//
//   x, residual, y as in conv2d_direct.wgsl      w  [outputs, I, kernel_h, kernel_w] dense
//   lanes  the physical lane of each input channel
//
// A thread owns four output channels of one pixel.
//
// Prelude: elem; BIAS, RESIDUAL, ACTIVATION, PADDED as in conv2d_direct.wgsl; PROLOGUE is 0.

#include conv2d

@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(4) var<storage, read> lanes: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  let out = index % params.out_groups;
  let pixel = index / params.out_groups;
  if (pixel >= params.count) {
    return;
  }
  let source = place(pixel);
  var sum = vec4f(0);
  for (var j = 0u; j < 4 && out * 4 + j < params.outputs; j++) {
    let o = out * 4 + j;
    let first_input = o / params.group_outputs * params.in_groups;
    for (var ky = 0u; ky < params.kernel_h; ky++) {
      for (var kx = 0u; kx < params.kernel_w; kx++) {
        let tap = tap(source, ky, kx);
        for (var i = 0u; i < params.in_groups; i++) {
          let lane = lanes[first_input + i];
          let weight = w[((o * params.in_groups + i) * params.kernel_h + ky) * params.kernel_w + kx];
          sum[j] += load(tap, lane / 4)[lane % 4] * weight;
        }
      }
    }
  }
  store(pixel, out, sum);
}
