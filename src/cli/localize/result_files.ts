/** Writes the results of `raybox localize`, so that an interrupted run can continue where it stopped. */
import type { ImageFile } from '../../node/images/image_files.js';
import { type Lock, lockFile } from '../../node/lock.js';
import { print, UsageError } from '../terminal.js';
import { openLines } from './result_lines.js';
import { openTable } from './result_tables.js';
import type { Results } from './results.js';

/** Writes the results to stdout. */
export const standardOutput: Results = {
  files: [],
  madeBy: [],
  isUnmarked: false,
  has: () => false,
  add: (line) => print(`${JSON.stringify(line)}\n`),
  finish: async () => undefined,
  suspend: async () => {},
};

/**
 * Opens a file of results, new or from an earlier run. Its ending decides the format. Until it is finished or suspended, no other process
 * can open it.
 *
 * @param files the images of this run
 * @throws UsageError if the ending is none of the three; InputError if the file has other content, if it cannot be written, or if another
 *   process writes it
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

/** Releases the lock when the results are finished or suspended. */
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
