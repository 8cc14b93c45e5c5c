// Convolution as a matrix product by subgroup matrices: f16 inputs, f32 sums.
//
// Maths and layouts as in conv2d_tiled.wgsl, with elem = f16.
//
// Rows of the product are output pixels, and columns output channels. Which of them a workgroup and a subgroup own is in
// include/matrix_product.wgsl.
//
// Prelude: elem; BIAS, RESIDUAL, PROLOGUE, ACTIVATION, PADDED as in conv2d_direct.wgsl; SUBGROUPS, MATRICES, SUBGROUP, MATRIX, TRANSPOSED
// (false) as in include/matrix_product.wgsl.

#include conv2d
#include matrix_product
#include matrix_tiles

@group(0) @binding(1) var<storage, read> w: array<vec4<elem>>;

const STEP = DEPTH / 4;  // vec4s of k in a step

struct Part {
  first_row: u32, first_column: u32, first_k: u32, end_k: u32,
}

fn part_of(workgroup: vec3u, workgroups: vec3u) -> Part {
  let total = params.kernel_h * params.kernel_w * params.in_groups * 4;
  return Part((workgroup.y + workgroup.z * workgroups.y) * TILE, workgroup.x * TILE, 0, total);
}

fn load_tiles(part: Part, k: u32, lane: u32) {
  for (var l = lane; l < TILE * STEP; l += THREADS) {
    let own = k / 4 + l % STEP;  // a vec4 group of k
    var value = vec4h(0);
    if (own * 4 < part.end_k) {
      let index = own / params.in_groups;
      let source = tap(place(part.first_row + l / STEP), index / params.kernel_w, index % params.kernel_w);
      value = vec4h(load(source, own - index * params.in_groups));
    }
    put_left(l / STEP, l % STEP * 4, value);
  }
  for (var l = lane; l < DEPTH * MATRIX; l += THREADS) {
    let row = l / MATRIX;  // a row has TILE / 4 = MATRIX vec4s
    let out = part.first_column / 4 + l % MATRIX;
    var weight = vec4h(0);
    if (k + row < part.end_k && out < params.out_groups) {
      weight = w[(k + row) * params.out_groups + out];
    }
    put_right(row, l % MATRIX * 4, weight);
  }
}

fn finish(part: Part, row: u32, column: u32, sums: vec4f) {
  if (column / 4 < params.out_groups) {
    store(row, column / 4, sums);
  }
}
