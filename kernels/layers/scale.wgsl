// Multiplies a tensor by one number or two.
//
//   y = x · factor · by[0]      x, y  nhwc4 pixels `first … first + count`; a dense tensor counts as one pixel
//
// A thread owns one vec4.
//
// Prelude: elem, BY (whether there is a second factor).

struct Params {
  first: u32, count: u32, groups: u32,
  x_offset: u32, x_pitch: u32, y_offset: u32, y_pitch: u32,
  factor: f32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read> by: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<elem>>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  let group = index % params.groups;
  let pixel = params.first + index / params.groups;
  if (pixel >= params.first + params.count) {
    return;
  }
  var factor = params.factor;
#if BY
  factor *= by[0];
#endif
  y[params.y_offset + pixel * params.y_pitch + group] = vec4<elem>(factor * vec4f(x[params.x_offset + pixel * params.x_pitch + group]));
}
