// For lse_pool.wgsl: series for small exponents, and the formula that does not subtract the maximum. Needs x, params and
// include/partners.wgsl.

// (e^z − 1) / z − 1 by its series, for −½ ≤ z ≤ ½.
fn expm1_rest(z: vec4f) -> vec4f {
  return z / 2 * (1 + z / 3 * (1 + z / 4 * (1 + z / 5 * (1 + z / 6 * (1 + z / 7 * (1 + z / 8))))));
}

// ln(1 + u) / u for −½ ≤ u ≤ ½: ln(1 + u) = 2 · artanh(u / (2 + u)), by its series.
fn log1p_ratio(u: vec4f) -> vec4f {
  let t = u / (2 + u);
  let t2 = t * t;
  return 2 / (2 + u) * (1 + t2 * (1.0 / 3 + t2 * (1.0 / 5 + t2 * (1.0 / 7 + t2 * (1.0 / 9 + t2 * (1.0 / 11 + t2 * (1.0 / 13 + t2 / 15)))))));
}

// The result without subtracting the maximum: ln(1 + r · S) / r, of the first `count` positions. All lanes must call, and all get it.
fn from_zero(first: u32, lane: u32, count: u32) -> vec4f {
  let r = max(params.r, 1e-30);
  var sum = vec4f(0);
  var left = vec4f(0);  // the rounding errors of `sum`
  var rest = vec4f(0);  // of N · S
  for (var p = lane; p < count; p += LANES) {
    let value = vec4f(x[first + p * params.x_pitch]);
    left += rounding(sum, value);
    sum += value;
    if (AVERAGE) {
      continue;
    }
    let z = params.r * value;
    rest += select((exp(z) - 1) / r - value, value * expm1_rest(clamp(z, vec4f(-0.5), vec4f(0.5))), abs(z) <= vec4f(0.5));
  }
  for (var half = LANES / 2; half > 0; half /= 2) {
    let other = partner(mat3x4f(sum, left, rest), lane, half);
    left += other[1] + rounding(sum, other[0]);
    sum += other[0];
    rest += other[2];
  }
  let s = (sum + (left + rest)) / f32(params.positions);
  if (AVERAGE) {
    return s;
  }
  let u = params.r * s;
  return select(log(1 + u) / r, s * log1p_ratio(clamp(u, vec4f(-0.5), vec4f(0.5))), abs(u) <= vec4f(0.5));
}

// The rounding error of a + b, for any a and b. In exact arithmetic this expression is 0, and a compiler may replace it by 0. The minimum
// with a bound prevents that: it is above all sums, but the compiler cannot know its value. Source: Knuth's two-sum.
fn rounding(a: vec4f, b: vec4f) -> vec4f {
  let bound = vec4f(0x1p127 + f32(params.positions));
  let sum = min(a + b, bound);
  let part = min(sum - a, bound);
  return (a - min(sum - part, bound)) + (b - part);
}
