/**
 * Figures of localization on pixels, for one finding or several, from sums over images. All are means or ratios of sums, so that a bootstrap
 * over patients only has to add the sums of the patients that it draws.
 *
 * CheXlocalize (Saporta et al., Nature Machine Intelligence 2022; definitions as in its program, `eval.py`):
 * - IoU of an image: shared pixels / pixels of either mask, at the threshold of the finding.
 * - `iouTruePositives`: mean over images that have both a truth and a predicted mask.
 * - `iouAll`: mean over images that have a truth or a predicted mask; if they have only one, the IoU is 0. If they have neither, they are
 *   left out. It needs truth that says where nothing was found.
 * - `hitRate`: share of images with truth in which the highest pixel of the heatmap (the first, if several are highest) lies on it.
 *
 * Choe et al. (CVPR 2020):
 * - `pxAp`: see `pixel_levels.ts`.
 * - `maxBoxAcc`: see `box_levels.ts`. Share of images with truth in which a box reaches an IoU of δ or more, at the level that is best for
 *   that share; MaxBoxAccV2 is its mean over δ = 0.3, 0.5 and 0.7. The level is chosen on the scored images, as their definition has it.
 *   `boxAcc` is the same at the level that was best on the validation images, which is what one gets in use.
 *
 * Others: `iouKnown` is the mean IoU over all images with truth, whether the finding was predicted or not. `dice` is the mean of
 * 2 × shared / (truth + predicted) over the same (Dice 1945). `precision` and `recall` are of their pixels together.
 */
import { LEVELS } from './box_levels.js';
import type { Overlap, PairCounts } from './pairs.js';
import { addCounts, noCounts, pixelAveragePrecision } from './pixel_levels.js';

export const MASK_FIGURES = [
  ...(['iouTruePositives', 'iouAll', 'iouKnown', 'dice', 'precision', 'recall'] as const),
  ...(['hitRate', 'pxAp', 'maxBoxAcc', 'boxAcc'] as const),
] as const;
/** The names of the figures; `masks/figures.ts` has their definitions and sources. All are shares from 0 to 1. */
export type MaskFigure = (typeof MASK_FIGURES)[number];

/** IoU from which a box is right, of MaxBoxAccV2. */
export const BOX_CRITERIA = [0.3, 0.5, 0.7] as const;

/** An image with truth of a finding, or one in which it was looked for and not found. */
export interface ScoredPair {
  /** Number of the patient. */
  patient: number;
  /** Whether the finding was predicted: the probability of the image reaches the operating threshold, and the mask is not empty. */
  positive: boolean;
  /** Undefined if the image has no truth of the finding. */
  counts?: PairCounts;
  /** The overlap at the finding's threshold; undefined if there is no threshold. */
  overlap?: Overlap;
}

/** IoU of a truth mask with a predicted one. NaN if both are empty. */
export const overlapIou = (truth: number, { predicted, shared }: Overlap): number =>
  shared / (truth + predicted - shared);

/** Dice's coefficient. NaN if both are empty. */
export const overlapDice = (truth: number, { predicted, shared }: Overlap): number =>
  (2 * shared) / (truth + predicted);

/** The names of the sums over images. Each sum is at the index of its name. */
const SUMS = [
  'images',
  'cut',
  'iou',
  'dice',
  'both',
  'iouBoth',
  'either',
  'iouEither',
  'shared',
  'predicted',
  'truth',
  'maps',
  'hits',
] as const;
const place = Object.fromEntries(SUMS.map((name, i) => [name, i])) as Record<(typeof SUMS)[number], number>;

function sumsOf({ positive, counts, overlap }: ScoredPair): Float64Array {
  const sums = new Float64Array(SUMS.length);
  const add = (name: keyof typeof place, value: number) => {
    sums[place[name]] += value;
  };
  const found = positive && (overlap === undefined || overlap.predicted > 0);
  if (!counts) {
    if (found) add('either', 1);
    return sums;
  }
  add('images', 1);
  if (counts.heat) {
    add('maps', 1);
    if (counts.heat.hit) add('hits', 1);
  }
  if (!overlap) return sums;
  const iou = overlapIou(counts.truth, overlap);
  add('cut', 1);
  add('iou', iou);
  add('dice', overlapDice(counts.truth, overlap));
  add('shared', overlap.shared);
  add('predicted', overlap.predicted);
  add('truth', counts.truth);
  add('either', 1);
  if (!found) return sums;
  add('iouEither', iou);
  add('both', 1);
  add('iouBoth', iou);
  return sums;
}

/** For each level and δ, 1 if a box is right. */
function rightBoxes(bestIou: Float64Array): Uint8Array {
  const right = new Uint8Array(BOX_CRITERIA.length * LEVELS);
  for (const [k, criterion] of BOX_CRITERIA.entries()) {
    for (let level = 0; level < LEVELS; level++) right[k * LEVELS + level] = bestIou[level] >= criterion ? 1 : 0;
  }
  return right;
}

/** The level that is best for each δ, and the share of right boxes there. Of equally good levels the lowest is taken. */
export function bestBoxLevels({ hits, sums }: FigureSums): { level: number; accuracy: number }[] {
  return BOX_CRITERIA.map((_, k) => {
    let level = 0;
    for (let each = 1; each < LEVELS; each++) if (hits[k * LEVELS + each] > hits[k * LEVELS + level]) level = each;
    return { level, accuracy: hits[k * LEVELS + level] / sums[place.maps] };
  });
}

/** What figures are computed from: sums over images, pixels by threshold, right boxes by δ and level. */
export interface FigureSums {
  sums: Float64Array;
  pixels: { inside: Float64Array; outside: Float64Array };
  hits: Float64Array;
}

const noSums = (): FigureSums => ({
  ...{ sums: new Float64Array(SUMS.length), pixels: noCounts() },
  hits: new Float64Array(BOX_CRITERIA.length * LEVELS),
});

function addTimes(sum: Float64Array, values: ArrayLike<number>, times: number): void {
  for (let i = 0; i < sum.length; i++) sum[i] += times * values[i];
}

/** Makes a function that adds up pairs, each as often as its patient was drawn. */
export function summing(pairs: readonly ScoredPair[]): (drawn: ArrayLike<number>) => FigureSums {
  const parts = pairs.map((pair) => ({
    patient: pair.patient,
    sums: sumsOf(pair),
    pixels: pair.counts?.heat?.pixels,
    right: pair.counts?.heat && rightBoxes(pair.counts.heat.bestIou),
  }));
  return (drawn) => {
    const all = noSums();
    for (const { patient, sums, pixels, right } of parts) {
      const times = drawn[patient];
      if (times === 0) continue;
      addTimes(all.sums, sums, times);
      if (pixels) addCounts(all.pixels, pixels, times);
      if (right) addTimes(all.hits, right, times);
    }
    return all;
  };
}

/** The sums of several findings together. */
export function joinSums(parts: readonly FigureSums[]): FigureSums {
  const all = noSums();
  for (const { sums, pixels, hits } of parts) {
    addTimes(all.sums, sums, 1);
    addCounts(all.pixels, pixels, 1);
    addTimes(all.hits, hits, 1);
  }
  return all;
}

export interface FigureOptions {
  /** Whether the truth says where a finding was looked for and not found. */
  exhaustive: boolean;
  /** For each δ, the level that was best on the validation images. */
  boxLevels?: readonly number[] | undefined;
}

/** All figures, in the order of `MASK_FIGURES`. Those that cannot be computed are NaN. */
export function figuresOf(all: FigureSums, { exhaustive, boxLevels }: FigureOptions): number[] {
  const { sums, pixels, hits } = all;
  const of = (name: keyof typeof place) => sums[place[name]];
  const maps = of('maps');
  const overCriteria = (accuracies: readonly number[]) =>
    maps > 0 ? accuracies.reduce((sum, each) => sum + each, 0) / accuracies.length : Number.NaN;
  const figures: Record<MaskFigure, number> = {
    iouTruePositives: of('iouBoth') / of('both'),
    iouAll: exhaustive && of('cut') === of('images') ? of('iouEither') / of('either') : Number.NaN,
    iouKnown: of('iou') / of('cut'),
    dice: of('dice') / of('cut'),
    precision: of('shared') / of('predicted'),
    recall: of('shared') / of('truth'),
    hitRate: of('hits') / maps,
    pxAp: pixelAveragePrecision(pixels),
    maxBoxAcc: overCriteria(bestBoxLevels(all).map(({ accuracy }) => accuracy)),
    boxAcc: boxLevels ? overCriteria(boxLevels.map((level, k) => hits[k * LEVELS + level] / maps)) : Number.NaN,
  };
  return MASK_FIGURES.map((name) => figures[name]);
}
