// The place of the largest or smallest number along a dimension.
//
//   y[i] = arg max or arg min over j of x[i, j]      `walk` gives the place of x[i, 0], see include/walk.wgsl; x[i, j] is j · step further
//
// Of several equal numbers the first counts or, with `last`, the last. A thread owns one scalar of y. Padding lanes become zero.
//
// Prelude: x_elem, elem (of y), TENSORS (2).

struct Params {
  count: u32, rank: u32, x_offset: u32, y_offset: u32, lanes: u32, channels: u32,
  size: u32, step: u32, factor: f32, last: u32,
}

@group(0) @binding(0) var<storage, read> x: array<x_elem>;
@group(0) @binding(1) var<storage, read> walk: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<elem>;
@group(0) @binding(3) var<uniform> params: Params;  // factor: −1 to find the smallest number, else 1

#include walk

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  if (index >= params.count) {
    return;
  }
  let place = places(index);
  var found = 0u;
  if (index % params.lanes < params.channels) {
    var peak = params.factor * f32(x[params.x_offset + place[0]]);
    for (var j = 1u; j < params.size; j++) {
      let value = params.factor * f32(x[params.x_offset + place[0] + j * params.step]);
      if (value > peak || (params.last == 1 && value == peak)) {
        peak = value;
        found = j;
      }
    }
  }
  y[params.y_offset + place[1]] = elem(found);
}
