// Convolution as a matrix product by subgroup matrices ("tensor cores"): f16 inputs, f32 sums.
//
// Maths and layouts as in conv2d_tiled.wgsl, with elem = f16.
//
// A workgroup of four subgroups owns TILE output pixels × TILE output channels, with TILE = 4 · MATRIX, and takes k in steps of
// 2 · MATRIX. It shares tiles of both inputs in workgroup memory. A subgroup owns 2 × 2 of the tile's 4 × 4 matrices. At the end each
// subgroup writes its matrices one by one to a patch of workgroup memory, from which its lanes store vec4s with the epilogue.
//
// Prelude: elem; BIAS, RESIDUAL, PROLOGUE, ACTIVATION, PADDED as in conv2d_direct.wgsl; SUBGROUPS, MATRICES; SUBGROUP (lanes of every
// subgroup); MATRIX (rows and columns of a matrix, 8 or 16).

#include conv2d

@group(0) @binding(1) var<storage, read> w: array<vec4<elem>>;

const TILE = 4 * MATRIX;
const DEPTH = 2 * MATRIX;         // channels of a step
const STEP = DEPTH / 4;           // its vec4s
const X_ROW = DEPTH + 8;          // scalars of a row in workgroup memory; the gap spreads columns over its banks
const W_ROW = TILE + 8;
const THREADS = 4 * SUBGROUP;
const PATCH = MATRIX * MATRIX;

var<workgroup> x_tile: array<f16, TILE * X_ROW>;   // [pixel, k]
var<workgroup> w_tile: array<f16, DEPTH * W_ROW>;  // [k, output channel]
var<workgroup> patches: array<f32, 4 * PATCH>;
var<workgroup> arrived: atomic<u32>;

alias Left = subgroup_matrix_left<f16, MATRIX, MATRIX>;
alias Right = subgroup_matrix_right<f16, MATRIX, MATRIX>;
alias Sums = subgroup_matrix_result<f32, MATRIX, MATRIX>;

fn load_tiles(k: u32, first_pixel: u32, first_out: u32, lane: u32) {
  let total = params.kernel_h * params.kernel_w * params.in_groups;  // vec4 groups of k
  for (var l = lane; l < TILE * STEP; l += THREADS) {
    let own = k + l % STEP;
    var value = vec4h(0);
    if (own < total) {
      let index = own / params.in_groups;
      let source = tap(place(first_pixel + l / STEP), index / params.kernel_w, index % params.kernel_w);
      value = vec4h(load(source, own - index * params.in_groups));
    }
    for (var j = 0u; j < 4; j++) {
      x_tile[l / STEP * X_ROW + l % STEP * 4 + j] = value[j];
    }
  }
  for (var l = lane; l < DEPTH * MATRIX; l += THREADS) {
    let row = l / MATRIX;  // a row has TILE / 4 = MATRIX vec4s
    let out = first_out + l % MATRIX;
    var weight = vec4h(0);
    if (k * 4 + row < total * 4 && out < params.out_groups) {
      weight = w[(k * 4 + row) * params.out_groups + out];
    }
    for (var j = 0u; j < 4; j++) {
      w_tile[row * W_ROW + l % MATRIX * 4 + j] = weight[j];
    }
  }
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32, @builtin(subgroup_invocation_id) own_lane: u32,
) {
  let first_pixel = (workgroup.y + workgroup.z * workgroups.y) * TILE;
  let first_out = workgroup.x * MATRIX;
  // Subgroups are numbered as they arrive, since nothing says how lanes are dealt to them. Results do not depend on the numbers.
  var number = 0u;
  if (own_lane == 0) {
    number = atomicAdd(&arrived, 1);
  }
  let subgroup = subgroupBroadcast(number, 0u);
  let rows = subgroup / 2 * 2 * MATRIX;
  let columns = subgroup % 2 * 2 * MATRIX;
  var sum00: Sums;
  var sum01: Sums;
  var sum10: Sums;
  var sum11: Sums;
  let total = params.kernel_h * params.kernel_w * params.in_groups;
  for (var k = 0u; k < total; k += STEP) {
    load_tiles(k, first_pixel, first_out, lane);
    workgroupBarrier();
    for (var d = 0u; d < DEPTH; d += MATRIX) {
      let left0 = subgroupMatrixLoad<Left, row_major>(&x_tile, rows * X_ROW + d, X_ROW);
      let left1 = subgroupMatrixLoad<Left, row_major>(&x_tile, (rows + MATRIX) * X_ROW + d, X_ROW);
      let right0 = subgroupMatrixLoad<Right, row_major>(&w_tile, d * W_ROW + columns, W_ROW);
      let right1 = subgroupMatrixLoad<Right, row_major>(&w_tile, d * W_ROW + columns + MATRIX, W_ROW);
      sum00 = subgroupMatrixMultiplyAccumulate(left0, right0, sum00);
      sum01 = subgroupMatrixMultiplyAccumulate(left0, right1, sum01);
      sum10 = subgroupMatrixMultiplyAccumulate(left1, right0, sum10);
      sum11 = subgroupMatrixMultiplyAccumulate(left1, right1, sum11);
    }
    workgroupBarrier();
  }
  for (var part = 0u; part < 4; part++) {
    switch part {
      case 0u: { subgroupMatrixStore<row_major>(&patches, subgroup * PATCH, sum00, MATRIX); }
      case 1u: { subgroupMatrixStore<row_major>(&patches, subgroup * PATCH, sum01, MATRIX); }
      case 2u: { subgroupMatrixStore<row_major>(&patches, subgroup * PATCH, sum10, MATRIX); }
      default: { subgroupMatrixStore<row_major>(&patches, subgroup * PATCH, sum11, MATRIX); }
    }
    workgroupBarrier();
    for (var l = own_lane; l < PATCH / 4; l += SUBGROUP) {
      let at = subgroup * PATCH + l * 4;
      let out = first_out + (columns + part % 2 * MATRIX) / 4 + l % (MATRIX / 4);
      if (out < params.out_groups) {
        let pixel = first_pixel + rows + part / 2 * MATRIX + l / (MATRIX / 4);
        store(pixel, out, vec4f(patches[at], patches[at + 1], patches[at + 2], patches[at + 3]));
      }
    }
    workgroupBarrier();
  }
}
