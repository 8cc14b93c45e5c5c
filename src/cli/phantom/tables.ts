/** The label file, the box file and the split of a data set of phantoms. */

import { csvLine } from '../../formats/csv.js';
import { NO_FINDING, writeBoxList } from '../../formats/data_sets/chestxray.js';
import type { Box } from '../../phantom/index.js';
import { inTestSet } from '../../phantom/patient.js';

/** What the tables say about an image. */
export interface PhantomRow {
  index: number;
  image: string;
  labels: string[];
  boxes: (Box & { label: string })[];
  patient: number;
  followUp: number;
  age: number;
  sex: string;
  view: string;
}

const LABEL_HEADER =
  'Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,' +
  'OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]';
/** Width of what an image shows, in millimetres. The pixel spacing in the label file follows from it. */
const FIELD_MM = 360;

/** Chooses the test images: those of about a fifth of the patients, and of at least one if there are several. */
export function testRows(rows: readonly PhantomRow[], seed: number): (row: PhantomRow) => boolean {
  const patients = [...new Set(rows.map(({ patient }) => patient))];
  const test = new Set(patients.filter((patient) => inTestSet(seed, patient)));
  if (test.size === 0 && patients.length > 1) test.add(patients[patients.length - 1]);
  if (test.size === patients.length) test.delete(patients[0]);
  return ({ patient }) => test.has(patient);
}

/** The label file of a data set, in the columns of `Data_Entry_2017.csv`. The spacing of pixels follows from the size in pixels. */
export function labelFile(rows: readonly PhantomRow[], size: number): string {
  const spacing = Number((FIELD_MM / size).toFixed(4));
  const lines = rows.map(({ image, labels, followUp, patient, age, sex, view }) =>
    csvLine([image, labels.join('|') || NO_FINDING, followUp, patient, age, sex, view, size, size, spacing, spacing]),
  );
  return `${[LABEL_HEADER, ...lines].join('\n')}\n`;
}

/** The box file. As in the published one, Infiltration is called `Infiltrate`. */
export function boxFile(rows: readonly PhantomRow[]): string {
  return writeBoxList(
    rows.flatMap(({ image, boxes }) =>
      boxes.map(({ label, ...box }) => ({ image, label: label === 'Infiltration' ? 'Infiltrate' : label, box })),
    ),
  );
}
