// Rounds activations to 8-bit integers, four to a word, with one scale and zero point for the whole tensor.
//
//   q = clamp( round(x / scale) + zero, −128, 127 )      round: to the nearest, a half to the even number
//
//   x  nhwc4 pixels `first … first + count`      y  nhwc4 of u32: a word for each vec4 of x, the first channel in its lowest byte
//
// A thread owns a vec4 of words, which are 16 channels of x. Words behind the last vec4 of x are 0.
//
// Prelude: elem.

struct Params {
  first: u32, count: u32, groups: u32,
  x_offset: u32, x_pitch: u32, y_offset: u32, y_pitch: u32,
  x_groups: u32,           // vec4s of a pixel of x
  inverse: f32, zero: f32, // 1 / scale, and the integer that stands for 0
}

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4u>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  let group = index % params.groups;
  let pixel = params.first + index / params.groups;
  if (pixel >= params.first + params.count) {
    return;
  }
  var words = vec4u(0);
  for (var i = 0u; i < 4 && group * 4 + i < params.x_groups; i++) {
    let value = vec4f(x[params.x_offset + pixel * params.x_pitch + group * 4 + i]);
    let integers = vec4i(clamp(round(value * params.inverse) + params.zero, vec4f(-128), vec4f(127)));
    let bytes = (vec4u(integers) & vec4u(0xff)) << vec4u(0, 8, 16, 24);
    words[i] = bytes.x | bytes.y | bytes.z | bytes.w;
  }
  y[params.y_offset + pixel * params.y_pitch + group] = words;
}
