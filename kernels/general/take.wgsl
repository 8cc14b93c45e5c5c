// Each place of the result along a dimension is one number of the input along that dimension, or a weighted sum of several.
//
//   y[…, i, …] = Σ_k weight[k] · x[…, source[k], …]      k from starts[i] to starts[i + 1]; `value` if there are none
//
// `walk` gives the places in y and in x (there for place 0 of the dimension), see include/walk.wgsl. `table` has the starts, then the sources,
// then the bits of the weights. A thread owns one scalar of y and adds in order. Padding lanes become zero.
//
// Prelude: x_elem, elem (of y), TENSORS (2).

struct Params {
  count: u32, rank: u32, x_offset: u32, y_offset: u32, lanes: u32, channels: u32,
  inner: u32, size: u32, step: u32, sources: u32, weights: u32, value: f32,
}

@group(0) @binding(0) var<storage, read> x: array<x_elem>;
@group(0) @binding(1) var<storage, read> walk: array<u32>;
@group(0) @binding(2) var<storage, read> table: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<elem>;
@group(0) @binding(4) var<uniform> params: Params;

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
    let i = index / params.inner % params.size;
    let end = table[i + 1];
    value = select(0, params.value, table[i] == end);
    for (var k = table[i]; k < end; k++) {
      let source = params.x_offset + place[0] + table[params.sources + k] * params.step;
      value += bitcast<f32>(table[params.weights + k]) * f32(x[source]);
    }
  }
  y[params.y_offset + place[1]] = elem(value);
}
