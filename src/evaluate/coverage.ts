/** What of a data set and of predictions does not meet, and so is not scored. */
import type { LabeledBox } from '../formats/image_table.js';
import { listed } from '../formats/label_names.js';
import type { Warning } from '../warnings.js';
import { nameHint } from './name_hints.js';

interface Coverage {
  boxes: readonly LabeledBox[];
  patients: readonly string[];
  /** By the image's name. */
  rowOf: ReadonlyMap<string, number>;
  /** Names of the predicted images; of those, what the label file lacks. */
  seen: ReadonlySet<string>;
  unknown: readonly string[];
  unpredicted: readonly string[];
  validationNames: ReadonlySet<string>;
  testNames: ReadonlySet<string> | undefined;
  /** Rows of the images that are scored, and that thresholds are fitted on. */
  test: readonly number[];
  validation: readonly number[];
  /** Images that a network may have been trained on. */
  training: ReadonlySet<string>;
}

/** Which of the images, and of the truth boxes, are not part of what is scored. */
export function coverage(of: Coverage): Warning[] {
  const { rowOf, seen, unknown, unpredicted, validationNames, testNames } = of;
  const warnings: Warning[] = [];
  const say = (code: Warning['code'], names: readonly string[], one: string, several: string) => {
    if (names.length === 0) return;
    const shown = `${listed(names.slice(0, 3))}${names.length > 3 ? ', …' : ''}`;
    const hint = code === 'ignored-data' ? nameHint(names, rowOf) : undefined;
    warnings.push({
      code,
      message: `${names.length} ${names.length === 1 ? one : several}: ${shown}.${hint ? ` ${hint}` : ''}`,
    });
  };
  const lacking = (names: Iterable<string>) => [...names].filter((name) => !rowOf.has(name));
  say(
    'ignored-data',
    unknown,
    'predicted image is not in the label file and was not scored',
    'predicted images are not in the label file and were not scored',
  );
  say(
    'missing-data',
    unpredicted.filter((name) => rowOf.has(name)),
    'image to score has no prediction',
    'images to score have no prediction',
  );
  say(
    'ignored-data',
    lacking(testNames ?? []),
    'name of the test list is not in the label file',
    'names of the test list are not in the label file',
  );
  say(
    'ignored-data',
    lacking(validationNames),
    'name of the validation list is not in the label file',
    'names of the validation list are not in the label file',
  );
  say(
    'missing-data',
    [...validationNames].filter((name) => rowOf.has(name) && !seen.has(name)),
    'image of the validation list has no prediction',
    'images of the validation list have no prediction',
  );
  say(
    'assumed-data',
    [...(testNames ?? [])].filter((name) => validationNames.has(name)),
    'image is in the test and in the validation list: it was fitted on, not scored',
    'images are in the test and in the validation list: they were fitted on, not scored',
  );
  say(
    'ignored-data',
    [...new Set(of.boxes.map(({ image }) => image))].filter((image) => !rowOf.has(image)),
    'image with truth boxes is not in the label file',
    'images with truth boxes are not in the label file',
  );
  const patientsOf = (rows: readonly number[]) => new Set(rows.map((row) => of.patients[row]));
  const scored = patientsOf(of.test);
  const shared = (rows: readonly number[]) => [...patientsOf(rows)].filter((patient) => scored.has(patient));
  say(
    'assumed-data',
    shared(of.validation),
    'patient has images to score and images that thresholds are fitted on',
    'patients have images to score and images that thresholds are fitted on',
  );
  say(
    'assumed-data',
    shared([...of.training].flatMap((name) => rowOf.get(name) ?? [])),
    'patient has images to score and images in the training list: a network that was trained on them scores too well',
    'patients have images to score and images in the training list: a network that was trained on them scores too well',
  );
  return warnings;
}
