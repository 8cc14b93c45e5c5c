// Gradient of a convolution by its weights, as a matrix product by subgroup matrices: f16 inputs, f32 sums.
//
//   partial[chunk, row, j, o] = Σ_{p in chunk} x[p, row][j] · dy[p, o]      row  one vec4 of input channels of one tap
//
// Sums, layouts and params as in conv2d_weight_gradient.wgsl, with elem = f16; one convolution group only.
//
// Rows of the product are the input channels of all taps, columns output channels, and k counts a chunk's pixels. Both tiles lie in
// workgroup memory as [pixel, channel], so that vec4s of x are stored as they are read; its matrices are then loaded column by column. Which
// rows and columns a workgroup and a subgroup own is in include/matrix_product.wgsl.
//
// Prelude: elem; SUBGROUPS, MATRICES, SUBGROUP, MATRIX, TRANSPOSED (true) as in include/matrix_product.wgsl.

#include conv2d_weight_gradient
#include matrix_product
#include matrix_tiles

struct Part {
  first_row: u32, first_column: u32, first_k: u32, end_k: u32,
  chunk: u32,  // among those of all bands
}

fn part_of(workgroup: vec3u, workgroups: vec3u) -> Part {
  let start = params.first + workgroup.z * params.chunk;
  let end = min(start + params.chunk, params.first + params.count);
  return Part(workgroup.y * TILE, workgroup.x * TILE, start, end, params.first_chunk + workgroup.z);
}

fn load_tiles(part: Part, pixel: u32, lane: u32) {
  // THREADS is a multiple of MATRIX, so a thread loads the same channels of all its pixels. A tile has TILE / 4 = MATRIX vec4s of a pixel.
  let across = lane % MATRIX;
  let row = part.first_row / 4 + across;
  let out = part.first_column / 4 + across;
  let tap = tap_of(row);
  for (var down = lane / MATRIX; down < DEPTH; down += THREADS / MATRIX) {
    let p = pixel + down;
    var a = vec4h(0);
    var d = vec4h(0);
    if (p < part.end_k) {
      let line = p / params.out_w;
      let image = line / params.out_h;
      let iy = i32(line - image * params.out_h) * params.stride_h + tap.shift_y;
      let ix = i32(p - line * params.out_w) * params.stride_w + tap.shift_x;
      if (row < row_count() && iy >= 0 && iy < params.in_h && ix >= 0 && ix < params.in_w) {
        let origin = image * u32(params.in_h * params.in_w) + u32(iy * params.in_w + ix);
        a = x[params.x_offset + origin * params.x_pitch + row % params.in_groups];
      }
      if (out < params.out_groups) {
        d = dy[params.dy_offset + p * params.dy_pitch + out];
      }
    }
    put_left(down, across * 4, a);
    put_right(down, across * 4, d);
  }
}

fn finish(part: Part, row: u32, column: u32, sums: vec4f) {
  let rows = row_count() * 4;
  if (row < rows && column / 4 < params.out_groups) {
    partial[(part.chunk * rows + row) * params.out_groups + column / 4] = sums;
  }
}
