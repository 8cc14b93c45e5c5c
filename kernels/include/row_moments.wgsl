// Mean and 1 / √(variance + ε) of a pixel's channels, which ROW_LANES neighbouring lanes of the workgroup own together. A kernel that
// includes this binds x and has `groups`, `channels` and `epsilon` in its params. All lanes of the workgroup must call.
//
// The mean of the first pass is rounded, and the error matters if the mean is large compared with the deviations. So a second pass also
// sums the deviations from that mean. Their sum would be 0 for the exact mean, and both moments are corrected by it (the corrected
// two-pass algorithm, Chan, Golub & LeVeque 1983).
#include lanes

struct RowMoments {
  mean: f32,
  rest: f32,  // the exact mean minus the rounded one
  rate: f32,
}

// x̂ = (x − μ) / √(σ² + ε)
fn normalise(value: vec4f, moments: RowMoments) -> vec4f {
  return (value - moments.mean - moments.rest) * moments.rate;
}

var<workgroup> row_totals: array<vec2f, 64>;

// The sum over a row's lanes in a fixed tree; every lane gets it. May be called several times.
fn total_of_row(value: vec2f, lane: u32) -> vec2f {
  workgroupBarrier();  // all lanes have read the total of the last call
  row_totals[lane] = value;
  for (var half = ROW_LANES / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane % ROW_LANES < half) {
      row_totals[lane] += row_totals[lane + half];
    }
  }
  workgroupBarrier();
  return row_totals[lane - lane % ROW_LANES];
}

// `origin` is the pixel's first group in x.
fn moments_of_row(origin: u32, lane: u32) -> RowMoments {
  let own = lane % ROW_LANES;
  let n = f32(params.channels);
  var sum = vec4f(0);
  for (var group = own; group < params.groups; group += ROW_LANES) {
    sum += vec4f(x[origin + group]);
  }
  let mean = total_of_row(vec2f(dot(sum, vec4f(1)), 0), lane).x / n;
  var rest = vec4f(0);
  var squares = vec4f(0);
  for (var group = own; group < params.groups; group += ROW_LANES) {
    let deviation = (vec4f(x[origin + group]) - mean) * lane_mask(group, params.channels);
    rest += deviation;
    squares += deviation * deviation;
  }
  let totals = total_of_row(vec2f(dot(rest, vec4f(1)), dot(squares, vec4f(1))), lane) / n;
  return RowMoments(mean, totals.x, 1 / sqrt(totals.y - totals.x * totals.x + params.epsilon));
}
