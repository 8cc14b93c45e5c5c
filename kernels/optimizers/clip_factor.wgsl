// What gradients are multiplied with so that their norm exceeds no limit, as torch's clip_grad_norm_ does it.
//
//   y = min(1, limit / (√square + 10⁻⁶))      square, y  [1]; a norm that is no number gives none either
//
// One thread.

struct Params {
  limit: f32,
}

@group(0) @binding(0) var<storage, read> square: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(1)
fn main() {
  let ratio = params.limit / (sqrt(square[0]) + 1e-6);
  y[0] = select(ratio, 1.0, ratio > 1);
}
