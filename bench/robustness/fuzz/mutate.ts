/** Makes mutants, which are changed copies of good inputs. A mutant depends only on parser, seed and number, so each can be made again. */
import { fnv1a, seededRandom } from '../../../src/random.js';

/** Choices drawn from a seeded generator. */
export interface Dice {
  /** A whole number from 0 to below `count`. */
  below(count: number): number;
  pick<T>(list: readonly T[]): T;
  chance(probability: number): boolean;
  /** A length from 1 to `most`. Each order of magnitude is equally likely. */
  length(most: number): number;
}

/** Changes an input. If it does not apply to the input, it returns the input unchanged. */
export type Mutator = (bytes: Uint8Array, dice: Dice, others: readonly Uint8Array[]) => Uint8Array;

/** The greatest length of a mutant. The aim is to find faults of parsers, and not the limits of the machine. */
export const MAX_MUTANT_BYTES = 4 << 20;

export function createDice(text: string): Dice {
  const random = seededRandom(fnv1a(text));
  const below = (count: number) => Math.floor(random() * count);
  return {
    below,
    pick: (list) => list[below(list.length)],
    chance: (probability) => random() < probability,
    length: (most) => Math.max(1, Math.floor(2 ** (random() * Math.log2(Math.max(2, most))))),
  };
}

export const joined = (...parts: readonly Uint8Array[]): Uint8Array => joinAll(parts);

/** As `joined`, for a list that is too long to be passed as arguments. */
export function joinAll(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** `bytes` with `length` of them from `at` on replaced. */
export const replaced = (bytes: Uint8Array, at: number, length: number, by: Uint8Array): Uint8Array =>
  joined(bytes.subarray(0, at), by, bytes.subarray(Math.min(bytes.length, at + length)));

const EDGES = [0, 1, 2, 3, 4, 8, 16, 127, 128, 255, 256, 4096, 32767, 32768, 65535, 65536, 2 ** 31 - 1, 2 ** 31];
const edge = (bytes: Uint8Array, dice: Dice): bigint =>
  dice.pick([
    ...EDGES.map(BigInt),
    ...[-1n, -2n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n],
    BigInt(bytes.length + dice.below(9) - 4),
    BigInt(dice.below(bytes.length + 1)),
  ]);

const flipBits: Mutator = (bytes, dice) => {
  const copy = bytes.slice();
  for (let left = dice.length(8); left > 0; left--) copy[dice.below(copy.length)] ^= 1 << dice.below(8);
  return copy;
};

const setBytes: Mutator = (bytes, dice) => {
  const copy = bytes.slice();
  for (let left = dice.length(8); left > 0; left--)
    copy[dice.below(copy.length)] = dice.chance(0.5)
      ? dice.pick([0, 1, 0x20, 0x22, 0x7f, 0x80, 0xfe, 0xff])
      : dice.below(256);
  return copy;
};

/** A number that may be a length, an offset or a count: the next value, the largest, the file's own length. */
const setInteger: Mutator = (bytes, dice) => {
  const copy = bytes.slice();
  const size = dice.pick([1, 2, 4, 8]);
  if (copy.length < size) return copy;
  const at = dice.below(copy.length - size + 1);
  const little = dice.chance(0.5);
  const places = Array.from({ length: size }, (_, i) => at + (little ? i : size - 1 - i));
  const old = places.reduceRight((value, place) => (value << 8n) | BigInt(copy[place]), 0n);
  const value = BigInt.asUintN(size * 8, dice.chance(0.4) ? old + dice.pick([-8n, -1n, 1n, 8n]) : edge(bytes, dice));
  places.forEach((place, i) => {
    copy[place] = Number((value >> BigInt(8 * i)) & 255n);
  });
  return copy;
};

const truncate: Mutator = (bytes, dice) => bytes.subarray(0, dice.below(bytes.length));

const range = (bytes: Uint8Array, dice: Dice): [number, number] => {
  const length = dice.length(bytes.length);
  return [dice.below(bytes.length - length + 1), length];
};

const remove: Mutator = (bytes, dice) => replaced(bytes, ...range(bytes, dice), new Uint8Array());

const duplicate: Mutator = (bytes, dice) => {
  const [at, length] = range(bytes, dice);
  const times = dice.chance(0.9) ? 1 : dice.length(200);
  const part = bytes.subarray(at, at + length);
  return replaced(bytes, at, 0, joinAll(Array.from({ length: times }, () => part)));
};

const move: Mutator = (bytes, dice) => {
  const [at, length] = range(bytes, dice);
  const part = bytes.slice(at, at + length);
  const rest = replaced(bytes, at, length, new Uint8Array());
  return replaced(rest, dice.below(rest.length + 1), 0, part);
};

const insert: Mutator = (bytes, dice) => {
  const length = dice.length(64);
  const value = dice.below(256);
  const same = dice.chance(0.5);
  const part = Uint8Array.from({ length }, () => (same ? value : dice.below(256)));
  return replaced(bytes, dice.below(bytes.length + 1), 0, part);
};

const splice: Mutator = (bytes, dice, others) => {
  const other = dice.pick(others);
  const [at, length] = range(bytes, dice);
  const [from, count] = range(other, dice);
  return replaced(bytes, at, length, other.subarray(from, from + count));
};

const crossOver: Mutator = (bytes, dice, others) => {
  const other = dice.pick(others);
  return joined(bytes.subarray(0, dice.below(bytes.length)), other.subarray(dice.below(other.length)));
};

const GENERIC: readonly Mutator[] = [
  flipBits,
  setBytes,
  setInteger,
  truncate,
  remove,
  duplicate,
  move,
  insert,
  splice,
  crossOver,
];

export interface MutantSource {
  name: string;
  /** Inputs that the parser accepts. */
  seeds: readonly Uint8Array[];
  /** Mutators that use the format, so that mutants pass the first checks. */
  structured: readonly Mutator[];
  /** Mutators that repeat something up to millions of times. They are used for one mutant in 300. */
  amplifiers: readonly Mutator[];
}

const AMPLIFIED = 1 / 300;

/** Mutant number `index`. The first ones are the good inputs themselves. */
export function mutant({ name, seeds, structured, amplifiers }: MutantSource, seed: number, index: number): Uint8Array {
  if (index < seeds.length) return seeds[index];
  const dice = createDice(`${name} ${seed} ${index}`);
  let bytes = dice.pick(seeds);
  if (amplifiers.length > 0 && dice.chance(AMPLIFIED)) bytes = dice.pick(amplifiers)(bytes, dice, seeds);
  else {
    const known = structured.length > 0 && dice.chance(0.7);
    for (let left = dice.length(6); left > 0; left--) {
      if (bytes.length === 0) bytes = dice.pick(seeds);
      bytes = dice.pick(known && dice.chance(0.8) ? structured : GENERIC)(bytes, dice, seeds);
    }
  }
  return bytes.subarray(0, MAX_MUTANT_BYTES);
}
