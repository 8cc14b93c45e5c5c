/** Warnings about images that are in the data set but not in the predictions, or the other way round, and so are not scored. */
import type { LabeledBox } from '../formats/data_sets/image_table.js';
import { listed } from '../formats/data_sets/label_names.js';
import type { Warning } from '../warnings.js';
import { nameHint } from './name_hints.js';

interface Coverage {
  boxes: readonly LabeledBox[];
  patients: readonly string[];
  /** Row in the label file, by the image's name. */
  rowOf: ReadonlyMap<string, number>;
  /** Names of the predicted images. */
  seen: ReadonlySet<string>;
  /** Names of the predicted images that are not in the label file. */
  unknown: readonly string[];
  /** Names of the images to score that have no prediction. */
  unpredicted: readonly string[];
  validationNames: ReadonlySet<string>;
  testNames: ReadonlySet<string> | undefined;
  /** Rows of the scored images. */
  test: readonly number[];
  /** Rows of the images that operating thresholds are fitted on. */
  validation: readonly number[];
  /** Images that a network may have been trained on. */
  training: ReadonlySet<string>;
}

/** Warnings about images and truth boxes that are not scored, and about patients whose images make scores too good. */
export function coverage(of: Coverage): Warning[] {
  const { rowOf, seen, unknown, validationNames, testNames = [] } = of;
  const isLacking = (name: string) => !rowOf.has(name);
  const isFitted = (name: string) => validationNames.has(name);
  const notice = (code: Warning['code'], names: readonly string[], text: (several: boolean) => string): Warning[] =>
    names.length === 0 ? [] : [{ code, message: messageOf(names, text, code === 'ignored-data' ? rowOf : new Map()) }];
  const imagesAre = (several: boolean) => (several ? 'images are' : 'image is');
  const namesAre = (list: string) => (several: boolean) =>
    `${several ? 'names' : 'name'} of the ${list} list ${several ? 'are' : 'is'} not in the label file`;
  const boxed = new Set(of.boxes.map(({ image }) => image));
  return [
    ...notice(
      'ignored-data',
      unknown,
      (several) => `predicted ${imagesAre(several)} not in the label file and ${several ? 'were' : 'was'} not scored`,
    ),
    ...notice(
      'missing-data',
      of.unpredicted.filter((name) => !isLacking(name)),
      (several) => `${several ? 'images to score have' : 'image to score has'} no prediction`,
    ),
    ...notice('ignored-data', [...testNames].filter(isLacking), namesAre('test')),
    ...notice('ignored-data', [...validationNames].filter(isLacking), namesAre('validation')),
    ...notice(
      'missing-data',
      [...validationNames].filter((name) => !isLacking(name) && !seen.has(name)),
      (several) =>
        `${several ? 'images of the validation list have' : 'image of the validation list has'} no prediction`,
    ),
    ...notice(
      'assumed-data',
      [...testNames].filter(isFitted),
      (several) =>
        `${imagesAre(several)} in the test and in the validation list: ${several ? 'they were' : 'it was'} fitted on, not scored`,
    ),
    ...notice(
      'ignored-data',
      [...boxed].filter(isLacking),
      (several) => `${several ? 'images with truth boxes are' : 'image with truth boxes is'} not in the label file`,
    ),
    ...sharedPatients(of, notice),
  ];
}

/** A message with the number of names, the first three of them, and the likely cause if they are other spellings of known names. */
function messageOf(names: readonly string[], text: (several: boolean) => string, known: ReadonlyMap<string, number>) {
  const shown = `${listed(names.slice(0, 3))}${names.length > 3 ? ', …' : ''}`;
  const hint = known.size > 0 ? nameHint(names, known) : undefined;
  return `${names.length} ${text(names.length > 1)}: ${shown}.${hint ? ` ${hint}` : ''}`;
}

/** Warnings about patients in several parts of a split. Images of one patient resemble each other, so the scores are too good. */
function sharedPatients(
  of: Coverage,
  notice: (code: Warning['code'], names: readonly string[], text: (several: boolean) => string) => Warning[],
): Warning[] {
  const patientsOf = (rows: readonly number[]) => new Set(rows.map((row) => of.patients[row]));
  const scored = patientsOf(of.test);
  const shared = (rows: readonly number[]) => [...patientsOf(rows)].filter((patient) => scored.has(patient));
  const have = (several: boolean) => (several ? 'patients have' : 'patient has');
  const trained = [...of.training].flatMap((name) => of.rowOf.get(name) ?? []);
  return [
    ...notice(
      'assumed-data',
      shared(of.validation),
      (several) => `${have(several)} images to score and images that operating thresholds are fitted on`,
    ),
    ...notice(
      'assumed-data',
      shared(trained),
      (several) =>
        `${have(several)} images to score and images in the training list: a network that was trained on them scores too well`,
    ),
  ];
}
