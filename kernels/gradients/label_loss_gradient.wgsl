// Backward pass of label_loss.wgsl.
//
//   dz[n, c] = dloss · term′(z[n, c], y[n, c], weight[c]), 0 where there is no label
//
//   z, y, dz, weights  as in label_loss.wgsl      dloss  [1]
//
// A thread owns one logit.
//
// Prelude: LOSS as in include/label_loss.wgsl, WEIGHTED.

#include label_loss

struct Params {
  elements: u32, classes: u32, ones: f32, zeros: f32, focus: f32,
}

@group(0) @binding(0) var<storage, read> z: array<f32>;
@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read> dloss: array<f32>;
@group(0) @binding(4) var<storage, read_write> dz: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  if (i >= params.elements) {
    return;
  }
  var weight = vec2f(params.ones, params.zeros);
#if WEIGHTED
  let c = i % params.classes;
  weight *= vec2f(weights[c], weights[params.classes + c]);
#endif
  dz[i] = 0;
  if (y[i] >= 0) {
    dz[i] = dloss[0] * loss_slope(z[i], y[i], weight, params.focus);
  }
}
