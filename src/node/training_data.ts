/** A data set on disk → what a run trains and validates on, every file looked at before any time is spent. */
import { join } from 'node:path';
import { InputError } from '../errors.js';
import { readImageList } from '../formats/chestxray.js';
import { type Split, splitByLists, splitByPatient } from '../formats/chestxray_splits.js';
import { type ClassCount, selectData, type TrainingData } from '../train/data.js';
import { type Dataset, openDataset } from './dataset.js';
import { checkImage } from './dataset_check.js';
import { readText, writeWhole } from './text_files.js';

export interface TrainingDataOptions {
  classes: readonly string[];
  /** Of the split. */
  seed: number;
  /** Shares of a split by patient. Default: 0.1 and 0.2. */
  validation?: number;
  test?: number;
  /** Files of image names, one a line, instead of a split by raybox. */
  lists?: { train: string; validation: string; test?: string };
  /** Leaves out, and counts, rows and images that cannot be read. Default: the first ends the run. */
  skipBroken?: boolean;
  onProgress?: (done: number, total: number) => void;
}

export interface RunData {
  dataset: Dataset;
  data: TrainingData;
  split: Split;
  counts: ClassCount[];
  /** Each with a count. */
  warnings: string[];
}

/**
 * Splits by the given lists; else by those of the data set, a part of whose training images is for validation; else by patient.
 * Images with boxes are never trained on.
 * @throws InputError for a data set that cannot be read or trained on; see `selectData`
 */
export async function openTrainingData(folder: string, options: TrainingDataOptions): Promise<RunData> {
  const { classes, skipBroken = false, onProgress } = options;
  const badRows: string[] = [];
  const dataset = await openDataset(folder, skipBroken ? { onProblem: (message) => badRows.push(message) } : {});
  const { table, paths } = dataset;
  const boxed = new Set(dataset.boxes.map(({ image }) => image));
  const split = await splitOf(dataset, boxed, options);
  const used = [...split.train, ...split.validation].map((row) => table.images[row]).filter((name) => !boxed.has(name));
  const broken = await findBroken(used, paths, onProgress);
  if (broken.size > 0 && !skipBroken) {
    const [[image, reason]] = broken;
    throw new InputError(
      `${folder}: ${broken.size} of ${used.length} images cannot be used; the first: ${image} ${reason}`,
      {
        hint: '--skip-broken leaves them out; raybox check names them all',
      },
    );
  }
  const selected = selectData(table, split, { classes, boxed, has: (image) => !broken.has(image) });
  const warnings = badRows.length > 0 ? [`${badRows.length} problems in the label file; the first: ${badRows[0]}`] : [];
  return { dataset, split, ...selected, warnings: [...warnings, ...selected.warnings] };
}

async function splitOf(dataset: Dataset, boxed: ReadonlySet<string>, options: TrainingDataOptions): Promise<Split> {
  const { lists, seed, validation, test } = options;
  const { table, trainValidation, test: tested } = dataset;
  const shares = { ...(validation === undefined ? {} : { validation }), ...(test === undefined ? {} : { test }) };
  if (lists) {
    const rowOf = new Map(table.images.map((image, row) => [image, row]));
    const rowsIn = async (path?: string) => {
      const names = path === undefined ? [] : readImageList(await readText(path), path);
      const unknown = names.find((name) => !rowOf.has(name));
      if (unknown !== undefined && !options.skipBroken) {
        throw new InputError(`${path}: ${unknown} is not in the label file`, { hint: '--skip-broken leaves it out' });
      }
      const rows = [...new Set(names)].flatMap((name) => rowOf.get(name) ?? []);
      return Int32Array.from(rows).sort();
    };
    return {
      train: await rowsIn(lists.train),
      validation: await rowsIn(lists.validation),
      test: await rowsIn(lists.test),
    };
  }
  if (trainValidation && tested && test === undefined) {
    return splitByLists(table, { trainValidation, test: tested }, { seed, boxed, ...shares });
  }
  return splitByPatient(table, { seed, boxed, ...shares });
}

/** Images that are missing, or whose file does not begin and end as it should, with what is wrong. */
async function findBroken(
  images: readonly string[],
  paths: ReadonlyMap<string, string>,
  onProgress?: (done: number, total: number) => void,
): Promise<Map<string, string>> {
  const broken = new Map<string, string>();
  const queue = images.values();
  let done = 0;
  const look = async () => {
    for (const image of queue) {
      const path = paths.get(image);
      if (path === undefined) broken.set(image, 'is in none of the image folders');
      else await checkImage(path).catch((error: Error) => broken.set(image, error.message));
      onProgress?.(++done, images.length);
    }
  };
  await Promise.all(Array.from({ length: 8 }, look));
  // In the order of the rows, whichever was looked at first.
  return new Map(images.filter((image) => broken.has(image)).map((image) => [image, broken.get(image) as string]));
}

export const LISTS = { train: 'train.txt', validation: 'validation.txt', test: 'test.txt' } as const;

/** Writes the split as list files, which `raybox evaluate` and a resumed run read. */
export async function writeLists(folder: string, { data, split, dataset }: RunData): Promise<void> {
  const rows = { train: data.train, validation: data.validation, test: split.test };
  for (const [part, file] of Object.entries(LISTS)) {
    const names = Array.from(rows[part as keyof typeof rows], (row) => `${dataset.table.images[row]}\n`);
    await writeWhole(join(folder, file), names.join(''));
  }
}
