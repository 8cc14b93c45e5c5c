// The tiles of matrix_product.wgsl for signed 8-bit factors and 32-bit sums. An item of a tile is a word of four integers that follow each
// other along k. Matrices are loaded from words, so offsets and strides count words too. Both tiles have k innermost.
//
// Prelude, besides that of matrix_product.wgsl: MATRIX_DEPTH (values of k that a matrix multiplies: 8, 16, 32 or 64).

alias Sum = i32;
const MATRIX_ITEMS = MATRIX_DEPTH / 4;  // words of k in a matrix
const DEPTH = 16;                       // words of k in a step
const LEFT_ROW = DEPTH + 4;  // words of a row in workgroup memory; the gap spreads rows over its banks
const RIGHT_ROW = DEPTH + 4;  // the same of a column
var<workgroup> left_tile: array<i32, TILE * LEFT_ROW>;    // [row, k]
var<workgroup> right_tile: array<i32, TILE * RIGHT_ROW>;  // [column, k]

alias Left = subgroup_matrix_left<i8, MATRIX_DEPTH, MATRIX>;
alias Right = subgroup_matrix_right<i8, MATRIX, MATRIX_DEPTH>;
alias Sums = subgroup_matrix_result<i32, MATRIX, MATRIX>;

// Stores four words of k of a row of the left tile.
fn put_left(row: u32, k: u32, words: vec4u) {
  for (var j = 0u; j < 4; j++) {
    left_tile[row * LEFT_ROW + k + j] = bitcast<i32>(words[j]);
  }
}

// Stores four words of k of a column of the right tile.
fn put_right(column: u32, k: u32, words: vec4u) {
  for (var j = 0u; j < 4; j++) {
    right_tile[column * RIGHT_ROW + k + j] = bitcast<i32>(words[j]);
  }
}
