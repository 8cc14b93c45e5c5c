// Backward pass of a convolution, by its weights, with inputs loaded once a subgroup and handed round: software adapters.
//
//   partial[chunk, row, j, o] = Σ_{p in chunk} x[p, row][j] · dy[p, o]      row  one vec4 of input channels of one tap
//
// Sums, layouts and params as in conv2d_weight_gradient.wgsl; one convolution group only.
//
// A workgroup is one subgroup. It owns 2 rows × SUBGROUP vec4s of output channels of one chunk, a lane one of these vec4s. It takes
// 8 pixels at a time (4 in a subgroup of 4): of each, dy is a lane's own, and x one lane's, who hands it round.
//
// Prelude: elem; SUBGROUPS; SUBGROUP: the lanes of every subgroup, a power of two from 4 on; FOUR_LANES: whether they are 4.

#include conv2d_weight_gradient

const STEP = select(8u, 4u, FOUR_LANES);  // pixels at a time

fn load(tap: Tap, group: u32, image: u32, oy: u32, ox: u32, inside: bool) -> vec4f {
  let iy = i32(oy) * params.stride_h + tap.shift_y;
  let ix = i32(ox) * params.stride_w + tap.shift_x;
  if (!inside || iy < 0 || iy >= params.in_h || ix < 0 || ix >= params.in_w) {
    return vec4f(0);
  }
  return vec4f(x[params.x_offset + group + (image * u32(params.in_h * params.in_w) + u32(iy * params.in_w + ix)) * params.x_pitch]);
}

@compute @workgroup_size(SUBGROUP)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) index: u32, @builtin(subgroup_invocation_id) lane: u32) {
  let row_a = workgroup.y * 2;
  let row_b = min(row_a + 1, row_count() - 1);
  let own_out = workgroup.x * SUBGROUP + index;
  let out = min(own_out, params.out_groups - 1);  // a lane without channels still has to load its pixel
  let tap_a = tap_of(row_a);
  let tap_b = tap_of(row_b);
  var a0 = vec4f(0); var a1 = vec4f(0); var a2 = vec4f(0); var a3 = vec4f(0);
  var b0 = vec4f(0); var b1 = vec4f(0); var b2 = vec4f(0); var b3 = vec4f(0);
  let start = params.first + workgroup.z * params.chunk;
  let end = min(start + params.chunk, params.first + params.count);
  // The pixel whose x this lane loads.
  var own = start + lane % STEP;
  var oy = own / params.out_w;
  var ox = own - oy * params.out_w;
  var image = oy / params.out_h;
  oy -= image * params.out_h;
  var slope = params.dy_offset + start * params.dy_pitch + out;
  // Beyond the end x is 0, and the last dy is read again.
  let last = params.dy_offset + (end - 1) * params.dy_pitch + out;
  for (var pixel = start; pixel < end; pixel += STEP) {
    let va = load(tap_a, row_a % params.in_groups, image, oy, ox, own < end);
    let vb = load(tap_b, row_b % params.in_groups, image, oy, ox, own < end);
    let d0 = vec4f(dy[slope]);
    let p0 = subgroupBroadcast(va, 0u);
    let q0 = subgroupBroadcast(vb, 0u);
    a0 += p0.x * d0; a1 += p0.y * d0; a2 += p0.z * d0; a3 += p0.w * d0;
    b0 += q0.x * d0; b1 += q0.y * d0; b2 += q0.z * d0; b3 += q0.w * d0;
    let d1 = vec4f(dy[min(slope + params.dy_pitch, last)]);
    let p1 = subgroupBroadcast(va, 1u);
    let q1 = subgroupBroadcast(vb, 1u);
    a0 += p1.x * d1; a1 += p1.y * d1; a2 += p1.z * d1; a3 += p1.w * d1;
    b0 += q1.x * d1; b1 += q1.y * d1; b2 += q1.z * d1; b3 += q1.w * d1;
    let d2 = vec4f(dy[min(slope + 2 * params.dy_pitch, last)]);
    let p2 = subgroupBroadcast(va, 2u);
    let q2 = subgroupBroadcast(vb, 2u);
    a0 += p2.x * d2; a1 += p2.y * d2; a2 += p2.z * d2; a3 += p2.w * d2;
    b0 += q2.x * d2; b1 += q2.y * d2; b2 += q2.z * d2; b3 += q2.w * d2;
    let d3 = vec4f(dy[min(slope + 3 * params.dy_pitch, last)]);
    let p3 = subgroupBroadcast(va, 3u);
    let q3 = subgroupBroadcast(vb, 3u);
    a0 += p3.x * d3; a1 += p3.y * d3; a2 += p3.z * d3; a3 += p3.w * d3;
    b0 += q3.x * d3; b1 += q3.y * d3; b2 += q3.z * d3; b3 += q3.w * d3;
#if !FOUR_LANES
    let d4 = vec4f(dy[min(slope + 4 * params.dy_pitch, last)]);
    let p4 = subgroupBroadcast(va, 4u);
    let q4 = subgroupBroadcast(vb, 4u);
    a0 += p4.x * d4; a1 += p4.y * d4; a2 += p4.z * d4; a3 += p4.w * d4;
    b0 += q4.x * d4; b1 += q4.y * d4; b2 += q4.z * d4; b3 += q4.w * d4;
    let d5 = vec4f(dy[min(slope + 5 * params.dy_pitch, last)]);
    let p5 = subgroupBroadcast(va, 5u);
    let q5 = subgroupBroadcast(vb, 5u);
    a0 += p5.x * d5; a1 += p5.y * d5; a2 += p5.z * d5; a3 += p5.w * d5;
    b0 += q5.x * d5; b1 += q5.y * d5; b2 += q5.z * d5; b3 += q5.w * d5;
    let d6 = vec4f(dy[min(slope + 6 * params.dy_pitch, last)]);
    let p6 = subgroupBroadcast(va, 6u);
    let q6 = subgroupBroadcast(vb, 6u);
    a0 += p6.x * d6; a1 += p6.y * d6; a2 += p6.z * d6; a3 += p6.w * d6;
    b0 += q6.x * d6; b1 += q6.y * d6; b2 += q6.z * d6; b3 += q6.w * d6;
    let d7 = vec4f(dy[min(slope + 7 * params.dy_pitch, last)]);
    let p7 = subgroupBroadcast(va, 7u);
    let q7 = subgroupBroadcast(vb, 7u);
    a0 += p7.x * d7; a1 += p7.y * d7; a2 += p7.z * d7; a3 += p7.w * d7;
    b0 += q7.x * d7; b1 += q7.y * d7; b2 += q7.z * d7; b3 += q7.w * d7;
#endif
    slope += STEP * params.dy_pitch;
    own += STEP;
    ox += STEP;
    while (ox >= params.out_w) {
      ox -= params.out_w;
      oy++;
    }
    while (oy >= params.out_h) {
      oy -= params.out_h;
      image++;
    }
  }
  store(workgroup.z, row_a, own_out, a0, a1, a2, a3);
  store(workgroup.z, row_a + 1, own_out, b0, b1, b2, b3);
}
