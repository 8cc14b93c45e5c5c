// Adds the partial sums of a convolution's weight gradient, and writes them in PyTorch's order.
//
//   dw[o, lanes[i], tap] = Σ_chunk partial[chunk, tap, i, o]      chunks in order, so that the bits are always the same
//
//   partial  as in conv2d_weight_gradient.wgsl      lanes  the logical channel in each input lane, 0xffffffff in padding
//   dw       [outputs, inputs, taps] dense
//
// A thread owns one vec4 of partial sums: four output channels of one input lane and tap.

struct Params {
  chunks: u32, taps: u32, in_lanes: u32, out_groups: u32, outputs: u32, inputs: u32,
}

@group(0) @binding(0) var<storage, read> partial: array<vec4f>;
@group(0) @binding(1) var<storage, read> lanes: array<u32>;
@group(0) @binding(2) var<storage, read_write> dw: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  let size = params.taps * params.in_lanes * params.out_groups;
  if (index >= size) {
    return;
  }
  let out = index % params.out_groups * 4;
  let input = lanes[index / params.out_groups % params.in_lanes];
  let tap = index / params.out_groups / params.in_lanes;
  if (input >= params.inputs) {
    return;
  }
  var sum = vec4f(0);
  for (var chunk = 0u; chunk < params.chunks; chunk++) {
    sum += partial[chunk * size + index];
  }
  for (var j = 0u; j < 4 && out + j < params.outputs; j++) {
    dw[((out + j) * params.inputs + input) * params.taps + tap] = sum[j];
  }
}
