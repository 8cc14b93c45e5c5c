// Prepares the rows that batch_norm_gradient.wgsl reads: scale, mean, shift and slope, with one value for each lane, zero in padding.
//
//   scale = γ · s      shift = sums / N      slope = products · s / N      s = 1 / √(variance + ε)
//
//   gamma, mean, variance, sums, products  [channels] dense      lanes  the logical channel in each lane, 0xffffffff in padding
//
// A thread owns one lane.

struct Params {
  lane_count: u32, channels: u32, pixels: u32, epsilon: f32,
}

@group(0) @binding(0) var<storage, read> gamma: array<f32>;
@group(0) @binding(1) var<storage, read> mean: array<f32>;
@group(0) @binding(2) var<storage, read> variance: array<f32>;
@group(0) @binding(3) var<storage, read> sums: array<f32>;
@group(0) @binding(4) var<storage, read> products: array<f32>;
@group(0) @binding(5) var<storage, read> lanes: array<u32>;
@group(0) @binding(6) var<storage, read_write> rows: array<f32>;
@group(0) @binding(7) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let lane = id.x;
  if (lane >= params.lane_count) {
    return;
  }
  var values = vec4f(0);
  let c = lanes[lane];
  if (c < params.channels) {
    let s = 1 / sqrt(variance[c] + params.epsilon);
    let n = f32(params.pixels);
    values = vec4f(gamma[c] * s, mean[c], sums[c] / n, products[c] * s / n);
  }
  for (var row = 0u; row < 4; row++) {
    rows[row * params.lane_count + lane] = values[row];
  }
}
