// Elementwise sum, then an activation.
//
//   y = act(a + b)      a, b, y  nhwc4 pixels `first … first + count`
//
// A thread owns one vec4.
//
// Prelude: elem, ACTIVATION.

struct Params {
  first: u32, count: u32, groups: u32,
  a_offset: u32, a_pitch: u32, b_offset: u32, b_pitch: u32, y_offset: u32, y_pitch: u32,
  act_a: f32, act_b: f32,
}

@group(0) @binding(0) var<storage, read> a: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read> b: array<vec4<elem>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<elem>>;
@group(0) @binding(3) var<uniform> params: Params;

#include activation

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  let group = index % params.groups;
  let pixel = params.first + index / params.groups;
  if (pixel >= params.first + params.count) {
    return;
  }
  let sum = vec4f(a[params.a_offset + pixel * params.a_pitch + group]) + vec4f(b[params.b_offset + pixel * params.b_pitch + group]);
  y[params.y_offset + pixel * params.y_pitch + group] = vec4<elem>(activate(sum, params.act_a, params.act_b));
}
