// A batch norm with fixed statistics as an affine map of each physical lane.
//
//   affine[0, lane] = s      affine[1, lane] = beta − mean · s      s = gamma / √(variance + ε); values of channel lanes[lane]
//
// Padding lanes get 0. A thread owns one lane.

struct Params {
  lane_count: u32, channels: u32, epsilon: f32,
}

@group(0) @binding(0) var<storage, read> gamma: array<f32>;
@group(0) @binding(1) var<storage, read> beta: array<f32>;
@group(0) @binding(2) var<storage, read> mean: array<f32>;
@group(0) @binding(3) var<storage, read> variance: array<f32>;
@group(0) @binding(4) var<storage, read> lanes: array<u32>;
@group(0) @binding(5) var<storage, read_write> affine: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= params.lane_count) {
    return;
  }
  var scale = 0.0;
  var shift = 0.0;
  let c = lanes[id.x];
  if (c < params.channels) {
    scale = gamma[c] / sqrt(variance[c] + params.epsilon);
    shift = beta[c] - mean[c] * scale;
  }
  affine[id.x] = scale;
  affine[params.lane_count + id.x] = shift;
}
