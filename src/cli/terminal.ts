/** What all commands share: usage errors, numbers and lists from options, output, progress, tables, and interruption by Ctrl-C. */

import { InputError } from '../errors.js';
import { writeRefusal } from '../node/text_files.js';
import { SingleBar } from '../node/vendor/cli_progress.js';
import { type Command, InvalidArgumentError, Option } from '../node/vendor/commander.js';
import { givenTwice } from '../options.js';

/** Thrown if the command line is wrong. The exit code is 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** Thrown if the user has pressed Ctrl-C. The exit code is 130, as is usual in shells. */
export class Interrupted extends Error {
  override name = 'Interrupted';
}

/** Writes a line to stderr, because stdout is only for results. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Makes a handler for `catch` of work on a file. It puts the file's name before the message of an InputError that does not have it. Other errors stay as they are. */
export const naming =
  (file: string) =>
  (error: unknown): never => {
    const isUnnamed = error instanceof InputError && !error.message.includes(file);
    throw isUnnamed ? new InputError(`${file}: ${error.message}`, { cause: error }) : error;
  };

/** Thrown if the reader of stdout has closed the pipe, as in `raybox … | head`. The command then ends, with exit code 0. */
export class ReaderLeft extends Error {
  override name = 'ReaderLeft';
}

let failure: NodeJS.ErrnoException | undefined;

/**
 * Writes to stdout. It waits for a slow reader, so that results do not accumulate in memory.
 * @throws ReaderLeft if the reader has closed the pipe; InputError if nothing can be written, for example because the disk is full
 */
export async function print(text: string): Promise<void> {
  await new Promise<void>((done) => {
    const taken = process.stdout.write(text, (error) => {
      failure ??= error ?? undefined;
      done();
    });
    // If the write has failed at once, the error is known by then. If the system writes later, it is known at the next call.
    if (taken) setImmediate(done);
  });
  if (failure?.code === 'EPIPE') throw new ReaderLeft('stdout was closed', { cause: failure });
  if (failure) throw writeRefusal('stdout', failure);
}

/** Gives a parser of option values. commander reports its error together with the name of the option. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

/** Reads a number of an option, between `least` and `most`. @throws UsageError for anything else. */
export function number(least: number, most = Number.POSITIVE_INFINITY): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (value >= least && value <= most && Number.isFinite(value)) return value;
    throw new InvalidArgumentError(`It must be a number from ${least}${Number.isFinite(most) ? ` to ${most}` : ''}.`);
  };
}

/** Refuses an option by the name that it had in earlier versions, with a UsageError that says the new one. */
export function refuseFormerOption(command: Command, former: string, name: string): void {
  command.addOption(new Option(`${former} [value]`).hideHelp());
  command.on(`option:${former.slice(2)}`, () => {
    throw new UsageError(`${former} is called ${name}`);
  });
}

/** Refuses an option for what a command takes as an argument: `raybox check --data DIR`. The UsageError says how it is given. */
export function refuseAsOption(command: Command, option: string): void {
  command.addOption(new Option(`${option} [value]`).hideHelp());
  command.on(`option:${option.slice(2)}`, () => {
    throw new UsageError(
      `raybox ${command.name()} has no option ${option}: give the ${option.slice(2)} without it, raybox ${command.name()} ${command.usage()}`,
    );
  });
}

/** The name of an option on the command line, without the two dashes in front: `minRegion` is `min-region`. */
export const dashed = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Parses numbers such as `60,180`. */
export function numberList(text: string): number[] {
  const numbers = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (numbers.every(Number.isFinite)) return numbers;
  throw new InvalidArgumentError('It must be numbers with commas between them.');
}

/** Parses names such as `Mass,Nodule`. */
export function nameList(text: string): string[] {
  const names = text.split(',').map((part) => part.trim());
  if (names.every((name) => name !== '')) return names;
  throw new InvalidArgumentError('It must be names with commas between them.');
}

/** Parses numbers by name, such as `Mass=0.4,Nodule=0.3`. */
export function numbersByName(text: string): Record<string, number> {
  const entries = text.split(',').map((part): [string, number] => {
    const at = part.lastIndexOf('=');
    const number = part.slice(at + 1).trim();
    if (at < 1 || number === '' || !Number.isFinite(Number(number)))
      throw new InvalidArgumentError('It must be NAME=NUMBER with commas between them.');
    return [part.slice(0, at).trim(), Number(number)];
  });
  const twice = givenTwice(entries.map(([name]) => name));
  if (twice !== undefined) throw new InvalidArgumentError(`It gives ${twice} twice.`);
  return Object.fromEntries(entries);
}

/** A progress bar on stderr; without a terminal, a line from time to time. */
export interface Progress {
  update(done: number): void;
  /** Writes a line to stderr without damaging the bar. */
  note(text: string): void;
  stop(): void;
}

const SPARSE_MS = 30_000;

/** On a terminal, shows a bar with the time that is left. Elsewhere it writes a line every half minute, so that logs stay short. */
export function startProgress(what: string, total: number, unit: string): Progress {
  const started = performance.now();
  if (!process.stderr.isTTY) {
    let last = started;
    return {
      update(done) {
        const now = performance.now();
        if (now - last < SPARSE_MS || done === 0) return;
        last = now;
        say(`${what}: ${done}/${total} ${unit}, ${duration(((now - started) * (total - done)) / done)} left`);
      },
      note: say,
      stop() {},
    };
  }
  const bar = new SingleBar({
    stream: process.stderr,
    format: `${what} [{bar}] {percentage}% | {value}/{total} ${unit} | {eta_formatted} left`,
    hideCursor: true,
    clearOnComplete: true,
    stopOnComplete: false,
    gracefulExit: false,
    etaBuffer: 50,
  });
  bar.start(total, 0);
  const stop = () => bar.stop(); // shows the cursor again
  process.once('exit', stop);
  return {
    update: (done) => bar.update(done),
    note(text) {
      process.stderr.write('\r\x1b[K');
      say(text);
      bar.render();
    },
    stop() {
      process.off('exit', stop);
      stop();
    },
  };
}

/** A duration as text, such as `1 h 5 min`, `3 min 20 s` or `12 s`. */
export function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

/** A table as text, with two spaces between columns and numbers at the right. The first row is the header. */
export function table(rows: readonly (readonly (string | number)[])[]): string {
  const texts = rows.map((row) => row.map(String));
  const widths: number[] = [];
  for (const row of texts)
    for (const [i, text] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, [...text].length);
  const numeric = widths.map((_, column) => rows.some((row, i) => i > 0 && typeof row[column] === 'number'));
  const cell = (text: string, column: number) =>
    numeric[column] ? text.padStart(widths[column]) : text.padEnd(widths[column]);
  return `${texts.map((row) => row.map(cell).join('  ').trimEnd()).join('\n')}\n`;
}

function isAbort(error: unknown, { aborted, reason }: AbortSignal): boolean {
  if (!aborted) return false;
  for (let each = error; each instanceof Error; each = each.cause) {
    if (each === reason || each.name === 'AbortError') return true;
  }
  return false;
}

/**
 * Runs `work` with a signal. The first Ctrl-C aborts the signal, and the second one ends the process immediately.
 * @throws Interrupted if the work ended because of the signal
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    return await work(controller.signal);
  } catch (error) {
    // Another error that came up while the work was ending is not hidden, for example a checkpoint that could not be written.
    throw isAbort(error, controller.signal) ? new Interrupted('interrupted', { cause: error }) : error;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}
