/** Writes a data set of phantoms in the layout of ChestX-ray8. */
import { appendFile, mkdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { InputError } from '../../errors.js';
import { parseJson } from '../../formats/json.js';
import { BOX_FILE, TEST_FILE, TRAIN_VALIDATION_FILE } from '../../node/dataset.js';
import { lockBeside } from '../../node/lock.js';
import { folderEntries, writeRefusal } from '../../node/text_files.js';
import { drawPhantom, type PhantomOptions } from '../../phantom/index.js';
import { boxFile, labelFile, type PhantomRow, testRows } from './tables.js';
import { type Drawing, drawAll } from './threads.js';

/** Which phantoms are drawn, and where the data set is written. */
export interface WritePhantomsOptions extends Omit<PhantomOptions, 'index' | 'diseases'> {
  count: number;
  /** The folder of the data set. It must be new or empty. */
  out: string;
  /** Which images have their boxes in the box file. Default `test`, because images with boxes are never used for training. */
  boxes?: 'test' | 'all';
  /** The number of worker threads. Default: one for each processor, at most 16. */
  threads?: number;
  onProgress?(done: number, total: number): void;
  signal?: AbortSignal;
}

/** How many images, patients and boxes a data set of phantoms has; `counts` are images by disease. */
export interface PhantomSummary {
  images: number;
  patients: number;
  test: number;
  boxes: number;
  counts: Record<string, number>;
  /** The number of images that an interrupted run had drawn before. */
  resumed: number;
}

const MAX_COUNT = 1_000_000;
/** This number is increased whenever the same seed gives other pixels. An interrupted run of an older raybox is then not continued. */
const DRAWING = 2;

/**
 * Draws `count` phantoms into the folder `out`: `images/`, `reports/`, a label file, a box file and list files in the layout of
 * ChestX-ray8, and `phantoms.json` with the options. Everything is written into a folder with the ending `.part`, which is renamed at the
 * end. If a run was interrupted, another one with the same options continues it.
 *
 * @throws InputError if an option is out of range, if `out` is not empty, or if the folder `.part` is from a run with other options
 */
export async function writePhantoms(options: WritePhantomsOptions): Promise<PhantomSummary> {
  const { count, out, boxes, threads, onProgress, signal, ...drawing } = options;
  if (!Number.isInteger(count) || count < 1 || count > MAX_COUNT) {
    throw new InputError('phantom: count is wrong', {
      expected: `a whole number from 1 to ${MAX_COUNT}`,
      given: `${count}`,
    });
  }
  if (threads !== undefined && (!Number.isInteger(threads) || threads < 1)) {
    throw new InputError('phantom: threads is wrong', { expected: 'a whole number from 1', given: `${threads}` });
  }
  const target = resolve(out);
  const part = `${target}.part`;
  // Refuses wrong options before anything is written.
  drawPhantom({ ...drawing, index: 0, size: drawing.size });
  await requireFree(target, out);
  const lock = await lockBeside(out);
  try {
    return await drawInto(part, target, { count, out, boxes, threads, onProgress, signal }, drawing);
  } catch (error) {
    const { syscall, path = `${out}.part` } = error as NodeJS.ErrnoException;
    throw syscall ? writeRefusal(path, error, 'the same command goes on with what is drawn') : error;
  } finally {
    await lock.release();
  }
}

/** Draws the images that are missing in the folder `part`, writes the tables, and renames the folder. */
async function drawInto(
  part: string,
  target: string,
  { count, out, boxes = 'test', threads, onProgress, signal }: Omit<WritePhantomsOptions, keyof Drawing>,
  drawing: Drawing,
): Promise<PhantomSummary> {
  await requireFree(target, out);
  const settings = describeSettings({ drawing: DRAWING, count, boxes, ...drawing });
  const rows = await begin(part, settings);
  const resumed = rows.size;

  const missing = Array.from({ length: count }, (_, index) => index).filter((index) => !rows.has(index));
  onProgress?.(resumed, count);
  await drawAll(missing, { drawing, part, threads, signal }, async (drawn) => {
    await appendFile(join(part, ROWS), drawn.map((row) => `${JSON.stringify(row)}\n`).join(''));
    for (const row of drawn) rows.set(row.index, row);
    onProgress?.(rows.size, count);
  });

  const summary = await writeTables(
    part,
    [...rows.values()].sort((a, b) => a.index - b.index),
    drawing,
    boxes,
  );
  await rmdir(target).catch(() => {});
  await rename(part, target);
  // It is not removed before, because all images would have to be drawn again if the process were killed in between.
  await rm(join(target, ROWS));
  return { ...summary, resumed };
}

/** Writes the label file, the box file and the list files. */
async function writeTables(
  folder: string,
  rows: readonly PhantomRow[],
  { seed, size }: Drawing,
  boxes: 'test' | 'all',
): Promise<Omit<PhantomSummary, 'resumed'>> {
  const isTest = testRows(rows, seed);
  const boxed = rows.filter((row) => boxes === 'all' || isTest(row));
  const list = (wanted: boolean) => rows.filter((row) => isTest(row) === wanted).map(({ image }) => `${image}\n`);
  await writeFile(join(folder, 'Data_Entry_2017.csv'), labelFile(rows, size));
  await writeFile(join(folder, BOX_FILE), boxFile(boxed));
  await writeFile(join(folder, TRAIN_VALIDATION_FILE), list(false).join(''));
  await writeFile(join(folder, TEST_FILE), list(true).join(''));
  const counts: Record<string, number> = {};
  for (const { labels } of rows) for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
  return {
    images: rows.length,
    patients: new Set(rows.map(({ patient }) => patient)).size,
    test: list(true).length,
    boxes: boxed.reduce((sum, row) => sum + row.boxes.length, 0),
    counts,
  };
}

const ROWS = 'rows.jsonl';

/** The options as a text that does not depend on the order in which they were given. */
function describeSettings(settings: Record<string, unknown>): string {
  const entries = Object.entries(settings).filter(([, value]) => value !== undefined);
  return `${JSON.stringify(Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))), null, 2)}\n`;
}

async function requireFree(target: string, shown: string): Promise<void> {
  const entries = await folderEntries(target, `phantom: ${shown}`);
  if (entries.length === 0) return;
  // The run that has drawn this data set was killed before it could remove its own list.
  if (entries.includes(ROWS) && entries.includes('phantoms.json')) await rm(join(target, ROWS));
  throw new InputError(`phantom: ${shown} is not empty`, {
    given: `${entries.length === 1 ? '1 entry' : `${entries.length} entries, the first`} ${entries[0]}`,
    hint: 'name a new folder: nothing is ever overwritten',
  });
}

/** Makes the folder, or reads what an interrupted run with the same settings has left in it. */
async function begin(part: string, settings: string): Promise<Map<number, PhantomRow>> {
  const settingsFile = join(part, 'phantoms.json');
  const before = await readFile(settingsFile, 'utf8').catch(() => undefined);
  if (before !== undefined && before !== settings) {
    throw new InputError(`phantom: ${part} was begun with other options`, {
      hint: 'give the options it was begun with, to go on, or delete it',
    });
  }
  try {
    await mkdir(dirname(part), { recursive: true });
    if (before === undefined) {
      await mkdir(part).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      });
    }
    await mkdir(join(part, 'images'), { recursive: true });
    await mkdir(join(part, 'reports'), { recursive: true });
    await writeFile(settingsFile, settings);
  } catch (error) {
    throw writeRefusal(`phantom: ${part}`, error);
  }
  const rows = new Map<number, PhantomRow>();
  const text = await readFile(join(part, ROWS), 'utf8').catch(() => '');
  // After the last line end there may be an incomplete line, because the run was interrupted.
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  for (const line of whole.split('\n').filter(Boolean)) {
    const row = parseJson(line, `${join(part, ROWS)}: a line`) as PhantomRow | null;
    if (!Number.isSafeInteger(row?.index))
      throw new InputError(`phantom: ${join(part, ROWS)} is damaged`, {
        expected: 'a phantom a line, with its index',
        given: line.slice(0, 80),
        hint: `delete ${part}, and begin again`,
      });
    rows.set(row!.index, row!);
  }
  await writeFile(join(part, ROWS), whole);
  return rows;
}
