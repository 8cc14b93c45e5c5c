// Elementwise product, then an activation.
//
//   y[p, c] = act(a[p, c] · b[p / spread, c])      a, y  nhwc4 pixels `first … first + count`
//                                                  b  likewise (spread 1), or one pixel for the `spread` pixels of an image of a
//
// A thread owns one vec4.
//
// Prelude: elem (of a and y), b_elem, ACTIVATION.

struct Params {
  first: u32, count: u32, groups: u32,
  a_offset: u32, a_pitch: u32, b_offset: u32, b_pitch: u32, y_offset: u32, y_pitch: u32,
  spread: u32, act_a: f32, act_b: f32,
}

@group(0) @binding(0) var<storage, read> a: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read> b: array<vec4<b_elem>>;
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
  let scale = vec4f(b[params.b_offset + pixel / params.spread * params.b_pitch + group]);
  let value = vec4f(a[params.a_offset + pixel * params.a_pitch + group]) * scale;
  y[params.y_offset + pixel * params.y_pitch + group] = vec4<elem>(activate(value, params.act_a, params.act_b));
}
