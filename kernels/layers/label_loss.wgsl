// Sum of a loss over all logits of a batch whose labels are known.
//
//   loss = Σ_{n, c: y ≥ 0} term(z[n, c], y[n, c], weight[c])      y < 0: unknown
//
//   z, y  [batch, classes] dense      weights  [2, classes] dense, with WEIGHTED: factors of ones, then of zeros
//
// One workgroup: each lane takes every 256th logit, and lanes are merged pairwise in a fixed tree.
//
// Prelude: LOSS as in include/label_loss.wgsl, WEIGHTED.

#include label_loss

struct Params {
  elements: u32, classes: u32, ones: f32, zeros: f32, focus: f32,
}

@group(0) @binding(0) var<storage, read> z: array<f32>;
@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> loss: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

var<workgroup> sums: array<f32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var i = lane; i < params.elements; i += 256) {
    var weight = vec2f(params.ones, params.zeros);
#if WEIGHTED
    let c = i % params.classes;
    weight *= vec2f(weights[c], weights[params.classes + c]);
#endif
    if (y[i] >= 0) {
      sum += loss_term(z[i], y[i], weight, params.focus);
    }
  }
  sums[lane] = sum;
  for (var half = 128u; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) {
      sums[lane] += sums[lane + half];
    }
  }
  if (lane == 0) {
    loss[0] = sums[0];
  }
}
