// Gradient of a depthwise convolution by its weights, as partial sums over chunks of pixels.
//
//   partial[chunk, ky, kx, c] = Σ_{p in chunk} x[p·s + (ky, kx)·d − pad, c] · dy[p, c]      p  output pixel; 0 outside x
//
//   x, dy    nhwc4; chunks cover the output pixels `first … first + count`
//   partial  [chunks, ky, kx, c] with c padded to vec4 groups
//
// A thread owns four channels of up to four neighbouring taps of a row of the window, in one chunk. The taps share what is read of dy. With
// SLIDE they also share what is read of x: from one output pixel to the next, the window moves by one pixel, so only one pixel is new.
//
// Prelude: elem; SLIDE where stride and dilation along x are 1.

struct Params {
  first: u32, count: u32, chunk: u32, first_chunk: u32,
  in_h: i32, in_w: i32, out_h: u32, out_w: u32,
  kernel_h: u32, kernel_w: u32, stride_h: i32, stride_w: i32, dilation_h: i32, dilation_w: i32,
  pad_top: i32, pad_left: i32,
  groups: u32,   // vec4 groups of channels
  chunks: u32,
  x_offset: u32, x_pitch: u32, dy_offset: u32, dy_pitch: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read> dy: array<vec4<elem>>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

fn load(row: u32, column: i32, group: u32) -> vec4f {
  if (column < 0 || column >= params.in_w) {
    return vec4f(0);
  }
  return vec4f(x[params.x_offset + (row + u32(column)) * params.x_pitch + group]);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  let group = index % params.groups;
  let parts = (params.kernel_w + 3) / 4;
  let kx = index / params.groups % parts * 4;
  let ky = index / params.groups / parts % params.kernel_h;
  let chunk = index / params.groups / parts / params.kernel_h;
  if (chunk >= params.chunks) {
    return;
  }
  let shift_y = i32(ky) * params.dilation_h - params.pad_top;
  let shift_x = i32(kx) * params.dilation_w - params.pad_left;
  var sum0 = vec4f(0);
  var sum1 = vec4f(0);
  var sum2 = vec4f(0);
  var sum3 = vec4f(0);
  var pixel = params.first + chunk * params.chunk;
  let end = min(pixel + params.chunk, params.first + params.count);
  while (pixel < end) {
    let line = pixel / params.out_w;
    let image = line / params.out_h;
    let stop = min((line + 1) * params.out_w, end);
    let iy = i32(line - image * params.out_h) * params.stride_h + shift_y;
    if (iy < 0 || iy >= params.in_h) {
      pixel = stop;
      continue;
    }
    let row = (image * u32(params.in_h) + u32(iy)) * u32(params.in_w);
    var column = i32(pixel - line * params.out_w) * params.stride_w + shift_x;
    var v0 = vec4f(0);
#if SLIDE
    var v1 = load(row, column, group);
    var v2 = load(row, column + 1, group);
    var v3 = load(row, column + 2, group);
#else
    var v1 = vec4f(0);
    var v2 = vec4f(0);
    var v3 = vec4f(0);
#endif
    for (; pixel < stop; pixel++) {
#if SLIDE
      v0 = v1;
      v1 = v2;
      v2 = v3;
      v3 = load(row, column + 3, group);
#else
      v0 = load(row, column, group);
      v1 = load(row, column + params.dilation_w, group);
      v2 = load(row, column + params.dilation_w * 2, group);
      v3 = load(row, column + params.dilation_w * 3, group);
#endif
      column += params.stride_w;
      let slope = vec4f(dy[params.dy_offset + pixel * params.dy_pitch + group]);
      sum0 += v0 * slope;
      sum1 += v1 * slope;
      sum2 += v2 * slope;
      sum3 += v3 * slope;
    }
  }
  let to = (((params.first_chunk + chunk) * params.kernel_h + ky) * params.kernel_w + kx) * params.groups + group;
  partial[to] = sum0;
  if (kx + 1 < params.kernel_w) {
    partial[to + params.groups] = sum1;
  }
  if (kx + 2 < params.kernel_w) {
    partial[to + 2 * params.groups] = sum2;
  }
  if (kx + 3 < params.kernel_w) {
    partial[to + 3 * params.groups] = sum3;
  }
}
