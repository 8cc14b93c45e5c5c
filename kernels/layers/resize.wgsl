// Resizes images: takes the nearest pixel, or interpolates linearly between the four pixels around a position.
//
//   y[n, oy, ox, c] = Σ_{i, j ∈ {0, 1}} w_i(oy) · w_j(ox) · x[n, ⌊py⌋ + i, ⌊px⌋ + j, c]      w_1(o) = p − ⌊p⌋,  w_0 = 1 − w_1
//   p(o) = max(0, o · step + start) / denominator
//
// A position is an integer divided by a denominator. In f32, a position near 1,000 would keep only 13 bits of its fraction.
//
//   x, y  nhwc4, items are vec4; or dense [n, c, h, w], which is n · c images of one scalar channel.
//         A band of output pixels `first … first + count` counted over all images
//
// A thread owns one item.
//
// Prelude: elem, DENSE, NEAREST.

struct Params {
  first: u32, count: u32, groups: u32,
  x_offset: u32, x_pitch: u32, y_offset: u32, y_pitch: u32,
  in_h: u32, in_w: u32, out_h: u32, out_w: u32,
  step_h: u32, start_h: i32, denominator_h: u32,
  step_w: u32, start_w: i32, denominator_w: u32,
}

#include map

@group(0) @binding(0) var<storage, read> x: array<item>;
@group(0) @binding(1) var<storage, read_write> y: array<item>;
@group(0) @binding(2) var<uniform> params: Params;

struct Position {
  low: u32, high: u32,
  fraction: f32,
}

fn position(o: u32, step: u32, start: i32, denominator: u32, size: u32) -> Position {
  let p = u32(max(i32(o * step) + start, 0));
  let low = p / denominator;
  return Position(low, min(low + 1, size - 1), f32(p - low * denominator) / f32(denominator));
}

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
  let v = position(row - image * params.out_h, params.step_h, params.start_h, params.denominator_h, params.in_h);
  let h = position(pixel - row * params.out_w, params.step_w, params.start_w, params.denominator_w, params.in_w);
  let first = params.x_offset + group;
  let low = (image * params.in_h + v.low) * params.in_w;
  let high = (image * params.in_h + v.high) * params.in_w;
  var value = wide(x[first + (low + h.low) * params.x_pitch]);
  if (!NEAREST) {
    let above = mix(value, wide(x[first + (low + h.high) * params.x_pitch]), h.fraction);
    let left = wide(x[first + (high + h.low) * params.x_pitch]);
    let below = mix(left, wide(x[first + (high + h.high) * params.x_pitch]), h.fraction);
    value = mix(above, below, v.fraction);
  }
  y[params.y_offset + pixel * params.y_pitch + group] = item(value);
}
