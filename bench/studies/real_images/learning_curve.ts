/**
 * How the AUC grows with the number of training images, and what a power law makes of it for more: AUC = a − b · n^−c (Hestness et al. 2017,
 * with 1 − AUC as the error). Ridge regression on features that were computed before takes seconds, so that several draws of patients can be
 * compared.
 */
import { bootstrap, type Interval, numberClusters } from '../../../src/evaluate/intervals.js';
import { mean, rank, weightedScores } from '../../../src/evaluate/roc.js';
import { seededRandom, shuffle } from '../../../src/random.js';
import { fitRidge } from '../../../src/train/ridge.js';

/** Images with their features and labels. */
export interface LabelledFeatures {
  /** [images, width]. */
  values: Float32Array;
  width: number;
  /** [images, classes], 1 or 0. */
  labels: Uint8Array;
  classes: readonly string[];
  patients: readonly string[];
}

export interface RidgeChoice {
  penalties: readonly number[];
  folds: number;
  seed: number;
}

/** See `RidgeOptions.leastDeviation`; as `fitPrediction` has it. */
const LEAST_DEVIATION = 0.01;

/** Fits ridge regression on some images and gives the logits [rows, classes] of others. */
export function ridgeLogits(
  { values, width, labels, classes, patients }: LabelledFeatures,
  train: readonly number[],
  test: readonly number[],
  ridge: RidgeChoice,
): Float32Array {
  const rowsOf = <T extends Float32Array | Uint8Array>(all: T, columns: number, rows: readonly number[]) => {
    const taken = new Float32Array(rows.length * columns);
    for (const [i, row] of rows.entries()) taken.set(all.subarray(row * columns, (row + 1) * columns), i * columns);
    return taken;
  };
  const count = classes.length;
  const { weight, bias } = fitRidge(
    {
      ...{ features: rowsOf(values, width, train), labels: rowsOf(labels, count, train), classes: count },
      patients: train.map((row) => patients[row]),
    },
    { ...ridge, leastDeviation: LEAST_DEVIATION },
  );
  const logits = new Float32Array(test.length * count);
  for (const [i, row] of test.entries()) {
    for (let c = 0; c < count; c++) {
      let sum = bias[c];
      for (let k = 0; k < width; k++) sum += weight[c * width + k] * values[row * width + k];
      logits[i * count + c] = sum;
    }
  }
  return logits;
}

/** Whole patients in a random order until there are so many images; of the last patient as many as fit. */
export function drawImages(
  rows: readonly number[],
  patients: readonly string[],
  count: number,
  seed: number,
): number[] {
  const byPatient = new Map<string, number[]>();
  for (const row of rows) byPatient.set(patients[row], [...(byPatient.get(patients[row]) ?? []), row]);
  return shuffle([...byPatient.values()], seededRandom(seed))
    .flat()
    .slice(0, count);
}

/** The logits of the validation images after training on so many images, for each draw. */
export interface CurvePoint {
  images: number;
  draws: readonly Float32Array[];
}

/** A value with its 95 % interval. */
export interface Estimated extends Interval {
  value: number;
}

export interface CurveScores {
  points: { images: number; draws: number; auc: Estimated; spread: number }[];
  /** The AUC that the power law gives for more images. */
  extrapolated: { images: number; auc: Estimated }[];
  law: PowerLaw;
}

/**
 * Scores the points by the mean AUC of all classes. Intervals are those of a bootstrap over patients of the validation images, in which each
 * replicate also takes one draw of the training images at random for each point, and fits the law to what it finds.
 */
export function scoreCurve(
  points: readonly CurvePoint[],
  validation: Pick<LabelledFeatures, 'labels' | 'classes' | 'patients'>,
  { more, replicates, seed }: { more: readonly number[]; replicates: number; seed: number },
): CurveScores {
  const { labels, classes, patients } = validation;
  const { clusterOf, count } = numberClusters(patients.length, patients);
  const column = (values: ArrayLike<number>, c: number) => patients.map((_, i) => values[i * classes.length + c]);
  const scored = points.map(({ draws }) =>
    draws.map((logits) => {
      const each = classes.map((_, c) => weightedScores(rank(column(logits, c), column(labels, c)), clusterOf));
      return (drawn: Uint16Array) => mean(each.map((score) => score(drawn).auc));
    }),
  );
  const random = seededRandom(seed);
  const sizes = points.map(({ images }) => images);
  const lawOf = (aucs: readonly number[]) => fitPowerLaw(sizes, aucs);
  const statistics = (drawn: Uint16Array) => {
    const aucs = scored.map((draws) => draws[Math.floor(random() * draws.length)](drawn));
    return [...aucs, ...more.map(lawOf(aucs).at)];
  };
  const intervals = bootstrap(count, statistics, { replicates, seed });
  const everyone = new Uint16Array(count).fill(1);
  const all = scored.map((draws) => draws.map((score) => score(everyone)));
  const means = all.map(mean);
  const law = lawOf(means);
  return {
    points: points.map(({ images, draws }, i) => ({
      ...{ images, draws: draws.length, auc: { value: means[i], ...intervals[i] } },
      spread: Math.sqrt(mean(all[i].map((auc) => (auc - means[i]) ** 2))),
    })),
    extrapolated: more.map((images, i) => ({
      images,
      auc: { value: law.at(images), ...intervals[points.length + i] },
    })),
    law,
  };
}

export interface PowerLaw {
  limit: number;
  factor: number;
  exponent: number;
  at(images: number): number;
}

/** Exponents that are tried. Beyond these, curves cannot be told from a logarithm or from a step. */
const EXPONENTS = Array.from({ length: 96 }, (_, i) => 0.05 + i / 100);

/** Least squares for a − b · n^−c with b ≥ 0 and a ≤ 1. */
export function fitPowerLaw(sizes: readonly number[], aucs: readonly number[]): PowerLaw {
  let best: (PowerLaw & { error: number }) | undefined;
  for (const exponent of EXPONENTS) {
    const xs = sizes.map((size) => size ** -exponent);
    const [mx, my] = [mean(xs), mean(aucs)];
    const spread = xs.reduce((sum, x) => sum + (x - mx) ** 2, 0);
    const together = xs.reduce((sum, x, i) => sum + (x - mx) * (aucs[i] - my), 0);
    let factor = Math.max(0, -together / spread);
    let limit = my + factor * mx;
    if (limit > 1) {
      limit = 1;
      factor = xs.reduce((sum, x, i) => sum + x * (1 - aucs[i]), 0) / xs.reduce((sum, x) => sum + x * x, 0);
    }
    const at = (images: number) => limit - factor * images ** -exponent;
    const error = sizes.reduce((sum, size, i) => sum + (aucs[i] - at(size)) ** 2, 0);
    if (!best || error < best.error) best = { limit, factor, exponent, at, error };
  }
  return best!;
}
