/** What of a data set and of predictions does not meet, and so is not scored. */
import type { LabeledBox } from '../formats/image_table.js';
import { listed } from '../formats/label_names.js';
import type { Warning } from '../warnings.js';

interface Coverage {
  boxes: readonly LabeledBox[];
  rowOf: ReadonlyMap<string, number>;
  /** Names of the predicted images; of those, what the label file lacks. */
  seen: ReadonlySet<string>;
  unknown: readonly string[];
  unpredicted: readonly string[];
  validationNames: ReadonlySet<string>;
  testNames: ReadonlySet<string> | undefined;
}

/** What to say of names that the label file has with another ending, or with one; undefined where it has none of them so. */
export function endingHint(names: readonly string[], known: { has(name: string): boolean }): string | undefined {
  const endings = ['.png', '.jpg', '.jpeg', '.PNG', '.JPG', '.dcm', ''];
  for (const name of names.slice(0, 1000)) {
    if (known.has(name)) continue;
    const stem = name.replace(/\.(?:png|jpe?g|dcm|dicom)$/i, '');
    const other = endings.map((ending) => stem + ending).find((one) => known.has(one));
    if (other !== undefined) return `The label file has ${listed([other])}: names are compared with their endings.`;
  }
  return undefined;
}

/** Which of the images, and of the truth boxes, are not part of what is scored. */
export function coverage(of: Coverage): Warning[] {
  const { rowOf, seen, unknown, unpredicted, validationNames, testNames } = of;
  const warnings: Warning[] = [];
  const say = (code: Warning['code'], names: readonly string[], one: string, several: string) => {
    if (names.length === 0) return;
    const shown = `${listed(names.slice(0, 3))}${names.length > 3 ? ', …' : ''}`;
    const hint = endingHint(names, rowOf);
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
  return warnings;
}
