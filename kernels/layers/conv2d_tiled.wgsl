// Convolution as a matrix product over tiles in workgroup memory. This suits GPUs.
//
//   y[p, o] = act( bias[o] + Σ_k pre(x[p, k]) · w[k, o] + residual[p, o] )      k runs over taps, then input channels
//
// Layouts as in conv2d_direct.wgsl; one convolution group only.
//
// A workgroup of 256 threads owns TILE_PIXELS (64) output pixels × TILE_GROUPS (16) vec4s of output channels, and takes k in steps of
// TILE_LANES (16). A thread owns 4 pixels × 4 channels; in each step it loads one vec4 of each tile.
//
// With SPLIT, params.splits workgroups share a tile. Each takes a stretch of k and writes its sums to `partial` (see conv2d_merge.wgsl).
//
// Prelude: elem; BIAS, RESIDUAL, PROLOGUE, ACTIVATION, PADDED, LANES as in conv2d_direct.wgsl; TILE_PIXELS, TILE_GROUPS, TILE_LANES; SPLIT.

#include conv2d

@group(0) @binding(1) var<storage, read> w: array<vec4<elem>>;
#if SPLIT
@group(0) @binding(5) var<storage, read_write> partial: array<vec4f>;  // in the place of y
#endif

const STEP = TILE_LANES / 4;  // vec4 groups of input in each step

var<workgroup> x_tile: array<vec4<elem>, TILE_PIXELS * STEP>;
var<workgroup> w_tile: array<vec4<elem>, TILE_LANES * TILE_GROUPS>;

fn finish(pixel: u32, out: u32, part: u32, sum: vec4f) {
#if SPLIT
  if (pixel < params.count) {
    partial[(part * params.count + pixel) * params.out_groups + out] = sum;
  }
#else
  store(pixel, out, sum);
#endif
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) workgroups: vec3u) {
  let first_pixel = (workgroup.y + workgroup.z * workgroups.y) * TILE_PIXELS;
#if SPLIT
  let part = workgroup.x % params.splits;
  let first_out = workgroup.x / params.splits * TILE_GROUPS;
#else
  let part = 0u;
  let first_out = workgroup.x * TILE_GROUPS;
#endif
  let column = lane % TILE_GROUPS;
  let row = lane / TILE_GROUPS;
  let all = params.kernel_h * params.kernel_w * params.in_groups;  // vec4 groups of k
#if SPLIT
  let stretch = (all + params.splits * STEP - 1) / (params.splits * STEP) * STEP;
  let from_k = part * stretch;
  let total = min(all, from_k + stretch);
#else
  let from_k = 0u;
  let total = all;
#endif
  let source = place(first_pixel + lane / STEP);
  let weights = first_weight(first_pixel);

  var sum0 = vec4f(0);
  var sum1 = vec4f(0);
  var sum2 = vec4f(0);
  var sum3 = vec4f(0);
  for (var k = from_k; k < total; k += STEP) {
    let own = k + lane % STEP;
    var value = vec4f(0);
    if (own < total) {
      let index = own / params.in_groups;
      let tap = tap(source, index / params.kernel_w, index % params.kernel_w);
      value = load(tap, own - index * params.in_groups);
    }
    x_tile[lane] = vec4<elem>(value);
    var weight = vec4<elem>(0);
    if (k * 4 + row < total * 4 && first_out + column < params.out_groups) {
      weight = w[weights + (k * 4 + row) * params.out_groups + first_out + column];
    }
    w_tile[lane] = weight;
    workgroupBarrier();
    for (var g = 0u; g < STEP; g++) {
      let w0 = vec4f(w_tile[g * 4 * TILE_GROUPS + column]);
      let w1 = vec4f(w_tile[(g * 4 + 1) * TILE_GROUPS + column]);
      let w2 = vec4f(w_tile[(g * 4 + 2) * TILE_GROUPS + column]);
      let w3 = vec4f(w_tile[(g * 4 + 3) * TILE_GROUPS + column]);
      let a0 = vec4f(x_tile[row * 4 * STEP + g]);
      let a1 = vec4f(x_tile[(row * 4 + 1) * STEP + g]);
      let a2 = vec4f(x_tile[(row * 4 + 2) * STEP + g]);
      let a3 = vec4f(x_tile[(row * 4 + 3) * STEP + g]);
#if LANES < 4
      let rows = mat4x4f(w0, w1, w2, w3);
      sum0 += products(rows, a0);
      sum1 += products(rows, a1);
      sum2 += products(rows, a2);
      sum3 += products(rows, a3);
#else
      sum0 += a0.x * w0 + a0.y * w1 + a0.z * w2 + a0.w * w3;
      sum1 += a1.x * w0 + a1.y * w1 + a1.z * w2 + a1.w * w3;
      sum2 += a2.x * w0 + a2.y * w1 + a2.z * w2 + a2.w * w3;
      sum3 += a3.x * w0 + a3.y * w1 + a3.z * w2 + a3.w * w3;
#endif
    }
    workgroupBarrier();
  }
  let out = first_out + column;
  if (out < params.out_groups) {
    let pixel = first_pixel + row * 4;
    finish(pixel, out, part, sum0);
    finish(pixel + 1, out, part, sum1);
    finish(pixel + 2, out, part, sum2);
    finish(pixel + 3, out, part, sum3);
  }
}
