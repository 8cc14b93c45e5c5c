// What the convolution kernels share: params, bindings except for the weights (binding 1), the input position of each output pixel,
// loading with the prologue, products, and storing with the epilogue.
//
// LANES is 4, except in a layer that has a single vec4 of input channels with fewer in use, as the first layers of networks have. The
// padding there is neither loaded nor multiplied.

#include conv2d_params
#include conv2d_store
#include conv2d_taps

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
#if PROLOGUE
@group(0) @binding(4) var<storage, read> affine: array<vec4f>;
#endif

fn lanes_at(at: u32) -> vec4f {
  // On SwiftShader each lane that is loaded takes time, so lanes that are padding are not loaded.
  if (LANES == 1) {
    return vec4f(f32(x[at].x), 0, 0, 0);
  }
  if (LANES == 2) {
    return vec4f(f32(x[at].x), f32(x[at].y), 0, 0);
  }
  if (LANES == 3) {
    return vec4f(f32(x[at].x), f32(x[at].y), f32(x[at].z), 0);
  }
  return vec4f(x[at]);
}

fn load(tap: Tap, group: u32) -> vec4f {
#if PADDED
  // This also keeps reads inside the bound range of the buffer: a tap outside the image may belong to a pixel outside of that range.
  if (!tap.inside) {
    return vec4f(0);
  }
#endif
  let value = lanes_at(tap.at + group);
#if PROLOGUE
  let shifted = value * affine[group] + affine[group + arrayLength(&affine) / 2];
  return select(shifted, max(shifted, vec4f(0)), PROLOGUE == 2);
#else
  return value;
#endif
}

// Where the weights of a pixel's image begin. A workgroup's pixels then belong to one image.
fn first_weight(pixel: u32) -> u32 {
  return (params.first + pixel) / (params.out_w * params.out_h) * params.matrix;
}

// The vec4 groups of input channels in one convolution group.
fn input_groups() -> u32 {
  return select(params.in_groups, 1, LANES < 4);
}

fn products(weights: mat4x4f, value: vec4f) -> vec4f {
  if (LANES == 1) {
    return weights[0] * value.x;
  }
  if (LANES == 2) {
    return weights[0] * value.x + weights[1] * value.y;
  }
  if (LANES == 3) {
    return weights[0] * value.x + weights[1] * value.y + weights[2] * value.z;
  }
  return weights * value;
}
