// Convolution as a matrix product over large tiles in workgroup memory, for GPUs and layers that are large enough to fill them.
//
// Maths and layouts as in conv2d_tiled.wgsl.
//
// A workgroup owns TILE_PIXELS (128) output pixels × TILE_GROUPS (16 or 32) vec4s of output channels, and takes k in steps of TILE_LANES (8).
// A thread owns 8 pixels × 8 channels, so that it reads half as much workgroup memory for a product as with 4 × 4. There are two copies of
// each tile: while one is multiplied, the next values are on their way, and are written to the other. So a step takes one barrier.
//
// Prelude: elem; BIAS, RESIDUAL, PROLOGUE, ACTIVATION, PADDED, LANES as in conv2d_direct.wgsl; TILE_PIXELS, TILE_GROUPS, TILE_LANES.

#include conv2d

@group(0) @binding(1) var<storage, read> w: array<vec4<elem>>;

const STEP = TILE_LANES / 4;        // vec4 groups of input in each step
const COLUMNS = TILE_GROUPS / 2;    // threads along the channels; the two vec4s of a thread are COLUMNS apart
const THREADS = COLUMNS * TILE_PIXELS / 8;
const X_SIZE = TILE_PIXELS * STEP;
const W_SIZE = TILE_LANES * TILE_GROUPS;
const X_LOADS = X_SIZE / THREADS;   // vec4s of x_tile that a thread loads in each step; of w_tile it loads one
const_assert W_SIZE == THREADS;

var<workgroup> x_tile: array<vec4<elem>, 2 * X_SIZE>;
var<workgroup> w_tile: array<vec4<elem>, 2 * W_SIZE>;

fn load_x(source: Place, own: u32, total: u32) -> vec4<elem> {
  if (own >= total) {
    return vec4<elem>(0);
  }
  let index = own / params.in_groups;
  return vec4<elem>(load(tap(source, index / params.kernel_w, index % params.kernel_w), own - index * params.in_groups));
}

fn load_w(row: u32, out: u32, total: u32) -> vec4<elem> {
  if (row >= total * 4 || out >= params.out_groups) {
    return vec4<elem>(0);
  }
  return w[row * params.out_groups + out];
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) workgroups: vec3u) {
  let first_pixel = (workgroup.y + workgroup.z * workgroups.y) * TILE_PIXELS;
  let first_out = workgroup.x * TILE_GROUPS;
  let column = lane % COLUMNS;
  let row = lane / COLUMNS;
  let total = params.kernel_h * params.kernel_w * params.in_groups;  // vec4 groups of k
  var sources: array<Place, X_LOADS>;
  var next_x: array<vec4<elem>, X_LOADS>;
  for (var l = 0u; l < X_LOADS; l++) {
    sources[l] = place(first_pixel + (lane + l * THREADS) / STEP);
    x_tile[lane + l * THREADS] = load_x(sources[l], lane % STEP, total);
  }
  w_tile[lane] = load_w(lane / TILE_GROUPS, first_out + lane % TILE_GROUPS, total);
  workgroupBarrier();

  var sums: array<vec4f, 16>;  // of pixel j: 2 · j and 2 · j + 1
  var copy = 0u;
  for (var k = 0u; k < total; k += STEP) {
    for (var l = 0u; l < X_LOADS; l++) {
      next_x[l] = load_x(sources[l], k + STEP + lane % STEP, total);
    }
    let next_w = load_w((k + STEP) * 4 + lane / TILE_GROUPS, first_out + lane % TILE_GROUPS, total);
    for (var g = 0u; g < STEP; g++) {
      var weights: array<mat4x4f, 2>;
      for (var half = 0u; half < 2; half++) {
        let at = copy * W_SIZE + g * 4 * TILE_GROUPS + half * COLUMNS + column;
        weights[half] = mat4x4f(
          vec4f(w_tile[at]), vec4f(w_tile[at + TILE_GROUPS]),
          vec4f(w_tile[at + 2 * TILE_GROUPS]), vec4f(w_tile[at + 3 * TILE_GROUPS]),
        );
      }
      for (var j = 0u; j < 8; j++) {
        let value = vec4f(x_tile[copy * X_SIZE + (row * 8 + j) * STEP + g]);
        sums[2 * j] += products(weights[0], value);
        sums[2 * j + 1] += products(weights[1], value);
      }
    }
    copy = 1 - copy;
    for (var l = 0u; l < X_LOADS; l++) {
      x_tile[copy * X_SIZE + lane + l * THREADS] = next_x[l];
    }
    w_tile[copy * W_SIZE + lane] = next_w;
    workgroupBarrier();
  }
  for (var j = 0u; j < 8; j++) {
    for (var half = 0u; half < 2; half++) {
      let out = first_out + half * COLUMNS + column;
      if (out < params.out_groups) {
        store(first_pixel + row * 8 + j, out, sums[2 * j + half]);
      }
    }
  }
}
