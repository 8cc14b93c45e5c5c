// The last step of a convolution whose sums over k were split among workgroups (conv2d_tiled.wgsl with SPLIT): adds the parts.
//
//   y[p, o] = act( bias[o] + Σ_part partial[part, p, o] + residual[p, o] )      parts in order, so that the bits are the same in every run
//
//   partial  [splits, count, out_groups] vec4s, f32 always      residual, y as in conv2d_direct.wgsl
//
// A thread owns one vec4 of y.
//
// Prelude: elem; BIAS, RESIDUAL, ACTIVATION as in conv2d_direct.wgsl.

#include conv2d_params
#include conv2d_store

@group(0) @binding(0) var<storage, read> partial: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  let size = params.count * params.out_groups;
  if (index >= size) {
    return;
  }
  var sum = vec4f(0);
  for (var part = 0u; part < params.splits; part++) {
    sum += partial[part * size + index];
  }
  store(index / params.out_groups, index % params.out_groups, sum);
}
