// The scale of each output channel of a convolution's weights as 8-bit integers, its inverse, and the sum of the integers.
//
//   scale = max |w| / 127      integer = round(w · 127 / max |w|)      row 0: scale, row 1: 127 / max |w|, row 2: Σ integers
//
//   weight  [outputs, count] dense      scales  [3, lanes], 0 behind the last output and where all weights are 0
//
// A thread owns an output channel. Its integers are the same as in pack_int8.wgsl, because a product is always rounded in the same way.

struct Params {
  outputs: u32, count: u32, lanes: u32,
}

@group(0) @binding(0) var<storage, read> weight: array<f32>;
@group(0) @binding(1) var<storage, read_write> scales: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let out = id.x;
  if (out >= params.lanes) {
    return;
  }
  var largest = 0.0;
  var sum = 0i;
  var inverse = 0.0;
  if (out < params.outputs) {
    let first = out * params.count;
    for (var i = first; i < first + params.count; i++) {
      largest = max(largest, abs(weight[i]));
    }
    // The inverse of a smaller number may be more than a float can hold.
    if (largest > 1e-30) {
      inverse = 127 / largest;
      for (var i = first; i < first + params.count; i++) {
        sum += i32(clamp(round(weight[i] * inverse), -127, 127));
      }
    }
  }
  scales[out] = select(0, largest / 127, inverse > 0);
  scales[params.lanes + out] = inverse;
  scales[2 * params.lanes + out] = f32(sum);  // below 2²⁴, so it is exact
}
