// Products of batches of matrices; dimensions of the batch that are 1 are repeated.
//
//   y[b, m, n] = Σ_k a[b, m, k] · b[b, k, n]      `walk` over the batch gives the first element of each matrix, see include/walk.wgsl
//
// The params give the distances between rows and between columns of a and b, so that a transposed matrix needs no copy. A thread owns a
// block of 4 × 4 elements of y and adds in the order of k. A block that extends beyond an edge reads the last row or column again, and does
// not write those elements.
//
// Prelude: a_elem, b_elem, elem (of y), TENSORS (3).

struct Params {
  batches: u32, rank: u32, a_offset: u32, b_offset: u32, y_offset: u32,
  rows: u32, columns: u32, inner: u32, a_row: u32, a_inner: u32, b_inner: u32, b_column: u32,
}

@group(0) @binding(0) var<storage, read> a: array<a_elem>;
@group(0) @binding(1) var<storage, read> b: array<b_elem>;
@group(0) @binding(2) var<storage, read> walk: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<elem>;
@group(0) @binding(4) var<uniform> params: Params;

#include walk

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  let across = (params.columns + 3) / 4;
  let blocks = across * ((params.rows + 3) / 4);
  let batch = index / blocks;
  if (batch >= params.batches) {
    return;
  }
  let place = places(batch);
  let block = index - batch * blocks;
  let row = block / across * 4;
  let column = (block - block / across * across) * 4;
  let lanes = vec4u(0, 1, 2, 3);
  let at_a = params.a_offset + place[0] + min(row + lanes, vec4u(params.rows - 1)) * params.a_row;
  let at_b = params.b_offset + place[1] + min(column + lanes, vec4u(params.columns - 1)) * params.b_column;

  var sums: array<vec4f, 4>;
  for (var k = 0u; k < params.inner; k++) {
    let from_a = at_a + k * params.a_inner;
    let from_b = at_b + k * params.b_inner;
    let factors = vec4f(f32(b[from_b.x]), f32(b[from_b.y]), f32(b[from_b.z]), f32(b[from_b.w]));
    sums[0] += f32(a[from_a.x]) * factors;
    sums[1] += f32(a[from_a.y]) * factors;
    sums[2] += f32(a[from_a.z]) * factors;
    sums[3] += f32(a[from_a.w]) * factors;
  }
  let to = params.y_offset + place[2] + row * params.columns + column;
  for (var i = 0u; i < min(4, params.rows - row); i++) {
    for (var j = 0u; j < min(4, params.columns - column); j++) {
      y[to + i * params.columns + j] = elem(sums[i][j]);
    }
  }
}
