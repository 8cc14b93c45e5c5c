// The factor that limits the norm of all gradients, as in PyTorch's clip_grad_norm_.
//
//   y = min(1, limit / (√square + 10⁻⁶))      square, y  [1]; y is NaN if the norm is
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
