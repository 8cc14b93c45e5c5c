/** Makes the folds of a cross-validation by distributing whole patients randomly, with a seed. */
import { InputError } from '../../../src/errors.js';
import { comparePatients } from '../../../src/formats/data_sets/chestxray_splits.js';
import type { ImageTable } from '../../../src/formats/data_sets/image_table.js';
import { seededRandom, shuffle } from '../../../src/random.js';

export interface Fold {
  train: string[];
  /** Images for choosing the epoch. */
  validation: string[];
  test: string[];
}

/**
 * Makes folds. Every image is in the test part of exactly one fold, and no patient is in two parts of a fold.
 * @param images names of the images to distribute, as in the table.
 * @param share the share of the images outside of the test part that are for validation.
 * @throws InputError if there are fewer patients than a fold needs.
 */
export function patientFolds(
  table: ImageTable,
  images: ReadonlySet<string>,
  { folds, share, seed }: { folds: number; share: number; seed: number },
): Fold[] {
  const byPatient = new Map<string, string[]>();
  for (const [row, image] of table.images.entries()) {
    if (!images.has(image)) continue;
    const patient = table.patients[row];
    byPatient.set(patient, [...(byPatient.get(patient) ?? []), image]);
  }
  const patients = [...byPatient].sort(([a], [b]) => comparePatients(a, b)).map(([, names]) => names);
  if (patients.length < 2 * folds) {
    throw new InputError('there are too few patients to cross-validate', {
      expected: `at least ${2 * folds} for ${folds} folds`,
      given: String(patients.length),
    });
  }
  shuffle(patients, seededRandom(seed));
  const parts: string[][][] = Array.from({ length: folds }, () => []);
  for (const names of patients) smallest(parts).push(names);

  return parts.map((test, k) => {
    // Patients for validation are those that follow next in a circle, so that each is used for validation about once.
    const others = [...parts.slice(k + 1), ...parts.slice(0, k)].flat();
    const wanted = share * others.flat().length;
    let cut = 1;
    while (others.slice(0, cut).flat().length < wanted) cut++;
    return { train: others.slice(cut).flat(), validation: others.slice(0, cut).flat(), test: test.flat() };
  });
}

const smallest = (parts: string[][][]): string[][] =>
  parts.reduce((least, part) => (part.flat().length < least.flat().length ? part : least));

/** @throws InputError if a patient is in both tables, because patients who are tested with boxes must not be trained on. */
export function refuseSharedPatients(train: ImageTable, boxed: ImageTable): void {
  // One table may write leading zeros and the other not. Patients are compared without them.
  const plain = (patient: string) => patient.replace(/^0+(?=\d)/, '');
  const known = new Set(train.patients.map(plain));
  const shared = [...new Set(boxed.patients)].filter((patient) => known.has(plain(patient)));
  if (shared.length === 0) return;
  throw new InputError('the images with boxes show patients that are trained on', {
    expected: 'other patients',
    given: `${shared.length} in both, the first ${shared[0]}`,
  });
}
