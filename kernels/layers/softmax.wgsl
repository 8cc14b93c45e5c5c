// Softmax of each row: the channels of a pixel, or the last dimension of a dense tensor.
//
//   y[p, c] = exp(x[p, c] − m) / Σ_j exp(x[p, j] − m)      m = max_j x[p, j]
//
//   x, y  rows `first … first + count` of `columns` scalars, `pitch` apart; y's padding lanes, columns … written − 1, become zero
//
// ROW_LANES lanes own a row, so that a workgroup of 64 has 64 / ROW_LANES rows. A lane takes every ROW_LANES-th column.
//
// Prelude: elem, ROW_LANES (power of two up to 64).

#include row

struct Params {
  first: u32, count: u32, columns: u32, written: u32,
  x_offset: u32, x_pitch: u32, y_offset: u32, y_pitch: u32,
}

@group(0) @binding(0) var<storage, read> x: array<elem>;
@group(0) @binding(1) var<storage, read_write> y: array<elem>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let own = lane % ROW_LANES;
  let index = (workgroup.x + workgroup.y * workgroups.x) * (64 / ROW_LANES) + lane / ROW_LANES;
  // Lanes without a row compute the last one again, because all lanes have to reach the barriers.
  let row = params.first + min(index, params.count - 1);
  let source = params.x_offset + row * params.x_pitch;

  var peak = -0x1.fffffep+127;  // the lowest finite number
  for (var c = own; c < params.columns; c += ROW_LANES) {
    peak = max(peak, f32(x[source + c]));
  }
  peak = largest_of_row(peak, lane);

  var sum = 0.0;
  for (var c = own; c < params.columns; c += ROW_LANES) {
    sum += exp(f32(x[source + c]) - peak);
  }
  sum = sum_of_row(sum, lane);

  if (index < params.count) {
    for (var c = own; c < params.written; c += ROW_LANES) {
      let value = exp(f32(x[source + min(c, params.columns - 1)]) - peak) / sum;
      y[params.y_offset + row * params.y_pitch + c] = elem(select(0, value, c < params.columns));
    }
  }
}
