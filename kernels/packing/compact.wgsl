// Copies channels into other lanes: from segments with holes to plain ones, the other way round, or in another order.
//
//   y[p, lane] = x[p, sources[lane]], 0 in padding
//
//   x, y  nhwc4 pixels `first … first + count`, x read by lanes      sources  one lane of x for each lane of y, 0xffffffff in padding
//
// A thread owns one vec4 of y.
//
// Prelude: elem.

struct Params {
  first: u32, count: u32, groups: u32,
  x_offset: u32, x_pitch: u32, y_offset: u32, y_pitch: u32,
}

@group(0) @binding(0) var<storage, read> x: array<elem>;
@group(0) @binding(1) var<storage, read> sources: array<vec4u>;
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
  let source = sources[group];
  let filled = source != vec4u(0xffffffff);
  let at = vec4u((params.x_offset + pixel * params.x_pitch) * 4) + select(vec4u(0), source, filled);
  let value = vec4<elem>(x[at.x], x[at.y], x[at.z], x[at.w]);
  y[params.y_offset + pixel * params.y_pitch + group] = select(vec4<elem>(0), value, filled);
}
