// Gradient of a strided depthwise convolution by its input.
//
//   dx[n, iy, ix, c] = Σ dy[n, oy, ox, c] · w[reversed tap, c]      sums as in conv2d_input_gradient.wgsl
//
//   dy, dx  nhwc4 pixels `first … first + count` of dx      w  [taps, 4, c] with c padded to vec4 groups; only the first of the 4 input lanes is used
//
// A thread owns four channels of one pixel.
//
// Prelude: elem.

struct Params {
  first: u32, count: u32, groups: u32,
  dy_offset: u32, dy_pitch: u32, y_offset: u32, y_pitch: u32,
  in_h: u32, in_w: u32, out_h: i32, out_w: i32,
  kernel_h: i32, kernel_w: i32, stride_h: i32, stride_w: i32, dilation_h: i32, dilation_w: i32,
  pad_top: i32, pad_left: i32,
}

@group(0) @binding(0) var<storage, read> dy: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read> w: array<vec4<elem>>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4<elem>>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  let group = index % params.groups;
  let pixel = params.first + index / params.groups;
  if (pixel >= params.first + params.count) {
    return;
  }
  let row = pixel / params.in_w;
  let image = row / params.in_h * u32(params.out_h);
  let below = i32(row % params.in_h) + params.pad_top;
  let right = i32(pixel - row * params.in_w) + params.pad_left;
  let last = params.kernel_h * params.kernel_w - 1;
  var sum = vec4f(0);
  for (var ky = 0; ky < params.kernel_h; ky++) {
    let y = below - ky * params.dilation_h;
    let oy = y / params.stride_h;
    if (y < 0 || oy * params.stride_h != y || oy >= params.out_h) {
      continue;
    }
    let line = (image + u32(oy)) * u32(params.out_w);
    for (var kx = 0; kx < params.kernel_w; kx++) {
      let x = right - kx * params.dilation_w;
      let ox = x / params.stride_w;
      if (x < 0 || ox * params.stride_w != x || ox >= params.out_w) {
        continue;
      }
      let slope = dy[params.dy_offset + (line + u32(ox)) * params.dy_pitch + group];
      sum += vec4f(slope) * vec4f(w[u32(last - ky * params.kernel_w - kx) * 4 * params.groups + group]);
    }
  }
  dx[params.y_offset + pixel * params.y_pitch + group] = vec4<elem>(sum);
}
