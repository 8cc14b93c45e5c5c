// Gradient of a fully connected layer by its weights and its bias.
//
//   dw[o, i] = Σ_n dy[n, o] · x[n, i]      db[o] = Σ_n dy[n, o]
//
//   x  [batch, inputs] nhwc4, f32, rows x_pitch vec4s apart      dy  [batch, outputs] dense      dw, db  dense
//
// A thread owns one weight; the thread of the first input also owns the bias. Images are added in order.

struct Params {
  inputs: u32, outputs: u32, images: u32, x_offset: u32, x_pitch: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> dw: array<f32>;
@group(0) @binding(3) var<storage, read_write> db: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  let i = index % params.inputs;
  let o = index / params.inputs;
  if (o >= params.outputs) {
    return;
  }
  var sum = 0.0;
  var bias = 0.0;
  for (var n = 0u; n < params.images; n++) {
    let slope = dy[n * params.outputs + o];
    sum += slope * x[(params.x_offset + n * params.x_pitch) * 4 + i];
    bias += slope;
  }
  dw[index] = sum;
  if (i == 0) {
    db[o] = bias;
  }
}
