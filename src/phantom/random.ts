/**
 * Random numbers of phantoms. The generator is that of all of raybox (`src/random.ts`); its state is filled by SplitMix64 (Steele, Lea and
 * Flood, OOPSLA 2014). Each part of each image has a stream of its own. So an image can be drawn without the others, and one more random
 * number in a part does not change any other part.
 */
import { xoshiro128 } from '../random.js';

const MASK = (1n << 64n) - 1n;
const GAMMA = 0x9e3779b97f4a7c15n;

/** The output function of SplitMix64. */
export function mix64(z: bigint): bigint {
  let x = z & MASK;
  x = ((x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  x = ((x ^ (x >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return x ^ (x >> 31n);
}

/** A source of random numbers. */
export interface Random {
  /** 32 random bits. */
  bits(): number;
  /** Uniform in [0, 1). */
  unit(): number;
  /** Uniform in [low, high). */
  between(low: number, high: number): number;
  /** Approximately normal: the sum of four uniform numbers, so never more than 3.47 standard deviations from the mean. */
  normal(mean: number, deviation: number): number;
  /** True with the given probability. */
  chance(probability: number): boolean;
  /** One of the items. */
  pick<T>(items: readonly T[]): T;
}

function createRandom(bits: () => number): Random {
  const unit = () => bits() / 4294967296;
  return {
    bits,
    unit,
    between: (low, high) => low + (high - low) * unit(),
    normal: (mean, deviation) => mean + deviation * (unit() + unit() + unit() + unit() - 2) * 1.7320508075688772,
    chance: (probability) => unit() < probability,
    pick: (items) => items[Math.floor(unit() * items.length)],
  };
}

/** The stream for one part of an image or a patient (`thing`) of a seed. `seed` and `thing` must be below 2³². */
export function stream(seed: number, thing: number, part: number): Random {
  const start = mix64(mix64((BigInt(seed) << 32n) | BigInt(thing)) + BigInt(part) * GAMMA);
  const low = mix64(start + GAMMA);
  const high = mix64(start + 2n * GAMMA);
  const word = (value: bigint) => Number(value & 0xffffffffn);
  return createRandom(xoshiro128([word(low), word(low >> 32n), word(high) | 1, word(high >> 32n)]));
}
