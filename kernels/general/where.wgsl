// Chooses one of two numbers by a condition; dimensions of 1 are repeated.
//
//   y[i] = condition[i] ≠ 0 ? a[i] : b[i]      `walk` gives the places in condition, a, b and y, see include/walk.wgsl
//
// A thread owns one scalar of y. Padding lanes become zero.
//
// Prelude: condition_elem, a_elem, b_elem, elem (of y), TENSORS (4).

struct Params {
  count: u32, rank: u32, condition_offset: u32, a_offset: u32, b_offset: u32, y_offset: u32, lanes: u32, channels: u32,
}

@group(0) @binding(0) var<storage, read> condition: array<condition_elem>;
@group(0) @binding(1) var<storage, read> a: array<a_elem>;
@group(0) @binding(2) var<storage, read> b: array<b_elem>;
@group(0) @binding(3) var<storage, read> walk: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<elem>;
@group(0) @binding(5) var<uniform> params: Params;

#include walk

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  if (index >= params.count) {
    return;
  }
  let place = places(index);
  var value = 0.0;
  if (index % params.lanes < params.channels) {
    if (f32(condition[params.condition_offset + place[0]]) != 0) {
      value = f32(a[params.a_offset + place[1]]);
    } else {
      value = f32(b[params.b_offset + place[2]]);
    }
  }
  y[params.y_offset + place[3]] = elem(value);
}
