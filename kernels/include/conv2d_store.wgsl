// How the convolution kernels store a result: bias, residual and activation.

#include activation

@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var<storage, read> residual: array<vec4<elem>>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4<elem>>;

// The bias of four output channels. A kernel that stores many pixels reads it once, and calls `store_biased`.
fn bias_of(out: u32) -> vec4f {
#if BIAS
  return bias[out];
#else
  return vec4f(0);
#endif
}

fn store(pixel: u32, out: u32, sum: vec4f) {
  if (pixel < params.count) {
    store_biased(pixel, out, sum + bias_of(out));
  }
}

// Stores a sum that has its bias. The pixel must be below `params.count`.
fn store_biased(pixel: u32, out: u32, sum: vec4f) {
  var value = sum;
#if RESIDUAL
  value += vec4f(residual[params.r_offset + (params.first + pixel) * params.r_pitch + out]);
#endif
  y[params.y_offset + (params.first + pixel) * params.y_pitch + out] = vec4<elem>(activate(value, params.act_a, params.act_b));
}
