// Convolution of 8-bit integers, register-blocked. Each input is loaded by one lane and broadcast in the subgroup, as in conv2d_subgroup.wgsl.
//
// Maths and layouts as in conv2d_int8.wgsl.
//
// A workgroup is one subgroup. It owns 8 consecutive output pixels × SUBGROUP vec4s of output channels. Each lane owns one of these vec4s for all
// pixels. It loads the weights of its own vec4, and the inputs of one pixel (of two, if a subgroup has four lanes) for all lanes.
//
// Prelude: elem; BIAS, RESIDUAL, ACTIVATION, PADDED, PACKED as in conv2d_int8.wgsl; SUBGROUPS; SUBGROUP (lanes of every subgroup, a power of two, at
// least 4); FOUR_LANES (whether there are 4).

#include conv2d_int8

const LOADED = select(8u, 4u, FOUR_LANES);  // pixels that are loaded together, one by each lane

@compute @workgroup_size(SUBGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) index: u32, @builtin(subgroup_invocation_id) lane: u32,
) {
  let own = workgroup.x * SUBGROUP + index;
  let out = min(own, params.out_groups - 1);  // a lane without output channels still loads pixels for the others
  let pixel = (workgroup.y + workgroup.z * workgroups.y) * 8;
  let low_place = place(pixel + lane % LOADED);
#if FOUR_LANES
  let high_place = place(pixel + LOADED + lane);
#endif
  var sums: array<vec4i, 8>;
  for (var p = 0u; p < 8; p++) {
    sums[p] = first_sum(out);
  }
  var weight = out * 4;
  for (var ky = 0u; ky < params.kernel_h; ky++) {
    for (var kx = 0u; kx < params.kernel_w; kx++) {
      let low_tap = tap(low_place, ky, kx);
#if FOUR_LANES
      let high_tap = tap(high_place, ky, kx);
#endif
      for (var i = 0u; i < params.in_groups; i++) {
        let w0 = w[weight];
        let w1 = w[weight + 1];
        let w2 = w[weight + 2];
        let w3 = w[weight + 3];
        weight += 4 * params.out_groups;
        let low = load(low_tap, i);
        sums[0] += products(subgroupBroadcast(low, 0u), w0, w1, w2, w3);
        sums[1] += products(subgroupBroadcast(low, 1u), w0, w1, w2, w3);
        sums[2] += products(subgroupBroadcast(low, 2u), w0, w1, w2, w3);
        sums[3] += products(subgroupBroadcast(low, 3u), w0, w1, w2, w3);
#if FOUR_LANES
        let high = load(high_tap, i);
        sums[4] += products(subgroupBroadcast(high, 0u), w0, w1, w2, w3);
        sums[5] += products(subgroupBroadcast(high, 1u), w0, w1, w2, w3);
        sums[6] += products(subgroupBroadcast(high, 2u), w0, w1, w2, w3);
        sums[7] += products(subgroupBroadcast(high, 3u), w0, w1, w2, w3);
#else
        sums[4] += products(subgroupBroadcast(low, 4u), w0, w1, w2, w3);
        sums[5] += products(subgroupBroadcast(low, 5u), w0, w1, w2, w3);
        sums[6] += products(subgroupBroadcast(low, 6u), w0, w1, w2, w3);
        sums[7] += products(subgroupBroadcast(low, 7u), w0, w1, w2, w3);
#endif
      }
    }
  }
  if (own < params.out_groups) {
    for (var p = 0u; p < 8; p++) {
      store_sum(pixel + p, own, sums[p]);
    }
  }
}
