/** Selects the images that a run trains and validates on from a table of labelled images, and checks them before the run begins. */

import { firstFew, InputError } from '../errors.js';
import type { Split } from '../formats/data_sets/chestxray_splits.js';
import type { ImageTable } from '../formats/data_sets/image_table.js';
import { checkOptions, optionKinds } from '../options.js';
import { shuffle } from '../random.js';
import { PURPOSE, randomOf } from './randomness.js';

/** Images and labels of a run. Rows are places in `images`. */
export interface TrainingData {
  readonly classes: readonly string[];
  readonly images: readonly string[];
  /** [images, classes]: 1 if the image has the class, else 0. */
  readonly labels: Uint8Array;
  /** The patient of each image, by row. A cross-validation within the training images needs it. */
  readonly patients?: ArrayLike<string | number>;
  readonly train: Int32Array;
  readonly validation: Int32Array;
}

/** How many images have a class, in each part of the split. */
export interface ClassCount {
  readonly label: string;
  /** Images with the class. */
  readonly train: number;
  readonly validation: number;
}

/** Which images and classes of a table are used. */
export interface SelectOptions {
  /** Classes of the table, in the order of the network's outputs. */
  classes: readonly string[];
  /** Images with boxes. They are only for scoring, so they are left out of training and validation. */
  boxed?: Iterable<string>;
  /** Images that can be read. Default: all. */
  has?: (image: string) => boolean;
}

const SELECT_OPTIONS = optionKinds<SelectOptions>({
  classes: 'a list of texts',
  boxed: 'an object or a list',
  has: 'a function',
});

/**
 * Selects the rows of a split.
 * @returns the data, and warnings with counts: images left out, patients in several parts, classes that validation cannot score.
 * @throws InputError for an unknown class, an empty part, or a class that all training images have, or none.
 */
export function selectData(
  table: ImageTable,
  split: Pick<Split, 'train' | 'validation'> & Partial<Pick<Split, 'test'>>,
  options: SelectOptions,
): { data: TrainingData; counts: ClassCount[]; warnings: string[] } {
  checkOptions('selectData', options, SELECT_OPTIONS);
  const { classes, boxed = [], has = () => true } = options;
  const warnings: string[] = [];
  const bits = bitsOf(table, classes);
  const labels = new Uint8Array(table.length * bits.length);
  for (let row = 0, at = 0; row < table.length; row++) {
    for (const bit of bits) labels[at++] = (table.labels[row] >>> bit) & 1;
  }
  const withBoxes = new Set(boxed);
  const left = { boxed: 0, missing: [] as string[] };
  const keep = (rows: Int32Array) =>
    rows.filter((row) => {
      const image = table.images[row];
      if (withBoxes.has(image)) left.boxed++;
      else if (!has(image)) left.missing.push(image);
      else return true;
      return false;
    });
  const data = {
    ...{ classes, images: table.images, labels, patients: table.patients },
    train: keep(split.train),
    validation: keep(split.validation),
  };
  if (left.boxed > 0) warnings.push(`${images(left.boxed)} with boxes left out: they are for scoring alone`);
  if (left.missing.length > 0) warnings.push(`${images(left.missing.length)} left out: ${firstFew(left.missing, 5)}`);
  warnings.push(...sharedPatients(table, data, split.test));
  const counts = countClasses(data);
  warnings.push(...checkData(data, counts));
  return { data, counts, warnings };
}

function bitsOf(table: ImageTable, classes: readonly string[]): number[] {
  if (classes.length === 0) throw new InputError('there is no class to train', { expected: table.classes.join(', ') });
  if (new Set(classes).size < classes.length)
    throw new InputError('a class is named twice', { given: classes.join(', ') });
  return classes.map((name) => {
    const bit = table.classes.indexOf(name);
    if (bit >= 0) return bit;
    throw new InputError(`${name} is not a class of the data set`, { expected: table.classes.join(', ') });
  });
}

function sharedPatients({ patients }: ImageTable, { train, validation }: TrainingData, test?: Int32Array): string[] {
  const trained = new Set(Array.from(train, (row) => patients[row]));
  return Object.entries({ validation, test }).flatMap(([part, rows = new Int32Array()]) => {
    const shared = new Set(Array.from(rows, (row) => patients[row]).filter((patient) => trained.has(patient)));
    if (shared.size === 0) return [];
    const who = shared.size === 1 ? '1 patient is' : `${shared.size} patients are`;
    return [`${who} in both the training and the ${part} images: ${part} will look too good`];
  });
}

/** How many images have each class, in each part of the split. */
export function countClasses({ classes, labels, train, validation }: TrainingData): ClassCount[] {
  const count = (rows: Int32Array, place: number) =>
    rows.reduce((sum, row) => sum + labels[row * classes.length + place], 0);
  return classes.map((label, place) => ({ label, train: count(train, place), validation: count(validation, place) }));
}

/** Throws if training would be useless, and returns warnings. */
function checkData({ train, validation, classes }: TrainingData, counts: readonly ClassCount[]): string[] {
  for (const [part, rows] of Object.entries({ training: train, validation })) {
    if (rows.length > 0) continue;
    throw new InputError(`there are no ${part} images`, {
      expected: 'at least one image in each part of the split',
      hint: 'check the shares and lists of the split, and that image files are where the label file says',
    });
  }
  const useless = counts.filter((count) => count.train === 0 || count.train === train.length);
  if (useless.length > 0) {
    const { label, train: found } = useless[0];
    const rest = classes.filter((name) => useless.every((count) => count.label !== name));
    throw new InputError(
      `${found === 0 ? 'no' : 'every'} training image has ${
        useless.length === 1
          ? label
          : firstFew(
              useless.map((count) => count.label),
              5,
            )
      }`,
      {
        expected: 'images with and without each class',
        hint: `classes that can be learnt: ${rest.join(',') || 'none'}`,
      },
    );
  }
  const unscored = counts.filter((count) => count.validation === 0 || count.validation === validation.length);
  if (unscored.length === classes.length) {
    throw new InputError('no class can be scored: validation needs images with and without one', {
      given: `${images(validation.length)}`,
      hint: 'take more images for validation, or another seed',
    });
  }
  if (unscored.length === 0) return [];
  const names = unscored.map((count) => count.label);
  return [
    `${names.length} of ${classes.length} classes have no validation AUC (all images alike): ${firstFew(names, 5)}`,
  ];
}

const images = (count: number) => (count === 1 ? '1 image' : `${count} images`);

/** The training rows in the random order of an epoch. */
export function epochOrder(train: Int32Array, seed: number, epoch: number): Int32Array {
  return shuffle(Int32Array.from(train), randomOf(seed, PURPOSE.order, epoch));
}

/** A hash of images, labels and split, which shows whether a run is resumed on the data that it began with. */
export function fingerprintOf({ classes, images: names, labels, train, validation }: TrainingData): string {
  let hash = 0x811c9dc5;
  const add = (value: number) => {
    hash = Math.imul(hash ^ value, 0x01000193) >>> 0;
  };
  const addText = (text: string) => {
    for (let i = 0; i < text.length; i++) add(text.charCodeAt(i));
    add(10);
  };
  classes.forEach(addText);
  for (const rows of [train, validation]) {
    add(rows.length);
    for (const row of rows) {
      addText(names[row]);
      for (let i = 0; i < classes.length; i++) add(labels[row * classes.length + i]);
    }
  }
  return hash.toString(16).padStart(8, '0');
}

/** The number of updates in an epoch. Images that are too few for one more update are left out; they are different ones in each epoch. */
export function updatesPerEpoch({ train }: TrainingData, perUpdate: number): number {
  const steps = Math.floor(train.length / perUpdate);
  if (steps >= 1) return steps;
  throw new InputError('there are fewer training images than an update takes', {
    expected: `at least ${perUpdate} (batch × accumulate)`,
    given: String(train.length),
    hint: 'use a smaller batch',
  });
}

/** Labels of some images: [rows, classes]. */
export function labelsOf({ labels, classes }: TrainingData, rows: Int32Array): Float32Array {
  const values = new Float32Array(rows.length * classes.length);
  for (const [i, row] of rows.entries()) {
    values.set(labels.subarray(row * classes.length, (row + 1) * classes.length), i * classes.length);
  }
  return values;
}
