/** The results for one image, and their export. */

import { InputError } from '../errors.js';
import { writeBoxList } from '../formats/data_sets/box_list.js';
import { type CocoFile, toCoco } from '../formats/data_sets/coco.js';
import type { Finding } from '../formats/findings.js';
import type { HeatmapMethod } from '../formats/weights/heatmap_methods.js';
import type { Warning } from '../warnings.js';

/** The network's results for an image as a whole, without boxes. */
export interface Classification {
  /** Position of the image in the order in which images were given, from 0. */
  readonly index: number;
  /** Size of the original image in pixels. */
  readonly width: number;
  readonly height: number;
  /** By label, in [0, 1]. */
  readonly probabilities: Readonly<Record<string, number>>;
  /** By label. The probabilities are the sigmoid of the logits, unless a network of the caller's own computes them in another way. */
  readonly logits: Readonly<Record<string, number>>;
  /** What was assumed about the weights, then what looks wrong about the image. Usually empty. */
  readonly warnings: readonly Warning[];
}

/** A heatmap: values row by row from the top. */
export interface Heatmap {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** All results for one image. */
export interface Localization extends Classification {
  /** How the heatmaps, from which boxes are cut, were computed: exact class activation maps (`cam`), or maps from gradients. */
  readonly method: HeatmapMethod;
  /** Boxes of the labels that were found, ordered by class, then by heat threshold, then from top to bottom. */
  readonly findings: readonly Finding[];
  /** Labels with more regions than `maxBoxes`. `findings` has only the first ones of those. */
  readonly truncated: readonly string[];
  /** By label, on request: the network's own heatmap (`raw`), or one at the image's size with values from 0 to 255 (`scaled`). */
  readonly heatmaps?: Readonly<Record<string, Heatmap>>;
  /** The findings as a COCO file with one image. */
  toCOCO(image?: string): CocoFile;
  /** The findings in the layout of `BBox_List_2017.csv`, with the score in a seventh column. */
  toCSV(image?: string): string;
}

/**
 * The findings of many images as one COCO file.
 * @param classes all classes that images were looked at for, as `localizer.classes` has them
 * @param names the images' file names, one for each result and in the order of the results, which lack the images that could not be read
 * @throws InputError for another number of names than of results
 */
export function toCOCO(
  results: readonly Localization[],
  names: readonly string[],
  classes: readonly string[],
): CocoFile {
  refuseOtherCount(results, names);
  if (!Array.isArray(classes)) throw new InputError('toCOCO needs the classes', { expected: 'localizer.classes' });
  return toCoco(
    results.map((result, place) => ({ ...result, image: names[place], findings: [...result.findings] })),
    classes,
  );
}

/**
 * The findings of many images in the layout of `BBox_List_2017.csv`.
 * @param names the images' file names, as for `toCOCO`
 * @throws InputError for another number of names than of results
 */
export function toCSV(results: readonly Localization[], names: readonly string[]): string {
  refuseOtherCount(results, names);
  return writeBoxList(
    results.flatMap((result, place) =>
      result.findings.map(({ label, box, score }) => ({ image: names[place], label, box, score })),
    ),
  );
}

/** If images were skipped and the names were not, findings would be written under the name of another image. */
function refuseOtherCount(results: readonly Localization[], names: readonly string[]): void {
  if (results.length === names.length) return;
  throw new InputError('there are not as many names as results', {
    expected: `${results.length} names, one for each result`,
    given: String(names.length),
    hint: 'images that could not be read have no result: results.map((result) => names[result.index]) gives the names of the others',
  });
}

/** Adds the two exports to the plain data of a result. */
export function asLocalization(data: Omit<Localization, 'toCOCO' | 'toCSV'>, classes: readonly string[]): Localization {
  const result: Localization = {
    ...data,
    toCOCO: (image = `image ${data.index}`) => toCOCO([result], [image], classes),
    toCSV: (image = `image ${data.index}`) => toCSV([result], [image]),
  };
  // The functions are not enumerable, so that JSON and the console show only the data of a result.
  for (const name of ['toCOCO', 'toCSV'] as const) Object.defineProperty(result, name, { enumerable: false });
  return result;
}
