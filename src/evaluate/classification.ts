/** Scores one class on one set of images: ranking, operating point and calibration. */
import { applyScaling, type Calibration, logit, reliability, type Scaling } from './calibration.js';
import type { BootstrapOptions, Interval } from './intervals.js';
import { type OperatingPoint, operatingPoint } from './operating_points.js';
import {
  bootstrapRankings,
  deLong,
  mean,
  type Ranking,
  type RankingIntervals,
  type RocPoint,
  rank,
  rankingScores,
  rocCurve,
  thinCurve,
} from './roc.js';

export interface ClassScore {
  label: string;
  positives: number;
  negatives: number;
  /** Probability that a positive image scores above a negative one; NaN without positive or without negative images. */
  auc: number;
  deLongInterval: Interval;
  deLongVariance: number;
  bootstrapInterval: Interval;
  averagePrecision: number;
  averagePrecisionInterval: Interval;
  /** Points of the curve, without those that differ by less than 1/500 from the one before. `auc` is that of the whole curve. */
  roc: RocPoint[];
  operatingPoint: OperatingPoint;
  /** Undefined if the scores are not probabilities but those of boxes. */
  calibration?: Calibration;
  /** Calibration after the scaling that was fitted on the validation split. */
  calibrationAfterScaling?: Calibration;
}

/** Scores and labels of one class for all images. */
export interface ClassColumn {
  label: string;
  /** The numbers that images are ranked by: probabilities, or the score of the best box. */
  scores: Float64Array;
  labels: Uint8Array;
  /** Undefined if the scores are not probabilities. */
  logits?: Float64Array;
}

const pick = <T extends Float64Array | Uint8Array>(values: T, rows: ArrayLike<number>): T => {
  const Column = values.constructor as new (length: number) => T;
  const picked = new Column(rows.length);
  for (let i = 0; i < rows.length; i++) picked[i] = values[rows[i]];
  return picked;
};

/** The ranking of some rows of a column. */
export const rankRows = ({ scores, labels }: ClassColumn, rows: ArrayLike<number>): Ranking =>
  rank(pick(scores, rows), pick(labels, rows));

/** Logits of some rows with their labels, for fitting a scaling. */
export function logitsOf({ logits, labels }: ClassColumn, rows: ArrayLike<number>) {
  return logits ? { logits: pick(logits, rows), labels: pick(labels, rows) } : undefined;
}

/** The logits of a column for which a file has only probabilities. */
export const logitsFrom = (probabilities: Float64Array) => probabilities.map(logit);

export interface FittedClass {
  threshold: number;
  scaling?: Scaling;
}

/** Scores some rows of all columns. `meanAuc` is the mean over the classes whose AUC is defined. */
export function scoreClasses(
  columns: readonly ClassColumn[],
  rows: ArrayLike<number>,
  fittedFor: (label: string) => FittedClass,
  options: BootstrapOptions,
): { classes: ClassScore[]; meanAuc: number; meanAucInterval: Interval } {
  const { clusters } = options;
  const rankings = columns.map((column) => rankRows(column, rows));
  const drawn = bootstrapRankings(rankings, {
    ...options,
    clusters: clusters && Array.from({ length: rows.length }, (_, i) => clusters[rows[i]]),
  });
  const classes = columns.map((column, i) => {
    const logits = logitsOf(column, rows)?.logits;
    return scoreClass(column.label, rankings[i], drawn.classes[i], logits, fittedFor(column.label), options.level);
  });
  return { classes, meanAuc: mean(classes.map(({ auc }) => auc)), meanAucInterval: drawn.meanAuc };
}

function scoreClass(
  label: string,
  ranking: Ranking,
  intervals: RankingIntervals,
  logits: Float64Array | undefined,
  { threshold, scaling }: FittedClass,
  level?: number,
): ClassScore {
  const { scores, labels, positives, negatives } = ranking;
  const { auc, interval, variance } = deLong(ranking, level);
  const reliabilityOf = (probabilities: ArrayLike<number>) => reliability(probabilities, labels, { level });
  return {
    label,
    positives,
    negatives,
    auc,
    deLongInterval: interval,
    deLongVariance: variance,
    bootstrapInterval: intervals.auc,
    averagePrecision: rankingScores(ranking).averagePrecision,
    averagePrecisionInterval: intervals.averagePrecision,
    roc: coarsen(thinCurve(rocCurve(ranking))),
    operatingPoint: operatingPoint(ranking, threshold, level),
    ...(logits && { calibration: reliabilityOf(scores) }),
    ...(logits &&
      scaling && { calibrationAfterScaling: reliabilityOf(logits.map((value) => applyScaling(value, scaling))) }),
  };
}

/** Leaves out points that change both rates by less than 1/500, so that at most about a thousand are left for any data set. */
function coarsen(points: RocPoint[]): RocPoint[] {
  const kept: RocPoint[] = [];
  for (const [i, point] of points.entries()) {
    const last = kept.at(-1);
    const moved =
      !last ||
      point.falsePositiveRate - last.falsePositiveRate >= 1 / 500 ||
      point.truePositiveRate - last.truePositiveRate >= 1 / 500;
    if (moved || i === points.length - 1) kept.push(point);
  }
  return kept;
}
