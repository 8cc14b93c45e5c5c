// Backward pass of a function of one number.
//
//   dx = dy · f′(x)      dy, x, dx  nhwc4 pixels `first … first + count` without holes; a dense tensor counts as one pixel
//
// The numbers of the functions are those of the table in src/ops/general/functions.ts. At a kink the derivative is 0. Padding lanes are set to
// zero, since f′(0) may be infinite. A thread owns one vec4.
//
// The number of the function is a param, so that all functions share one pipeline.
//
// Prelude: elem, MASKED (nhwc4).

struct Params {
  first: u32, count: u32, groups: u32,
  dy_offset: u32, dy_pitch: u32, x_offset: u32, x_pitch: u32, y_offset: u32, y_pitch: u32,
  channels: u32, code: u32, a: f32, b: f32,
}

@group(0) @binding(0) var<storage, read> dy: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4<elem>>;
@group(0) @binding(3) var<uniform> params: Params;

#include elementary
#include lanes

fn logistic(v: f32) -> f32 {
  return 1 / (1 + exp(-v));
}

fn slope(v: f32, a: f32, b: f32) -> f32 {
  switch params.code {
    case 1u: { return exp(v); }
    case 2u: { return 1 / v; }
    case 3u: { return 0.5 / sqrt(v); }
    case 4u: { return -1 / (v * v); }
    case 5u: { return sign(v); }
    case 6u: { return -1.0; }
    case 7u: { return 0.0; }
    case 8u: { return 0.0; }
    case 9u: { return 0.0; }
    case 10u: { return 0.0; }
    case 11u: { return 0.0; }
    case 12u: { return 1.128379167 * exp(-v * v); }
    case 13u: { return logistic(v); }
    case 14u: { return 1 / ((1 + abs(v)) * (1 + abs(v))); }
    case 15u: { return select(a * exp(v), 1.0, v > 0); }
    case 16u: { return b * select(a * exp(v), 1.0, v > 0); }
    case 17u: { return select(exp(v / a), 1.0, v > 0); }
    case 18u: {
      let e = exp(min(v, 20));
      let t = e * (e + 2) / (e * (e + 2) + 2);
      return t + v * (1 - t) * (1 + t) * logistic(v);
    }
    case 19u: { return select(0.0, 1.0, v > a); }
    case 20u: { return select(0.0, a, a * v + b > 0 && a * v + b < 1); }
    case 21u: { return select(0.0, 1.0, abs(v) > a); }
    case 22u: { return sine_cosine(v).y; }
    case 23u: { return -sine_cosine(v).x; }
    case 24u: {
      let c = sine_cosine(v).y;
      return 1 / (c * c);
    }
    case 25u: { return 1 / sqrt((1 - v) * (1 + v)); }
    case 26u: { return -1 / sqrt((1 - v) * (1 + v)); }
    case 27u: { return 1 / (1 + v * v); }
    case 28u: { return 0.5 * exp(v) + 0.5 * exp(-v); }
    case 29u: { return hyperbolic_sine(v); }
    case 30u: { return 1 / sqrt(1 + v * v); }
    case 31u: { return 1 / sqrt((v - 1) * (v + 1)); }
    case 32u: { return 1 / ((1 - v) * (1 + v)); }
    case 33u: { return 0.0; }
    case 34u: {
      let s = logistic(a * v);
      return s * (1 + a * v * (1 - s));
    }
    case 35u: { return a; }
    default: { return 1.0; }
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
  let v = vec4f(x[params.x_offset + pixel * params.x_pitch + group]);
  var value = vec4f(dy[params.dy_offset + pixel * params.dy_pitch + group]);
  for (var lane = 0; lane < 4; lane++) {
    value[lane] *= slope(v[lane], params.a, params.b);
  }
#if MASKED
  value = select(vec4f(0), value, lane_mask(group, params.channels) > vec4f(0));
#endif
  dx[params.y_offset + pixel * params.y_pitch + group] = vec4<elem>(value);
}
