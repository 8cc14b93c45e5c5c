// Adds rows of partial sums in order, so that the bits are always the same.
//
//   y[c] = Σ_r x[r, c]      x  [rows, columns] dense      y  [columns] dense
//
// A thread owns one column.

struct Params {
  rows: u32, columns: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let column = id.x + id.y * workgroups.x * 64;
  if (column >= params.columns) {
    return;
  }
  var sum = 0.0;
  for (var row = 0u; row < params.rows; row++) {
    sum += x[row * params.columns + column];
  }
  y[column] = sum;
}
