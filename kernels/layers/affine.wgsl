// Scales and shifts each channel, then applies an activation: batch norm with fixed statistics.
//
//   y[p, c] = act(x[p, c] · scale[c] + shift[c])      x, y  nhwc4 pixels `first … first + count`; affine  scale, then shift
//
// A thread owns one vec4.
//
// Prelude: elem, ACTIVATION.

struct Params {
  first: u32, count: u32, groups: u32,
  x_offset: u32, x_pitch: u32, y_offset: u32, y_pitch: u32,
  act_a: f32, act_b: f32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read> affine: array<vec4f>;
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
  let value = vec4f(x[params.x_offset + pixel * params.x_pitch + group]) * affine[group] + affine[params.groups + group];
  y[params.y_offset + pixel * params.y_pitch + group] = vec4<elem>(activate(value, params.act_a, params.act_b));
}
