// Gradient of a convolution by its weights, as a matrix product over tiles in workgroup memory. This suits GPUs.
//
//   partial[chunk, row, j, o] = Σ_{p in chunk} x[p, row][j] · dy[p, o]      row  one vec4 of input channels of one tap
//
// Sums, layouts and params as in conv2d_weight_gradient.wgsl; one convolution group only.
//
// A workgroup of 256 threads owns 16 rows × 16 vec4s of output channels of one chunk, and takes 16 pixels in each step. A thread owns
// 4 input × 4 output channels; in each step it loads one vec4 of each tile.
//
// Prelude: elem.

#include conv2d_weight_gradient

const TILE = 16u;

var<workgroup> x_tile: array<vec4<elem>, TILE * TILE>;   // [pixel, row]
var<workgroup> dy_tile: array<vec4<elem>, TILE * TILE>;  // [pixel, out]

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
  let across = lane % TILE;
  let down = lane / TILE;
  let rows = row_count();
  // This thread loads row `across` of x and output `across` of dy, both of pixel `down`.
  let row = workgroup.y * TILE + across;
  let out = workgroup.x * TILE + across;
  let tap = tap_of(row);
  let start = params.first + workgroup.z * params.chunk;
  let end = min(start + params.chunk, params.first + params.count);

  var sum0 = vec4f(0);
  var sum1 = vec4f(0);
  var sum2 = vec4f(0);
  var sum3 = vec4f(0);
  for (var pixel = start; pixel < end; pixel += TILE) {
    let p = pixel + down;
    var a = vec4<elem>(0);
    var d = vec4<elem>(0);
    if (p < end) {
      let line = p / params.out_w;
      let image = line / params.out_h;
      let iy = i32(line - image * params.out_h) * params.stride_h + tap.shift_y;
      let ix = i32(p - line * params.out_w) * params.stride_w + tap.shift_x;
      if (row < rows && iy >= 0 && iy < params.in_h && ix >= 0 && ix < params.in_w) {
        let origin = image * u32(params.in_h * params.in_w) + u32(iy * params.in_w + ix);
        a = x[params.x_offset + origin * params.x_pitch + row % params.in_groups];
      }
      if (out < params.out_groups) {
        d = dy[params.dy_offset + p * params.dy_pitch + out];
      }
    }
    x_tile[lane] = a;
    dy_tile[lane] = d;
    workgroupBarrier();
    for (var k = 0u; k < TILE; k++) {
      let v = vec4f(x_tile[k * TILE + down]);
      let s = vec4f(dy_tile[k * TILE + across]);
      sum0 += v.x * s;
      sum1 += v.y * s;
      sum2 += v.z * s;
      sum3 += v.w * s;
    }
    workgroupBarrier();
  }
  // This thread owns row `down` and output `across`.
  store(workgroup.z, workgroup.y * TILE + down, out, sum0, sum1, sum2, sum3);
}
