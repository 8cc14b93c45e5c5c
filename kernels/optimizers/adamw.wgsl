// A step of AdamW, in place, as in PyTorch.
//
//   g = factor · gradient      m = β1 · m + (1 − β1) · g      v = β2 · v + (1 − β2) · g²
//   p = p − rate · learning_rate · (decay · weight_decay · p + c1 · m / (√(c2 · v) + ε))
//
//   p, m, v, gradient  dense tensors of one shape, read as vec4s      factor  [1]      halt  [1]: if it is not 0, nothing changes
//   hyper  learning_rate, weight_decay, c1 = 1 / (1 − β1^t), c2 = 1 / (1 − β2^t)      t  number of the step, counted from 1
//
// A thread owns one vec4. Elements of the last one beyond the end are padding. Source: Loshchilov & Hutter 2019.
//
// Prelude: FACTOR, HALT (whether factor and halt are read).

struct Params {
  count: u32, rate: f32, decay: f32, beta1: f32, beta2: f32, rest1: f32, rest2: f32, epsilon: f32,
}

@group(0) @binding(0) var<storage, read_write> p: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> m: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> v: array<vec4f>;
@group(0) @binding(3) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(4) var<storage, read> hyper: array<f32>;
@group(0) @binding(5) var<storage, read> factor: array<f32>;
@group(0) @binding(6) var<storage, read> halt: array<u32>;
@group(0) @binding(7) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let i = id.x + id.y * workgroups.x * 64;
  if (i >= params.count) {
    return;
  }
#if HALT
  if (halt[0] != 0) {
    return;
  }
#endif
  var g = gradient[i];
#if FACTOR
  g *= factor[0];
#endif
  // 1 − β is a param of its own, because subtracting β from 1 in f32 would lose digits.
  let first = params.beta1 * m[i] + params.rest1 * g;
  let second = params.beta2 * v[i] + params.rest2 * g * g;
  m[i] = first;
  v[i] = second;
  let direction = hyper[2] * first / (sqrt(hyper[3] * second) + params.epsilon);
  p[i] -= params.rate * hyper[0] * (params.decay * hyper[1] * p[i] + direction);
}
