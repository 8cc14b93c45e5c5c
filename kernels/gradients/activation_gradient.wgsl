// Backward pass of an elementwise activation.
//
//   dx = dy · act′      dy, v, dx  nhwc4 pixels `first … first + count`; a dense tensor counts as one pixel
//
// act′ is computed from v. For most activations that is y = act(x), so that x need not be kept; for the others it is x. The table in
// src/ops/layers/activations.ts says which. At a kink the derivative is 0, as in PyTorch. A thread owns one vec4. Padding lanes stay zero
// because dy is zero there.
//
// Prelude: elem, ACTIVATION (codes of include/activation.wgsl, never 0).

struct Params {
  first: u32, count: u32, groups: u32,
  dy_offset: u32, dy_pitch: u32, v_offset: u32, v_pitch: u32, y_offset: u32, y_pitch: u32,
  act_a: f32, act_b: f32,
}

@group(0) @binding(0) var<storage, read> dy: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read> v: array<vec4<elem>>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4<elem>>;
@group(0) @binding(3) var<uniform> params: Params;

const_assert ACTIVATION >= 1 && ACTIVATION <= 10;  // a code without a case would get the slope of the identity

#include normal_tail

fn slope(v: vec4f, a: f32, b: f32) -> vec4f {
  switch ACTIVATION {
    case 1u: { return select(vec4f(0), vec4f(1), v > vec4f(0)); }
    case 2u: { return select(vec4f(a), vec4f(1), v > vec4f(0)); }
    case 3u: { return select(vec4f(0), vec4f(1), (v > vec4f(a)) & (v < vec4f(b))); }
    case 4u: { return v * (1 - v); }
    case 5u: { return (1 - v) * (1 + v); }
    case 6u: { return select(v / 3 + 0.5, select(vec4f(0), vec4f(1), v > vec4f(0)), abs(v) >= vec4f(3)); }
    case 7u: {  // SiLU; far below zero exp(−v) is infinite and s is 0, as it should be
      let s = 1 / (1 + exp(-v));
      return s * (1 + v * (1 - s));
    }
    case 8u: { return select(vec4f(0), vec4f(1.0 / 6), abs(v) < vec4f(3)); }
    case 9u: {  // GELU: Φ(v) + v · φ(v), with the density φ(v) = exp(−v²/2) / √(2π)
      let u = clamp(v, vec4f(-14), vec4f(14));
      let tail = normal_tail(abs(u));
      return select(tail, 1 - tail, u > vec4f(0)) + u * exp(-0.5 * u * u) * 0.3989422804;
    }
    case 10u: {  // GELU by tanh: s + v · s · (1 − s) · z′, with z = 2·√(2/π)·(v + 0.044715·v³) as in include/activation.wgsl
      let u = clamp(v, vec4f(-10), vec4f(10));  // beyond these bounds s is 0 or 1, and its factor z′ must not overflow
      let s = 1 / (1 + exp(-1.5957691216 * u * (1 + 0.044715 * u * u)));
      return s + u * s * (1 - s) * 1.5957691216 * (1 + 0.134145 * u * u);
    }
    default: { return vec4f(1); }
  }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  let group = index % params.groups;
  let pixel = params.first + index / params.groups;
  if (pixel >= params.first + params.count) {
    return;
  }
  let value = slope(vec4f(v[params.v_offset + pixel * params.v_pitch + group]), params.act_a, params.act_b);
  dx[params.y_offset + pixel * params.y_pitch + group] = vec4<elem>(value * vec4f(dy[params.dy_offset + pixel * params.dy_pitch + group]));
}
