// The tiles of matrix_product.wgsl for f16 factors and f32 sums. An item of a tile is one f16.

alias Sum = f32;
const MATRIX_ITEMS = MATRIX;  // items of k in a matrix
const DEPTH = 2 * MATRIX;     // items of k in a step
const RIGHT_ROW = TILE + 8;  // items of a row in workgroup memory; the gap spreads columns over its banks
#if TRANSPOSED
const LEFT_ROW = TILE + 8;
var<workgroup> left_tile: array<f16, DEPTH * LEFT_ROW>;  // [k, row]
#else
const LEFT_ROW = DEPTH + 8;
var<workgroup> left_tile: array<f16, TILE * LEFT_ROW>;  // [row, k]
#endif
var<workgroup> right_tile: array<f16, DEPTH * RIGHT_ROW>;  // [k, column]

alias Left = subgroup_matrix_left<f16, MATRIX, MATRIX>;
alias Right = subgroup_matrix_right<f16, MATRIX, MATRIX>;
alias Sums = subgroup_matrix_result<f32, MATRIX, MATRIX>;

// Stores four values of k of a row of the left tile, or four rows of a value of k if it is TRANSPOSED; `line` and `place` count in the tile.
fn put_left(line: u32, place: u32, value: vec4h) {
  for (var j = 0u; j < 4; j++) {
    left_tile[line * LEFT_ROW + place + j] = value[j];
  }
}

// Stores four columns of a value of k of the right tile.
fn put_right(k: u32, column: u32, value: vec4h) {
  for (var j = 0u; j < 4; j++) {
    right_tile[k * RIGHT_ROW + column + j] = value[j];
  }
}
