// How the convolution kernels store a result: bias, residual and activation.

#include activation

@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var<storage, read> residual: array<vec4<elem>>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4<elem>>;

fn store(pixel: u32, out: u32, sum: vec4f) {
  if (pixel >= params.count) {
    return;
  }
  var value = sum;
#if BIAS
  value += bias[out];
#endif
#if RESIDUAL
  value += vec4f(residual[params.r_offset + (params.first + pixel) * params.r_pitch + out]);
#endif
  y[params.y_offset + (params.first + pixel) * params.y_pitch + out] = vec4<elem>(activate(value, params.act_a, params.act_b));
}
