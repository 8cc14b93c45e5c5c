// Gradient of softmax by its input, row by row, computed from its output:
//
//   dx[p, c] = y[p, c] · (dy[p, c] − Σ_j dy[p, j] · y[p, j])
//
//   dy, y, dx  rows `first … first + count` of `columns` scalars, `pitch` apart; dx's padding lanes, columns … written − 1, become zero
//
// ROW_LANES lanes own a row, as in softmax.wgsl.
//
// Prelude: elem, ROW_LANES (power of two up to 64).

#include row

struct Params {
  first: u32, count: u32, columns: u32, written: u32,
  dy_offset: u32, dy_pitch: u32, y_offset: u32, y_pitch: u32, dx_offset: u32, dx_pitch: u32,
}

@group(0) @binding(0) var<storage, read> dy: array<elem>;
@group(0) @binding(1) var<storage, read> y: array<elem>;
@group(0) @binding(2) var<storage, read_write> dx: array<elem>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let own = lane % ROW_LANES;
  let index = (workgroup.x + workgroup.y * workgroups.x) * (64 / ROW_LANES) + lane / ROW_LANES;
  // Lanes without a row compute the last one again, because all lanes have to reach the barriers.
  let row = params.first + min(index, params.count - 1);
  let slope_at = params.dy_offset + row * params.dy_pitch;
  let value_at = params.y_offset + row * params.y_pitch;

  var sum = 0.0;
  for (var c = own; c < params.columns; c += ROW_LANES) {
    sum += f32(dy[slope_at + c]) * f32(y[value_at + c]);
  }
  sum = sum_of_row(sum, lane);

  if (index < params.count) {
    for (var c = own; c < params.written; c += ROW_LANES) {
      let at = min(c, params.columns - 1);
      let value = f32(y[value_at + at]) * (f32(dy[slope_at + at]) - sum);
      dx[params.dx_offset + row * params.dx_pitch + c] = elem(select(0, value, c < params.columns));
    }
  }
}
