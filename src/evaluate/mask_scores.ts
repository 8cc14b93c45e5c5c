/**
 * Scores heatmaps or predicted masks against the masks or boxes of one source. Images come one after the other; of each, counts are kept and
 * no map. Thresholds come from images that are not scored, or from the caller, and never from the scored images.
 */
import { InputError } from '../errors.js';
import { listed } from '../formats/data_sets/label_names.js';
import { own } from '../formats/json.js';
import type { Rle } from '../formats/masks/rle.js';
import { rleArea } from '../formats/masks/rle.js';
import type { Warning } from '../warnings.js';
import { LEVELS } from './box_levels.js';
import { checkHeatmap, type HeatmapValues } from './heatmap_size.js';
import { type BootstrapOptions, bootstrap, type Interval, numberClusters } from './intervals.js';
import {
  BOX_CRITERIA,
  bestBoxLevels,
  type FigureSums,
  figuresOf,
  joinSums,
  MASK_FIGURES,
  type MaskFigure,
  overlapIou,
  type ScoredPair,
  summing,
} from './mask_figures.js';
import { compareHeatmap, maskOverlap, type PairCounts } from './mask_pairs.js';
import type { MaskTruth } from './mask_truth.js';
import { type PixelPoint, pixelCurve } from './pixel_levels.js';

/** The thresholds that CheXlocalize tries, from 0 to 1. Of equally good ones it takes the lowest. */
export const TUNING_THRESHOLDS: readonly number[] = [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8];

/** A figure with its interval. Both are NaN (null in JSON) if it cannot be computed. */
export interface MaskValue {
  value: number;
  /** Percentiles of a bootstrap over patients. */
  interval: Interval;
}

/** The scores of one finding; of `Mean`, the means over findings; or of `All`, of all pairs of an image and a finding together. */
export interface MaskScore {
  label: string;
  /** Scored images with truth of the finding. */
  images: number;
  /** Scored images in which it was looked for and not found. */
  without: number;
  figures: Record<MaskFigure, MaskValue>;
  /** For each δ of MaxBoxAccV2, its accuracy and the level, from 0 to 1, at which it is best. Only of heatmaps. */
  boxes?: { iou: number; level: number; accuracy: number }[];
  /** Pixel precision and recall at every hundredth of the heat. Only of heatmaps. */
  curve?: PixelPoint[];
}

/** How heatmaps or masks were scored against the truth of one source. */
export interface MaskEvaluation {
  source: string;
  form: MaskTruth['form'];
  predictions: 'heatmaps' | 'masks';
  images: number;
  patients: number;
  /** Pairs of an image and a finding that thresholds were chosen on. */
  validationPairs: number;
  /** By finding, the threshold of heatmaps scaled to 0 … 1. Findings without one have no IoU. */
  thresholds: Record<string, { value: number; source: 'given' | 'validation' }>;
  /** For each δ, the level that was best on the validation images, from 0 to 1. */
  boxLevels?: { iou: number; level: number }[];
  scores: MaskScore[];
}

/** Which images are scored, who the patients are, and how intervals are computed. */
export interface MaskScoreOptions extends Omit<BootstrapOptions, 'clusters'> {
  /** Whether an image is scored, or is one to choose thresholds on; undefined if neither. */
  partOf(image: string): 'test' | 'validation' | undefined;
  patientOf(image: string): string;
  /** Whether a finding counts as predicted. Default: wherever there is a heatmap or a mask that is not empty. */
  isPositive?(image: string, label: string): boolean;
}

/** Collects predictions image by image, and scores them in the end. It keeps counts, and no heatmap or mask. */
export interface MaskScorer {
  /** Takes the heatmaps of an image, by label. Images and labels without truth are ignored. */
  addHeatmaps(image: string, heatmaps: Readonly<Record<string, HeatmapValues>>): void;
  /** Takes the predicted masks of an image, by label; a label that is missing counts as an empty mask. */
  addMasks(image: string, masks: ReadonlyMap<string, Rle>): void;
  /** @throws InputError if there is nothing to score, and if thresholds do not come from other patients than those that are scored */
  finish(options: MaskScoreOptions): { evaluation: MaskEvaluation; warnings: Warning[] };
}

interface Pair {
  image: string;
  label: string;
  /** Whether the prediction is not empty. */
  found: boolean;
  counts?: PairCounts;
}

/**
 * Collects predictions and scores them against one truth.
 * @param given thresholds of heatmaps by label, from 0 to 1, instead of choosing them on validation images
 */
export function maskScorer(truth: MaskTruth, given: Readonly<Record<string, number>> = {}): MaskScorer {
  const pairs: Pair[] = [];
  const seen = new Set<string>();
  const kinds = new Set<MaskEvaluation['predictions']>();
  const begin = (image: string, kind: MaskEvaluation['predictions']) => {
    const marked = truth.images.get(image);
    if (!marked) return undefined;
    if (seen.has(image)) throw new InputError(`${image} is predicted twice`);
    if (kinds.add(kind).size > 1) throw new InputError('heatmaps and masks cannot be scored together');
    seen.add(image);
    return marked;
  };
  return {
    addHeatmaps(image, heatmaps) {
      const marked = begin(image, 'heatmaps');
      for (const label of marked?.read ?? []) {
        const map = own(heatmaps, label);
        if (!marked || !map) continue;
        checkHeatmap(map, `the heatmap of ${label} in ${image}`);
        const region = marked.regions.get(label);
        const threshold = own(given, label);
        const thresholds = threshold === undefined ? TUNING_THRESHOLDS : [threshold];
        const counts = region && compareHeatmap(map, region, thresholds);
        pairs.push({ image, label, found: !isFlat(map), ...(counts && { counts }) });
      }
    },
    addMasks(image, masks) {
      const marked = begin(image, 'masks');
      for (const label of marked?.read ?? []) {
        const mask = masks.get(label);
        const region = marked?.regions.get(label);
        if (mask && marked && (mask.width !== marked.width || mask.height !== marked.height)) {
          throw new InputError(`the predicted mask of ${label} in ${image} has another size than the truth`, {
            expected: `${marked.width} × ${marked.height}`,
            given: `${mask.width} × ${mask.height}`,
          });
        }
        const overlap = mask && region ? maskOverlap(mask, region.mask) : { predicted: 0, shared: 0 };
        const counts = region && { truth: rleArea(region.mask), overlaps: [overlap] };
        pairs.push({ image, label, found: mask !== undefined && rleArea(mask) > 0, ...(counts && { counts }) });
      }
    },
    finish: (options) => scorePairs(truth, pairs, [...kinds][0] ?? 'heatmaps', given, options),
  };
}

/** Masks that `maskTruth` has read from a file of predictions, by image and label, as `addMasks` takes them. */
export function predictedMasks(truth: MaskTruth): Map<string, Map<string, Rle>> {
  return new Map(
    [...truth.images].map(([image, { regions }]) => [
      image,
      new Map([...regions].map(([label, { mask }]) => [label, mask])),
    ]),
  );
}

function isFlat({ data }: HeatmapValues): boolean {
  for (let i = 1; i < data.length; i++) if (data[i] !== data[0]) return false;
  return true;
}

function scorePairs(
  truth: MaskTruth,
  pairs: readonly Pair[],
  predictions: MaskEvaluation['predictions'],
  given: Readonly<Record<string, number>>,
  options: MaskScoreOptions,
): { evaluation: MaskEvaluation; warnings: Warning[] } {
  const { source } = truth;
  const { partOf, patientOf, isPositive = () => true } = options;
  const test = pairs.filter(({ image }) => partOf(image) === 'test');
  const validation = pairs.filter(({ image, counts }) => partOf(image) === 'validation' && counts);
  if (!test.some(({ counts }) => counts)) {
    throw new InputError(`${source}: nothing to score`, {
      expected: `${predictions} of images with truth, among the images to score`,
      given: `${truth.images.size} images with truth, ${new Set(pairs.map(({ image }) => image)).size} of them predicted`,
    });
  }
  // A finding that was only predicted has an IoU of 0 by CheXlocalize's second definition.
  const labels = truth.labels.filter((label) =>
    test.some((pair) => pair.label === label && (pair.counts || pair.found)),
  );
  const images = [...new Set(test.map(({ image }) => image))];
  const { clusterOf, count: patients } = numberClusters(images.length, images.map(patientOf));
  const patientNumber = new Map(images.map((image, i) => [image, clusterOf[i]]));
  const tuned = predictions === 'heatmaps' ? tune(truth, labels, validation, given) : {};
  if (predictions === 'heatmaps') refuseSharedPatients(source, validation, test, patientOf);

  const scored = (pair: Pair): ScoredPair => {
    const { counts, found, image, label } = pair;
    const overlap = counts && overlapOf(pair, tuned, given, predictions);
    const positive = found && isPositive(image, label);
    const patient = patientNumber.get(image) ?? 0;
    return { patient, positive, ...(counts && { counts }), ...(overlap && { overlap }) };
  };
  const rows = labels.map((label) => test.filter((pair) => pair.label === label).map(scored));
  const boxLevels =
    validation.length > 0
      ? bestBoxLevels(summing(validation.map(scored))(new Uint8Array(patients).fill(1)))
      : undefined;
  const evaluation: MaskEvaluation = {
    ...{ source, form: truth.form, predictions, images: images.length, patients },
    validationPairs: validation.length,
    thresholds: tuned,
    ...(boxLevels && {
      boxLevels: boxLevels.map(({ level }, k) => ({ iou: BOX_CRITERIA[k], level: level / (LEVELS - 1) })),
    }),
    scores: scoreRows(labels, rows, patients, {
      ...options,
      // Truth is exhaustive for a finding if there are images in which it was looked for and not found, or could have been.
      exhaustive: truth.form === 'masks',
      boxLevels: boxLevels?.map(({ level }) => level),
      isHeat: predictions === 'heatmaps',
    }),
  };
  const untuned =
    predictions === 'heatmaps'
      ? labels.filter(
          (label) => !Object.hasOwn(tuned, label) && test.some((pair) => pair.label === label && pair.counts),
        )
      : [];
  const message = `${source}: no validation image has truth of ${listed(untuned, 14)}, so there is no threshold for ${untuned.length === 1 ? 'it' : 'them'}, and no IoU, Dice, precision and recall.`;
  return { evaluation, warnings: untuned.length > 0 ? [{ code: 'missing-data', message }] : [] };
}

/** The overlap at the threshold of the pair's finding. */
function overlapOf(
  { label, counts }: Pair,
  tuned: MaskEvaluation['thresholds'],
  given: Readonly<Record<string, number>>,
  predictions: MaskEvaluation['predictions'],
) {
  if (predictions === 'masks' || own(given, label) !== undefined) return counts?.overlaps[0];
  const threshold = own(tuned, label);
  return threshold && counts?.overlaps[TUNING_THRESHOLDS.indexOf(threshold.value)];
}

/**
 * Chooses thresholds as CheXlocalize does: for each finding the one with the best mean IoU over validation images with truth.
 * @throws InputError without any validation image with truth, unless thresholds are given
 */
function tune(
  { source }: MaskTruth,
  labels: readonly string[],
  validation: readonly Pair[],
  given: Readonly<Record<string, number>>,
): MaskEvaluation['thresholds'] {
  if (validation.length === 0 && !labels.some((label) => own(given, label) !== undefined)) {
    throw new InputError(`${source}: thresholds of heatmaps cannot be chosen`, {
      expected:
        'validation images with truth of this source, which are not scored (Choe et al. 2020), or given thresholds',
      given: 'none',
      hint: 'name validation images (partOf), or give thresholds',
    });
  }
  return Object.fromEntries(
    labels.flatMap((label): [string, MaskEvaluation['thresholds'][string]][] => {
      const said = own(given, label);
      if (said !== undefined) return [[label, { value: said, source: 'given' }]];
      const mine = validation.filter((pair) => pair.label === label);
      if (mine.length === 0) return [];
      const meanAt = (k: number) =>
        mine.reduce((sum, { counts }) => sum + (counts ? overlapIou(counts.truth, counts.overlaps[k]) : 0), 0);
      const means = TUNING_THRESHOLDS.map((_, k) => meanAt(k));
      return [[label, { value: TUNING_THRESHOLDS[means.indexOf(Math.max(...means))], source: 'validation' }]];
    }),
  );
}

/** @throws InputError if a patient has images to choose thresholds on and images to score */
function refuseSharedPatients(
  source: string,
  validation: readonly Pair[],
  test: readonly Pair[],
  patientOf: MaskScoreOptions['patientOf'],
): void {
  const scored = new Set(test.map(({ image }) => patientOf(image)));
  const shared = validation.find(({ image }) => scored.has(patientOf(image)));
  if (!shared) return;
  throw new InputError(`${source}: a patient has images to choose thresholds on and images to score`, {
    expected: 'validation images of other patients (Choe et al. 2020: thresholds come from a held-out split)',
    given: `patient ${patientOf(shared.image)}, ${shared.image}`,
    hint: 'divide images by patient',
  });
}

interface RowOptions extends Omit<BootstrapOptions, 'clusters'> {
  exhaustive: boolean;
  boxLevels: readonly number[] | undefined;
  isHeat: boolean;
}

/** A row for each finding, one for their means, and one for all pairs together. */
function scoreRows(
  labels: readonly string[],
  rows: readonly ScoredPair[][],
  patients: number,
  options: RowOptions,
): MaskScore[] {
  const width = MASK_FIGURES.length;
  const sums = rows.map(summing);
  const all = (drawn: ArrayLike<number>) => {
    const parts = sums.map((sum) => sum(drawn));
    const figures = parts.map((part) => figuresOf(part, options));
    return { parts, figures: [...figures, meansOf(figures), figuresOf(joinSums(parts), options)] };
  };
  const whole = all(new Uint8Array(patients).fill(1));
  const intervals = bootstrap(patients, (drawn) => all(drawn).figures.flat(), options);
  const total = joinSums(whole.parts);
  const names = [...labels, 'Mean', 'All'];
  return names.map((label, row): MaskScore => {
    const pairs = rows[row] ?? rows.flat();
    const mine: FigureSums | undefined = row < labels.length ? whole.parts[row] : label === 'All' ? total : undefined;
    const figures = MASK_FIGURES.map((name, i) => {
      return [name, { value: whole.figures[row][i], interval: intervals[row * width + i] }] as const;
    });
    return {
      label,
      images: pairs.filter(({ counts }) => counts).length,
      without: pairs.filter(({ counts }) => !counts).length,
      figures: Object.fromEntries(figures) as Record<MaskFigure, MaskValue>,
      ...(mine &&
        options.isHeat && {
          boxes: bestBoxLevels(mine).map(({ level, accuracy }, k) => {
            return { iou: BOX_CRITERIA[k], level: level / (LEVELS - 1), accuracy };
          }),
          curve: pixelCurve(mine.pixels),
        }),
    };
  });
}

/** The mean of each figure over the findings of which it is known. */
function meansOf(figures: readonly number[][]): number[] {
  return MASK_FIGURES.map((_, i) => {
    const known = figures.map((row) => row[i]).filter((value) => !Number.isNaN(value));
    return known.reduce((sum, value) => sum + value, 0) / known.length;
  });
}
