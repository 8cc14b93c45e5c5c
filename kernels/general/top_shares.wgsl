// The share of each element of a row in the mean of the row's k largest.
//
//   y[p] = min(max(k − a, 0) / e, 1) / k      a, e: how many elements of the row are larger than x[p], and equal to it (itself included)
//
// So the k largest get 1/k each and the others 0. Equal elements at the border share what is left, so that no order among them has to be
// chosen. A thread owns one element and compares it with the whole row.
//
// Prelude: x_elem, elem (of y), TENSORS (2). `walk` gives the place of the row's first element, see include/walk.wgsl.

struct Params {
  count: u32, rank: u32, x_offset: u32, y_offset: u32, lanes: u32, channels: u32,
  k: f32,
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
  let row = params.x_offset + place[0];
  let own = x[row + index % params.channels];
  var larger = 0u;
  var equal = 0u;
  for (var j = 0u; j < params.channels; j++) {
    let value = x[row + j];
    larger += u32(value > own);
    equal += u32(value == own);
  }
  let left = max(params.k - f32(larger), 0);
  y[params.y_offset + place[1]] = min(left / f32(max(equal, 1u)), 1) / params.k;
}
