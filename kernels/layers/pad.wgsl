// Pads each image with a constant; negative padding crops.
//
//   y[n, oy, ox, c] = x[n, oy − top, ox − left, c] inside, value outside
//
//   x, y  nhwc4; a band of output pixels `first … first + count` counted over all images
//
// A thread owns one vec4.
//
// Prelude: elem.

struct Params {
  first: u32, count: u32, groups: u32,
  x_offset: u32, x_pitch: u32, y_offset: u32, y_pitch: u32,
  in_h: i32, in_w: i32, out_h: u32, out_w: u32, pad_top: i32, pad_left: i32,
  channels: u32, value: f32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<elem>>;
@group(0) @binding(2) var<uniform> params: Params;

#include lanes

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
  let iy = i32(row - image * params.out_h) - params.pad_top;
  let ix = i32(pixel - row * params.out_w) - params.pad_left;
  var value = vec4<elem>(params.value * lane_mask(group, params.channels));
  if (iy >= 0 && iy < params.in_h && ix >= 0 && ix < params.in_w) {
    let source = (i32(image) * params.in_h + iy) * params.in_w + ix;
    value = x[params.x_offset + u32(source) * params.x_pitch + group];
  }
  y[params.y_offset + pixel * params.y_pitch + group] = value;
}
