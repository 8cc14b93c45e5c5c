// A function of two numbers, applied to every pair of elements; dimensions of 1 are repeated.
//
//   y[i] = f(a[i], b[i])      `walk` gives the places in a, b and y, see include/walk.wgsl
//
// The numbers of the functions are those of src/ops/general/binary.ts and compare.ts. A power of a negative number is NaN unless the exponent
// is whole. A thread owns one scalar of y. Padding lanes become zero.
//
// Prelude: a_elem, b_elem, elem (of y), TENSORS (3).

struct Params {
  count: u32, rank: u32, a_offset: u32, b_offset: u32, y_offset: u32, lanes: u32, channels: u32,
  code: u32, nan: u32,
}

@group(0) @binding(0) var<storage, read> a: array<a_elem>;
@group(0) @binding(1) var<storage, read> b: array<b_elem>;
@group(0) @binding(2) var<storage, read> walk: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<elem>;
@group(0) @binding(4) var<uniform> params: Params;

#include walk

// Whole exponents from −64 to 64 are computed by repeated multiplication, so that x² is exact if x · x is.
fn power(base: f32, exponent: f32) -> f32 {
  let isWhole = exponent == floor(exponent);
  if (isWhole && abs(exponent) <= 64) {
    var value = 1.0;
    var factor = base;
    for (var rest = u32(abs(exponent)); rest > 0; rest >>= 1) {
      if ((rest & 1) == 1) {
        value *= factor;
      }
      factor *= factor;
    }
    return select(value, 1 / value, exponent < 0);
  }
  if (exponent == 0.5) {
    return select(sqrt(base), bitcast<f32>(params.nan), base < 0);
  }
  if (base == 0) {
    return select(0.0, 1 / abs(base), exponent < 0);
  }
  let size = exp2(exponent * log2(abs(base)));
  let isOdd = floor(exponent * 0.5) * 2 != exponent;
  let signed = select(size, -size, isOdd && base < 0);
  return select(signed, bitcast<f32>(params.nan), base < 0 && !isWhole);
}

const SIGN = 0x80000000u;
const INFINITE = 0x7f800000u;    // the bits of ∞; those of NaN are larger
const EXPONENT = 23u;            // the first bit of the exponent

// The remainder of p divided by q, with the sign of p, or with that of q. It is exact: q · 2ᵏ with the largest fitting k is taken away until
// less than q is left. Of ∞ and by 0 it is NaN; by ∞ it is p, or ∞ if the signs differ.
fn remainder(p: f32, q: f32, isTruncated: bool) -> f32 {
  let size = bitcast<u32>(q) & ~SIGN;
  var rest = bitcast<u32>(p) & ~SIGN;
  if (rest >= INFINITE || size > INFINITE || (size >> EXPONENT) == 0) {
    return bitcast<f32>(params.nan);
  }
  while (rest >= size) {
    let fraction = size & ((1u << EXPONENT) - 1);
    var part = (rest & INFINITE) | fraction;
    part = select(part, part - (1u << EXPONENT), part > rest);
    rest = bitcast<u32>(bitcast<f32>(rest) - bitcast<f32>(part));
  }
  let isOther = ((bitcast<u32>(p) ^ bitcast<u32>(q)) & SIGN) != 0;
  if (isTruncated || !isOther || rest == 0) {
    return bitcast<f32>(rest | (bitcast<u32>(select(q, p, isTruncated)) & SIGN));
  }
  let moved = bitcast<f32>(size) - bitcast<f32>(rest);
  return bitcast<f32>(select(bitcast<u32>(moved), size, size == INFINITE) | (bitcast<u32>(q) & SIGN));
}

fn function_of(p: f32, q: f32) -> f32 {
  switch params.code {
    case 1u: { return p + q; }
    case 2u: { return p - q; }
    case 3u: { return p * q; }
    case 4u: { return p / q; }
    case 5u: { return power(p, q); }
    case 6u: { return min(p, q); }
    case 7u: { return max(p, q); }
    case 8u: { return select(p * q, p, p > 0); }                   // PReLU
    case 9u: { return remainder(p, q, false); }
    case 10u: { return remainder(p, q, true); }
    case 11u: { return select(0.0, 1.0, p == q); }
    case 12u: { return select(0.0, 1.0, p < q); }
    case 13u: { return select(0.0, 1.0, p <= q); }
    case 14u: { return select(0.0, 1.0, p > q); }
    case 15u: { return select(0.0, 1.0, p >= q); }
    case 16u: { return select(0.0, 1.0, p != 0 && q != 0); }
    case 17u: { return select(0.0, 1.0, p != 0 || q != 0); }
    default: { return select(0.0, 1.0, (p != 0) != (q != 0)); }    // exclusive or
  }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  if (index >= params.count) {
    return;
  }
  let place = places(index);
  var value = 0.0;
  if (index % params.lanes < params.channels) {
    value = function_of(f32(a[params.a_offset + place[0]]), f32(b[params.b_offset + place[1]]));
  }
  y[params.y_offset + place[2]] = elem(value);
}
