/** The options of `raybox evaluate` that give masks, polygons or further boxes as truth, and how their files are read. */
import { basename } from 'node:path';
import { InputError } from '../../errors.js';
import type { Size } from '../../evaluate/box_frame.js';
import { type MaskTruth, maskTruth } from '../../evaluate/masks/truth.js';
import { isObject } from '../../formats/checks.js';
import { findColumns, numberIn, readCsv } from '../../formats/csv.js';
import { stemOf } from '../../formats/data_sets/image_list.js';
import { labelNames } from '../../formats/data_sets/label_names.js';
import { parseJson } from '../../formats/json.js';
import { readShapes, readShapeTable } from '../../formats/masks/shape_files.js';
import type { ShapeFile } from '../../formats/masks/shapes.js';
import { isProbability } from '../../formats/operating_thresholds.js';
import type { Dataset } from '../../node/dataset.js';
import { checkImage } from '../../node/images/image_file_check.js';
import { readText } from '../../node/text_files.js';
import { type Command, InvalidArgumentError } from '../../node/vendor/commander.js';
import type { Warning } from '../../warnings.js';

/** A file of masks is read into memory as a whole, so larger files are refused. */
const MAX_BYTES = 400 << 20;

/** The options as commander gives them. */
export interface MaskOptions {
  masks?: string[];
  maskValidation?: string;
  predictedMasks?: string;
  maskFrame?: number | 'own';
  maskLabels?: Record<string, string>;
  maskThresholds?: string;
}

function frame(text: string): number | 'own' {
  if (text === 'own') return text;
  const side = Number(text);
  if (Number.isInteger(side) && side > 0 && side <= 65_535) return side;
  throw new InvalidArgumentError('It must be "own", or the side of a square in pixels.');
}

function renaming(text: string): Record<string, string> {
  const pairs = text.split(',').map((pair) => pair.split('=').map((name) => name.trim()));
  const isTwice = new Set(pairs.map(([from]) => from)).size < pairs.length;
  if (!isTwice && pairs.every((pair) => pair.length === 2 && pair.every(Boolean))) return Object.fromEntries(pairs);
  throw new InvalidArgumentError('It must be FINDING=CLASS, with commas between several, each finding once.');
}

/** Adds the options. */
export const addMaskOptions = (command: Command): Command =>
  command
    .option(
      '--masks <file...>',
      'masks, polygons or boxes to score heatmaps of --weights, or --predicted-masks, against; each source by itself',
    )
    .option(
      '--mask-validation <file>',
      'truth of the validation images, if it is not in the file of --masks; of the same kind',
    )
    .option('--predicted-masks <file>', 'score these masks against --masks, without weights')
    .option(
      '--mask-frame <pixels>',
      'side of the square that masks refer to, or "own": as the file says; default: the image',
      frame,
    )
    .option(
      '--mask-labels <pairs>',
      'findings of these files that are scored as a class: "Lung Opacity=Pneumonia"',
      renaming,
    )
    .option(
      '--mask-thresholds <file>',
      'heat thresholds by class, from 0 to 1, instead of choosing them on validation images: JSON, or a .csv of threshold and task',
    );

/** What the marks of files are joined with. */
export interface MaskTarget {
  images: readonly string[];
  classes: readonly string[];
  sizeOf(image: string): Size | undefined;
}

/**
 * Reads the files of `--masks`, and gives their marks by the name of the source: that of the file, and of the part of a table.
 * @throws InputError for files that cannot be used, and for two sources of one name
 */
export async function readMaskFiles(options: MaskOptions, warnings: Warning[]): Promise<Map<string, ShapeFile>> {
  const { masks = [], maskValidation } = options;
  const files = new Map<string, ShapeFile>();
  for (const path of masks) {
    for (const [name, file] of await readMarks(path, warnings)) {
      const source = name === '' ? basename(path) : `${basename(path)}, ${name}`;
      if (files.has(source)) throw new InputError(`two files of --masks are called ${source}`, { hint: 'rename one' });
      files.set(source, file);
    }
  }
  if (maskValidation === undefined) return files;
  const [[source, file], second] = files;
  const [[, more], third] = await readMarks(maskValidation, warnings);
  if (second || third || more.format !== file.format || more.form !== file.form) {
    throw new InputError('--mask-validation goes with one file of --masks that has one source', {
      expected: `${file.format}, as in ${source}`,
      given: second ? `--masks with ${files.size} sources` : more.format,
      hint: 'truths of different sources are never joined',
    });
  }
  return new Map([[source, { ...file, images: [...file.images, ...more.images] }]]);
}

async function readMarks(path: string, warnings: Warning[]): Promise<Map<string, ShapeFile>> {
  const text = await readText(path, MAX_BYTES);
  const isTable = /\.csv$/i.test(path);
  return isTable
    ? readShapeTable(text, path, (warning) => warnings.push(warning))
    : new Map([['', readShapes(text, path)]]);
}

/**
 * Reads a file of predicted masks.
 * @param cocoIndex the annotation file that explains the ids of a list of COCO results
 * @throws InputError if it cannot be used, or holds boxes
 */
export async function readPredictedMasks(path: string, cocoIndex?: string): Promise<ShapeFile> {
  const index = cocoIndex === undefined ? undefined : parseJson(await readText(cocoIndex, MAX_BYTES), cocoIndex);
  const file = readShapes(await readText(path, MAX_BYTES), path, { index });
  if (file.form === 'masks') return file;
  throw new InputError(`${path} holds boxes and no masks`, { hint: 'boxes are scored with --predictions' });
}

/** Joins marks with images and classes. Names of `--mask-labels` that a file does not have are left out for it. */
export function joinMasks(
  files: ReadonlyMap<string, ShapeFile>,
  target: MaskTarget,
  { maskFrame, maskLabels = {} }: MaskOptions,
  warnings: Warning[],
): MaskTruth[] {
  const all = [...files.values()].flatMap(findingsOf);
  const unused = Object.keys(maskLabels).find((name) => !all.includes(name));
  if (unused !== undefined) {
    throw new InputError(`--mask-labels: no file marks ${unused}`, {
      expected: [...new Set(all)].slice(0, 40).join(', '),
    });
  }
  return [...files].map(([source, file]) => {
    const mine = findingsOf(file);
    const labels = Object.fromEntries(Object.entries(maskLabels).filter(([from]) => mine.includes(from)));
    const joined = maskTruth(file, { source, ...target, labels, frame: maskFrame });
    for (const warning of joined.warnings) warnings.push(warning);
    return joined.truth;
  });
}

/** The names of all findings that a file marks or looks for. */
export const findingsOf = ({ images }: ShapeFile): string[] => [
  ...new Set(images.flatMap(({ marks, read }) => [...read, ...marks.map(({ label }) => label)])),
];

/** The sizes of a data set's image files that may be marked. Names are compared without endings, as `maskTruth` does. */
export async function markedSizes(files: Iterable<ShapeFile>, { paths }: Dataset): Promise<MaskTarget['sizeOf']> {
  const marked = new Set([...files].flatMap(({ images }) => images.map(({ image }) => stemOf(image))));
  const sizes = new Map<string, Size>();
  for (const [image, path] of paths) {
    // Damaged files are reported where the image is read.
    const size = marked.has(stemOf(image)) ? await checkImage(path).catch(() => undefined) : undefined;
    if (size) sizes.set(image, size);
  }
  return (image) => sizes.get(image);
}

/** Thresholds of heatmaps by class. @throws InputError for names that are no class, and for values outside of 0 to 1 */
export async function readMaskThresholds(path: string, classes: readonly string[]): Promise<Record<string, number>> {
  const text = await readText(path);
  const entries = /\.csv$/i.test(path) ? tuningResults(text, path) : objectEntries(parseJson(text, path));
  if (entries.length === 0 || !entries.every(([, value]) => isProbability(value))) {
    throw new InputError(`${path} gives no heat thresholds`, {
      expected: 'a number from 0 to 1 by class: a JSON object, or a table with the columns threshold and task',
    });
  }
  const names = labelNames(classes);
  const matched = entries.map(([name, value]): [string, number] => {
    const label = names.match(name);
    if (label !== undefined) return [label, value as number];
    throw new InputError(`${path}: ${name} is not one of the classes`, { expected: classes.join(', ') });
  });
  if (new Set(matched.map(([label]) => label)).size === matched.length) return Object.fromEntries(matched);
  throw new InputError(`${path}: two heat thresholds are of one class`, {
    given: entries.map(([name]) => name).join(', '),
  });
}

const objectEntries = (parsed: unknown): [string, unknown][] => (isObject(parsed) ? Object.entries(parsed) : []);

/** The table of tuned thresholds that CheXlocalize's program writes: a row for each finding, with the columns `threshold` and `task`. */
function tuningResults(text: string, source: string): [string, unknown][] {
  const entries: [string, unknown][] = [];
  let columns: { threshold: number; task: number } | undefined;
  const onRow = (fields: string[]) => {
    if (columns) entries.push([(fields[columns.task] ?? '').trim(), numberIn(fields[columns.threshold])]);
    else columns = findColumns(fields, { threshold: ['threshold'], task: ['task'] }, { source });
  };
  readCsv(text, onRow, { source });
  return entries;
}
