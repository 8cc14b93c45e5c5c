/**
 * The process in which mutants are parsed. It may hang, fill the memory or crash, so the process that has started it watches it. It reports on
 * file descriptor 3, one line each:
 * - the number of a mutant when it begins, with how many before it gave values and how many were refused;
 * - `!` and a failure;
 * - `=` and the slowest and the largest mutant so far.
 */
import { readFileSync, writeSync } from 'node:fs';
import { getHeapStatistics } from 'node:v8';
import { InputError } from '../../../src/errors.js';
import { mutant } from './mutate.js';
import { MEMORY, type Parser } from './parser.js';

export interface ChildOptions {
  /** Address of a module that exports `PARSERS`. */
  parsers: string;
  parser: string;
  seed: number;
  from: number;
  to: number;
  /** Seconds of processor time that one mutant may take. */
  limit: number;
  /** A file to parse instead of mutants. */
  file?: string;
}

export interface Failure {
  index: number;
  kind: 'threw' | 'left behind' | 'no input' | 'slow' | 'memory' | 'hang' | 'crash' | 'seed refused';
  message: string;
}

export interface Counts {
  mutants: number;
  values: number;
  refused: number;
  /** The slowest mutant, in seconds of processor time, and the one that took most memory, in bytes. */
  slowest: { index: number; seconds: number };
  largest: { index: number; bytes: number };
}

const COUNTS_EVERY = 250;

function tell(line: string): void {
  for (let bytes = Buffer.from(`${line}\n`); bytes.length > 0; ) {
    try {
      bytes = bytes.subarray(writeSync(3, bytes));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2); // the reader is slow
    }
  }
}

const peak = () => process.resourceUsage().maxRSS * 1024;
/** process.memoryUsage would read the memory of the process from a file, too. */
const held = () => {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
};

/** What a parser did with an input. If it threw nothing, it gave a value. */
async function outcomeOf(parser: Parser, bytes: Uint8Array): Promise<{ error?: unknown }> {
  try {
    await parser.parse(bytes);
    return {};
  } catch (error) {
    return { error };
  }
}

const firstLines = (error: unknown) =>
  error instanceof Error ? (error.stack ?? `${error}`).split('\n').slice(0, 6).join('\n') : `threw ${String(error)}`;
const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

async function main(options: ChildOptions): Promise<void> {
  const { PARSERS } = (await import(options.parsers)) as { PARSERS: readonly Parser[] };
  const parser = PARSERS.find(({ name }) => name === options.parser)!;
  const seeds = await parser.seeds();
  const { constant, perByte } = parser.memory ?? MEMORY;
  // All code is loaded and compiled before anything is measured.
  for (const bytes of seeds) await outcomeOf(parser, bytes.slice());
  (globalThis as { gc?: () => void }).gc?.();

  const lowest = peak();
  const counts: Counts = {
    mutants: 0,
    values: 0,
    refused: 0,
    slowest: { index: -1, seconds: 0 },
    largest: { index: -1, bytes: 0 },
  };
  const fail = (failure: Failure) => tell(`!${JSON.stringify(failure)}`);
  let index = options.from;
  for (const event of ['unhandledRejection', 'uncaughtException']) {
    process.on(event, (error) => fail({ index, kind: 'left behind', message: firstLines(error) }));
  }
  for (; index < options.to; index++) {
    // A timer or a rejection that a parser has left behind must show up before the next mutant.
    await new Promise((resolve) => setImmediate(resolve));
    tell(`${index} ${counts.values} ${counts.refused}`);
    let bytes: Uint8Array;
    try {
      bytes = options.file
        ? new Uint8Array(readFileSync(options.file))
        : mutant({ ...parser, seeds }, options.seed, index).slice();
    } catch (error) {
      fail({ index, kind: 'no input', message: firstLines(error) });
      continue;
    }
    const [before, began] = [held(), process.cpuUsage()];
    const { error } = await outcomeOf(parser, bytes);
    const { user, system } = process.cpuUsage(began);
    const growth = Math.max(held() - before, peak() - lowest);
    const seconds = (user + system) / 1e6;

    counts.mutants += 1;
    if (error === undefined) counts.values += 1;
    else if (error instanceof InputError) counts.refused += 1;
    else fail({ index, kind: 'threw', message: firstLines(error) });
    if (error !== undefined && index < seeds.length && !options.file)
      fail({ index, kind: 'seed refused', message: firstLines(error) });
    if (seconds > counts.slowest.seconds) counts.slowest = { index, seconds };
    if (growth > counts.largest.bytes) counts.largest = { index, bytes: growth };
    if (seconds > options.limit)
      fail({ index, kind: 'slow', message: `${seconds.toFixed(1)} s for ${bytes.length} bytes` });
    const bound = constant + perByte * bytes.length;
    const full = growth > bound;
    if (full)
      fail({
        index,
        kind: 'memory',
        message: `${megabytes(growth)} for ${bytes.length} bytes, bound ${megabytes(bound)}`,
      });
    if (full || counts.mutants % COUNTS_EVERY === 0) tell(`=${JSON.stringify(counts)}`);
    // The peak memory of a process never falls, so the next mutants need a new process.
    if (full) process.exit(0);
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
  tell(`=${JSON.stringify(counts)}`);
  tell('done');
}

await main(JSON.parse(process.argv[2]));
// Handles that a parser has left open must not keep the process alive.
process.exit(0);
