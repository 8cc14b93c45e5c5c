// Gradient of a strided convolution by its input, as matrix products by subgroup matrices: f16 inputs, f32 sums.
//
//   dx[n, iy, ix, i] = Σ_{oy·s + ky·d − p = iy, ox·s + kx·d − p = ix, o} dy[n, oy, ox, o] · w[ky, kx, o, i]
//
// Input pixels that agree in (iy mod s, ix mod s), their phase, are read by the same taps, and from one pixel of a phase to the next, ox
// grows by 1. So each phase is a convolution of dy with stride 1 by some of the taps, and a dispatch computes one. The alternative, one
// product with zeros where a tap does not reach a pixel, would multiply s² times as much. A phase that no tap reaches sums nothing and
// writes zeros.
//
// Along an axis the taps of a phase are evenly spaced. The t-th reaches pixel r of the phase from r + shift − t · back of dy.
//
//   dy, dx  nhwc4; only the pixels `first … first + count` of dx are written
//   w       [taps reversed, o, i] with o and i padded to vec4 groups, i innermost
//
// Rows of a product are the phase's pixels in all images, columns input channels, and k runs over the phase's taps and, innermost, o.
// Which rows and columns a workgroup and a subgroup own is in include/matrix_product.wgsl.
//
// Prelude: elem; SUBGROUPS, MATRICES, SUBGROUP, MATRIX, TRANSPOSED (false) as in include/matrix_product.wgsl.

struct Params {
  first: u32, count: u32, image: u32, images: u32,  // the band's pixels, and the images that it touches
  phase_y: u32, phase_x: u32, rows: u32, columns: u32,  // the phase, and its rows and columns in one image
  in_h: u32, in_w: u32, out_h: u32, out_w: u32, stride_h: u32, stride_w: u32,
  taps_h: u32, taps_w: u32,    // taps of the phase along both axes
  shift_h: u32, shift_w: u32,  // may be negative, which wraps
  back_h: u32, back_w: u32,
  tap: u32, tap_down: u32, tap_across: u32,  // the first tap's place among the reversed ones, and how far before it the next ones lie
  groups: u32, dy_groups: u32,  // vec4 groups of dx and of dy
  dy_offset: u32, dy_pitch: u32, y_offset: u32, y_pitch: u32,
}

@group(0) @binding(0) var<storage, read> dy: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read> w: array<vec4<elem>>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4<elem>>;
@group(0) @binding(3) var<uniform> params: Params;

#include matrix_product
#include matrix_tiles

const STEP = DEPTH / 4;  // vec4s of k in a step

struct Part {
  first_row: u32, first_column: u32, first_k: u32, end_k: u32,
}

fn part_of(workgroup: vec3u, workgroups: vec3u) -> Part {
  let total = params.taps_h * params.taps_w * params.dy_groups * 4;
  return Part((workgroup.y + workgroup.z * workgroups.y) * TILE, workgroup.x * TILE, 0, total);
}

struct Pixel {
  image: u32, y: u32, x: u32,  // rows and columns of the phase
}

fn pixel_of(row: u32) -> Pixel {
  let line = row / params.columns;
  return Pixel(line / params.rows, line % params.rows, row % params.columns);
}

fn load_tiles(part: Part, k: u32, lane: u32) {
  for (var l = lane; l < TILE * STEP; l += THREADS) {
    let own = k / 4 + l % STEP;  // a vec4 group of k
    let index = own / params.dy_groups;
    let pixel = pixel_of(part.first_row + l / STEP);
    // A position before the first row or column wraps to a large number.
    let y = pixel.y + params.shift_h - index / params.taps_w * params.back_h;
    let x = pixel.x + params.shift_w - index % params.taps_w * params.back_w;
    var value = vec4h(0);
    if (own * 4 < part.end_k && pixel.image < params.images && y < params.out_h && x < params.out_w) {
      let source = ((params.image + pixel.image) * params.out_h + y) * params.out_w + x;
      value = dy[params.dy_offset + source * params.dy_pitch + own - index * params.dy_groups];
    }
    put_left(l / STEP, l % STEP * 4, value);
  }
  for (var l = lane; l < DEPTH * MATRIX; l += THREADS) {
    let row = k + l / MATRIX;  // a row has TILE / 4 = MATRIX vec4s
    let group = part.first_column / 4 + l % MATRIX;
    var weight = vec4h(0);
    if (row < part.end_k && group < params.groups) {
      let depth = params.dy_groups * 4;
      let index = row / depth;
      let tap = params.tap - index / params.taps_w * params.tap_down - index % params.taps_w * params.tap_across;
      weight = w[(tap * depth + row - index * depth) * params.groups + group];
    }
    put_right(l / MATRIX, l % MATRIX * 4, weight);
  }
}

fn finish(part: Part, row: u32, column: u32, sums: vec4f) {
  let own = pixel_of(row);
  let y = params.phase_y + own.y * params.stride_h;
  let pixel = ((params.image + own.image) * params.in_h + y) * params.in_w + params.phase_x + own.x * params.stride_w;
  // Rows beyond the last belong to images after the band.
  if (column / 4 < params.groups && pixel >= params.first && pixel < params.first + params.count) {
    dx[params.y_offset + pixel * params.y_pitch + column / 4] = vec4<elem>(sums);
  }
}
