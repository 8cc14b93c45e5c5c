/** Reads a data set on disk in the layout of ChestX-ray8/14: label file, box file, list files and image folders. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../errors.js';
import {
  dataEntryReader,
  type ImageTable,
  type LabeledBox,
  type ReadOptions,
  readBoxList,
  readImageList,
} from '../formats/data_sets/chestxray.js';
import { IMAGE_ENDING } from '../formats/data_sets/image_list.js';
import type { Warning } from '../warnings.js';
import { readText, readTextPieces } from './text_files.js';

export const LABEL_FILES = ['Data_Entry_2017_v2020.csv', 'Data_Entry_2017.csv'] as const;
export const BOX_FILE = 'BBox_List_2017.csv';
export const TRAIN_VALIDATION_FILE = 'train_val_list.txt';
export const TEST_FILE = 'test_list.txt';

export interface Dataset {
  folder: string;
  /** Path of the label file that was read. If both releases are there, it is the newer one. */
  labelFile: string;
  table: ImageTable;
  /** Empty without a box file. */
  boxes: LabeledBox[];
  trainValidation?: string[];
  test?: string[];
  /** The path of each image file by its name. */
  paths: Map<string, string>;
  /** What was matched, assumed or not used in the files. */
  warnings: Warning[];
}

export interface OpenOptions extends Pick<ReadOptions, 'classes' | 'corners' | 'onProblem'> {
  /** Path of the box file. Default: `BBox_List_2017.csv` in the folder, if it exists. */
  boxes?: string;
  /** Called for a row of the box file that cannot be used and is left out. Default: the first such row is an error. */
  onBoxProblem?: ReadOptions['onProblem'];
  /** Called for a box file or a list that cannot be read and is left out. Default: it is an error. */
  onFileProblem?: (file: string, message: string) => void;
  /** Called for an image name that is in two folders. */
  onDuplicate?: (first: string, second: string) => void;
}

const isImage = (name: string) => IMAGE_ENDING.test(name);

/**
 * Finds image files in the folder itself, in `images/`, and in `images_001/images/` or `images_001/` and so on, where unpacking the published
 * archives puts them.
 */
export async function findImages(
  folder: string,
  onDuplicate?: OpenOptions['onDuplicate'],
): Promise<Map<string, string>> {
  const paths = new Map<string, string>();
  const list = async (path: string, depth: number) => {
    const entries = await readdir(path, { withFileTypes: true });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const at = join(path, entry.name);
      if (entry.isDirectory() || (entry.isSymbolicLink() && !isImage(entry.name))) {
        if (depth < 2 && /^images([_-]?\d+)?$/i.test(entry.name)) await list(at, depth + 1);
      } else if (isImage(entry.name)) {
        const first = paths.get(entry.name);
        if (first === undefined) paths.set(entry.name, at);
        else onDuplicate?.(first, at);
      }
    }
  };
  await list(folder, 0);
  return paths;
}

/**
 * Reads all of a data set except the images themselves.
 *
 * @throws InputError if the folder or its label file is missing, or if one of the files cannot be read.
 */
export async function openDataset(folder: string, options: OpenOptions = {}): Promise<Dataset> {
  if (!existsSync(folder)) throw new InputError(`${folder}: there is no such folder`);
  const labelFile = LABEL_FILES.map((name) => join(folder, name)).find(existsSync);
  if (!labelFile) throw new InputError(`${folder} has no label file`, { expected: LABEL_FILES.join(' or ') });

  const warnings: Warning[] = [];
  const onWarning = (warning: Warning) => warnings.push(warning);
  const reader = dataEntryReader({ ...options, source: labelFile, onWarning });
  await readTextPieces(labelFile, reader.write);
  reader.end();
  const table = reader.table();

  const boxFile = options.boxes ?? join(folder, BOX_FILE);
  const readBoxes = (text: string) =>
    readBoxList(text, {
      ...{ source: boxFile, classes: table.classes, corners: options.corners },
      ...{ onProblem: options.onBoxProblem, onWarning },
    });
  const read = async <T>(path: string, parse: (text: string) => T): Promise<T | undefined> => {
    try {
      return parse(await readText(path));
    } catch (error) {
      if (!options.onFileProblem || !(error instanceof InputError)) throw error;
      options.onFileProblem(path, error.message);
      return undefined;
    }
  };
  const boxes = options.boxes || existsSync(boxFile) ? ((await read(boxFile, readBoxes)) ?? []) : [];
  const list = async (name: string) => {
    const path = join(folder, name);
    return existsSync(path) ? read(path, (text) => readImageList(text, path, onWarning)) : undefined;
  };
  return {
    folder,
    labelFile,
    table,
    boxes,
    trainValidation: await list(TRAIN_VALIDATION_FILE),
    test: await list(TEST_FILE),
    paths: await findImages(folder, options.onDuplicate),
    warnings,
  };
}
