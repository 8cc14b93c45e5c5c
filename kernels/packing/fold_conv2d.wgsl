// Folds a batch norm into the convolution before it.
//
//   s[o] = gamma[o] / √(variance[o] + ε)     folded[o, …] = weight[o, …] · s[o]     folded_bias[o] = (bias[o] − mean[o]) · s[o] + beta[o]
//
// A thread owns one weight; the thread of an output channel's first weight also owns its bias.
//
// Prelude: BIAS.

struct Params {
  elements: u32,
  filter_size: u32,   // weights of one output channel
  epsilon: f32,
}

@group(0) @binding(0) var<storage, read> weight: array<f32>;
@group(0) @binding(1) var<storage, read> bias: array<f32>;
@group(0) @binding(2) var<storage, read> gamma: array<f32>;
@group(0) @binding(3) var<storage, read> beta: array<f32>;
@group(0) @binding(4) var<storage, read> mean: array<f32>;
@group(0) @binding(5) var<storage, read> variance: array<f32>;
@group(0) @binding(6) var<storage, read_write> folded: array<f32>;
@group(0) @binding(7) var<storage, read_write> folded_bias: array<f32>;
@group(0) @binding(8) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  if (index >= params.elements) {
    return;
  }
  let o = index / params.filter_size;
  let scale = gamma[o] / sqrt(variance[o] + params.epsilon);
  folded[index] = weight[index] * scale;
  if (index == o * params.filter_size) {
    var offset = -mean[o];
#if BIAS
    offset += bias[o];
#endif
    folded_bias[o] = offset * scale + beta[o];
  }
}
