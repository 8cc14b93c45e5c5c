/** Splits a data set by patient, and counts its labels as the paper's Table 1 does. */
import { InputError } from '../../errors.js';
import { seededRandom, shuffle } from '../../random.js';
import type { ImageTable } from './image_table.js';

/** The parts of a split: row numbers of an `ImageTable`, in ascending order. */
export interface Split {
  train: Int32Array;
  validation: Int32Array;
  test: Int32Array;
}

export interface SplitOptions {
  seed?: number;
  /** Shares of the images, 0 … 1. The rest is for training. */
  validation?: number;
  test?: number;
  /** Images with boxes, which are only for scoring. `splitByPatient` puts all images of their patients into the test set. */
  boxed?: Iterable<string>;
}

/**
 * Orders patients before a split, so that it does not depend on the order of the file's rows. Identifiers that are whole numbers, of any
 * length and with or without leading zeros, are ordered by value. All others come after them, ordered by their characters.
 */
export function comparePatients(a: string, b: string): number {
  const [left, right] = [a, b].map((patient) => /^0*(\d+)$/.exec(patient)?.[1]);
  if (left !== undefined && right !== undefined && left !== right) {
    return left.length - right.length || (left < right ? -1 : 1);
  }
  if ((left === undefined) !== (right === undefined)) return left === undefined ? 1 : -1;
  return a < b ? -1 : a > b ? 1 : 0;
}

function rowsByPatient(table: ImageTable, rows: Iterable<number>): Map<string, number[]> {
  const byPatient = new Map<string, number[]>();
  for (const row of rows) {
    const patient = table.patients[row];
    const known = byPatient.get(patient);
    if (known) known.push(row);
    else byPatient.set(patient, [row]);
  }
  return new Map([...byPatient].sort(([a], [b]) => comparePatients(a, b)));
}

const ascending = (rows: number[][]) => Int32Array.from(rows.flat()).sort();

/** Takes whole patients, and removes them from `patients`, until they have at least `wanted` images. */
function take(patients: number[][], wanted: number): number[][] {
  const taken: number[][] = [];
  for (let count = 0; count < wanted && patients.length > 0; ) {
    const rows = patients.pop() as number[];
    taken.push(rows);
    count += rows.length;
  }
  return taken;
}

/**
 * Splits into 70 % training, 10 % validation and 20 % test images (by default), so that no patient is in two parts. The paper split images
 * at random. For ChestX-ray14 its authors split patients, as is done here.
 *
 * @throws InputError if a share is negative, or if the shares leave nothing for training
 */
export function splitByPatient(table: ImageTable, options: SplitOptions = {}): Split {
  const { seed = 0, validation = 0.1, test = 0.2, boxed = [] } = options;
  if (!(validation >= 0 && test >= 0 && validation + test < 1)) {
    throw new InputError('The shares of a split do not add up', {
      expected: 'validation ≥ 0, test ≥ 0 and their sum < 1',
      given: `validation ${validation}, test ${test}`,
    });
  }
  const boxedImages = new Set(boxed);
  const withBoxes: number[][] = [];
  const others: number[][] = [];
  for (const rows of rowsByPatient(table, table.images.keys()).values()) {
    (rows.some((row) => boxedImages.has(table.images[row])) ? withBoxes : others).push(rows);
  }
  shuffle(others, seededRandom(seed));
  const boxedCount = withBoxes.reduce((sum, rows) => sum + rows.length, 0);
  const testRows = [...withBoxes, ...take(others, Math.round(test * table.length) - boxedCount)];
  const validationRows = take(others, Math.round(validation * table.length));
  return { train: ascending(others), validation: ascending(validationRows), test: ascending(testRows) };
}

/**
 * The published split. `test_list.txt` is the test set. `train_val_list.txt` is split by patient: a tenth of all images (by default) is for
 * validation, the rest for training. Its images with boxes are left out.
 */
export function splitByLists(
  table: ImageTable,
  lists: { trainValidation: Iterable<string>; test: Iterable<string> },
  options: Omit<SplitOptions, 'test'> = {},
): Split {
  const { seed = 0, validation = 0.1, boxed = [] } = options;
  const rowOf = new Map(table.images.map((image, row) => [image, row]));
  const boxedImages = new Set(boxed);
  const rowsIn = (names: Iterable<string>) =>
    [...new Set(names)].map((name) => rowOf.get(name)).filter((row): row is number => row !== undefined);
  const testRows = rowsIn(lists.test);
  const isTest = new Set(testRows);
  const rest = rowsIn(lists.trainValidation).filter((row) => !isTest.has(row) && !boxedImages.has(table.images[row]));
  const patients = [...rowsByPatient(table, rest).values()].map((rows) => rows.sort((a, b) => a - b));
  shuffle(patients, seededRandom(seed));
  const validationRows = take(patients, Math.round(validation * (rest.length + testRows.length)));
  return { train: ascending(patients), validation: ascending(validationRows), test: ascending([testRows]) };
}

export interface LabelStatistics {
  images: number;
  patients: number;
  /** Images with none of the classes. */
  noFinding: number;
  classes: readonly string[];
  /** Images with each class: the paper's "#". */
  counts: number[];
  /** Images with each class and at least one other: the paper's "Ov.". */
  overlaps: number[];
  /** `cooccurrence[i][j]` counts the images with both classes i and j. The diagonal is the same as `counts`. */
  cooccurrence: number[][];
}

/** Counts labels as the paper's Table 1 and Figure 2 do, over all rows or some of them. */
export function labelStatistics(
  table: ImageTable,
  classes: readonly string[] = table.classes,
  rows: Iterable<number> = table.images.keys(),
): LabelStatistics {
  const bits = classes.map((name) => {
    const bit = table.classes.indexOf(name);
    if (bit < 0) throw new InputError(`${name} is not a class of this table`, { expected: table.classes.join(', ') });
    return bit;
  });
  const cooccurrence = classes.map(() => classes.map(() => 0));
  const overlaps = classes.map(() => 0);
  const patients = new Set<string>();
  let images = 0;
  let noFinding = 0;
  for (const row of rows) {
    images += 1;
    patients.add(table.patients[row]);
    const present = classes.map((_, i) => i).filter((i) => (table.labels[row] >>> bits[i]) & 1);
    if (present.length === 0) noFinding += 1;
    for (const i of present) {
      if (present.length > 1) overlaps[i] += 1;
      for (const j of present) cooccurrence[i][j] += 1;
    }
  }
  const counts = classes.map((_, i) => cooccurrence[i][i]);
  return { images, patients: patients.size, noFinding, classes, counts, overlaps, cooccurrence };
}
