/**
 * Seeded random numbers that are the same on every machine, so that splits, bootstraps and baselines can be repeated to the bit. All of raybox
 * uses one generator, xoshiro128** 1.1 (Blackman and Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47(4), 2021). Its
 * state can be filled in two ways. `seededRandom` fills it from one number. Phantoms fill it in another way (`phantom/random.ts`), which must
 * not change, because the shipped weights were trained on the images that it gives.
 */

/** Uniform numbers in [0, 1) with 32 random bits each. */
export type Random = () => number;

/**
 * The generator itself.
 * @param state four words, which must not all be zero
 * @returns a function that gives the next 32 random bits
 */
export function xoshiro128(state: readonly [number, number, number, number]): () => number {
  let [a, b, c, d] = state.map((word) => word | 0);
  const rotate = (word: number, by: number) => (word << by) | (word >>> (32 - by));
  return () => {
    const bits = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotate(d, 11);
    return bits;
  };
}

/**
 * Starts a generator, whose state is filled by the finalizer of murmur3 over a Weyl sequence. Any finite number is a seed; equal seeds give
 * equal sequences.
 */
export function seededRandom(seed: number): Random {
  let weyl = (Math.trunc(seed) ^ Math.trunc(seed / 2 ** 32)) >>> 0;
  const next = () => {
    weyl = (weyl + 0x9e3779b9) >>> 0;
    let word = Math.imul(weyl ^ (weyl >>> 16), 0x85ebca6b);
    word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
    return (word ^ (word >>> 16)) >>> 0;
  };
  const bits = xoshiro128([next(), next(), next(), next()]);
  return () => bits() / 2 ** 32;
}

/** A number from the normal distribution around 0 (Box and Muller, 1958). It takes two uniform numbers. */
export const normal = (random: Random, deviation = 1): number =>
  deviation * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** The hash FNV-1a of a text in UTF-8, 32 bits: a seed for what has a name. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
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
