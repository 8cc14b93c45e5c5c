// Gradient of a convolution by its weights, as partial sums over chunks of pixels, without workgroup memory.
//
//   partial[chunk, tap, i, o] = Σ_{p in chunk} x[p·s + tap·d − pad, i] · dy[p, o]      p  output pixel; 0 outside x
//
//   x, dy    nhwc4; chunks cover the output pixels `first … first + count`
//   partial  [chunks, taps, i, o] with i and o padded to vec4 groups, o innermost; i within its convolution group
//
// A thread owns 4 input × 4 output channels of one tap in one chunk. It goes through dy row by row, and in each row through the pixels
// whose tap is inside x. Lanes along x differ in output channels; lanes along y in tap and input channels.
//
// Prelude: elem.

#include conv2d_weight_gradient

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let out = workgroup.x * 8 + lane.x;
  let row = workgroup.y * 8 + lane.y;
  if (out >= params.out_groups || row >= row_count()) {
    return;
  }
  let tap = tap_of(row);
  let source = params.x_offset + out / params.group_outputs * params.in_groups + row % params.in_groups;
  // In a row, the tap is inside x for the output pixels from the first of these numbers up to, but not including, the last.
  let low = u32((max(-tap.shift_x, 0) + params.stride_w - 1) / params.stride_w);
  let high = u32((max(params.in_w - tap.shift_x, 0) + params.stride_w - 1) / params.stride_w);

  var sum0 = vec4f(0);
  var sum1 = vec4f(0);
  var sum2 = vec4f(0);
  var sum3 = vec4f(0);
  var pixel = params.first + workgroup.z * params.chunk;
  let end = min(pixel + params.chunk, params.first + params.count);
  while (pixel < end) {
    let line = pixel / params.out_w;
    let image = line / params.out_h;
    let start = pixel - line * params.out_w;
    let stop = min(params.out_w, end - line * params.out_w);
    let iy = i32(line - image * params.out_h) * params.stride_h + tap.shift_y;
    pixel = line * params.out_w + stop;
    if (iy < 0 || iy >= params.in_h) {
      continue;
    }
    let first = max(start, low);
    let last = min(stop, high);
    let column = i32(first) * params.stride_w + tap.shift_x;
    var origin = source + (image * u32(params.in_h * params.in_w) + u32(iy * params.in_w + column)) * params.x_pitch;
    var slope = params.dy_offset + (line * params.out_w + first) * params.dy_pitch + out;
    for (var ox = first; ox < last; ox++) {
      let a = vec4f(x[origin]);
      let d = vec4f(dy[slope]);
      origin += u32(params.stride_w) * params.x_pitch;
      slope += params.dy_pitch;
      sum0 += a.x * d;
      sum1 += a.y * d;
      sum2 += a.z * d;
      sum3 += a.w * d;
    }
  }
  store(workgroup.z, row, out, sum0, sum1, sum2, sum3);
}
