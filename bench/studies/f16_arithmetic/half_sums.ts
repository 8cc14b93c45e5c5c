/** Sums of products as a GPU would compute them with f16 arithmetic. Every step is rounded in float64, so that no GPU is needed. */

/** How the products of a sum are added. */
export interface Arithmetic {
  /** Products that are added in f16 before their sum is added to the f32 sum; 0: products and sums are f32, as in raybox's kernels. */
  readonly chain: number;
  /** Whether a product is added with one rounding (fused multiply-add) instead of two. */
  readonly fused: boolean;
  /** Whether f16 results below 2^-14, which WGSL allows to become 0, do so. */
  readonly flushed: boolean;
}

/** What happened on the way; counts of results that were rounded to f16. */
export interface Tally {
  rounded: number;
  /** Results other than 0 below the smallest normal f16. */
  subnormal: number;
  /** Results beyond 65504. */
  overflows: number;
  /** The largest magnitude of a result. */
  largest: number;
}

export const newTally = (): Tally => ({ rounded: 0, subnormal: 0, overflows: 0, largest: 0 });

const SMALLEST_NORMAL = 2 ** -14;
const LARGEST = 65504;

const view = new DataView(new ArrayBuffer(8));
/** By the exponent of a number from -14 to 16: adding this and subtracting it again leaves 11 significant bits, ties to even. */
const ROUNDERS = Float64Array.from({ length: 31 }, (_, i) => 1.5 * 2 ** (i - 14 + 42));

/** The nearest f16, ties to even. Numbers of a magnitude of 65520 or more become infinite. */
export function roundHalf(x: number): number {
  if (!(Math.abs(x) < 65520)) return Number.isNaN(x) ? x : Math.sign(x) * Number.POSITIVE_INFINITY;
  view.setFloat64(0, x);
  const exponent = ((view.getUint16(0) >> 4) & 0x7ff) - 1023;
  const rounder = ROUNDERS[Math.max(exponent, -14) + 14];
  return x + rounder - rounder;
}

/**
 * The sum of x[i] · w[i] in the order of i, as an f32.
 * @param x factors that are f16
 * @param w factors that are f16
 */
export function sumOf(x: Float64Array, w: Float64Array, { chain, fused, flushed }: Arithmetic, tally: Tally): number {
  const half = (value: number) => {
    const result = roundHalf(value);
    tally.rounded++;
    tally.largest = Math.max(tally.largest, Math.abs(result));
    if (Math.abs(result) > LARGEST) tally.overflows++;
    if (result === 0 || Math.abs(result) >= SMALLEST_NORMAL) return result;
    tally.subnormal++;
    return flushed ? 0 : result;
  };
  let sum = 0;
  if (chain === 0) {
    for (let i = 0; i < x.length; i++) sum = Math.fround(sum + Math.fround(x[i] * w[i]));
    return sum;
  }
  for (let from = 0; from < x.length; from += chain) {
    // Products of two f16 are exact in float64, and so are sums of two. A product plus an f16 may not be, but float64 then keeps so many more
    // bits than f16 that the second rounding gives what one would.
    let part = half(x[from] * w[from]);
    for (let i = from + 1; i < Math.min(from + chain, x.length); i++)
      part = half(part + (fused ? x[i] * w[i] : half(x[i] * w[i])));
    sum = Math.fround(sum + part);
  }
  return sum;
}
