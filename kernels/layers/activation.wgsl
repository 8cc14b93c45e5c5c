// An elementwise activation.
//
//   y = act(x)      x, y  nhwc4 pixels `first … first + count`; a dense tensor counts as one pixel
//
// A thread owns one vec4.
//
// Prelude: elem, ACTIVATION, MASKED (for activations with act(0) ≠ 0: padding lanes are set to zero; only for plain channels).

struct Params {
  first: u32, count: u32, groups: u32,
  x_offset: u32, x_pitch: u32, y_offset: u32, y_pitch: u32,
  channels: u32, act_a: f32, act_b: f32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<elem>>;
@group(0) @binding(2) var<uniform> params: Params;

#include activation
#include lanes

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  let group = index % params.groups;
  let pixel = params.first + index / params.groups;
  if (pixel >= params.first + params.count) {
    return;
  }
  var value = activate(vec4f(x[params.x_offset + pixel * params.x_pitch + group]), params.act_a, params.act_b);
#if MASKED
  value *= lane_mask(group, params.channels);
#endif
  y[params.y_offset + pixel * params.y_pitch + group] = vec4<elem>(value);
}
