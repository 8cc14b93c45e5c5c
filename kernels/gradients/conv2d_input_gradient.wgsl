// Gradient of a strided convolution by its input. Each input pixel is summed and written by one thread.
//
//   dx[n, iy, ix, i] = Σ_{oy·s + ky·d − p = iy, ox·s + kx·d − p = ix, o} dy[n, oy, ox, o] · w[ky, kx, o, i]
//
// Input pixels that agree in (iy mod s, ix mod s), their phase, are read by the same taps. A dispatch computes one phase, so that all lanes
// do the same work and none waits for others.
//
//   dy, dx  nhwc4; only the pixels `first … first + count` of dx are written
//   w       [taps reversed, o, i] with o and i padded to vec4 groups, i innermost; o within its convolution group
//
// A thread owns 4 pixels of the phase in one row × 4 channels. Lanes along x differ in channels, along y in pixels.
//
// Prelude: elem.

struct Params {
  first: u32, count: u32, image: u32, images: u32,   // the band's pixels, and the images that it touches
  phase_y: u32, phase_x: u32, rows: u32, columns: u32,  // rows of the phase in one image, and blocks of 4 pixels in a row
  in_h: u32, in_w: u32, out_h: i32, out_w: i32,
  kernel_h: u32, kernel_w: u32, stride_h: i32, stride_w: i32, dilation_h: u32, dilation_w: u32,
  pad_top: i32, pad_left: i32,
  groups: u32,        // vec4 groups of dx
  dy_groups: u32,     // vec4 groups of dy in one convolution group
  group_inputs: u32,  // vec4 groups of dx in one convolution group
  dy_offset: u32, dy_pitch: u32, y_offset: u32, y_pitch: u32,
}

@group(0) @binding(0) var<storage, read> dy: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read> w: array<vec4<elem>>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4<elem>>;
@group(0) @binding(3) var<uniform> params: Params;

fn load(row: u32, ox: i32, group: u32) -> vec4f {
  if (ox < 0 || ox >= params.out_w) {
    return vec4f(0);
  }
  return vec4f(dy[params.dy_offset + (row + u32(ox)) * params.dy_pitch + group]);
}

fn store(row: u32, ix: u32, group: u32, value: vec4f) {
  let pixel = row + ix;
  if (ix < params.in_w && pixel >= params.first && pixel < params.first + params.count) {
    dx[params.y_offset + pixel * params.y_pitch + group] = vec4<elem>(value);
  }
}

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_id) lane: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let group = workgroup.x * 8 + lane.x;
  let block = (workgroup.y + workgroup.z * workgroups.y) * 8 + lane.y;
  if (group >= params.groups || block >= params.images * params.rows * params.columns) {
    return;
  }
  let row = block / params.columns;
  let n = params.image + row / params.rows;
  let iy = params.phase_y + row % params.rows * u32(params.stride_h);
  let ix = params.phase_x + block % params.columns * 4 * u32(params.stride_w);
  let channels = group / params.group_inputs * params.dy_groups;

  var sum0 = vec4f(0);
  var sum1 = vec4f(0);
  var sum2 = vec4f(0);
  var sum3 = vec4f(0);
  for (var ky = 0u; ky < params.kernel_h; ky++) {
    let y = i32(iy) + params.pad_top - i32(ky * params.dilation_h);
    if (y < 0 || y % params.stride_h != 0 || y / params.stride_h >= params.out_h) {
      continue;
    }
    let origin = (n * u32(params.out_h) + u32(y / params.stride_h)) * u32(params.out_w);
    for (var kx = 0u; kx < params.kernel_w; kx++) {
      let x = i32(ix) + params.pad_left - i32(kx * params.dilation_w);
      // For a negative x the remainder is negative or 0. If it is 0, the quotient is exact.
      if (x % params.stride_w != 0) {
        continue;
      }
      let ox = x / params.stride_w;
      let tap = (params.kernel_h - 1 - ky) * params.kernel_w + params.kernel_w - 1 - kx;
      var weight = tap * params.dy_groups * 4 * params.groups + group;
      for (var o = channels; o < channels + params.dy_groups; o++) {
        let w0 = vec4f(w[weight]);
        let w1 = vec4f(w[weight + params.groups]);
        let w2 = vec4f(w[weight + 2 * params.groups]);
        let w3 = vec4f(w[weight + 3 * params.groups]);
        weight += 4 * params.groups;
        let a0 = load(origin, ox, o);
        let a1 = load(origin, ox + 1, o);
        let a2 = load(origin, ox + 2, o);
        let a3 = load(origin, ox + 3, o);
        sum0 += a0.x * w0 + a0.y * w1 + a0.z * w2 + a0.w * w3;
        sum1 += a1.x * w0 + a1.y * w1 + a1.z * w2 + a1.w * w3;
        sum2 += a2.x * w0 + a2.y * w1 + a2.z * w2 + a2.w * w3;
        sum3 += a3.x * w0 + a3.y * w1 + a3.z * w2 + a3.w * w3;
      }
    }
  }
  let to = (n * params.in_h + iy) * params.in_w;
  store(to, ix, group, sum0);
  store(to, ix + u32(params.stride_w), group, sum1);
  store(to, ix + 2 * u32(params.stride_w), group, sum2);
  store(to, ix + 3 * u32(params.stride_w), group, sum3);
}
