// What the convolution kernels share: params, bindings except for the weights (binding 1), the input position of each output pixel,
// loading with the prologue, and storing with the epilogue.

#include conv2d_params
#include conv2d_store
#include conv2d_taps

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
#if PROLOGUE
@group(0) @binding(4) var<storage, read> affine: array<vec4f>;
#endif

fn load(tap: Tap, group: u32) -> vec4f {
#if PADDED
  // This also keeps reads inside the bound range of the buffer: a tap outside the image may belong to a pixel outside of that range.
  if (!tap.inside) {
    return vec4f(0);
  }
#endif
  let value = vec4f(x[tap.at + group]);
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
