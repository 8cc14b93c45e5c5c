// Convolution, register-blocked. Each input is loaded by one lane and broadcast in the subgroup. This suits software adapters, where
// loads take most of the time: it needs between a third and two thirds of the time of conv2d_direct.wgsl.
//
// Maths and layouts as in conv2d_direct.wgsl; one convolution group only.
//
// A workgroup is one subgroup. It owns 8 consecutive output pixels (16 with WIDE) × SUBGROUP vec4s of output channels. Each lane owns one
// of these vec4s for all pixels. It loads the weights of its own vec4, and the inputs of one or two pixels for all lanes. WIDE loads
// weights less often.
//
// Prelude: elem; BIAS, RESIDUAL, PROLOGUE, ACTIVATION, PADDED, TEXELS, LANES as in conv2d_direct.wgsl; SUBGROUPS; SUBGROUP (lanes of every
// subgroup, a power of two, at least 4); FOUR_LANES (whether there are 4); WIDE (only if there are more).

#include conv2d
#include conv2d_weights

const LOADED = select(8u, 4u, FOUR_LANES);  // pixels that are loaded together, one by each lane
const PIXELS = select(8u, 16u, WIDE);

@compute @workgroup_size(SUBGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) index: u32, @builtin(subgroup_invocation_id) lane: u32,
) {
  let out = workgroup.x * SUBGROUP + index;
  let pixel = (workgroup.y + workgroup.z * workgroups.y) * PIXELS;
  let low_place = place(pixel + lane % LOADED);
  let high_place = place(pixel + LOADED + lane % LOADED);
  var sum0 = vec4f(0);
  var sum1 = vec4f(0);
  var sum2 = vec4f(0);
  var sum3 = vec4f(0);
  var sum4 = vec4f(0);
  var sum5 = vec4f(0);
  var sum6 = vec4f(0);
  var sum7 = vec4f(0);
#if WIDE
  var sum8 = vec4f(0);
  var sum9 = vec4f(0);
  var sum10 = vec4f(0);
  var sum11 = vec4f(0);
  var sum12 = vec4f(0);
  var sum13 = vec4f(0);
  var sum14 = vec4f(0);
  var sum15 = vec4f(0);
#endif

  // A lane without output channels still loads pixels for the others.
  var weight = first_weight(pixel) + min(out, params.out_groups - 1);
  for (var ky = 0u; ky < params.kernel_h; ky++) {
    let low_row = row_of(low_place, ky);
    let high_row = row_of(high_place, ky);
    for (var kx = 0u; kx < params.kernel_w; kx++) {
      let low_tap = tap_of(low_place, low_row, kx);
      let high_tap = tap_of(high_place, high_row, kx);
      for (var i = 0u; i < input_groups(); i++) {
        let weights = load_weights(weight);
        weight += 4 * params.out_groups;
        let low = load(low_tap, i);
        let high = load(high_tap, i);  // used only with FOUR_LANES or WIDE
        sum0 += products(weights, subgroupBroadcast(low, 0u));
        sum1 += products(weights, subgroupBroadcast(low, 1u));
        sum2 += products(weights, subgroupBroadcast(low, 2u));
        sum3 += products(weights, subgroupBroadcast(low, 3u));
#if FOUR_LANES
        sum4 += products(weights, subgroupBroadcast(high, 0u));
        sum5 += products(weights, subgroupBroadcast(high, 1u));
        sum6 += products(weights, subgroupBroadcast(high, 2u));
        sum7 += products(weights, subgroupBroadcast(high, 3u));
#else
        sum4 += products(weights, subgroupBroadcast(low, 4u));
        sum5 += products(weights, subgroupBroadcast(low, 5u));
        sum6 += products(weights, subgroupBroadcast(low, 6u));
        sum7 += products(weights, subgroupBroadcast(low, 7u));
#endif
#if WIDE
        sum8 += products(weights, subgroupBroadcast(high, 0u));
        sum9 += products(weights, subgroupBroadcast(high, 1u));
        sum10 += products(weights, subgroupBroadcast(high, 2u));
        sum11 += products(weights, subgroupBroadcast(high, 3u));
        sum12 += products(weights, subgroupBroadcast(high, 4u));
        sum13 += products(weights, subgroupBroadcast(high, 5u));
        sum14 += products(weights, subgroupBroadcast(high, 6u));
        sum15 += products(weights, subgroupBroadcast(high, 7u));
#endif
      }
    }
  }
  if (out < params.out_groups) {
    let own_bias = bias_of(out);
    // Each step stores sum0, then every sum moves down by one. The compiler does not know where the loop ends, so it cannot unroll it, and the code
    // that stores is there once. With that code for each pixel, llvmpipe takes five times as long to compile.
    let end = min(pixel + PIXELS, params.count);
    for (var p = pixel; p < end; p++) {
      store_biased(p, out, sum0 + own_bias);
      sum0 = sum1;
      sum1 = sum2;
      sum2 = sum3;
      sum3 = sum4;
      sum4 = sum5;
      sum5 = sum6;
      sum6 = sum7;
#if WIDE
      sum7 = sum8;
      sum8 = sum9;
      sum9 = sum10;
      sum10 = sum11;
      sum11 = sum12;
      sum12 = sum13;
      sum13 = sum14;
      sum14 = sum15;
#endif
    }
  }
}
