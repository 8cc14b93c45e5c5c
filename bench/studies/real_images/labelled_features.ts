/** The images of the study of frozen features, their labels and the choice among their features. */
import { InputError } from '../../../src/errors.js';
import { CHEST_XRAY14_LABELS, labelsOf } from '../../../src/formats/data_sets/image_table.js';
import type { Dataset } from '../../../src/node/dataset.js';
import { seededRandom, shuffle } from '../../../src/random.js';
import type { LabelledFeatures } from './learning_curve.js';

/** The training images, by patients in random order. The first are for validation. */
export function inPatientOrder({ table, trainValidation, paths, folder }: Dataset, seed: number): string[] {
  if (!trainValidation) throw new InputError(`${folder} has no train_val_list.txt`);
  const rowOf = new Map(table.images.map((image, row) => [image, row]));
  const byPatient = new Map<string, string[]>();
  for (const image of trainValidation) {
    const row = rowOf.get(image);
    if (row === undefined || !paths.has(image)) continue;
    byPatient.set(table.patients[row], [...(byPatient.get(table.patients[row]) ?? []), image]);
  }
  const order = shuffle([...byPatient.keys()].sort(), seededRandom(seed));
  return order.flatMap((patient) => byPatient.get(patient) as string[]);
}

export function labelled(
  { table }: Dataset,
  images: readonly string[],
  values: Float32Array,
  width: number,
): LabelledFeatures {
  const rowOf = new Map(table.images.map((image, row) => [image, row]));
  const rows = images.map((image) => rowOf.get(image) as number);
  return {
    ...{ values, width, classes: CHEST_XRAY14_LABELS },
    patients: rows.map((row) => table.patients[row]),
    labels: Uint8Array.from(
      rows.flatMap((row) => {
        const known = labelsOf(table, row);
        return CHEST_XRAY14_LABELS.map((name) => Number(known.includes(name)));
      }),
    ),
  };
}

/** Only some of the features: those from … to of each range. */
export function columnsOf(
  features: LabelledFeatures,
  ranges: readonly (readonly [number, number])[],
): LabelledFeatures {
  const width = ranges.reduce((sum, [from, to]) => sum + to - from, 0);
  const rows = features.patients.length;
  const values = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    let at = row * width;
    for (const [from, to] of ranges) {
      values.set(features.values.subarray(row * features.width + from, row * features.width + to), at);
      at += to - from;
    }
  }
  return { ...features, values, width };
}

export function headOf(features: LabelledFeatures, rows: number): LabelledFeatures {
  const { values, width, labels, classes, patients } = features;
  return {
    ...{ width, classes, values: values.subarray(0, rows * width), patients: patients.slice(0, rows) },
    labels: labels.subarray(0, rows * classes.length),
  };
}

/** The validation images end with a whole patient, so that no patient is on both sides. */
export function sidesOf({ patients }: LabelledFeatures, validation: number): { test: number[]; rest: number[] } {
  const held = new Set(patients.slice(0, validation));
  const rows = patients.map((_, row) => row);
  return { test: rows.filter((row) => held.has(patients[row])), rest: rows.filter((row) => !held.has(patients[row])) };
}
