// Gradient of a fully connected layer by its input.
//
//   dx[n, i] = Σ_o dy[n, o] · weight[o, i]
//
//   dy  [batch, outputs] dense      weight  [outputs, inputs] dense      dx  [batch, inputs] nhwc4, f32
//
// A thread owns one vec4 of dx, so that neighbouring lanes read neighbouring weights.

struct Params {
  inputs: u32, outputs: u32, groups: u32, images: u32, dx_offset: u32, dx_pitch: u32,
}

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  let group = index % params.groups;
  let image = index / params.groups;
  if (image >= params.images) {
    return;
  }
  let last = min(4, params.inputs - group * 4);
  var sum = vec4f(0);
  for (var o = 0u; o < params.outputs; o++) {
    let slope = dy[image * params.outputs + o];
    for (var lane = 0u; lane < last; lane++) {
      sum[lane] += slope * weight[o * params.inputs + group * 4 + lane];
    }
  }
  dx[params.dx_offset + image * params.dx_pitch + group] = sum;
}
