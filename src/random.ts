/**
 * Seeded random numbers, the same on every machine: splits, bootstraps and baselines can be repeated to the bit.
 * The generator is xoshiro128** (Blackman & Vigna 2021), its state filled by the murmur3 finalizer over a Weyl sequence.
 */

/** Uniform numbers in [0, 1) with 32 random bits each. */
export type Random = () => number;

/** Starts a generator. Any finite number is a seed; equal seeds give equal sequences. */
export function seededRandom(seed: number): Random {
  let weyl = (Math.trunc(seed) ^ Math.trunc(seed / 2 ** 32)) >>> 0;
  const next = () => {
    weyl = (weyl + 0x9e3779b9) >>> 0;
    let word = Math.imul(weyl ^ (weyl >>> 16), 0x85ebca6b);
    word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
    return (word ^ (word >>> 16)) >>> 0;
  };
  const rotate = (word: number, by: number) => (word << by) | (word >>> (32 - by));
  let a = next();
  let b = next();
  let c = next();
  let d = next();
  return () => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotate(d, 11);
    return result / 2 ** 32;
  };
}

/** Shuffles in place (Fisher and Yates) and returns the same array. */
export function shuffle<T extends { length: number; [index: number]: unknown }>(values: T, random: Random): T {
  for (let i = values.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const kept = values[i];
    values[i] = values[j];
    values[j] = kept;
  }
  return values;
}
