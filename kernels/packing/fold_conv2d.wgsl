// Folds a batch norm into the convolution before it.
//
//   s[o] = gamma[o] / √(variance[o] + ε)     folded[o, …] = weight[o, …] · s[o]     folded_bias[o] = (bias[o] − mean[o]) · s[o] + beta[o]
//
// A workgroup owns PART weights of an output channel. If there are more channels than workgroups along y, each takes several, at equal distances. The
// scale is computed once for all weights that a thread owns in a channel. The first thread of a channel also owns its bias.
//
// Prelude: BIAS.

struct Params {
  outputs: u32,
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

const PART = 1024u;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = workgroup.x * PART + lane;
  let end = min((workgroup.x + 1) * PART, params.filter_size);
  for (var o = workgroup.y; o < params.outputs; o += workgroups.y) {
    let scale = gamma[o] / sqrt(variance[o] + params.epsilon);
    for (var i = first; i < end; i += 64) {
      folded[o * params.filter_size + i] = weight[o * params.filter_size + i] * scale;
    }
    if (first == 0) {
      var offset = -mean[o];
#if BIAS
      offset += bias[o];
#endif
      folded_bias[o] = offset * scale + beta[o];
    }
  }
}
