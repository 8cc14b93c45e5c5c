// Copies numbers to other places: another order of dimensions, another layout, repeated dimensions.
//
//   y[i] = x[i]      `walk` gives the places in x and y, see include/walk.wgsl
//
// A thread owns one scalar of y. Padding lanes become zero.
//
// Prelude: x_elem, elem (of y), TENSORS (2).

struct Params {
  count: u32, rank: u32, x_offset: u32, y_offset: u32, lanes: u32, channels: u32,
}

@group(0) @binding(0) var<storage, read> x: array<x_elem>;
@group(0) @binding(1) var<storage, read> walk: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<elem>;
@group(0) @binding(3) var<uniform> params: Params;

#include walk

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  if (index >= params.count) {
    return;
  }
  let place = places(index);
  var value = elem(0);
  if (index % params.lanes < params.channels) {
    value = elem(x[params.x_offset + place[0]]);
  }
  y[params.y_offset + place[1]] = value;
}
