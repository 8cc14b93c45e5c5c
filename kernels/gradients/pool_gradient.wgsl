// Backward pass of pooling over windows: the thread of each input pixel sums over the windows that contain the pixel.
//
//   average   dx[i, c] = Σ_{p ∋ i} dy[p, c] / count(p)
//   maximum   dx[i, c] = Σ_{p ∋ i} dy[p, c] over those p with taps[p, c] = the tap of window p that reads i
//
//   dy    nhwc4, a pixel for each window      taps  written by pool_argmax.wgsl, from window first_window on
//   dx    nhwc4 pixels `first … first + count`
//
// A thread owns one vec4 of dx. Windows are added in row order, so that the bits are always the same.
//
// Prelude: elem, AVERAGE, COUNT_PADDING (whether padding counts in the divisor), DILATED.

struct Params {
  first: u32, count: u32, first_window: u32, groups: u32,
  dy_offset: u32, dy_pitch: u32, y_offset: u32, y_pitch: u32,
  in_h: i32, in_w: i32, out_h: i32, out_w: i32,
  kernel_h: i32, kernel_w: i32, stride_h: i32, stride_w: i32, dilation_h: i32, dilation_w: i32,
  pad_top: i32, pad_left: i32, pad_bottom: i32, pad_right: i32,
}

@group(0) @binding(0) var<storage, read> dy: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read> taps: array<vec4u>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4<elem>>;
@group(0) @binding(3) var<uniform> params: Params;

#include taps_within

// The first window that can reach position i. Positions are counted from the outer edge of the padding.
fn first_window(i: i32, kernel: i32, stride: i32, dilation: i32) -> i32 {
  return max(i - (kernel - 1) * dilation + stride - 1, 0) / stride;
}

fn divisor(oy: i32, ox: i32) -> f32 {
  let counted = select(vec4i(0), vec4i(params.pad_top, params.pad_left, params.pad_bottom, params.pad_right), COUNT_PADDING);
  let top = oy * params.stride_h - params.pad_top;
  let left = ox * params.stride_w - params.pad_left;
  return f32(taps_within(top, params.kernel_h, params.dilation_h, -counted.x, params.in_h + counted.z)
    * taps_within(left, params.kernel_w, params.dilation_w, -counted.y, params.in_w + counted.w));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  let group = index % params.groups;
  let pixel = params.first + index / params.groups;
  if (pixel >= params.first + params.count) {
    return;
  }
  let row = i32(pixel) / params.in_w;
  let image = row / params.in_h;
  let iy = row - image * params.in_h + params.pad_top;
  let ix = i32(pixel) - row * params.in_w + params.pad_left;
  var sum = vec4f(0);
  // The windows that span this pixel. With dilation, some of them have no tap at it.
  let low_y = first_window(iy, params.kernel_h, params.stride_h, params.dilation_h);
  let low_x = first_window(ix, params.kernel_w, params.stride_w, params.dilation_w);
  let high_y = min(iy / params.stride_h, params.out_h - 1);
  let high_x = min(ix / params.stride_w, params.out_w - 1);
  for (var oy = low_y; oy <= high_y; oy++) {
    var ky = iy - oy * params.stride_h;
    if (DILATED) {
      if (ky % params.dilation_h != 0) {
        continue;
      }
      ky /= params.dilation_h;
    }
    for (var ox = low_x; ox <= high_x; ox++) {
      var kx = ix - ox * params.stride_w;
      if (DILATED) {
        if (kx % params.dilation_w != 0) {
          continue;
        }
        kx /= params.dilation_w;
      }
      let window = u32((image * params.out_h + oy) * params.out_w + ox);
      let value = vec4f(dy[params.dy_offset + window * params.dy_pitch + group]);
#if AVERAGE
      sum += value / divisor(oy, ox);
#else
      sum += select(vec4f(0), value, taps[(window - params.first_window) * params.groups + group] == vec4u(u32(ky * params.kernel_w + kx)));
#endif
    }
  }
  dx[params.y_offset + pixel * params.y_pitch + group] = vec4<elem>(sum);
}
