// Convolution as a matrix product by subgroup matrices: f16 inputs, f32 sums.
//
// Maths and layouts as in conv2d_tiled.wgsl, with elem = f16.
//
// Rows of the product are output pixels, and columns output channels. Which of them a workgroup and a subgroup own is in
// include/matrix_product.wgsl. In a network's first layer k has no gaps: it leaves out the padding of the input channels, k = tap · LANES + lane.
//
// Prelude: elem; BIAS, RESIDUAL, PROLOGUE, ACTIVATION, PADDED, LANES as in conv2d_direct.wgsl; SUBGROUPS, MATRICES, SUBGROUP, MATRIX, TRANSPOSED
// (false) as in include/matrix_product.wgsl.

#include conv2d
#include matrix_product
#include matrix_tiles

@group(0) @binding(1) var<storage, read> w: array<vec4<elem>>;

// vec4s of input that a step reads for a row. Three lanes do not divide a step, which may begin and end within a vec4.
const STEP = select(DEPTH / LANES, (DEPTH + 4) / 3, LANES == 3);

struct Part {
  first_row: u32, first_column: u32, first_k: u32, end_k: u32,
}

fn part_of(workgroup: vec3u, workgroups: vec3u) -> Part {
  let total = params.kernel_h * params.kernel_w * input_groups() * LANES;
  return Part((workgroup.y + workgroup.z * workgroups.y) * TILE, workgroup.x * TILE, 0, total);
}

fn load_tiles(part: Part, k: u32, lane: u32) {
  for (var l = lane; l < TILE * STEP; l += THREADS) {
    let row = l / STEP;
    let own = k / LANES + l % STEP;  // a vec4 of input, counted over taps and groups
    var value = vec4h(0);
    if (own * LANES < part.end_k) {
      let index = own / input_groups();
      let source = tap(place(part.first_row + row), index / params.kernel_w, index % params.kernel_w);
      value = vec4h(load(source, own - index * input_groups()));
    }
    if (LANES == 4) {
      put_left(row, l % STEP * 4, value);
    } else {
      for (var j = 0u; j < LANES; j++) {
        let at = own * LANES + j - k;  // a large number for what belongs to the step before
        if (at < DEPTH) {
          left_tile[row * LEFT_ROW + at] = value[j];
        }
      }
    }
  }
  for (var l = lane; l < DEPTH * MATRIX; l += THREADS) {
    let row = l / MATRIX;  // a row has TILE / 4 = MATRIX vec4s
    let out = part.first_column / 4 + l % MATRIX;
    var weight = vec4h(0);
    if (k + row < part.end_k && out < params.out_groups) {
      let packed = k + row + (k + row) / LANES * (4 - LANES);  // packed weights have rows of zeros for the padding
      weight = w[packed * params.out_groups + out];
    }
    put_right(row, l % MATRIX * 4, weight);
  }
}

fn finish(part: Part, row: u32, column: u32, sums: vec4f) {
  if (column / 4 < params.out_groups) {
    store(row, column / 4, sums);
  }
}
