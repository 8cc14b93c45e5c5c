// Gradient of a convolution by its weights. Each input is loaded by one lane and broadcast in the subgroup. This suits software adapters.
//
//   partial[chunk, row, j, o] = Σ_{p in chunk} x[p, row][j] · dy[p, o]      row  one vec4 of input channels of one tap
//
// Sums, layouts and params as in conv2d_weight_gradient.wgsl; one convolution group only.
//
// A workgroup is one subgroup. It owns 4 rows × SUBGROUP vec4s of output channels of one chunk; each lane owns one of these vec4s. In each
// step it takes 4 pixels. A lane loads its own vec4 of dy of each. Of x, lanes 0 … 3 load two rows of one pixel each and lanes 4 … 7 the
// other two rows; in a subgroup of 4 each lane loads all four. They are then broadcast to all lanes.
//
// Prelude: elem; SUBGROUPS; SUBGROUP (lanes of every subgroup, a power of two, at least 4); FOUR_LANES (whether there are 4).

#include conv2d_weight_gradient

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
  let row = workgroup.y * 4;
  // The rows that this lane loads. Beyond the last row, the last one is loaded again.
  let own_row = row + lane / 4 % 2 * 2;
  let row_a = min(own_row, row_count() - 1);
  let row_b = min(own_row + 1, row_count() - 1);
  let tap_a = tap_of(row_a);
  let tap_b = tap_of(row_b);
#if FOUR_LANES
  let row_c = min(own_row + 2, row_count() - 1);
  let row_d = min(own_row + 3, row_count() - 1);
  let tap_c = tap_of(row_c);
  let tap_d = tap_of(row_d);
#endif
  let own_out = workgroup.x * SUBGROUP + index;
  let out = min(own_out, params.out_groups - 1);  // a lane without output channels still loads x for the others
  var a0 = vec4f(0); var a1 = vec4f(0); var a2 = vec4f(0); var a3 = vec4f(0);
  var b0 = vec4f(0); var b1 = vec4f(0); var b2 = vec4f(0); var b3 = vec4f(0);
  var c0 = vec4f(0); var c1 = vec4f(0); var c2 = vec4f(0); var c3 = vec4f(0);
  var d0 = vec4f(0); var d1 = vec4f(0); var d2 = vec4f(0); var d3 = vec4f(0);
  let start = params.first + workgroup.z * params.chunk;
  let end = min(start + params.chunk, params.first + params.count);
  // The pixel whose x this lane loads.
  var own = start + lane % 4;
  var oy = own / params.out_w;
  var ox = own - oy * params.out_w;
  var image = oy / params.out_h;
  oy -= image * params.out_h;
  var slope = params.dy_offset + start * params.dy_pitch + out;
  // Beyond the end, x counts as 0 and the last dy is read again, so that nothing is added.
  let last = params.dy_offset + (end - 1) * params.dy_pitch + out;
  for (var pixel = start; pixel < end; pixel += 4) {
    let va = load(tap_a, row_a % params.in_groups, image, oy, ox, own < end);
    let vb = load(tap_b, row_b % params.in_groups, image, oy, ox, own < end);
#if FOUR_LANES
    let vc = load(tap_c, row_c % params.in_groups, image, oy, ox, own < end);
    let vd = load(tap_d, row_d % params.in_groups, image, oy, ox, own < end);
#else
    let vc = va;
    let vd = vb;
#endif
    let s0 = vec4f(dy[slope]);
    let ax0 = subgroupBroadcast(va, 0u);
    a0 += ax0.x * s0; a1 += ax0.y * s0; a2 += ax0.z * s0; a3 += ax0.w * s0;
    let bx0 = subgroupBroadcast(vb, 0u);
    b0 += bx0.x * s0; b1 += bx0.y * s0; b2 += bx0.z * s0; b3 += bx0.w * s0;
    let cx0 = subgroupBroadcast(vc, 4u % SUBGROUP);
    c0 += cx0.x * s0; c1 += cx0.y * s0; c2 += cx0.z * s0; c3 += cx0.w * s0;
    let dx0 = subgroupBroadcast(vd, 4u % SUBGROUP);
    d0 += dx0.x * s0; d1 += dx0.y * s0; d2 += dx0.z * s0; d3 += dx0.w * s0;
    let s1 = vec4f(dy[min(slope + params.dy_pitch, last)]);
    let ax1 = subgroupBroadcast(va, 1u);
    a0 += ax1.x * s1; a1 += ax1.y * s1; a2 += ax1.z * s1; a3 += ax1.w * s1;
    let bx1 = subgroupBroadcast(vb, 1u);
    b0 += bx1.x * s1; b1 += bx1.y * s1; b2 += bx1.z * s1; b3 += bx1.w * s1;
    let cx1 = subgroupBroadcast(vc, 5u % SUBGROUP);
    c0 += cx1.x * s1; c1 += cx1.y * s1; c2 += cx1.z * s1; c3 += cx1.w * s1;
    let dx1 = subgroupBroadcast(vd, 5u % SUBGROUP);
    d0 += dx1.x * s1; d1 += dx1.y * s1; d2 += dx1.z * s1; d3 += dx1.w * s1;
    let s2 = vec4f(dy[min(slope + 2 * params.dy_pitch, last)]);
    let ax2 = subgroupBroadcast(va, 2u);
    a0 += ax2.x * s2; a1 += ax2.y * s2; a2 += ax2.z * s2; a3 += ax2.w * s2;
    let bx2 = subgroupBroadcast(vb, 2u);
    b0 += bx2.x * s2; b1 += bx2.y * s2; b2 += bx2.z * s2; b3 += bx2.w * s2;
    let cx2 = subgroupBroadcast(vc, 6u % SUBGROUP);
    c0 += cx2.x * s2; c1 += cx2.y * s2; c2 += cx2.z * s2; c3 += cx2.w * s2;
    let dx2 = subgroupBroadcast(vd, 6u % SUBGROUP);
    d0 += dx2.x * s2; d1 += dx2.y * s2; d2 += dx2.z * s2; d3 += dx2.w * s2;
    let s3 = vec4f(dy[min(slope + 3 * params.dy_pitch, last)]);
    let ax3 = subgroupBroadcast(va, 3u);
    a0 += ax3.x * s3; a1 += ax3.y * s3; a2 += ax3.z * s3; a3 += ax3.w * s3;
    let bx3 = subgroupBroadcast(vb, 3u);
    b0 += bx3.x * s3; b1 += bx3.y * s3; b2 += bx3.z * s3; b3 += bx3.w * s3;
    let cx3 = subgroupBroadcast(vc, 7u % SUBGROUP);
    c0 += cx3.x * s3; c1 += cx3.y * s3; c2 += cx3.z * s3; c3 += cx3.w * s3;
    let dx3 = subgroupBroadcast(vd, 7u % SUBGROUP);
    d0 += dx3.x * s3; d1 += dx3.y * s3; d2 += dx3.z * s3; d3 += dx3.w * s3;
    slope += 4 * params.dy_pitch;
    own += 4;
    ox += 4;
    while (ox >= params.out_w) {
      ox -= params.out_w;
      oy++;
    }
    while (oy >= params.out_h) {
      oy -= params.out_h;
      image++;
    }
  }
  store(workgroup.z, row, own_out, a0, a1, a2, a3);
  store(workgroup.z, row + 1, own_out, b0, b1, b2, b3);
  store(workgroup.z, row + 2, own_out, c0, c1, c2, c3);
  store(workgroup.z, row + 3, own_out, d0, d1, d2, d3);
}
