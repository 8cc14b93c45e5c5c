/** A data set on disk → what a run trains and validates on, every file looked at before any time is spent. */
import { join } from 'node:path';
import { counted, InputError } from '../errors.js';
import { readImageList, writeImageList } from '../formats/chestxray.js';
import { type Split, splitByLists, splitByPatient } from '../formats/chestxray_splits.js';
import { type Dataset, openDataset } from '../node/dataset.js';
import { checkImage } from '../node/image_file_check.js';
import type { ImageStore } from '../node/image_store.js';
import { readText, writeWhole } from '../node/text_files.js';
import { type ClassCount, selectData, type TrainingData } from '../train/data.js';
import { startProgress } from './terminal.js';

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
  /** How image files are decoded; see `DecodeOptions`. */
  bits?: number | undefined;
  maxImageBytes?: number | undefined;
  /** Decodes all images beforehand, as far as it can keep them. Default: a file's first and last bytes are looked at. */
  store?: Pick<ImageStore, 'read' | 'full' | 'warnings'>;
  signal?: AbortSignal;
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
  const { classes, skipBroken = false } = options;
  const badRows: string[] = [];
  const dataset = await openDataset(folder, skipBroken ? { onProblem: (message) => badRows.push(message) } : {});
  const { table, paths } = dataset;
  const boxed = new Set(dataset.boxes.map(({ image }) => image));
  const said = dataset.warnings.map(({ message }) => message);
  const { split, unknown } = await splitOf(dataset, boxed, options, said);
  const used = [...split.train, ...split.validation].map((row) => table.images[row]).filter((name) => !boxed.has(name));
  const broken = await findBroken(used, paths, options);
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
  const warnings =
    badRows.length > 0 ? [`${counted(badRows.length, 'problem')} in the label file; the first: ${badRows[0]}`] : [];
  if (unknown.length > 0)
    warnings.push(
      `${counted(unknown.length, 'name')} in the lists ${unknown.length === 1 ? 'is' : 'are'} not in the label file; the first: ${unknown[0]}`,
    );
  const images = options.store?.warnings() ?? [];
  return { dataset, split, ...selected, warnings: [...said, ...warnings, ...selected.warnings, ...images] };
}

async function splitOf(
  dataset: Dataset,
  boxed: ReadonlySet<string>,
  options: TrainingDataOptions,
  said: string[],
): Promise<{ split: Split; unknown: string[] }> {
  const { lists, seed, validation, test, skipBroken } = options;
  const { table, trainValidation, test: tested } = dataset;
  const shares = { ...(validation === undefined ? {} : { validation }), ...(test === undefined ? {} : { test }) };
  const rowOf = new Map(table.images.map((image, row) => [image, row]));
  const unknownIn = (names: readonly string[]) => names.filter((name) => !rowOf.has(name));
  if (lists) {
    const unknown: string[] = [];
    const rowsIn = async (path?: string) => {
      const names =
        path === undefined ? [] : readImageList(await readText(path), path, ({ message }) => said.push(message));
      for (const name of unknownIn(names)) unknown.push(name);
      if (unknown.length > 0 && !skipBroken) {
        throw new InputError(`${path}: ${unknown[0]} is not in the label file`, {
          hint: '--skip-broken leaves it out',
        });
      }
      const rows = [...new Set(names)].flatMap((name) => rowOf.get(name) ?? []);
      return Int32Array.from(rows).sort();
    };
    const split = {
      train: await rowsIn(lists.train),
      validation: await rowsIn(lists.validation),
      test: await rowsIn(lists.test),
    };
    return { split, unknown };
  }
  if (trainValidation && tested && test === undefined) {
    const split = splitByLists(table, { trainValidation, test: tested }, { seed, boxed, ...shares });
    return { split, unknown: unknownIn([...trainValidation, ...tested]) };
  }
  return { split: splitByPatient(table, { seed, boxed, ...shares }), unknown: [] };
}

/** Images that are missing, whose file does not begin and end as it should, or that cannot be decoded, with what is wrong. */
async function findBroken(
  images: readonly string[],
  paths: ReadonlyMap<string, string>,
  { store, signal }: TrainingDataOptions,
): Promise<Map<string, string>> {
  const broken = new Map<string, string>();
  const progress = startProgress('reading', images.length, 'images');
  const queue = images.values();
  let done = 0;
  const problemOf = async (path: string): Promise<string | undefined> => {
    if (/\.(dcm|dicom)$/i.test(path)) return 'is a DICOM file, which training does not read';
    const fine = () => undefined;
    const problem = await checkImage(path).then(fine, (error: Error) => error.message);
    if (problem !== undefined || !store || store.full) return problem;
    return store.read(path).then(fine, (error: Error) => {
      // Anything else is no fault of the image: a decoding thread that crashed, say.
      if (error instanceof InputError) return error.message.replace(`${path}: `, '');
      throw error;
    });
  };
  const look = async () => {
    for (const image of queue) {
      signal?.throwIfAborted();
      const path = paths.get(image);
      const problem = path === undefined ? 'is in none of the image folders' : await problemOf(path);
      if (problem !== undefined) broken.set(image, problem);
      progress.update(++done);
    }
  };
  try {
    await Promise.all(Array.from({ length: 8 }, look));
  } finally {
    progress.stop();
  }
  // In the order of the rows, whichever was looked at first.
  return new Map(images.filter((image) => broken.has(image)).map((image) => [image, broken.get(image) as string]));
}

export const LISTS = { train: 'train.txt', validation: 'validation.txt', test: 'test.txt' } as const;

/** Writes the split as list files, which `raybox evaluate` and a resumed run read. */
export async function writeLists(folder: string, { data, split, dataset }: RunData): Promise<void> {
  const rows = { train: data.train, validation: data.validation, test: split.test };
  for (const [part, file] of Object.entries(LISTS)) {
    const names = Array.from(rows[part as keyof typeof rows], (row) => dataset.table.images[row]);
    await writeWhole(join(folder, file), writeImageList(names));
  }
}
