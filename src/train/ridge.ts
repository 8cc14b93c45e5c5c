/**
 * Fits a linear layer in closed form, by ridge regression of labels on features (Hoerl & Kennard 1970):
 * 1. The penalty of each class is chosen by cross-validation. All images of a patient are in the same fold.
 * 2. The layer is solved on all images with these penalties.
 * 3. Its outputs are calibrated to logits by Platt's method (1999). The calibration is fitted on the scores of the cross-validation, where
 *    each image is scored by a layer that was fitted without it.
 *
 * All is computed in float64 and in memory.
 */
import { counted, InputError } from '../errors.js';
import { quantile } from '../evaluate/intervals.js';
import { mean as meanOf, rank, rankingScores } from '../evaluate/roc.js';
import { seededRandom, shuffle } from '../random.js';
import { sigmoid } from '../sigmoid.js';
import { cholesky, crossProducts, solveCholesky } from './linear_algebra.js';

export interface RidgeOptions {
  /** Penalties to try: factors of the squared weights of standardised features. */
  penalties: readonly number[];
  /** The number of parts of the cross-validation, at least 2. */
  folds: number;
  seed: number;
  /**
   * For features in like units, such as those of one network: the least standard deviation by which a feature is divided, as a share of the
   * median one. A feature that is almost always the same, such as a channel that a single image excites, would otherwise get an enormous weight,
   * and a slightly stronger excitation in a new image would decide everything. Default: 0.
   */
  leastDeviation?: number;
}

export interface RidgeData {
  /** [images, width] in row-major order. */
  features: Float32Array;
  /** [images, classes], 1 or 0. */
  labels: ArrayLike<number>;
  /** The patient of each image. */
  patients: ArrayLike<string | number>;
  classes: number;
}

export interface LinearLayer {
  /** [classes, width]. */
  weight: Float32Array;
  bias: Float32Array;
  /**
   * The chosen penalty of each class. If all images have a class, or none, no penalty can be better than another for it; it then takes the
   * one with the best mean over the other classes.
   */
  penalties: readonly number[];
  /** AUC of the cross-validation by penalty and class; NaN for a class that all images have, or none. */
  auc: readonly (readonly number[])[];
  /**
   * Places of the classes for which the cross-validation is no better than chance. Their weights are 0 and their bias is the logit of the
   * share of images that have the class.
   */
  unlearnt: readonly number[];
}

/** The most features that are accepted. Memory grows with their square and time with their cube, to hours beyond this. */
const WIDEST = 8192;

/** @throws InputError for too many features, features that are not finite, penalties that are not above 0, or fewer patients than folds. */
export function fitRidge(data: RidgeData, { penalties, folds, seed, leastDeviation = 0 }: RidgeOptions): LinearLayer {
  const { labels, patients, classes } = data;
  const images = patients.length;
  const width = data.features.length / images;
  if (width > WIDEST) {
    throw new InputError('ridge: there are too many features', { expected: `at most ${WIDEST}`, given: String(width) });
  }
  if (penalties.length === 0 || !penalties.every((penalty) => penalty > 0 && Number.isFinite(penalty))) {
    throw new InputError('ridge: a penalty is wrong', { expected: 'numbers above 0', given: penalties.join(', ') });
  }
  const foldOf = dealPatients(patients, folds, seed);
  const { standard, means, deviations } = standardise(data.features, width, leastDeviation);
  const truths = Float32Array.from(labels);
  const parts = Array.from({ length: folds }, (_, fold) => {
    const rows = rowsOf(foldOf, fold);
    return { rows, sums: sumsOf(take(standard, rows, width), take(truths, rows, classes), width, classes) };
  });
  const all = parts.map(({ sums }) => sums);

  const scores = penalties.map(() => new Float64Array(images * classes));
  for (const [fold, { rows }] of parts.entries()) {
    const others = addUp(all.filter((_, other) => other !== fold));
    for (const [k, penalty] of penalties.entries()) {
      const { solution, centre } = solve(others, penalty, width, classes);
      for (const row of rows) scoreInto(scores[k], standard, solution, centre, { row, width, classes });
    }
  }
  const auc = scores.map((one) => aucs(one, labels, classes));
  const best = bestByClass(auc, classes);
  // The centre of the solution is not needed here: over all images, the mean of standardised features is 0.
  const total = addUp(all);
  const solved = penalties.map((penalty, k) => (best.includes(k) ? solve(total, penalty, width, classes) : undefined));

  const weight = new Float32Array(classes * width);
  const bias = new Float32Array(classes);
  const unlearnt: number[] = [];
  for (const [c, k] of best.entries()) {
    const { solution, shares } = solved[k] as Solution;
    const column = Float64Array.from({ length: images }, (_, i) => scores[k][i * classes + c]);
    const truth = Float64Array.from({ length: images }, (_, i) => labels[i * classes + c]);
    const { slope, offset } = calibrate(column, truth, Math.log(shares[c] / (1 - shares[c])));
    if (slope === 0) unlearnt.push(c);
    let shift = offset;
    for (let i = 0; i < width; i++) {
      const value = (slope * solution[i * classes + c]) / deviations[i];
      weight[c * width + i] = value;
      shift -= value * means[i];
    }
    bias[c] = shift;
  }
  return { weight, bias, penalties: best.map((k) => penalties[k]), auc, unlearnt };
}

/** The place of the best penalty for each class. Classes without an AUC take the penalty with the best mean over the others. */
function bestByClass(auc: readonly (readonly number[])[], classes: number): number[] {
  const placeOfBest = (values: readonly number[]) =>
    values.reduce((best, value, k) => (value > values[best] || Number.isNaN(values[best]) ? k : best), 0);
  const inTheMean = placeOfBest(auc.map(meanOf));
  return Array.from({ length: classes }, (_, c) => {
    const own = auc.map((one) => one[c]);
    return own.some(Number.isNaN) ? inTheMean : placeOfBest(own);
  });
}

/** The sums over some images that a fit is computed from. */
interface Sums {
  images: number;
  /** Σ x xᵀ [width, width]. */
  gram: Float64Array;
  /** Σ x yᵀ [width, classes]. */
  moments: Float64Array;
  /** Σ x [width]. */
  features: Float64Array;
  /** Σ y [classes]. */
  labels: Float64Array;
}

function sumsOf(x: Float32Array, y: Float32Array, width: number, classes: number): Sums {
  const total = (values: Float32Array, columns: number) => {
    const sums = new Float64Array(columns);
    for (let i = 0; i < values.length; i++) sums[i % columns] += values[i];
    return sums;
  };
  const own = { images: x.length / width, features: total(x, width), labels: total(y, classes) };
  return { ...own, ...crossProducts(x, y, width, classes) };
}

function addUp([first, ...rest]: readonly Sums[]): Sums {
  const total = structuredClone(first);
  for (const one of rest) {
    total.images += one.images;
    for (const key of ['gram', 'moments', 'features', 'labels'] as const) {
      for (let i = 0; i < total[key].length; i++) total[key][i] += one[key][i];
    }
  }
  return total;
}

interface Solution {
  /** Weights [width, classes] of features from which `centre` has been subtracted. */
  solution: Float64Array;
  /** Mean of each feature. */
  centre: Float64Array;
  /** Mean of each label: the share of images that have the class. */
  shares: Float64Array;
}

/**
 * Solves the regression for centred features. The means are those of the fitted images only. A mean over all images would depend on the
 * labels of the fold that is left out, and so leak them into its scores.
 */
function solve(sums: Sums, penalty: number, width: number, classes: number): Solution {
  const { images, gram, moments, features, labels } = sums;
  const centre = features.map((value) => value / images);
  const shares = labels.map((value) => value / images);
  const spread = gram.slice();
  const together = moments.slice();
  for (let i = 0; i < width; i++) {
    for (let j = 0; j < width; j++) spread[i * width + j] -= features[i] * centre[j];
    spread[i * width + i] += penalty;
    for (let c = 0; c < classes; c++) together[i * classes + c] -= features[i] * shares[c];
  }
  return { solution: solveCholesky(cholesky(spread, width), together, width, classes), centre, shares };
}

function dealPatients(patients: ArrayLike<string | number>, folds: number, seed: number): Int32Array {
  const names = shuffle([...new Set(Array.from(patients))].sort(), seededRandom(seed));
  if (!(Number.isInteger(folds) && folds >= 2) || names.length < folds) {
    throw new InputError('ridge: the folds do not fit', {
      expected: 'at least 2, and as many patients to train on',
      given: `${folds} folds of ${counted(names.length, 'patient')}`,
    });
  }
  const foldOf = new Map(names.map((name, i) => [name, i % folds]));
  return Int32Array.from(patients, (patient) => foldOf.get(patient) as number);
}

const rowsOf = (foldOf: Int32Array, fold: number) =>
  Int32Array.from(foldOf.keys()).filter((row) => foldOf[row] === fold);

function take(values: Float32Array, rows: Int32Array, width: number): Float32Array {
  const taken = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries()) taken.set(values.subarray(row * width, (row + 1) * width), i * width);
  return taken;
}

/**
 * Shifts and scales features to mean 0 and standard deviation 1. A feature that never changes becomes 0, and one that hardly changes stays small.
 * @param least the least deviation that is divided by, as a share of the median one.
 */
function standardise(features: Float32Array, width: number, least: number) {
  const images = features.length / width;
  const means = new Float64Array(width);
  const squares = new Float64Array(width);
  for (let i = 0; i < features.length; i++) {
    if (!Number.isFinite(features[i]))
      throw new InputError('ridge: a feature is not finite', { given: `${features[i]}` });
    means[i % width] += features[i] / images;
  }
  for (let i = 0; i < features.length; i++) squares[i % width] += (features[i] - means[i % width]) ** 2 / images;
  const changing = squares.map((square, i) => (square > 1e-12 * means[i] ** 2 ? Math.sqrt(square) : Infinity));
  // Without any feature that changes there is no median.
  const floor = least * (quantile(changing.filter(Number.isFinite).sort(), 0.5) || 0);
  const deviations = changing.map((deviation) => Math.max(deviation, floor));
  const standard = features.map((value, i) => (value - means[i % width]) / deviations[i % width]);
  return { standard, means, deviations };
}

function scoreInto(
  scores: Float64Array,
  features: Float32Array,
  solution: Float64Array,
  centre: Float64Array,
  { row, width, classes }: { row: number; width: number; classes: number },
): void {
  for (let i = 0; i < width; i++) {
    const value = features[row * width + i] - centre[i];
    for (let c = 0; c < classes; c++) scores[row * classes + c] += value * solution[i * classes + c];
  }
}

function aucs(scores: Float64Array, labels: ArrayLike<number>, classes: number): number[] {
  return Array.from({ length: classes }, (_, c) => {
    const of = (values: ArrayLike<number>) =>
      Array.from({ length: scores.length / classes }, (_, i) => values[i * classes + c]);
    return rankingScores(rank(of(scores), of(labels))).auc;
  });
}

/**
 * Logistic regression of labels on one score, by Newton's method. A score that is no better than chance gets slope 0.
 * @param start logit of the labels' mean.
 */
function calibrate(scores: Float64Array, labels: Float64Array, start: number): { slope: number; offset: number } {
  // Scores are divided by their deviation. Otherwise slope and offset could differ by orders of magnitude, and the system of equations
  // would be ill-conditioned.
  const unit = Math.sqrt(scores.reduce((total, score) => total + score * score, 0) / scores.length) || 1;
  let [slope, offset] = [0, start];
  for (let round = 0; round < 50; round++) {
    let [g0, g1, h00, h01, h11] = [0, 0, 0, 0, 0];
    for (let i = 0; i < scores.length; i++) {
      const x = scores[i] / unit;
      const p = sigmoid(slope * x + offset);
      const [error, curve] = [labels[i] - p, p * (1 - p)];
      g0 += error;
      g1 += error * x;
      h00 += curve;
      h01 += curve * x;
      h11 += curve * x * x;
    }
    const determinant = h00 * h11 - h01 * h01;
    if (!(determinant > 0)) break;
    const steps = [(h00 * g1 - h01 * g0) / determinant, (h11 * g0 - h01 * g1) / determinant];
    slope += steps[0];
    offset += steps[1];
    if (Math.max(...steps.map(Math.abs)) < 1e-10) break;
  }
  return slope > 0 && Number.isFinite(slope + offset) ? { slope: slope / unit, offset } : { slope: 0, offset: start };
}
