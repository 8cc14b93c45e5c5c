// What the kernels of conv2d_int8.wgsl share: bindings, loading, products of integers, and the two ends of a sum. Its header has the formula.
// Prelude: BIAS, RESIDUAL, ACTIVATION, PADDED, PACKED.

#include conv2d_params
#include conv2d_store
#include conv2d_taps

@group(0) @binding(0) var<storage, read> x: array<vec4u>;
@group(0) @binding(1) var<storage, read> w: array<vec4u>;
@group(0) @binding(4) var<storage, read> scales: array<vec4f>;

fn load(tap: Tap, chunk: u32) -> vec4u {
#if PADDED
  if (!tap.inside) {
    return vec4u((bitcast<u32>(params.x_zero) & 0xff) * 0x01010101);
  }
#endif
  return x[tap.at + chunk];
}

// Σ of the products of 16 pairs of integers.
fn product(a: vec4u, b: vec4u) -> i32 {
#if PACKED
  return dot4I8Packed(a.x, b.x) + dot4I8Packed(a.y, b.y) + dot4I8Packed(a.z, b.z) + dot4I8Packed(a.w, b.w);
#else
  var sum = vec4i(0);
  for (var shift = 0u; shift < 32; shift += 8) {
    // The byte goes to the top of a signed integer and back, which repeats its sign.
    sum += (bitcast<vec4i>(a << vec4u(24 - shift)) >> vec4u(24)) * (bitcast<vec4i>(b << vec4u(24 - shift)) >> vec4u(24));
  }
  return sum.x + sum.y + sum.z + sum.w;
#endif
}

fn products(a: vec4u, w0: vec4u, w1: vec4u, w2: vec4u, w3: vec4u) -> vec4i {
  return vec4i(product(a, w0), product(a, w1), product(a, w2), product(a, w3));
}

fn first_sum(out: u32) -> vec4i {
  return -params.x_zero * vec4i(scales[2 * params.out_groups + out]);
}

fn store_sum(pixel: u32, out: u32, sum: vec4i) {
  store(pixel, out, vec4f(sum) * (params.x_scale * scales[out]));
}
