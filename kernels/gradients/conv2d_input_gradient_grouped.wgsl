// Gradient of a strided grouped convolution by its input. It reads single lanes, for groups whose width is not a multiple of 4 channels.
//
//   dx[n, iy, ix, g·I + i] = Σ dy[n, oy, ox, g·O + o] · w[g·I + i, o, reversed tap]      sums as in conv2d_input_gradient.wgsl
//
//   dy, dx  nhwc4 pixels `first … first + count` of dx      w  [inputs, O, kernel] dense, as transpose_conv2d.wgsl writes it
//
// A thread owns four input channels of one pixel.
//
// Prelude: elem.

struct Params {
  first: u32, count: u32, groups: u32,
  dy_offset: u32, dy_pitch: u32, y_offset: u32, y_pitch: u32,
  in_h: u32, in_w: u32, out_h: i32, out_w: i32,
  kernel_h: u32, kernel_w: u32, stride_h: i32, stride_w: i32, dilation_h: u32, dilation_w: u32,
  pad_top: i32, pad_left: i32,
  inputs: u32, group_inputs: u32, group_outputs: u32,
}

@group(0) @binding(0) var<storage, read> dy: array<elem>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
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
  let n = row / params.in_h;
  let taps = params.kernel_h * params.kernel_w;
  var sum = vec4f(0);
  for (var ky = 0u; ky < params.kernel_h; ky++) {
    let y = i32(row - n * params.in_h) + params.pad_top - i32(ky * params.dilation_h);
    if (y < 0 || y % params.stride_h != 0 || y / params.stride_h >= params.out_h) {
      continue;
    }
    for (var kx = 0u; kx < params.kernel_w; kx++) {
      let x = i32(pixel - row * params.in_w) + params.pad_left - i32(kx * params.dilation_w);
      if (x < 0 || x % params.stride_w != 0 || x / params.stride_w >= params.out_w) {
        continue;
      }
      let window = (n * u32(params.out_h) + u32(y / params.stride_h)) * u32(params.out_w) + u32(x / params.stride_w);
      let origin = (params.dy_offset + window * params.dy_pitch) * 4;
      let tap = taps - 1 - (ky * params.kernel_w + kx);
      for (var j = 0u; j < 4 && group * 4 + j < params.inputs; j++) {
        let input = group * 4 + j;
        let first = input / params.group_inputs * params.group_outputs;
        for (var o = 0u; o < params.group_outputs; o++) {
          sum[j] += f32(dy[origin + first + o]) * w[(input * params.group_outputs + o) * taps + tap];
        }
      }
    }
  }
  dx[params.y_offset + pixel * params.y_pitch + group] = vec4<elem>(sum);
}
