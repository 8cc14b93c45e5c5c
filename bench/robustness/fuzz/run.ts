/** Runs the mutants of one parser in child processes that can be stopped, and reports which of them failed. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ChildOptions, Counts, Failure } from './child.js';

export interface FuzzOptions {
  /** Name of a parser. */
  parser: string;
  seed: number;
  mutants: number;
  /** Number of the first mutant. Default 0. */
  from?: number;
  /** Milliseconds after which the run ends, even if not all mutants have been run. */
  time?: number;
  /** Seconds of processor time for one mutant. Default 5. It is stopped after twelve times as long by the clock. */
  limit?: number;
  /** A file to parse instead of mutants. */
  file?: string;
  /** Address of a module that exports `PARSERS`. Default: raybox's own. */
  parsers?: string;
  onProgress?: (done: number) => void;
  /** Called once for each kind of failure. */
  onFailure?: (failure: Failure) => void | Promise<void>;
}

export interface FuzzResult extends Counts {
  parser: string;
  /** One failure of each kind, with how many there were. */
  failures: (Failure & { times: number })[];
  seconds: number;
}

const CHILD = fileURLToPath(new URL('child.js', import.meta.url));
/** Flags of Node. The young generation of the heap is small, so that garbage does not count as memory that a parser needs. */
const FLAGS = ['--expose-gc', '--max-semi-space-size=8', '--max-old-space-size=2048', '--enable-source-maps'];
const HANG = 12;
/** The time that a child may take to load all code and parse the good inputs, on a busy machine. */
const START_MS = 900_000;

interface ChildEnd {
  /** The mutant that was being parsed, or the last one. */
  index: number;
  finished: boolean;
  failures: Failure[];
  counts: Counts;
}

/** Runs one child until it has finished, has ended by itself, or had to be stopped. */
function runChild(options: ChildOptions, stopAt: number, onProgress?: (index: number) => void): Promise<ChildEnd> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...FLAGS, CHILD, JSON.stringify(options)], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    });
    const end: ChildEnd = { index: options.from - 1, finished: false, failures: [], counts: noCounts() };
    let since = performance.now();
    let stopped: 'hang' | 'time' | undefined;
    let said = '';
    let rest = '';
    child.stderr!.on('data', (piece: Buffer) => {
      said = `${said}${piece.toString()}`.slice(-4000);
    });
    child.stdio[3]!.on('data', (piece: Buffer) => {
      const lines = `${rest}${piece.toString()}`.split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        if (line === 'done') end.finished = true;
        else if (line.startsWith('!')) end.failures.push(JSON.parse(line.slice(1)));
        else if (line.startsWith('=')) Object.assign(end.counts, JSON.parse(line.slice(1)));
        else {
          const [index, values, refused] = line.split(' ').map(Number);
          end.index = index;
          Object.assign(end.counts, { mutants: index - options.from + 1, values, refused });
          since = performance.now();
        }
      }
      onProgress?.(end.index);
    });
    const watch = setInterval(() => {
      const patience = end.index < options.from ? START_MS : options.limit * HANG * 1000;
      if (performance.now() - since > patience) stopped = 'hang';
      else if (performance.now() > stopAt) stopped = 'time';
      if (stopped) child.kill('SIGKILL');
    }, 100);
    child.on('close', (code, signal) => {
      clearInterval(watch);
      const { index } = end;
      if (stopped === 'time') end.finished = true;
      else if (stopped === 'hang')
        end.failures.push({ index, kind: 'hang', message: 'it did not end and was stopped' });
      else if (code !== 0)
        end.failures.push({ index, kind: 'crash', message: `exit ${code ?? signal} ${crashOf(said)}`.trim() });
      resolve(end);
    });
  });
}

/** The line of the output that says why a process crashed. */
const crashOf = (said: string) =>
  said
    .split('\n')
    .find((line) => /error|fatal|unsettled/i.test(line))
    ?.trim() ?? said.trim().split('\n').at(-1);

/** A key for failures of the same kind: the kind, the message without numbers, and the place. */
const signature = ({ kind, message }: Failure) => {
  const [first = '', second = ''] = kind === 'threw' || kind === 'left behind' ? message.split('\n') : [];
  return `${kind} ${first.replace(/\d+/g, '0').slice(0, 80)} ${second.trim()}`;
};

/** Runs mutants. It never throws because of a parser; failures are in the result. */
export async function fuzz(options: FuzzOptions): Promise<FuzzResult> {
  const { parser, seed, mutants, from = 0, limit = 5, file, onProgress, onFailure } = options;
  const parsers = options.parsers ?? new URL('parsers.js', import.meta.url).href;
  const to = from + mutants;
  const started = performance.now();
  const stopAt = started + (options.time ?? Number.POSITIVE_INFINITY);
  const common = { parsers, parser, seed, limit, ...(file ? { file } : {}) };
  const result: FuzzResult = { parser, ...noCounts(), failures: [], seconds: 0 };
  const known = new Map<string, Failure & { times: number }>();

  for (let next = from; next < to && performance.now() < stopAt; ) {
    const end = await runChild({ ...common, from: next, to }, stopAt, (index) => onProgress?.(index - from));
    add(result, end.counts);
    // If a child ends before its first mutant, another one would too. Nothing has been tried then, so this is an error.
    if (end.index < next && !end.finished) {
      const message = end.failures[0]?.message ?? 'it ended';
      const failure: Failure = { index: -1, kind: 'crash', message: `before the first mutant: ${message}` };
      known.set(signature(failure), { ...failure, times: 1 });
      await onFailure?.(failure);
      break;
    }
    for (const failure of end.failures) {
      const before = known.get(signature(failure));
      if (before) {
        before.times += 1;
        continue;
      }
      if (!(await isConfirmed(failure, common, from === failure.index && mutants === 1))) continue;
      known.set(signature(failure), { ...failure, times: 1 });
      await onFailure?.(failure);
    }
    if (end.finished) break;
    next = end.index + 1;
  }
  return { ...result, failures: [...known.values()], seconds: (performance.now() - started) / 1000 };
}

/** Time and memory depend on earlier mutants and on the machine, so such a failure only counts if the mutant fails again alone. */
async function isConfirmed(failure: Failure, common: Omit<ChildOptions, 'from' | 'to'>, alone: boolean) {
  if (['threw', 'left behind', 'no input', 'seed refused'].includes(failure.kind) || failure.index < 0 || alone)
    return true;
  const again = await runChild({ ...common, from: failure.index, to: failure.index + 1 }, Number.POSITIVE_INFINITY);
  // On a machine that is busy with other things, the new process may not even have begun: then nothing is known of the mutant.
  return again.failures.some(({ index }) => index === failure.index);
}

const noCounts = (): Counts => ({
  mutants: 0,
  values: 0,
  refused: 0,
  slowest: { index: -1, seconds: 0 },
  largest: { index: -1, bytes: 0 },
});

function add(result: FuzzResult, counts: Counts): void {
  result.mutants += counts.mutants;
  result.values += counts.values;
  result.refused += counts.refused;
  if (counts.slowest.seconds > result.slowest.seconds) result.slowest = counts.slowest;
  if (counts.largest.bytes > result.largest.bytes) result.largest = counts.largest;
}
