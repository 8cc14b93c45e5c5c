/** Which images of a data set are scored, and on which ones thresholds are fitted, as the options of `raybox evaluate` say. */
import { join } from 'node:path';
import { InputError } from '../../errors.js';
import { readImageList } from '../../formats/data_sets/chestxray.js';
import { splitByPatient } from '../../formats/data_sets/chestxray_splits.js';
import { type Dataset, TEST_FILE } from '../../node/dataset.js';
import { readText } from '../../node/text_files.js';
import type { Warning } from '../../warnings.js';
import { say } from '../terminal.js';

/** The options of `raybox evaluate` that divide the images: paths of lists, or the seed of a split by patient. */
export interface SplitOptions {
  validation?: string;
  test?: string;
  split?: number;
}

/** Names of images by part; `test` is undefined if all are scored. `training` are those that a network may have been trained on. */
interface Split {
  validation: string[] | undefined;
  test: string[] | undefined;
  training?: string[] | undefined;
}

/** @throws InputError for a list that cannot be read, or that names no image */
export async function splitOf(options: SplitOptions, data: Dataset, warnings: Warning[]): Promise<Split> {
  const list = (path: string) => readNames(path, warnings);
  if (options.split !== undefined) {
    const split = splitByPatient(data.table, { seed: options.split, boxed: data.boxes.map(({ image }) => image) });
    const names = (rows: Int32Array) => Array.from(rows, (row) => data.table.images[row]);
    return { validation: names(split.validation), test: names(split.test) };
  }
  const validation = options.validation === undefined ? undefined : await list(options.validation);
  if (options.test === 'all') return { validation, test: undefined };
  const training = data.trainValidation;
  if (options.test !== undefined) return { validation, test: await list(options.test), training };
  if (!data.test) return { validation, test: undefined, training };
  say(`Scoring the images of ${TEST_FILE} only; --test all scores every one that is predicted.`);
  return { validation, test: filled(data.test, join(data.folder, TEST_FILE)), training };
}

/** @throws InputError for a list without names, with which nothing would be scored or fitted. */
function filled(names: string[], path: string): string[] {
  if (names.length > 0) return names;
  throw new InputError(`${path} holds no image name`, { expected: 'one image name a line' });
}

/** The image names in a list. @throws InputError if it has none */
export const readNames = async (path: string, warnings: Warning[]): Promise<string[]> =>
  filled(
    readImageList(await readText(path), path, (warning) => warnings.push(warning)),
    path,
  );
