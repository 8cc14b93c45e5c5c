/**
 * The inverse discrete cosine transform of 8 × 8 coefficients, in integers. It rounds at the same places as libjpeg's accurate transform,
 * so that both give the same samples. The factorisation is that of Loeffler, Ligtenberg and Moschytz, "Practical fast 1-D DCT algorithms
 * with 11 multiplications", ICASSP 1989.
 */

const FRACTION_BITS = 13;
/** Fraction bits that the first pass keeps for the second. */
const KEPT_BITS = 2;
const FIRST_SHIFT = FRACTION_BITS - KEPT_BITS;
/** The additional 3 bits divide by 8, because the two passes together multiply by 8. */
const SECOND_SHIFT = FRACTION_BITS + KEPT_BITS + 3;

const fixed = (value: number) => Math.round(value * 2 ** FRACTION_BITS);
const cosine = (k: number) => Math.SQRT2 * Math.cos((k * Math.PI) / 16);
const [C1, C2, C3, C5, C6, C7] = [1, 2, 3, 5, 6, 7].map(cosine);

// Constants of the even part, which is a rotation by 6 π/16, and of the odd part, which is two rotations that share five products.
const E6 = fixed(C6);
const E2_MINUS = fixed(C2 - C6);
const E2_PLUS = fixed(C2 + C6);
const O3 = fixed(C3);
const O7 = fixed(-C1 + C3 + C5 - C7);
const O5 = fixed(C1 + C3 - C5 + C7);
const O3_ALL = fixed(C1 + C3 + C5 - C7);
const O1 = fixed(C1 + C3 - C5 - C7);
const S17 = fixed(C7 - C3);
const S35 = fixed(-C1 - C3);
const S37 = fixed(-C3 - C5);
const S15 = fixed(C5 - C3);

const work = new Int32Array(64);

/** Transforms `from[start + step · i]`, i from 0 to 7, into the same places of `to`. Results are shifted right by `shift`, with rounding. */
function transform(from: Int32Array, to: Int32Array, start: number, step: number, shift: number): void {
  const round = 1 << (shift - 1);
  const x0 = from[start];
  const x1 = from[start + step];
  const x2 = from[start + 2 * step];
  const x3 = from[start + 3 * step];
  const x4 = from[start + 4 * step];
  const x5 = from[start + 5 * step];
  const x6 = from[start + 6 * step];
  const x7 = from[start + 7 * step];

  const rotated = (x2 + x6) * E6;
  const two = rotated + x2 * E2_MINUS;
  const six = rotated - x6 * E2_PLUS;
  const sum = (x0 + x4) << FRACTION_BITS;
  const difference = (x0 - x4) << FRACTION_BITS;
  const even0 = sum + two + round;
  const even3 = sum - two + round;
  const even1 = difference + six + round;
  const even2 = difference - six + round;

  const all = (x7 + x3 + x5 + x1) * O3;
  const z17 = (x7 + x1) * S17;
  const z35 = (x5 + x3) * S35;
  const z37 = (x7 + x3) * S37 + all;
  const z15 = (x5 + x1) * S15 + all;
  const odd3 = x7 * O7 + z17 + z37;
  const odd2 = x5 * O5 + z35 + z15;
  const odd1 = x3 * O3_ALL + z35 + z37;
  const odd0 = x1 * O1 + z17 + z15;

  to[start] = (even0 + odd0) >> shift;
  to[start + 7 * step] = (even0 - odd0) >> shift;
  to[start + step] = (even1 + odd1) >> shift;
  to[start + 6 * step] = (even1 - odd1) >> shift;
  to[start + 2 * step] = (even2 + odd2) >> shift;
  to[start + 5 * step] = (even2 - odd2) >> shift;
  to[start + 3 * step] = (even3 + odd3) >> shift;
  to[start + 4 * step] = (even3 - odd3) >> shift;
}

/**
 * Multiplies the coefficients of a block by their quantisation steps, and transforms them to samples of 8 bits.
 * @param coefficients are read from index `from` on, row by row
 * @param plane is written from index `to` on, in rows of `stride` samples
 */
export function inverseTransform(
  coefficients: Int16Array,
  from: number,
  steps: Uint16Array,
  plane: Uint8Array | Uint8ClampedArray,
  to: number,
  stride: number,
): void {
  let flat = true;
  for (let i = 1; i < 64 && flat; i++) flat = coefficients[from + i] === 0;
  if (flat) {
    const level = (((coefficients[from] * steps[0]) << KEPT_BITS) + (1 << (KEPT_BITS + 2))) >> (KEPT_BITS + 3);
    const sample = clamp(level + 128);
    for (let y = 0; y < 8; y++) plane.fill(sample, to + y * stride, to + y * stride + 8);
    return;
  }
  for (let i = 0; i < 64; i++) work[i] = coefficients[from + i] * steps[i];
  for (let x = 0; x < 8; x++) transform(work, work, x, 8, FIRST_SHIFT);
  for (let y = 0; y < 8; y++) {
    transform(work, work, y * 8, 1, SECOND_SHIFT);
    for (let x = 0; x < 8; x++) plane[to + y * stride + x] = clamp(work[y * 8 + x] + 128);
  }
}

const clamp = (value: number) => (value < 0 ? 0 : value > 255 ? 255 : value);
