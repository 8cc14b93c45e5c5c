/** What the fuzzer has to know of a parser. This file imports no parser, because each process in which mutants are parsed loads it. */
import type { Mutator } from './mutate.js';

export interface Parser {
  name: string;
  /** What the parser reads, for `--help`. */
  about: string;
  seeds(): Uint8Array[] | Promise<Uint8Array[]>;
  structured: readonly Mutator[];
  amplifiers: readonly Mutator[];
  /** Gives a value, or throws an InputError. */
  parse(bytes: Uint8Array): unknown;
  /** Bytes of memory that the parser may take: a constant, and a number for each byte of the input. */
  memory?: Memory;
}

export interface Memory {
  constant: number;
  perByte: number;
}

/** The default: enough for the objects that JSON and rows of text become, and for garbage of the parser. */
export const MEMORY: Memory = { constant: 96 << 20, perByte: 100 };
