// Sums, means, extremes and norms over some dimensions.
//
//   y[i] = finish(merge over j of term(x[i, j]))      i: the dimensions that are kept, see `walk`; j: the others, see `reduced`
//
//   sum, mean, max, min, prod    of x            l1, l2, sum_square    of |x| or x²; l2 is the root
//   log_sum, log_sum_exp         the logarithm of the sum of x, of exp(x); the largest x is subtracted first
//
// ROW_LANES lanes own a scalar of y. A lane takes every ROW_LANES-th term, with compensated sums; a fixed tree merges the lanes.
// Padding lanes become zero.
//
// Prelude: x_elem, elem (of y), TENSORS (2), ROW_LANES (power of two up to 64).

struct Params {
  count: u32, rank: u32, x_offset: u32, y_offset: u32, lanes: u32, channels: u32,
  code: u32, terms: u32, reduced_rank: u32,
}

@group(0) @binding(0) var<storage, read> x: array<x_elem>;
@group(0) @binding(1) var<storage, read> walk: array<u32>;
@group(0) @binding(2) var<storage, read> reduced: array<u32>;  // rows of size and step in x
@group(0) @binding(3) var<storage, read_write> y: array<elem>;
@group(0) @binding(4) var<uniform> params: Params;

#include walk

const LOWEST = -0x1.fffffep+127;
var<workgroup> parts: array<f32, 64>;

fn term(first: u32, j: u32) -> f32 {
  var place = first;
  var rest = j;
  for (var dimension = params.reduced_rank; dimension > 0; dimension--) {
    let size = reduced[2 * dimension - 2];
    place += rest % size * reduced[2 * dimension - 1];
    rest /= size;
  }
  return f32(x[place]);
}

fn merge(code: u32, p: f32, q: f32) -> f32 {
  switch code {
    case 3u: { return max(p, q); }
    case 4u: { return min(p, q); }
    case 5u: { return p * q; }
    default: { return p + q; }
  }
}

// Merges the values of all lanes of a row. All lanes of the workgroup have to call it, because of the barriers.
fn merged(code: u32, value: f32, lane: u32) -> f32 {
  parts[lane] = value;
  for (var half = ROW_LANES / 2u; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane % ROW_LANES < half) {
      parts[lane] = merge(code, parts[lane], parts[lane + half]);
    }
  }
  workgroupBarrier();
  let all = parts[lane - lane % ROW_LANES];
  workgroupBarrier();
  return all;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = (workgroup.x + workgroup.y * workgroups.x) * (64 / ROW_LANES) + lane / ROW_LANES;
  let place = places(min(index, params.count - 1));  // lanes without a scalar compute the last one again, because all lanes have to reach the barriers
  let first = params.x_offset + place[0];
  let own = lane % ROW_LANES;
  let code = params.code;

  var peak = LOWEST;
  if (code == 9) {
    for (var j = own; j < params.terms; j += ROW_LANES) {
      peak = max(peak, term(first, j));
    }
    peak = merged(3, peak, lane);
  }

  var total = select(0.0, 1, code == 5);
  if (code == 3 || code == 4) {
    total = term(first, 0);  // not the lowest number, since all may be infinite
  }
  var lost = 0.0;
  for (var j = own; j < params.terms; j += ROW_LANES) {
    var value = term(first, j);
    switch code {
      case 3u, 4u, 5u: {
        total = merge(code, total, value);
        continue;
      }
      case 6u: { value = abs(value); }
      case 7u, 10u: { value *= value; }
      case 9u: { value = exp(value - peak); }
      default: {}
    }
    let next = value - lost;
    let sum = total + next;
    lost = (sum - total) - next;
    total = sum;
  }
  total = merged(code, total, lane);

  switch code {
    case 2u: { total /= f32(params.terms); }
    case 7u: { total = sqrt(total); }
    case 8u: { total = log(total); }
    case 9u: { total = peak + log(total); }
    default: {}
  }
  if (index < params.count && own == 0) {
    y[params.y_offset + place[1]] = elem(select(0, total, index % params.lanes < params.channels));
  }
}
