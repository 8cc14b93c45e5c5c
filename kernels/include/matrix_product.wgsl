// A product of two matrices by subgroup matrices ("tensor cores"). The kernel also includes matrix_tiles (f16 factors, f32 sums) or
// matrix_tiles_int8 (8-bit factors, 32-bit sums), which define the tiles. An item of a tile is one value of k, or four of 8 bits. The kernel
// says what the factors are and where the product goes:
//
//   struct Part                                  what a workgroup owns, with at least these four fields of u32: the product's row and
//                                                column where its tile begins (`first_row`, `first_column`), and the range of items of
//                                                k that is summed (`first_k`, `end_k`)
//   fn part_of(workgroup: vec3u, workgroups: vec3u) -> Part
//   fn load_tiles(part: Part, k: u32, lane: u32)                   fills both tiles with DEPTH items of k, with zeros beyond the edges
//   fn finish(part: Part, row: u32, column: u32, sums: vec4<Sum>)  stores four columns of a row, which may lie beyond the edges
//
// A workgroup of four subgroups owns TILE rows × TILE columns, with TILE = 4 · MATRIX, and takes DEPTH items of k in a step. It shares
// tiles of both factors in workgroup memory. A subgroup owns 2 × 2 of the tile's 4 × 4 matrices. At the end each subgroup writes its
// matrices one by one to a patch of workgroup memory, from which its lanes take vec4s.
//
// Prelude: SUBGROUPS, MATRICES; SUBGROUP (lanes of every subgroup); MATRIX (rows and columns of a matrix, 8 or 16); TRANSPOSED (whether the
// left tile lies as [k, row] instead of [row, k]); INTEGERS (whether the tiles are those of matrix_tiles_int8).

const TILE = 4 * MATRIX;
const THREADS = 4 * SUBGROUP;
const PATCH = MATRIX * MATRIX;
var<workgroup> patches: array<Sum, 4 * PATCH>;
var<workgroup> arrived: atomic<u32>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32, @builtin(subgroup_invocation_id) own_lane: u32,
) {
  let part = part_of(workgroup, workgroups);
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
  for (var k = part.first_k; k < part.end_k; k += DEPTH) {
    load_tiles(part, k, lane);
    workgroupBarrier();
    for (var d = 0u; d < DEPTH; d += MATRIX_ITEMS) {
#if TRANSPOSED
      let left0 = subgroupMatrixLoad<Left, col_major>(&left_tile, d * LEFT_ROW + rows, LEFT_ROW);
      let left1 = subgroupMatrixLoad<Left, col_major>(&left_tile, d * LEFT_ROW + rows + MATRIX, LEFT_ROW);
#else
      let left0 = subgroupMatrixLoad<Left, row_major>(&left_tile, rows * LEFT_ROW + d, LEFT_ROW);
      let left1 = subgroupMatrixLoad<Left, row_major>(&left_tile, (rows + MATRIX) * LEFT_ROW + d, LEFT_ROW);
#endif
#if INTEGERS
      let right0 = subgroupMatrixLoad<Right, col_major>(&right_tile, columns * RIGHT_ROW + d, RIGHT_ROW);
      let right1 = subgroupMatrixLoad<Right, col_major>(&right_tile, (columns + MATRIX) * RIGHT_ROW + d, RIGHT_ROW);
#else
      let right0 = subgroupMatrixLoad<Right, row_major>(&right_tile, d * RIGHT_ROW + columns, RIGHT_ROW);
      let right1 = subgroupMatrixLoad<Right, row_major>(&right_tile, d * RIGHT_ROW + columns + MATRIX, RIGHT_ROW);
#endif
      sum00 = subgroupMatrixMultiplyAccumulate(left0, right0, sum00);
      sum01 = subgroupMatrixMultiplyAccumulate(left0, right1, sum01);
      sum10 = subgroupMatrixMultiplyAccumulate(left1, right0, sum10);
      sum11 = subgroupMatrixMultiplyAccumulate(left1, right1, sum11);
    }
    workgroupBarrier();
  }
  for (var quarter = 0u; quarter < 4; quarter++) {
    switch quarter {
      case 0u: { subgroupMatrixStore<row_major>(&patches, subgroup * PATCH, sum00, MATRIX); }
      case 1u: { subgroupMatrixStore<row_major>(&patches, subgroup * PATCH, sum01, MATRIX); }
      case 2u: { subgroupMatrixStore<row_major>(&patches, subgroup * PATCH, sum10, MATRIX); }
      default: { subgroupMatrixStore<row_major>(&patches, subgroup * PATCH, sum11, MATRIX); }
    }
    workgroupBarrier();
    let row = part.first_row + rows + quarter / 2 * MATRIX;
    let column = part.first_column + columns + quarter % 2 * MATRIX;
    for (var l = own_lane; l < PATCH / 4; l += SUBGROUP) {
      let at = subgroup * PATCH + l * 4;
      let sums = vec4<Sum>(patches[at], patches[at + 1], patches[at + 2], patches[at + 3]);
      finish(part, row + l / (MATRIX / 4), column + l % (MATRIX / 4) * 4, sums);
    }
    workgroupBarrier();
  }
}
