/** Folds of a cross-validation: whole patients, dealt out from a seed. */
import { InputError } from '../../src/errors.js';
import { comparePatients } from '../../src/formats/chestxray_splits.js';
import type { ImageTable } from '../../src/formats/image_table.js';
import { seededRandom, shuffle } from '../../src/random.js';

export interface Fold {
  train: string[];
  /** For the choice of the epoch. */
  validation: string[];
  test: string[];
}

/**
 * Every image is in the test part of one fold. No patient is in two parts of a fold.
 * @param images to deal out, names in the table
 * @param share of the images outside the test part that are for validation
 * @throws InputError where there are fewer patients than a fold needs
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
    // Those that follow in the circle, so that each is for validation about once.
    const others = [...parts.slice(k + 1), ...parts.slice(0, k)].flat();
    const wanted = share * others.flat().length;
    let cut = 1;
    while (others.slice(0, cut).flat().length < wanted) cut++;
    return { train: others.slice(cut).flat(), validation: others.slice(0, cut).flat(), test: test.flat() };
  });
}

const smallest = (parts: string[][][]): string[][] =>
  parts.reduce((least, part) => (part.flat().length < least.flat().length ? part : least));

/** @throws InputError where somebody is in both tables: who is tested with boxes must never be trained on */
export function refuseSharedPatients(train: ImageTable, boxed: ImageTable): void {
  // Two tables may differ in whether they write leading zeros; one that does not must not hide a patient here.
  const plain = (patient: string) => patient.replace(/^0+(?=\d)/, '');
  const known = new Set(train.patients.map(plain));
  const shared = [...new Set(boxed.patients)].filter((patient) => known.has(plain(patient)));
  if (shared.length === 0) return;
  throw new InputError('the images with boxes show patients that are trained on', {
    expected: 'other patients',
    given: `${shared.length} in both, the first ${shared[0]}`,
  });
}
