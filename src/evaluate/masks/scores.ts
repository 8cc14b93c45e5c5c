/**
 * Scores heatmaps or predicted masks against the masks or boxes of one source. Images come one after the other; of each, counts are kept and
 * no map. Thresholds come from images that are not scored, or from the caller, and never from the scored images.
 */

import { counted, InputError } from '../../errors.js';
import { listed } from '../../formats/data_sets/label_names.js';
import { own } from '../../formats/json.js';
import { type Rle, rleArea } from '../../formats/masks/rle.js';
import { checkOptions, optionKinds } from '../../options.js';
import type { Warning } from '../../warnings.js';
import { type BootstrapOptions, numberClusters } from '../intervals.js';
import { LEVELS } from './box_levels.js';
import type { MaskEvaluation, MaskPair, MaskThreshold } from './evaluation.js';
import { BOX_CRITERIA, bestBoxLevels, overlapDice, overlapIou, type ScoredPair, summing } from './figures.js';
import { checkHeatmap, type HeatmapValues } from './heatmap_size.js';
import { compareHeatmap, maskOverlap, type PairCounts } from './pairs.js';
import { MASK_SCORER_OPTIONS, type MaskScorerOptions, maskParts, type Part } from './parts.js';
import { maskRows } from './rows.js';
import { chooseThresholds, overlapAt, thresholdsToTry } from './thresholds.js';
import type { MaskTruth } from './truth.js';

/** How intervals are computed, and which findings count as predicted. */
export interface MaskScoreOptions extends Omit<BootstrapOptions, 'clusters'> {
  /** Whether a finding counts as predicted. Default: wherever there is a heatmap or a mask that is not empty. */
  isPositive?(image: string, label: string): boolean;
}

const MASK_SCORE_OPTIONS = optionKinds<MaskScoreOptions>({
  isPositive: 'a function',
  replicates: 'a number',
  seed: 'a number',
  level: 'a number',
});

/** The scores, those of each image and finding, and what was not scored. */
export interface MaskResult {
  evaluation: MaskEvaluation;
  pairs: MaskPair[];
  warnings: Warning[];
}

/** Collects predictions image by image, and scores them in the end. It keeps counts, and no heatmap or mask. */
export interface MaskScorer {
  /** What the predictions are compared with. */
  readonly truth: MaskTruth;
  /** Takes the heatmaps of an image, by label. Images that are in no part, and labels without truth, are ignored. */
  addHeatmaps(image: string, heatmaps: Readonly<Record<string, HeatmapValues>>): void;
  /** Takes the predicted masks of an image, by label; a label that is missing counts as an empty mask. */
  addMasks(image: string, masks: ReadonlyMap<string, Rle>): void;
  /** @throws InputError if no scored image with truth was predicted */
  finish(options?: MaskScoreOptions): MaskResult;
}

interface Pair {
  image: string;
  label: string;
  /** Whether the prediction is not empty. */
  found: boolean;
  /** Pixels of a predicted mask. */
  area?: number;
  /** Only with truth of the finding. */
  counts?: PairCounts;
}

/** What was predicted in the images of both parts. */
interface Collected {
  pairs: readonly Pair[];
  /** Names of the predicted images. */
  seen: ReadonlySet<string>;
  parts: ReadonlyMap<string, Part>;
}

/**
 * Collects predictions and scores them against one truth.
 * @throws InputError if no image with truth is to be scored; and for heatmaps, if there are neither thresholds nor validation images with
 *   truth to choose them on, or if an image or a patient is in both parts
 */
export function maskScorer(truth: MaskTruth, options: MaskScorerOptions): MaskScorer {
  checkOptions('maskScorer', options, MASK_SCORER_OPTIONS);
  const parts = maskParts(truth, options);
  const predicted = options.labels && new Set(options.labels);
  const pairs: Pair[] = [];
  const seen = new Set<string>();
  const begin = (image: string, kind: MaskEvaluation['predictions']) => {
    if (kind !== options.predictions) {
      throw new InputError('heatmaps and masks are scored separately', { expected: options.predictions, given: kind });
    }
    const marked = parts.has(image) ? truth.images.get(image) : undefined;
    if (!marked) return undefined;
    if (seen.has(image)) throw new InputError(`${image} is predicted twice`);
    seen.add(image);
    return { ...marked, read: [...marked.read].filter((label) => !predicted || predicted.has(label)) };
  };
  return {
    truth,
    addHeatmaps(image, heatmaps) {
      const marked = begin(image, 'heatmaps');
      for (const label of marked?.read ?? []) {
        const map = own(heatmaps, label);
        if (!marked || !map) continue;
        checkHeatmap(map, `the heatmap of ${label} in ${image}`);
        const region = marked.regions.get(label);
        const counts = region && compareHeatmap(map, region, thresholdsToTry(label, options.maskThresholds));
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
        const area = mask ? rleArea(mask) : 0;
        const overlap = mask && region ? maskOverlap(mask, region.mask) : { predicted: 0, shared: 0 };
        const counts = region && { truth: rleArea(region.mask), overlaps: [overlap] };
        pairs.push({ image, label, found: area > 0, area, ...(counts && { counts }) });
      }
    },
    finish(how = {}) {
      checkOptions('finish', how, MASK_SCORE_OPTIONS);
      return scorePairs(truth, { pairs, seen, parts }, options, how);
    },
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
  collected: Collected,
  { predictions, maskThresholds: given, patientOf }: MaskScorerOptions,
  options: MaskScoreOptions,
): MaskResult {
  const { pairs, seen, parts } = collected;
  const { source } = truth;
  const { isPositive = () => true } = options;
  const isHeat = predictions === 'heatmaps';
  // Truth is exhaustive for a finding if it says where it was looked for and not found. Tables of boxes do not.
  const exhaustive = truth.form === 'masks';
  const test = pairs.filter(({ image }) => parts.get(image) === 'test');
  const validation = isHeat ? pairs.filter(({ image, counts }) => parts.get(image) === 'validation' && counts) : [];
  if (!test.some(({ counts }) => counts)) {
    throw new InputError(`${source}: nothing to score`, {
      expected: `${predictions} of images with truth, among the images to score`,
      given: `${parts.size} images of this source, ${seen.size} of them predicted`,
    });
  }
  // A finding that was only predicted has an IoU of 0 by CheXlocalize's second definition.
  const labels = truth.labels.filter((label) =>
    test.some((pair) => pair.label === label && (pair.counts || pair.found)),
  );
  const images = [...new Set(test.map(({ image }) => image))];
  const { clusterOf, count: patients } = numberClusters(images.length, images.map(patientOf));
  const patientNumber = new Map(images.map((image, i) => [image, clusterOf[i]]));
  const maskThresholds = isHeat ? chooseThresholds(labels, validation, given) : {};

  const scored = (pair: Pair): ScoredPair => {
    const { counts, found, image, label } = pair;
    const overlap = isHeat ? overlapAt(counts, own(maskThresholds, label)) : counts?.overlaps[0];
    const positive = found && isPositive(image, label);
    const patient = patientNumber.get(image) ?? 0;
    return { patient, positive, ...(counts && { counts }), ...(overlap && { overlap }) };
  };
  const rows = labels.map((label) => test.filter((pair) => pair.label === label));
  const boxLevels =
    validation.length > 0
      ? bestBoxLevels(summing(validation.map(scored))(new Uint8Array(patients).fill(1)))
      : undefined;
  const evaluation: MaskEvaluation = {
    ...{ source, form: truth.form, predictions, images: images.length, patients },
    ...{ validationPairs: validation.length, maskThresholds },
    ...(boxLevels && {
      boxLevels: boxLevels.map(({ level }, k) => ({ iou: BOX_CRITERIA[k], level: level / (LEVELS - 1) })),
    }),
    scores: maskRows(
      labels,
      rows.map((row) => row.map(scored)),
      patients,
      { ...options, exhaustive, boxLevels: boxLevels?.map(({ level }) => level), isHeat },
    ),
  };
  return {
    evaluation,
    pairs: rows.flat().map((pair) => pairOf(pair, scored(pair), patientOf(pair.image), exhaustive)),
    warnings: notScored(truth, collected, predictions, isHeat ? maskThresholds : undefined),
  };
}

/** An image and a finding by themselves, by the definitions of `figures.ts`. */
function pairOf({ image, label, area }: Pair, scored: ScoredPair, patient: string, exhaustive: boolean): MaskPair {
  const { counts, overlap } = scored;
  const truth = counts?.truth ?? 0;
  const predicted = overlap?.predicted ?? area ?? Number.NaN;
  const positive = scored.positive && predicted !== 0;
  const iou = counts && overlap ? overlapIou(truth, overlap) : Number.NaN;
  const ofEither = counts ? (positive ? iou : 0 * iou) : positive ? 0 : Number.NaN;
  return {
    ...{ image, patient, label, truth, predicted, positive },
    shared: overlap?.shared ?? (counts ? Number.NaN : 0),
    iouTruePositives: positive ? iou : Number.NaN,
    iouAll: exhaustive ? ofEither : Number.NaN,
    dice: counts && overlap ? overlapDice(truth, overlap) : Number.NaN,
    ...(counts?.heat && { hit: counts.heat.hit }),
  };
}

/** Warnings about truth that was not scored: nothing was predicted, or there is no threshold. */
function notScored(
  { source, labels, images }: MaskTruth,
  { pairs, seen, parts }: Collected,
  predictions: MaskEvaluation['predictions'],
  maskThresholds: Readonly<Record<string, MaskThreshold>> | undefined,
): Warning[] {
  const warnings: Warning[] = [];
  const say = (message: string) => warnings.push({ code: 'missing-data', message: `${source}: ${message}` });
  const unpredicted = [...parts.keys()].filter((image) => !seen.has(image) && images.get(image)?.regions.size);
  if (unpredicted.length > 0) {
    say(
      `${counted(unpredicted.length, 'image')} with truth not scored, without ${predictions}: ${listed(unpredicted, 3)}.`,
    );
  }
  const without = labels.filter((label) => !pairs.some((pair) => pair.label === label));
  if (without.length > 0) say(`no ${predictions} of ${listed(without, 14)}, so that truth is not scored.`);
  const isMarked = (label: string) =>
    pairs.some((pair) => pair.label === label && pair.counts && parts.get(pair.image) === 'test');
  const untuned = maskThresholds
    ? labels.filter((label) => !Object.hasOwn(maskThresholds, label) && isMarked(label))
    : [];
  if (untuned.length > 0) {
    const them = untuned.length === 1 ? 'it' : 'them';
    say(
      `no validation image with truth of ${listed(untuned, 14)} was predicted, so there is no threshold for ${them}, and no IoU, Dice, precision and recall.`,
    );
  }
  return warnings;
}
