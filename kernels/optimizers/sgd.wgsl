// A step of stochastic gradient descent, in place, with momentum and weight decay as in PyTorch.
//
//   g = factor · gradient + decay · weight_decay · p
//   v = momentum · v + g                                 with MOMENTUM
//   p = p − rate · learning_rate · d                     d = g, or v with MOMENTUM, or g + momentum · v with NESTEROV
//
//   p, v, gradient  dense tensors of one shape, read as vec4s      hyper  learning_rate, momentum, weight_decay      factor  [1]
//   halt  [1]: if it is not 0, nothing changes
//
// A thread owns one vec4. Elements of the last one beyond the end are padding.
//
// Prelude: MOMENTUM, NESTEROV, FACTOR (whether gradients are scaled, for clipping), HALT (whether halt is read).

struct Params {
  count: u32, rate: f32, decay: f32,
}

@group(0) @binding(0) var<storage, read_write> p: array<vec4f>;
#if MOMENTUM
@group(0) @binding(1) var<storage, read_write> v: array<vec4f>;
#endif
@group(0) @binding(2) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(3) var<storage, read> hyper: array<f32>;
@group(0) @binding(4) var<storage, read> factor: array<f32>;
@group(0) @binding(5) var<storage, read> halt: array<u32>;
@group(0) @binding(6) var<uniform> params: Params;

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
  g += params.decay * hyper[2] * p[i];
#if MOMENTUM
  let velocity = hyper[1] * v[i] + g;
  v[i] = velocity;
#if NESTEROV
  g += hyper[1] * velocity;
#else
  g = velocity;
#endif
#endif
  p[i] -= params.rate * hyper[0] * g;
}
