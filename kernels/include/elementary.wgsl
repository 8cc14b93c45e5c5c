// Elementary functions for which WGSL promises too few digits, or that it does not have. Each is accurate to a few units in the last place.

fn log_one_plus(x: f32) -> f32 {
  let near = x * (1 - x * (0.5 - x * (1.0 / 3 - x * (0.25 - x * (0.2 - x / 6)))));
  return select(log(1 + x), near, abs(x) < 0.1);
}

fn exp_minus_one(x: f32) -> f32 {
  let near = x * (1 + x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5 * (1 + x / 6 * (1 + x / 7))))));
  return select(exp(x) - 1, near, abs(x) < 0.3);
}

// Sine and cosine: x less the nearest multiple of π/2, which is taken away in three parts so that no digit is lost for |x| ≤ 10,000.
fn sine_cosine(x: f32) -> vec2f {
  let quarter = round(x * 0.6366197724);
  let r = ((x - quarter * 1.5703125) - quarter * 4.837512969970703e-4) - quarter * 7.549789954891882e-8;
  let r2 = r * r;
  let sine = r * (1 - r2 / 6 * (1 - r2 / 20 * (1 - r2 / 42 * (1 - r2 / 72))));
  let cosine = 1 - r2 / 2 * (1 - r2 / 12 * (1 - r2 / 30 * (1 - r2 / 56 * (1 - r2 / 90))));
  switch u32(i32(quarter) & 3) {
    case 0u: { return vec2f(sine, cosine); }
    case 1u: { return vec2f(cosine, -sine); }
    case 2u: { return vec2f(-sine, -cosine); }
    default: { return vec2f(-cosine, sine); }
  }
}

// Two reductions bring the argument below tan(π/8), where nine terms of the series are enough.
fn arc_tangent(x: f32) -> f32 {
  let size = abs(x);
  let t = select(size, 1 / size, size > 1);
  let isFar = t > 0.41421356;
  let z = select(t, (t - 1) / (t + 1), isFar);
  var sum = 0.0;
  for (var n = 9; n >= 0; n--) {
    sum = 1 / f32(2 * n + 1) - z * z * sum;
  }
  let inner = z * sum + select(0, 0.785398163, isFar);
  return sign(x) * select(inner, 1.570796327 - inner, size > 1);
}

// For |x| up to 1/2: each term of the series follows from the one before.
fn arc_sine_near(x: f32) -> f32 {
  var term = x;
  var sum = x;
  for (var n = 0; n < 11; n++) {
    let odd = f32(2 * n + 1);
    term *= x * x * odd / (odd + 1);
    sum += term / (odd + 2);
  }
  return sum;
}

fn arc_sine(x: f32) -> f32 {
  let far = 1.570796327 - 2 * arc_sine_near(sqrt(max(0, 0.5 - 0.5 * abs(x))));
  return select(sign(x) * far, arc_sine_near(x), abs(x) <= 0.5);
}

fn arc_cosine(x: f32) -> f32 {
  let half = 2 * arc_sine_near(sqrt(max(0, 0.5 - 0.5 * abs(x))));
  let far = select(half, 3.141592654 - half, x < 0);
  return select(far, 1.570796327 - arc_sine_near(x), abs(x) <= 0.5);
}

fn hyperbolic_sine(x: f32) -> f32 {
  let x2 = x * x;
  let near = x * (1 + x2 / 6 * (1 + x2 / 20 * (1 + x2 / 42 * (1 + x2 / 72))));
  return select(0.5 * exp(x) - 0.5 * exp(-x), near, abs(x) < 1);
}

fn area_sine(x: f32) -> f32 {
  let size = abs(x);
  let near = log_one_plus(size + size * size / (1 + sqrt(1 + size * size)));
  return sign(x) * select(near, log(size) + 0.6931471806, size > 1e9);
}

fn area_cosine(x: f32) -> f32 {
  let t = max(x - 1, 0);
  return select(log_one_plus(t + sqrt(t * (t + 2))), log(x) + 0.6931471806, x > 1e9);
}

fn area_tangent(x: f32) -> f32 {
  return sign(x) * 0.5 * log_one_plus(2 * abs(x) / (1 - abs(x)));
}

fn soft_plus(x: f32) -> f32 {
  return max(x, 0) + log_one_plus(exp(-abs(x)));
}
