// A function of one number, applied to every element.
//
//   y = f(x)      x, y  nhwc4 pixels `first … first + count` without holes; a dense tensor counts as one pixel
//
// The numbers of the functions are those of the table in src/ops/general/functions.ts. If f is not defined for a number, y is NaN. A thread
// owns one vec4.
//
// The number of the function is a param, so that all functions share one pipeline.
//
// Prelude: elem, MASKED (nhwc4: padding lanes are set to zero).

struct Params {
  first: u32, count: u32, groups: u32,
  x_offset: u32, x_pitch: u32, y_offset: u32, y_pitch: u32,
  channels: u32, code: u32, a: f32, b: f32, nan: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<elem>>;
@group(0) @binding(2) var<uniform> params: Params;

#include elementary
#include normal_tail
#include lanes

fn error_function(x: f32) -> f32 {
  let z = x * x;
  let near = x * (1 - z / 3 * (1 - z * 0.3 * (1 - z * 5 / 21 * (1 - z * 7 / 36 * (1 - z * 9 / 55 * (1 - z * 11 / 78))))));
  let far = 1 - 2 * normal_tail(vec4f(min(abs(x) * 1.414213562, 14.0))).x;
  return select(sign(x) * far, near * 1.128379167, abs(x) < 0.5);
}

fn function_of(v: f32, a: f32, b: f32) -> f32 {
  let nan = bitcast<f32>(params.nan);
  switch params.code {
    case 1u: { return exp(v); }
    case 2u: { return select(log(v), nan, v < 0); }
    case 3u: { return select(sqrt(v), nan, v < 0); }
    case 4u: { return 1 / v; }
    case 5u: { return abs(v); }
    case 6u: { return -v; }
    case 7u: { return floor(v); }
    case 8u: { return ceil(v); }
    case 9u: { return round(v); }  // halves to even
    case 10u: { return sign(v); }
    case 11u: { return trunc(v); }
    case 12u: { return error_function(v); }
    case 13u: { return soft_plus(v); }
    case 14u: { return v / (1 + abs(v)); }                                   // softsign
    case 15u: { return select(a * exp_minus_one(v), v, v > 0); }             // ELU
    case 16u: { return b * select(a * exp_minus_one(v), v, v > 0); }         // SELU
    case 17u: { return select(a * exp_minus_one(v / a), v, v > 0); }         // CELU
    case 18u: {                                                              // mish: tanh(softplus(v)) by e = exp(v)
      let e = exp(min(v, 20));
      return v * (e * (e + 2) / (e * (e + 2) + 2));
    }
    case 19u: { return select(0, v, v > a); }                                // thresholded ReLU
    case 20u: { return clamp(a * v + b, 0, 1); }
    case 21u: { return select(select(0, v - b, v > a), v + b, v < -a); }     // shrink
    case 22u: { return sine_cosine(v).x; }
    case 23u: { return sine_cosine(v).y; }
    case 24u: {
      let both = sine_cosine(v);
      return both.x / both.y;
    }
    case 25u: { return select(arc_sine(v), nan, abs(v) > 1); }
    case 26u: { return select(arc_cosine(v), nan, abs(v) > 1); }
    case 27u: { return arc_tangent(v); }
    case 28u: { return hyperbolic_sine(v); }
    case 29u: { return 0.5 * exp(v) + 0.5 * exp(-v); }
    case 30u: { return area_sine(v); }
    case 31u: { return select(area_cosine(v), nan, v < 1); }
    case 32u: { return select(area_tangent(v), nan, abs(v) > 1); }
    case 33u: { return select(0.0, 1.0, v == 0); }                           // logical not
    case 34u: { return v / (1 + exp(-a * v)); }                              // swish
    case 35u: { return a * v + b; }
    default: { return v; }
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
  var value: vec4f;
  for (var lane = 0; lane < 4; lane++) {
    value[lane] = function_of(v[lane], params.a, params.b);
  }
#if MASKED
  value = select(vec4f(0), value, lane_mask(group, params.channels) > vec4f(0));  // f(0) may be infinite
#endif
  y[params.y_offset + pixel * params.y_pitch + group] = vec4<elem>(value);
}
