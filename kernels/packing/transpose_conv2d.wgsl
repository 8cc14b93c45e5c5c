// Convolution weights for the backward pass: inputs and outputs are exchanged within each group, and the window is rotated by 180°.
//
//   transposed[g·I + i, o, ky, kx] = weight[g·O + o, i, kernel_h − 1 − ky, kernel_w − 1 − kx]      I inputs and O outputs in each group
//
//   weight  [groups · O, I, kernel] dense      transposed  [groups · I, O, kernel] dense
//
// A thread owns the window of one input and output. Rotating a window by 180° reverses the order of its taps.

struct Params {
  group_inputs: u32, group_outputs: u32, kernel: u32, windows: u32,
}

@group(0) @binding(0) var<storage, read> weight: array<f32>;
@group(0) @binding(1) var<storage, read_write> transposed: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  if (index >= params.windows) {
    return;
  }
  let output = index % params.group_outputs;
  let input = index / params.group_outputs;  // counted over all groups
  let first = input / params.group_inputs * params.group_outputs;
  let source = (first + output) * params.group_inputs + input % params.group_inputs;
  for (var tap = 0u; tap < params.kernel; tap++) {
    transposed[index * params.kernel + tap] = weight[source * params.kernel + params.kernel - 1 - tap];
  }
}
