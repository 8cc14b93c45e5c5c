// Transforms 3×3 filters for Winograd's method, and packs them as pack_conv2d.wgsl does.
//
//   packed[k, i, o] = (G g Gᵀ)[k]      g = weight[o, lanes[i]]; 0 where i or o is padding; k < (TILE + 2)²
//
//   weight  [outputs, inputs, 3, 3]  dense, PyTorch's OIHW order
//   lanes   [in_lanes]               the logical channel in each physical input lane, 0xffffffff in padding
//   packed  [SIDE², in_lanes, out_lanes]  f32 always
//
// A thread owns one output channel of one input lane. G is that of include/winograd.wgsl.
//
// Prelude: TILE (2 or 4), FOUR (whether it is 4).

struct Params {
  outputs: u32, inputs: u32, in_lanes: u32, out_lanes: u32,
}

@group(0) @binding(0) var<storage, read> weight: array<f32>;
@group(0) @binding(1) var<storage, read> lanes: array<u32>;
@group(0) @binding(2) var<storage, read_write> packed: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

const SIDE = TILE + 2;

fn transform(g: vec3f) -> array<f32, SIDE> {
#if FOUR
  let sum = (g[0] + g[2]) / 6;
  let half = g[1] / 6;
  let far = g[0] / 24 + g[2] / 6;
  let near = g[1] / 12;
  return array<f32, SIDE>(g[0] / 4, -sum - half, half - sum, far + near, far - near, g[2]);
#else
  return array<f32, SIDE>(g[0], (g[0] + g[1] + g[2]) / 2, (g[0] - g[1] + g[2]) / 2, g[2]);
#endif
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  if (index >= params.in_lanes * params.out_lanes) {
    return;
  }
  let out = index % params.out_lanes;
  let input = lanes[index / params.out_lanes];
  let inside = input < params.inputs && out < params.outputs;
  let first = select(0, (out * params.inputs + input) * 9, inside);
  // The loops do not begin with a constant, so that no compiler unrolls them: code that loads and stores is then there once, which is faster to
  // compile. Each step moves what the next one takes to the front.
  var columns: array<array<f32, SIDE>, 3>;
  for (var x = first; x < first + 3; x++) {
    columns[0] = columns[1];
    columns[1] = columns[2];
    columns[2] = transform(vec3f(weight[x], weight[x + 3], weight[x + 6]));
  }
  for (var y = out; y < out + SIDE; y++) {
    let row = transform(vec3f(columns[0][0], columns[1][0], columns[2][0]));
    for (var x = 0u; x < SIDE; x++) {
      packed[((y - out) * SIDE + x) * params.in_lanes * params.out_lanes + index] = select(0, row[x], inside);
    }
    for (var x = 0u; x < 3; x++) {
      for (var below = 1u; below < SIDE; below++) {
        columns[x][below - 1] = columns[x][below];
      }
    }
  }
}
