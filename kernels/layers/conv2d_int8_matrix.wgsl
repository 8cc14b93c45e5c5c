// Convolution of 8-bit integers as a matrix product by subgroup matrices: 8-bit factors, 32-bit sums.
//
// Maths and layouts as in conv2d_int8.wgsl, and the sums are the same integers.
//
// Rows of the product are output pixels, and columns output channels. Which of them a workgroup and a subgroup own is in
// include/matrix_product.wgsl. An item of a tile is a word, and vec4s of words are stored as they are read: a pixel's into its row, and those
// of an output channel into its column.
//
// Prelude: elem; BIAS, RESIDUAL, ACTIVATION, PADDED as in conv2d_int8.wgsl; PACKED (false); SUBGROUPS, MATRICES, SUBGROUP, MATRIX, TRANSPOSED
// (false), INTEGERS (true) as in include/matrix_product.wgsl; MATRIX_DEPTH as in include/matrix_tiles_int8.wgsl.

#include conv2d_int8
#include matrix_product
#include matrix_tiles_int8

const STEP = DEPTH / 4;  // vec4s of words in a step

struct Part {
  first_row: u32, first_column: u32, first_k: u32, end_k: u32,
}

fn part_of(workgroup: vec3u, workgroups: vec3u) -> Part {
  let total = params.kernel_h * params.kernel_w * params.in_groups * 4;
  return Part((workgroup.y + workgroup.z * workgroups.y) * TILE, workgroup.x * TILE, 0, total);
}

fn load_tiles(part: Part, k: u32, lane: u32) {
  for (var l = lane; l < TILE * STEP; l += THREADS) {
    let own = k / 4 + l % STEP;  // a vec4 of k
    var words = vec4u(0);
    if (own * 4 < part.end_k) {
      let index = own / params.in_groups;
      let source = tap(place(part.first_row + l / STEP), index / params.kernel_w, index % params.kernel_w);
      words = load(source, own - index * params.in_groups);
    }
    put_left(l / STEP, l % STEP * 4, words);
  }
  for (var l = lane; l < TILE * STEP; l += THREADS) {
    let own = k / 4 + l / TILE;
    let out = part.first_column + l % TILE;
    var words = vec4u(0);
    if (own * 4 < part.end_k && out < 4 * params.out_groups) {
      words = w[own * 4 * params.out_groups + out];
    }
    put_right(l % TILE, l / TILE * 4, words);
  }
}

fn finish(part: Part, row: u32, column: u32, sums: vec4i) {
  if (column / 4 < params.out_groups) {
    store_sum(row, column / 4, first_sum(column / 4) + sums);
  }
}
