/** Reads the data set of a run and splits it. All files are looked at first, so that no time is lost if one cannot be used. */
import { join } from 'node:path';
import { counted, InputError } from '../../errors.js';
import { readImageList, writeImageList } from '../../formats/data_sets/chestxray.js';
import { type Split, splitByLists, splitByPatient } from '../../formats/data_sets/chestxray_splits.js';
import type { ImageStore } from '../../node/caches/image_store.js';
import { type Dataset, openDataset } from '../../node/dataset.js';
import { checkImage } from '../../node/images/image_file_check.js';
import { readText, writeWhole } from '../../node/text_files.js';
import { type ClassCount, selectData, type TrainingData } from '../../train/data.js';
import { startProgress } from '../terminal.js';

/** How a data set becomes the data of a run. */
export interface TrainingDataOptions {
  classes: readonly string[];
  /** The seed of the split. */
  seed: number;
  /** The shares of validation and test images in a split by patient. Default: 0.1 and 0.2. */
  validation?: number;
  test?: number;
  /** Files with the names of the images of each part, one name a line. Default: raybox makes the split. */
  lists?: { train: string; validation: string; test?: string };
  /** Whether rows and images that cannot be read are left out and counted. Default: the first one ends the run. */
  skipBroken?: boolean;
  /** How image files are decoded; see `DecodeOptions`. */
  bits?: number | undefined;
  maxImageBytes?: number | undefined;
  /** Decodes all images before the training, as many as it can keep. Default: only the first and last bytes of each file are looked at. */
  store?: Pick<ImageStore, 'read' | 'full' | 'warnings'>;
  signal?: AbortSignal;
}

/** The data of a run: the data set, its split, and what was noticed about it. */
export interface RunData {
  dataset: Dataset;
  data: TrainingData;
  split: Split;
  counts: ClassCount[];
  /** One for each kind of problem, with the number of rows or images. */
  warnings: string[];
}

/**
 * Reads a data set and splits it by the lists that are given, or else by those of the data set, or else by patient. If the lists are those
 * of the data set, some of its training images become validation images. Images with boxes are never used for training.
 * @throws InputError if the data set cannot be read, or if nothing can be learnt from it; see `selectData`
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

/**
 * Finds images that are missing, whose files do not begin and end as they should, or that cannot be decoded. Returns what is wrong, by
 * name.
 */
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
      // Other errors are not the fault of the image. For example, a decoding thread may have crashed.
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
  // The order is that of the rows, because the files are looked at in no fixed order.
  return new Map(images.filter((image) => broken.has(image)).map((image) => [image, broken.get(image) as string]));
}

/** The files of a run's folder that list the images of each part of the split, one name a line. */
export const LISTS = { train: 'train.txt', validation: 'validation.txt', test: 'test.txt' } as const;

/** Writes the split as list files. A resumed run reads them, and `raybox evaluate` can read them too. */
export async function writeLists(folder: string, { data, split, dataset }: RunData): Promise<void> {
  const rows = { train: data.train, validation: data.validation, test: split.test };
  for (const [part, file] of Object.entries(LISTS)) {
    const names = Array.from(rows[part as keyof typeof rows], (row) => dataset.table.images[row]);
    await writeWhole(join(folder, file), writeImageList(names));
  }
}
