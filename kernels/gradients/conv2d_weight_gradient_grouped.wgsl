// Gradient of a grouped convolution by its weights, as partial sums. It reads single lanes, for groups whose width is not a multiple of 4
// channels.
//
//   partial[chunk, o, i, tap] = Σ_{p in chunk} x[p·s + tap·d − pad, g·I + i] · dy[p, o]      g = ⌊o / O⌋
//
//   x, dy  nhwc4, read by lanes      partial  [chunks, outputs, I, taps], dense
//
// A thread owns one weight in one chunk of the output pixels `first … first + count`.
//
// Prelude: elem.

struct Params {
  first: u32, count: u32, chunk: u32, first_chunk: u32,
  in_h: i32, in_w: i32, out_h: u32, out_w: u32,
  kernel_h: u32, kernel_w: u32, stride_h: i32, stride_w: i32, dilation_h: i32, dilation_w: i32,
  pad_top: i32, pad_left: i32,
  group_inputs: u32, group_outputs: u32, elements: u32,
  x_offset: u32, x_pitch: u32, dy_offset: u32, dy_pitch: u32,
}

@group(0) @binding(0) var<storage, read> x: array<elem>;
@group(0) @binding(1) var<storage, read> lanes: array<u32>;  // the physical lane of each channel of x
@group(0) @binding(2) var<storage, read> dy: array<elem>;
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) workgroup: vec3u) {
  if (id.x >= params.elements) {
    return;
  }
  let taps = params.kernel_h * params.kernel_w;
  let tap = id.x % taps;
  let i = id.x / taps % params.group_inputs;
  let o = id.x / taps / params.group_inputs;
  let lane = lanes[o / params.group_outputs * params.group_inputs + i];
  let shift_y = i32(tap / params.kernel_w) * params.dilation_h - params.pad_top;
  let shift_x = i32(tap % params.kernel_w) * params.dilation_w - params.pad_left;
  let start = params.first + workgroup.z * params.chunk;
  var sum = 0.0;
  for (var p = start; p < min(start + params.chunk, params.first + params.count); p++) {
    let line = p / params.out_w;
    let image = line / params.out_h;
    let iy = i32(line - image * params.out_h) * params.stride_h + shift_y;
    let ix = i32(p - line * params.out_w) * params.stride_w + shift_x;
    if (iy >= 0 && iy < params.in_h && ix >= 0 && ix < params.in_w) {
      let pixel = image * u32(params.in_h * params.in_w) + u32(iy * params.in_w + ix);
      sum += f32(x[(params.x_offset + pixel * params.x_pitch) * 4 + lane]) * f32(dy[(params.dy_offset + p * params.dy_pitch) * 4 + o]);
    }
  }
  partial[(params.first_chunk + workgroup.z) * params.elements + id.x] = sum;
}
