// Merges the chunks of batch_statistics.wgsl in order, and updates the running statistics.
//
//   mean[c], variance[c]  over all N pixels; the variance is divided by N
//   running_mean[c] = (1 − momentum) · running_mean[c] + momentum · mean[c]
//   running_variance[c]   likewise, but with the variance divided by N − 1, as in PyTorch
//   If the statistics of a channel are not finite, its running ones do not change.
//
//   partial  [chunks, 3, groups] vec4s      lanes  the logical channel in each lane, 0xffffffff in padding      others  [channels] dense
//
// A thread owns four lanes.

#include moments

struct Params {
  chunks: u32, groups: u32, channels: u32, momentum: f32,
}

@group(0) @binding(0) var<storage, read> partial: array<vec4f>;
@group(0) @binding(1) var<storage, read> lanes: array<u32>;
@group(0) @binding(2) var<storage, read_write> mean: array<f32>;
@group(0) @binding(3) var<storage, read_write> variance: array<f32>;
@group(0) @binding(4) var<storage, read_write> running_mean: array<f32>;
@group(0) @binding(5) var<storage, read_write> running_variance: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

const EXPONENT = 0x7f800000u;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let group = id.x;
  if (group >= params.groups) {
    return;
  }
  var all = Moments(0, vec4f(0), vec4f(0));
  for (var chunk = 0u; chunk < params.chunks; chunk++) {
    let at = chunk * 3 * params.groups + group;
    all = merge(all, Moments(partial[at + 2 * params.groups].x, partial[at], partial[at + params.groups]));
  }
  for (var lane = 0u; lane < 4; lane++) {
    let c = lanes[group * 4 + lane];
    if (c >= params.channels) {
      continue;
    }
    mean[c] = all.mean[lane];
    variance[c] = all.squares[lane] / all.count;
    let bits = bitcast<vec2u>(vec2f(all.mean[lane], all.squares[lane])) & vec2u(EXPONENT);
    if (any(bits == vec2u(EXPONENT))) {
      continue;
    }
    running_mean[c] = (1 - params.momentum) * running_mean[c] + params.momentum * all.mean[lane];
    running_variance[c] = (1 - params.momentum) * running_variance[c] + params.momentum * (all.squares[lane] / (all.count - 1));
  }
}
