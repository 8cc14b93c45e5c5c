// Fully connected layer.
//
//   y[n, o] = bias[o] + Σ_i x[n, i] · weight[o, i]
//
//   x       [batch, inputs]    nhwc4, f32: rows x_pitch · 4 scalars apart
//   weight  [outputs, inputs]  dense      y  [batch, outputs]  dense
//
// One workgroup owns one output of one image. Each lane sums over every LANES-th input, and lanes are added pairwise in a fixed tree.
//
// Prelude: LANES (power of two), BIAS.

struct Params {
  inputs: u32, outputs: u32, x_offset: u32, x_pitch: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

var<workgroup> sums: array<f32, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
  let o = workgroup.x;
  let n = workgroup.y;
  var sum = 0.0;
  for (var i = lane; i < params.inputs; i += LANES) {
    sum += x[(params.x_offset + n * params.x_pitch) * 4 + i] * weight[o * params.inputs + i];
  }
  sums[lane] = sum;
  for (var half = LANES / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) {
      sums[lane] += sums[lane + half];
    }
  }
  if (lane == 0) {
#if BIAS
    y[n * params.outputs + o] = sums[0] + bias[o];
#else
    y[n * params.outputs + o] = sums[0];
#endif
  }
}
