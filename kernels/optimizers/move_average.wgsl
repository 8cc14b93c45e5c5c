// Moves the moving average of a parameter towards its value, in place.
//
//   average = average + share · (value − average)      share  1 for the first update: then the average is the value
//
//   average, value  dense tensors of one shape, read as vec4s      hyper  share
//
// A thread owns one vec4. Elements of the last one beyond the end are padding.

struct Params {
  count: u32,
}

@group(0) @binding(0) var<storage, read_write> average: array<vec4f>;
@group(0) @binding(1) var<storage, read> value: array<vec4f>;
@group(0) @binding(2) var<storage, read> hyper: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let i = id.x + id.y * workgroups.x * 64;
  if (i >= params.count) {
    return;
  }
  let moved = average[i] + hyper[0] * (value[i] - average[i]);
  average[i] = select(moved, value[i], hyper[0] >= 1);
}
