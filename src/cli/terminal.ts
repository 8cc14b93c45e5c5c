/** What all commands share at the terminal: usage errors, numbers and lists from options, progress, tables, interrupts. */

import { writeRefusal } from '../node/text_files.js';
import { SingleBar } from '../node/vendor/cli_progress.js';
import { type Command, InvalidArgumentError, Option } from '../node/vendor/commander.js';

/** The command line itself is wrong: exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** Someone pressed Ctrl-C: exit code 130, as shells have it. */
export class Interrupted extends Error {
  override name = 'Interrupted';
}

/** One line on stderr. stdout is for results alone. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** The reader of stdout has seen enough (`raybox … | head`) and closed the pipe: that is no failure, but the end. Exit code 0. */
export class ReaderLeft extends Error {
  override name = 'ReaderLeft';
}

let failure: NodeJS.ErrnoException | undefined;

/**
 * Writes to stdout and waits while its reader is slow, so that results never pile up in memory.
 * @throws ReaderLeft; InputError where it cannot be written, on a full disk say
 */
export async function print(text: string): Promise<void> {
  await new Promise<void>((done) => {
    const taken = process.stdout.write(text, (error) => {
      failure ??= error ?? undefined;
      done();
    });
    // A failure is known by then, or, where the system writes later, by the next call.
    if (taken) setImmediate(done);
  });
  if (failure?.code === 'EPIPE') throw new ReaderLeft('stdout was closed', { cause: failure });
  if (failure) throw writeRefusal('stdout', failure);
}

/** Checks of option values, which commander reports with the option's name. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

export function number(least: number, most = Number.POSITIVE_INFINITY): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (value >= least && value <= most && Number.isFinite(value)) return value;
    throw new InvalidArgumentError(`It must be a number from ${least}${Number.isFinite(most) ? ` to ${most}` : ''}.`);
  };
}

/** @throws UsageError where an option is given by the name that it had before */
export function refuseFormerOption(command: Command, former: string, name: string): void {
  command.addOption(new Option(`${former} [value]`).hideHelp());
  command.on(`option:${former.slice(2)}`, () => {
    throw new UsageError(`${former} is called ${name}`);
  });
}

/** `60,180` as numbers. */
export function numberList(text: string): number[] {
  const numbers = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (numbers.every(Number.isFinite)) return numbers;
  throw new InvalidArgumentError('It must be numbers with commas between them.');
}

/** `Mass,Nodule` as names. */
export function nameList(text: string): string[] {
  const names = text.split(',').map((part) => part.trim());
  if (names.every((name) => name !== '')) return names;
  throw new InvalidArgumentError('It must be names with commas between them.');
}

/** `Mass=0.4,Nodule=0.3` as numbers by name. */
export function numbersByName(text: string): Record<string, number> {
  const entries = text.split(',').map((part): [string, number] => {
    const at = part.lastIndexOf('=');
    const number = part.slice(at + 1).trim();
    if (at < 1 || number === '' || !Number.isFinite(Number(number)))
      throw new InvalidArgumentError('It must be NAME=NUMBER with commas between them.');
    return [part.slice(0, at).trim(), Number(number)];
  });
  return Object.fromEntries(entries);
}

export interface Progress {
  update(done: number): void;
  /** A line on stderr that does not tear the bar apart. */
  note(text: string): void;
  stop(): void;
}

const SPARSE_MS = 30_000;

/** A bar with the time left on a terminal; elsewhere a line every half minute, so that logs stay short. */
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

/** `1 h 5 min`, `3 min 20 s`, `12 s`. */
export function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

/** Columns with two spaces between them; numbers flush right. The first row is the header. */
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
 * Runs `work` with a signal that the first Ctrl-C aborts; the second one ends the process at once.
 * @throws Interrupted where the work ended because of it
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
    // What else went wrong while the work was being ended (a checkpoint that could not be written, say) is not hidden.
    throw isAbort(error, controller.signal) ? new Interrupted('interrupted', { cause: error }) : error;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}
