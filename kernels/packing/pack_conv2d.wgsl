// Packs convolution weights for the kernels that read vec4s of output channels.
//
//   packed[ky, kx, i, o] = weight[o, lanes[i], ky, kx]     0 where i or o is padding
//
//   weight  [outputs, inputs, kernel]   dense, PyTorch's OIHW order; inputs are those of one convolution group
//   lanes   [in_lanes]                  the logical channel in each physical input lane, 0xffffffff in padding
//   packed  [kernel, in_lanes, out_groups] vec4s
//
// A thread owns one vec4: four output channels of one input lane and tap.
//
// Prelude: elem.

struct Params {
  outputs: u32, inputs: u32, kernel: u32,
  in_lanes: u32, out_groups: u32,
}

@group(0) @binding(0) var<storage, read> weight: array<f32>;
@group(0) @binding(1) var<storage, read> lanes: array<u32>;
@group(0) @binding(2) var<storage, read_write> packed: array<vec4<elem>>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  if (index >= params.kernel * params.in_lanes * params.out_groups) {
    return;
  }
  let out = index % params.out_groups * 4;
  let lane = index / params.out_groups % params.in_lanes;
  let tap = index / params.out_groups / params.in_lanes;
  let input = lanes[lane];
  var value = vec4f(0);
  if (input < params.inputs) {
    for (var j = 0u; j < 4 && out + j < params.outputs; j++) {
      value[j] = weight[((out + j) * params.inputs + input) * params.kernel + tap];
    }
  }
  packed[index] = vec4<elem>(value);
}
