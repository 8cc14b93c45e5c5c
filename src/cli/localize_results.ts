/** Where `raybox localize` puts its results, so that a run that was cut off goes on where it stopped. */
import type { Finding, Prediction } from '../formats/findings.js';
import type { ImageFile } from '../node/image_files.js';
import { type Lock, lockFile } from '../node/lock.js';
import type { Warning } from '../warnings.js';
import { openLines } from './result_lines.js';
import { openTable } from './result_tables.js';
import { print, UsageError } from './terminal.js';

/** One line. `image` is the file's name, `file` its path as it was given. */
export interface ResultLine extends Prediction {
  file: string;
  findings: Finding[];
  /** Labels with more regions than boxes were asked for. */
  truncated?: string[];
  /** What was assumed of the weights, and what looks wrong about the image. */
  warnings?: readonly Warning[];
}

export interface ErrorLine {
  image: string;
  file: string;
  /** Why the image could not be done. */
  error: string;
}

export interface Results {
  /** The classes of the results that are there already. */
  readonly classes?: readonly string[];
  /** Paths of the images that have results already, as they were given, where the file tells them. */
  readonly files: readonly string[];
  has(file: ImageFile): boolean;
  add(line: ResultLine | ErrorLine): Promise<void>;
  /** All is done: makes the file whole. Returns what to be told. */
  finish(): Promise<string | undefined>;
  /** Closes without finishing; a later run goes on from here. */
  suspend(): Promise<void>;
}

/** Results on stdout. */
export const standardOutput: Results = {
  files: [],
  has: () => false,
  add: (line) => print(`${JSON.stringify(line)}\n`),
  finish: async () => undefined,
  suspend: async () => {},
};

/**
 * Opens, or goes on with, a file of results; its ending decides the format. Until they are finished or suspended, no other process
 * may open them.
 *
 * @param files the images of this run
 * @throws UsageError for an ending that is none of the three; InputError where the file holds something else, cannot be written, or
 *   another process writes it
 */
export async function openResults(path: string, files: readonly ImageFile[] = []): Promise<Results> {
  const open = /\.(jsonl|ndjson)$/i.test(path)
    ? () => openLineResults(path)
    : /\.coco\.json$/i.test(path)
      ? () => openTable(path, 'coco', files)
      : /\.csv$/i.test(path)
        ? () => openTable(path, 'csv', files)
        : undefined;
  if (!open) throw new UsageError(`--out ${path}: the name must end in .jsonl, .csv or .coco.json`);
  const lock = await lockFile(path);
  try {
    return holding(lock, await open());
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function openLineResults(path: string): Promise<Results> {
  const lines = await openLines(path, 'what is done is in it: the same command goes on from there');
  return { ...lines, finish: () => lines.finish().then(() => undefined), suspend: lines.close };
}

/** Gives the lock back when the results are closed, in either way. */
function holding(lock: Lock, results: Results): Results {
  return {
    ...results,
    finish: async () => {
      const note = await results.finish();
      await lock.release();
      return note;
    },
    suspend: () => results.suspend().finally(lock.release),
  };
}
