// Fully connected layer without workgroup memory and barriers, which cost most of the time on software adapters.
//
// Maths and layouts as in linear.wgsl, but x is read as vec4s; its padding lanes are zero.
//
// A workgroup is one subgroup. It owns OUTPUTS (4) outputs of one image, which share what is read of x. Each lane sums over every SUBGROUP-th
// vec4 of inputs; then lanes are added pairwise, in a fixed tree.
//
// Prelude: SUBGROUPS; SUBGROUP (lanes of every subgroup, a power of two), BIAS.

struct Params {
  inputs: u32, outputs: u32, x_offset: u32, x_pitch: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

// The weights of an output for inputs 4 · i … 4 · i + 3, and 0 behind the last input.
fn weights(o: u32, i: u32) -> vec4f {
  let at = min(o, params.outputs - 1) * params.inputs + i * 4;
  let value = vec4f(weight[at], weight[at + 1], weight[at + 2], weight[at + 3]);
  return select(vec4f(0), value, vec4u(0, 1, 2, 3) + i * 4 < vec4u(params.inputs));
}

@compute @workgroup_size(SUBGROUP)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let o = workgroup.x * 4;
  let row = params.x_offset + workgroup.y * params.x_pitch;
  var sums = vec4f(0);  // one for each output
  for (var i = lane; i * 4 < params.inputs; i += SUBGROUP) {
    let value = x[row + i];
    // The loop does not begin with a constant, so that no compiler unrolls it: one place that loads weights is faster to compile.
    for (var j = o; j < o + 4; j++) {
      sums = vec4f(sums.yzw, sums.x + dot(value, weights(j, i)));
    }
  }
  for (var half = SUBGROUP / 2; half > 0; half /= 2) {
    sums += subgroupShuffleXor(sums, half);
  }
  for (var j = 0u; j < 4; j++) {
    if (lane == j && o + j < params.outputs) {
#if BIAS
      sums[j] += bias[o + j];
#endif
      y[workgroup.y * params.outputs + o + j] = sums[j];
    }
  }
}
