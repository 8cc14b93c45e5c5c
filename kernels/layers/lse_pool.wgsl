// Log-sum-exp pooling over the positions of each channel, for any sharpness r from 0 (average) to ∞ (maximum).
//
//   y[n, c] = m + (1/r) · ln( (1/N) · Σ_p exp(r · d_p) )      d_p = x[n, p, c] − m,  m = max_p x[n, p, c]
//
// For small r this formula loses all digits: it divides the logarithm of nearly 1 by nearly 0. So there is a second sum,
//   S = (1/N) · Σ_p (exp(r · d_p) − 1) / r      with      y = m + ln(1 + r · S) / r.
// As r → 0 its terms tend to d_p, and ln(1 + r · S) / r tends to S. It is used if r · S > −½, and the formula above otherwise.
//
// If y is much smaller than m, few digits are left after m is added. In that case r · x is not large, so the result is computed again
// without subtracting m:
//   y = ln(1 + r · S) / r      S = (1/N) · Σ_p x_p + (1/N) · Σ_p ((exp(r · x_p) − 1) / r − x_p)
// The terms of the first sum may cancel almost completely, so its rounding errors are summed too and added at the end. For an average this
// is all there is to compute: the second sum is 0.
//
//   x  [batch, positions, channels]  nhwc4
//   y  [batch, channels]             nhwc4, f32; padding lanes are zero because they are zero in x
//
// One workgroup owns four channels of one image. Each lane takes every LANES-th position. The lanes are then merged in pairs
// (include/partners.wgsl).
// Source: Wang et al. 2017, section 4.2, which has max |x| for m; the result is the same.
//
// Prelude: LANES and SUBGROUPS as in include/partners.wgsl, AVERAGE (r = 0), elem. Sums are f32 for every elem.

struct Params {
  positions: u32,  // N = height · width
  first: u32,      // first image of the band
  x_offset: u32, x_pitch: u32, y_offset: u32, y_pitch: u32,
  r: f32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

#if !SUBGROUPS
var<workgroup> is_small: u32;
#endif

#include partners
#include lse_small

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
  let group = workgroup.x;
  let image = params.first + workgroup.y;
  let first = params.x_offset + image * params.positions * params.x_pitch + group;
  let at = params.y_offset + image * params.y_pitch + group;

  if (AVERAGE) {
    let average = from_zero(first, lane, params.positions);
    if (lane == 0) {
      y[at] = average;
    }
    return;
  }
  var peak = vec4f(-0x1.fffffep+127);  // the lowest finite number: the difference of two infinities would be NaN
  for (var p = lane; p < params.positions; p += LANES) {
    peak = max(peak, vec4f(x[first + p * params.x_pitch]));
  }
  for (var half = LANES / 2; half > 0; half /= 2) {
    peak = max(peak, partner(mat3x4f(peak, vec4f(), vec4f()), lane, half)[0]);
  }

  var sum = vec4f(0);    // Σ exp(r · d)
  var slope = vec4f(0);  // N · S
  for (var p = lane; p < params.positions; p += LANES) {
    let d = vec4f(x[first + p * params.x_pitch]) - peak;
    let z = params.r * d;
    let e = exp(z);
    sum += e;
    slope += select((e - 1) / max(params.r, 1e-30), d * (1 + expm1_rest(max(z, vec4f(-0.5)))), z > vec4f(-0.5));
  }
  for (var half = LANES / 2; half > 0; half /= 2) {
    let other = partner(mat3x4f(sum, slope, vec4f()), lane, half);
    sum += other[0];
    slope += other[1];
  }

  let s = slope / f32(params.positions);
  let u = params.r * s;
  let plain = log(sum / f32(params.positions)) / max(params.r, 1e-30);
  let value = peak + select(plain, s * log1p_ratio(max(u, vec4f(-0.5))), u > vec4f(-0.5));
  let small = abs(value) * 8 < abs(peak);
#if SUBGROUPS
  // Lanes may only exchange values where the compiler can tell that all of them do. So this is called in any case; where the result is not needed,
  // it sums no positions.
  let again = from_zero(first, lane, select(0u, params.positions, any(small)));
  if (lane == 0) {
    y[at] = select(value, again, small);
  }
#else
  if (lane == 0) {
    y[at] = value;
    is_small = u32(any(small));
  }
  if (workgroupUniformLoad(&is_small) == 1) {
    let again = from_zero(first, lane, params.positions);
    if (lane == 0) {
      y[at] = select(value, again, small);
    }
  }
#endif
}
