// Backward pass of resizing. An input pixel gets the gradient of each output pixel, times its weight in that output pixel.
//
//   dx[n, i, j, c] = Σ_{oy, ox} w(oy, i) · w(ox, j) · dy[n, oy, ox, c]
//
// w(o, i) is the weight of position i of an axis in output o of the forward pass. Positions are the integers of resize.wgsl and
// resize_antialiased.wgsl. Each thread sums all that its item gets, so that no atomics are needed and the bits are always the same.
//
//   x = dy, y = dx  nhwc4, items are vec4; or dense [n, c, h, w], which is n · c images of one scalar channel.
//                   A band of dx's pixels `first … first + count` counted over all images
//
// A thread owns one item.
//
// Prelude: elem, DENSE, NEAREST, CORNERS, ANTIALIASED.

struct Params {
  first: u32, count: u32, groups: u32,
  x_offset: u32, x_pitch: u32, y_offset: u32, y_pitch: u32,
  in_h: i32, in_w: i32, out_h: i32, out_w: i32,
  step_h: i32, start_h: i32, denominator_h: i32,
  step_w: i32, start_w: i32, denominator_w: i32,
}

#include map

@group(0) @binding(0) var<storage, read> x: array<item>;
@group(0) @binding(1) var<storage, read_write> y: array<item>;
@group(0) @binding(2) var<uniform> params: Params;

struct Axis {
  size: i32, outputs: i32,
  step: i32, start: i32, denominator: i32,
}

// First and last output in which position i may have a weight.
fn reached(i: i32, axis: Axis) -> vec2i {
  if (CORNERS) {
    return vec2i(0, axis.outputs - 1);
  }
  let centre = (2 * i + 1) * axis.outputs;
  let reach = 2 * max(axis.size, axis.outputs);
  let low = (centre - reach) / (2 * axis.size) - 1;
  let high = (centre + reach) / (2 * axis.size) + 1;
  return vec2i(max(low, 0), min(high, axis.outputs - 1));
}

fn weight(o: i32, i: i32, axis: Axis) -> f32 {
  if (ANTIALIASED) {
    let centre = (2 * o + 1) * axis.size;
    let half_width = 2 * max(axis.size, axis.outputs);
    let own = half_width - abs((2 * i + 1) * axis.outputs - centre);
    if (own <= 0) {
      return 0;
    }
    var total = 0.0;
    let before = centre - half_width - axis.outputs;
    for (var k = select(0, before / (2 * axis.outputs) + 1, before >= 0); k < axis.size; k++) {
      let one = half_width - abs((2 * k + 1) * axis.outputs - centre);
      if (one <= 0) {
        break;
      }
      total += f32(one);
    }
    return f32(own) / total;
  }
  let p = max(o * axis.step + axis.start, 0);
  let low = p / axis.denominator;
  if (NEAREST) {
    return select(0.0, 1.0, low == i);
  }
  let fraction = f32(p - low * axis.denominator) / f32(axis.denominator);
  let high = min(low + 1, axis.size - 1);
  return select(0, 1 - fraction, low == i) + select(0, fraction, high == i);
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
  let i = row - image * params.in_h;
  let j = i32(pixel) - row * params.in_w;
  let vertical = Axis(params.in_h, params.out_h, params.step_h, params.start_h, params.denominator_h);
  let horizontal = Axis(params.in_w, params.out_w, params.step_w, params.start_w, params.denominator_w);
  let rows = reached(i, vertical);
  let columns = reached(j, horizontal);
  var sum = wide(0);
  for (var oy = rows.x; oy <= rows.y; oy++) {
    let down = weight(oy, i, vertical);
    if (down == 0) {
      continue;
    }
    var line = wide(0);
    let first = (image * params.out_h + oy) * params.out_w;
    for (var ox = columns.x; ox <= columns.y; ox++) {
      line += weight(ox, j, horizontal) * wide(x[params.x_offset + u32(first + ox) * params.x_pitch + group]);
    }
    sum += down * line;
  }
  y[params.y_offset + pixel * params.y_pitch + group] = item(sum);
}
