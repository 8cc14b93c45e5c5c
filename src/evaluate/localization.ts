/**
 * Localization scores as in the paper (Wang et al. 2017, Tables 4 and 7), on images with truth boxes only.
 * - A detected box is right if its overlap with a truth box of its disease in that image exceeds T.
 * - Accuracy of a disease: its truth boxes that are hit by a detected box / its truth boxes.
 * - Average false positives of a disease: its detected boxes that are not right / truth boxes of all diseases.
 *
 * The paper does not define the last. It is inferred from the printed figures, all of which are a whole number divided by 984, the number
 * of boxes in the data set.
 */
import type { Box } from '../formats/findings.js';
import { type BootstrapOptions, bootstrap, type Interval, numberClusters, wilsonInterval } from './intervals.js';

const intersection = (a: Box, b: Box) => {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
};

const area = ({ width, height }: Box) => width * height;

/** Intersection over union, in [0, 1]. */
export function iou(a: Box, b: Box): number {
  const shared = intersection(a, b);
  return shared === 0 ? 0 : shared / (area(a) + area(b) - shared);
}

/** The largest intersection over union of a box with any of several; 0 if there are none. */
export const bestIou = (box: Box, others: readonly { box: Box }[]): number =>
  others.reduce((best, other) => Math.max(best, iou(box, other.box)), 0);

/** Intersection over the detected box's area, the share of it that lies on the truth box. A tiny box inside the truth box scores 1. */
export function iobb(detected: Box, truth: Box): number {
  const shared = intersection(detected, truth);
  return shared === 0 ? 0 : shared / area(detected);
}

export interface Criterion {
  measure: 'IoBB' | 'IoU';
  threshold: number;
}

/** The thresholds of the paper's Table 4 (IoBB) and Table 7 (IoU). */
export const PAPER_CRITERIA: readonly Criterion[] = [
  ...[0.1, 0.25, 0.5, 0.75, 0.9].map((threshold) => ({ measure: 'IoBB' as const, threshold })),
  ...[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7].map((threshold) => ({ measure: 'IoU' as const, threshold })),
];

export const isRight = (detected: Box, truth: Box, { measure, threshold }: Criterion) =>
  (measure === 'IoBB' ? iobb : iou)(detected, truth) > threshold;

export interface TruthBox {
  label: string;
  box: Box;
}

export interface DetectedBox extends TruthBox {
  score: number;
}

/** An image with its truth boxes and its detected boxes. */
export interface BoxedImage {
  image: string;
  truth: TruthBox[];
  detected: DetectedBox[];
}

export interface LocalizationFigures extends Criterion {
  /** Truth boxes that were hit. */
  hits: number;
  accuracy: number;
  /** Wilson's interval. */
  accuracyInterval: Interval;
  /** Detected boxes that are not right. */
  falseBoxes: number;
  averageFalsePositives: number;
  /** Bootstrap interval over images, or over patients if they are given. */
  averageFalsePositivesInterval: Interval;
  /** False boxes / images with boxes. */
  falseBoxesPerImage: number;
}

export interface LocalizationScore {
  label: string;
  truthBoxes: number;
  detectedBoxes: number;
  /** Mean over truth boxes of the best IoU with a detected box of the disease, 0 without one. */
  meanIou: number;
  meanIouInterval: Interval;
  figures: LocalizationFigures[];
}

/** The label of the row for all diseases together. */
export const ALL_LABELS = 'All';

/** Counts of one label in one image. */
interface Tally {
  truth: number;
  detected: number;
  /** Sum of the best IoU of each truth box. */
  iouSum: number;
  /** Truth boxes that are hit, and false boxes, by criterion. */
  hits: Uint16Array;
  falseBoxes: Uint16Array;
}

function tally({ truth, detected }: BoxedImage, label: string, criteria: readonly Criterion[]): Tally {
  const truthBoxes = truth.filter((each) => each.label === label);
  const boxes = detected.filter((each) => each.label === label);
  const count = (some: { box: Box }[], right: (box: Box, criterion: Criterion) => boolean) =>
    Uint16Array.from(criteria, (criterion) => some.filter(({ box }) => right(box, criterion)).length);
  return {
    truth: truthBoxes.length,
    detected: boxes.length,
    iouSum: truthBoxes.reduce((sum, { box }) => sum + bestIou(box, boxes), 0),
    hits: count(truthBoxes, (box, criterion) => boxes.some((each) => isRight(each.box, box, criterion))),
    falseBoxes: count(boxes, (box, criterion) => !truthBoxes.some((each) => isRight(box, each.box, criterion))),
  };
}

/**
 * Scores of each label. The last entry is for all labels together.
 *
 * @param images images with at least one truth box of any label. All of their `detected` boxes are scored, so the caller has to decide which
 *   ones count (see `localize`: those of known diseases, or those that pass a threshold).
 * @param options.clusters the patient of each image, for the bootstrap.
 */
export function scoreLocalization(
  images: readonly BoxedImage[],
  labels: readonly string[],
  options: BootstrapOptions & { criteria?: readonly Criterion[] } = {},
): LocalizationScore[] {
  const { criteria = PAPER_CRITERIA, level = 0.95 } = options;
  const { clusterOf, count } = numberClusters(images.length, options.clusters);
  const byLabel = labels.map((label) => images.map((image) => tally(image, label, criteria)));
  const scored = [...labels, ALL_LABELS].map((label, at) => ({
    label,
    tallies:
      at < labels.length
        ? byLabel[at]
        : images.map((_, i) =>
            addTallies(
              byLabel.map((tallies) => tallies[i]),
              criteria.length,
            ),
          ),
  }));
  const byCluster = (tallies: readonly (Tally | TallySum)[]) => {
    const parts = Array.from({ length: count }, () => [] as (Tally | TallySum)[]);
    for (const [i, each] of tallies.entries()) parts[clusterOf[i]].push(each);
    return parts.map((some) => addTallies(some, criteria.length));
  };
  const truthOfAll = byCluster(scored[labels.length].tallies).map(({ truth }) => truth);

  return scored.map(({ label, tallies }) => {
    const clusters = byCluster(tallies);
    const figuresOf = figuresFrom(clusters, truthOfAll, criteria.length);
    const whole = figuresOf(new Uint16Array(count).fill(1));
    const intervals = bootstrap(count, figuresOf, options);
    const sum = addTallies(tallies, criteria.length);
    return {
      label,
      truthBoxes: sum.truth,
      detectedBoxes: sum.detected,
      meanIou: whole[0],
      meanIouInterval: intervals[0],
      figures: criteria.map((criterion, c) => ({
        ...criterion,
        hits: sum.hits[c],
        accuracy: sum.hits[c] / sum.truth,
        accuracyInterval: wilsonInterval(sum.hits[c], sum.truth, level),
        falseBoxes: sum.falseBoxes[c],
        averageFalsePositives: whole[c + 1],
        averageFalsePositivesInterval: intervals[c + 1],
        falseBoxesPerImage: sum.falseBoxes[c] / images.length,
      })),
    };
  });
}

/**
 * The mean IoU, followed by the average false positives for each criterion, if each cluster counts as often as it was drawn.
 * @param truthOfAll truth boxes of all labels in each cluster, by which the false positives are divided.
 */
function figuresFrom(clusters: readonly TallySum[], truthOfAll: readonly number[], criteria: number) {
  return (drawn: Uint16Array): Float64Array => {
    const values = new Float64Array(1 + criteria);
    let truth = 0;
    let all = 0;
    for (let i = 0; i < clusters.length; i++) {
      if (drawn[i] === 0) continue;
      all += drawn[i] * truthOfAll[i];
      truth += drawn[i] * clusters[i].truth;
      values[0] += drawn[i] * clusters[i].iouSum;
      for (let c = 0; c < criteria; c++) values[c + 1] += drawn[i] * clusters[i].falseBoxes[c];
    }
    values[0] /= truth;
    for (let c = 0; c < criteria; c++) values[c + 1] /= all;
    return values;
  };
}

interface TallySum extends Omit<Tally, 'hits' | 'falseBoxes'> {
  hits: Uint32Array;
  falseBoxes: Uint32Array;
}

function addTallies(parts: readonly (Tally | TallySum)[], criteria: number): TallySum {
  const sum: TallySum = {
    truth: 0,
    detected: 0,
    iouSum: 0,
    hits: new Uint32Array(criteria),
    falseBoxes: new Uint32Array(criteria),
  };
  for (const part of parts) {
    sum.truth += part.truth;
    sum.detected += part.detected;
    sum.iouSum += part.iouSum;
    for (let c = 0; c < criteria; c++) {
      sum.hits[c] += part.hits[c];
      sum.falseBoxes[c] += part.falseBoxes[c];
    }
  }
  return sum;
}
