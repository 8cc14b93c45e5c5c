/** Parsers with faults, one of each kind, that a fuzzer must find. */

import type { Parser } from '../../../bench/robustness/fuzz/parser.js';
import { InputError } from '../../../src/errors.js';

const kept: unknown[] = [];

/** Faulty for one input alone, so that the mutants before and behind it must be counted as well. */
const faulty = (name: string, fault: (bytes: Uint8Array) => unknown): Parser => ({
  name,
  about: name,
  seeds: () => [Uint8Array.of(1, 2, 3)],
  structured: [(_bytes, dice) => Uint8Array.of(dice.below(8))],
  amplifiers: [],
  memory: { constant: 128 << 20, perByte: 1 },
  parse(bytes) {
    if (bytes.length === 1 && bytes[0] === 5) return fault(bytes);
    if (bytes.length === 1) throw new InputError('refused');
    return bytes;
  },
});

export const PARSERS: readonly Parser[] = [
  faulty('sound', () => 0),
  faulty('throws', () => (undefined as unknown as { field: number }).field),
  faulty('overflows', function again(bytes): unknown {
    return [again(bytes)];
  }),
  faulty('hangs', () => {
    for (;;);
  }),
  faulty('never settles', () => new Promise(() => {})),
  faulty('rejects late', () => void setTimeout(() => Promise.reject(new Error('late')), 0)),
  faulty('exits', () => process.exit(3)),
  faulty('fills the heap', () => kept.push(Array.from({ length: 5e6 }, (_, i) => ({ i })))),
  faulty('fills other memory', () => kept.push(new Uint8Array(400 << 20).fill(1))),
  {
    ...faulty('mutator throws', () => 0),
    structured: [
      () => {
        throw new RangeError('of the mutator');
      },
    ],
  },
  {
    ...faulty('does not start', () => 0),
    seeds: () => {
      throw new RangeError('no inputs');
    },
  },
  { ...faulty('refuses good inputs', () => 0), seeds: () => [Uint8Array.of(1)] },
];
