// Convolution, register-blocked, with inputs loaded once a subgroup and handed round: software adapters, where loads are what costs.
// It takes between a third and two thirds of the time of conv2d_direct.wgsl there.
//
// Maths and layouts as in conv2d_direct.wgsl; one convolution group only.
//
// A workgroup is one subgroup. It owns 8 consecutive output pixels × SUBGROUP vec4s of output channels, a lane one of these vec4s for
// all 8 pixels. Weights are a lane's own; of the inputs each lane loads one pixel's vec4 (two in a subgroup of 4) for all.
//
// Prelude: elem; BIAS, RESIDUAL, PROLOGUE, ACTIVATION, PADDED as in conv2d_direct.wgsl; SUBGROUPS; SUBGROUP: the lanes of every
// subgroup, a power of two from 4 on; FOUR_LANES: whether they are 4.

#include activation
#include conv2d

@group(0) @binding(1) var<storage, read> w: array<vec4<elem>>;

@compute @workgroup_size(SUBGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) index: u32, @builtin(subgroup_invocation_id) lane: u32,
) {
  let out = workgroup.x * SUBGROUP + index;
  let pixel = (workgroup.y + workgroup.z * workgroups.y) * 8;
#if FOUR_LANES
  let low_place = place(pixel + lane);
  let high_place = place(pixel + 4 + lane);
#else
  let low_place = place(pixel + lane % 8);
#endif
  var sum0 = vec4f(0);
  var sum1 = vec4f(0);
  var sum2 = vec4f(0);
  var sum3 = vec4f(0);
  var sum4 = vec4f(0);
  var sum5 = vec4f(0);
  var sum6 = vec4f(0);
  var sum7 = vec4f(0);

  var weight = min(out, params.out_groups - 1);  // a lane without channels still has to load its pixel
  for (var ky = 0u; ky < params.kernel_h; ky++) {
    for (var kx = 0u; kx < params.kernel_w; kx++) {
      let low_tap = tap(low_place, ky, kx);
#if FOUR_LANES
      let high_tap = tap(high_place, ky, kx);
#endif
      for (var i = 0u; i < params.in_groups; i++) {
        let weights = mat4x4f(
          vec4f(w[weight]),
          vec4f(w[weight + params.out_groups]),
          vec4f(w[weight + 2 * params.out_groups]),
          vec4f(w[weight + 3 * params.out_groups]),
        );
        weight += 4 * params.out_groups;
        let low = load(low_tap, i);
#if FOUR_LANES
        let high = load(high_tap, i);
#else
        let high = low;
#endif
        sum0 += weights * subgroupBroadcast(low, 0u);
        sum1 += weights * subgroupBroadcast(low, 1u);
        sum2 += weights * subgroupBroadcast(low, 2u);
        sum3 += weights * subgroupBroadcast(low, 3u);
        sum4 += weights * subgroupBroadcast(high, 4u % SUBGROUP);
        sum5 += weights * subgroupBroadcast(high, 5u % SUBGROUP);
        sum6 += weights * subgroupBroadcast(high, 6u % SUBGROUP);
        sum7 += weights * subgroupBroadcast(high, 7u % SUBGROUP);
      }
    }
  }
  if (out < params.out_groups) {
    store(pixel, out, sum0);
    store(pixel + 1, out, sum1);
    store(pixel + 2, out, sum2);
    store(pixel + 3, out, sum3);
    store(pixel + 4, out, sum4);
    store(pixel + 5, out, sum5);
    store(pixel + 6, out, sum6);
    store(pixel + 7, out, sum7);
  }
}
