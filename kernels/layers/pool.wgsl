// Maximum or average over sliding windows.
//
//   y[n, oy, ox, c] = max or mean over ky, kx of x[n, oy·s + ky·d − p, ox·s + kx·d − p, c]
//
// The maximum ignores padding; every window has at least one tap inside the input. The mean is divided by the number of taps inside, or
// with COUNT_PADDING of those inside and in the padding. In ceil mode a window may reach beyond the padding; taps there never count.
//
//   x, y  nhwc4; a band of output pixels `first … first + count` counted over all images. Padding lanes are zero in both.
//
// A thread owns one vec4.
//
// Prelude: elem, AVERAGE, COUNT_PADDING.

struct Params {
  first: u32, count: u32, groups: u32,
  x_offset: u32, x_pitch: u32, y_offset: u32, y_pitch: u32,
  in_h: i32, in_w: i32, out_h: u32, out_w: u32,
  kernel_h: i32, kernel_w: i32, stride_h: u32, stride_w: u32, dilation_h: i32, dilation_w: i32,
  pad_top: i32, pad_left: i32, pad_bottom: i32, pad_right: i32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<elem>>;
@group(0) @binding(2) var<uniform> params: Params;

#include taps_within

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  let group = index % params.groups;
  let pixel = params.first + index / params.groups;
  if (pixel >= params.first + params.count) {
    return;
  }
  let row = pixel / params.out_w;
  let image = row / params.out_h;
  let top = i32((row - image * params.out_h) * params.stride_h) - params.pad_top;
  let left = i32((pixel - row * params.out_w) * params.stride_w) - params.pad_left;
  let first = params.x_offset + image * u32(params.in_h * params.in_w) * params.x_pitch + group;

  var peak = vec4f(-0x1.fffffep+127);  // the lowest finite number
  var sum = vec4f(0);
  for (var ky = 0; ky < params.kernel_h; ky++) {
    let iy = top + ky * params.dilation_h;
    if (iy < 0 || iy >= params.in_h) {
      continue;
    }
    for (var kx = 0; kx < params.kernel_w; kx++) {
      let ix = left + kx * params.dilation_w;
      if (ix < 0 || ix >= params.in_w) {
        continue;
      }
      let value = vec4f(x[first + u32(iy * params.in_w + ix) * params.x_pitch]);
      if (AVERAGE) {
        sum += value;
      } else {
        peak = max(peak, value);
      }
    }
  }
  if (AVERAGE) {
    let counted = select(vec4i(0), vec4i(params.pad_top, params.pad_left, params.pad_bottom, params.pad_right), COUNT_PADDING);
    let rows = taps_within(top, params.kernel_h, params.dilation_h, -counted.x, params.in_h + counted.z);
    let columns = taps_within(left, params.kernel_w, params.dilation_w, -counted.y, params.in_w + counted.w);
    peak = sum / f32(rows * columns);
  }
  y[params.y_offset + pixel * params.y_pitch + group] = vec4<elem>(peak);
}
