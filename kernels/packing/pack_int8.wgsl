// Rounds convolution weights to 8-bit integers and packs them for conv2d_int8.wgsl, four input channels to a word.
//
//   packed[ky, kx, chunk, o] = words of 16 input lanes      integer = round(weight[o, lanes[i], ky, kx] · inverse[o])
//
//   weight  [outputs, inputs, kernel]   dense, PyTorch's OIHW order
//   scales  [3, out_lanes]              of int8_scales.wgsl; row 1 has the inverses
//   lanes   [in_lanes]                  the logical channel in each physical input lane, 0xffffffff in padding
//   packed  [kernel, chunks, out_lanes] vec4s of words, 0 where an input or an output is padding
//
// A thread owns one vec4 of words.

struct Params {
  outputs: u32, inputs: u32, kernel: u32,
  in_lanes: u32, chunks: u32, out_lanes: u32,
}

@group(0) @binding(0) var<storage, read> weight: array<f32>;
@group(0) @binding(1) var<storage, read> scales: array<f32>;
@group(0) @binding(2) var<storage, read> lanes: array<u32>;
@group(0) @binding(3) var<storage, read_write> packed: array<vec4u>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  if (index >= params.kernel * params.chunks * params.out_lanes) {
    return;
  }
  let out = index % params.out_lanes;
  let chunk = index / params.out_lanes % params.chunks;
  let tap = index / params.out_lanes / params.chunks;
  var words = vec4u(0);
  if (out < params.outputs) {
    let inverse = scales[params.out_lanes + out];
    for (var i = 0u; i < 16 && chunk * 16 + i < params.in_lanes; i++) {
      let input = lanes[chunk * 16 + i];
      if (input < params.inputs) {
        let value = weight[(out * params.inputs + input) * params.kernel + tap];
        let integer = i32(clamp(round(value * inverse), -127, 127));
        words[i / 4] |= (u32(integer) & 0xff) << (i % 4 * 8);
      }
    }
  }
  packed[index] = words;
}
