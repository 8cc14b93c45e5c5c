/** Heatmaps of weights against the masks of `raybox evaluate --masks`: a scorer for each source of truth, and its most important figures. */
import { counted, InputError } from '../../errors.js';
import type { MaskEvaluation } from '../../evaluate/masks/evaluation.js';
import type { MaskFigure } from '../../evaluate/masks/figures.js';
import { type MaskScorer, maskScorer } from '../../evaluate/masks/scores.js';
import type { Dataset } from '../../node/dataset.js';
import type { Warning } from '../../warnings.js';
import { table } from '../terminal.js';
import { classList } from '../weights_options.js';
import { joinMasks, type MaskOptions, markedSizes, readMaskFiles, readMaskThresholds } from './mask_options.js';

/** The patient of each image of a data set. */
export const patientsOf = ({ table: { images, patients } }: Dataset) =>
  new Map(images.map((image, row) => [image, patients[row]]));

/** Classes that are scored: all, or those that are asked for. @throws InputError for a class that is not there */
export function classesOf(all: readonly string[], asked: string | undefined): string[] {
  const wanted = asked === undefined ? all : classList(asked);
  const foreign = wanted.find((label) => !all.includes(label));
  if (foreign === undefined) return all.filter((label) => wanted.includes(label));
  throw new InputError(`--classes: ${foreign} is not one of the classes`, { expected: all.join(', ') });
}

/**
 * A scorer of heatmaps for each source of truth in the files of `--masks`.
 * @throws InputError for a file that cannot be used, and if thresholds cannot come from other patients than those that are scored
 */
export async function openMaskScorers(
  options: MaskOptions & { classes?: string },
  data: Dataset,
  parts: { validation?: readonly string[] | undefined; test?: readonly string[] | undefined },
  warnings: Warning[],
): Promise<MaskScorer[] | undefined> {
  if (options.masks === undefined) return undefined;
  const { images } = data.table;
  const classes = classesOf(data.table.classes, options.classes);
  const { maskThresholds } = options;
  const given = maskThresholds === undefined ? undefined : await readMaskThresholds(maskThresholds, classes);
  const files = await readMaskFiles(options, warnings);
  const sizeOf = await markedSizes(files.values(), data);
  const truths = joinMasks(files, { images, classes, sizeOf }, options, warnings);
  const patients = patientsOf(data);
  const patientOf = (image: string) => patients.get(image) ?? image;
  const { validation, test } = parts;
  return truths.map((truth) =>
    maskScorer(truth, { predictions: 'heatmaps', validation, test, patientOf, maskThresholds: given }),
  );
}

const SHOWN: [string, MaskFigure][] = [
  ['mIoU, both', 'iouTruePositives'],
  ['mIoU, either', 'iouAll'],
  ['Dice', 'dice'],
  ['hit rate', 'hitRate'],
  ['PxAP', 'pxAp'],
  ['MaxBoxAccV2', 'maxBoxAcc'],
];

/** The most important figures of each source, for the terminal. */
export const maskSummary = (masks: readonly MaskEvaluation[]): string =>
  masks
    .map(({ source, form, predictions, images, patients, scores }) => {
      const shown = SHOWN.filter(([, name]) => scores.some(({ figures }) => Number.isFinite(figures[name].value)));
      const text = (value: number) => (Number.isFinite(value) ? value.toFixed(3) : '–');
      const rows = scores.map(({ label, images: marked, figures }) => [
        ...[label, label === 'Mean' ? '' : marked],
        ...shown.map(([, name]) => text(figures[name].value)),
      ]);
      const title = `${source}: ${predictions} against ${form}, ${counted(images, 'image')} of ${counted(patients, 'patient')}`;
      return `${title}\n${table([['', 'with', ...shown.map(([name]) => name)], ...rows])}`;
    })
    .join('\n\n');
