/**
 * Operating points: the operating thresholds from which an image is called positive, and the errors that they lead to. Thresholds have to be fitted on a
 * validation split and scored on a test split.
 */
import { InputError } from '../errors.js';
import { type Interval, wilsonInterval } from './intervals.js';
import { type Ranking, rocCurve } from './roc.js';

/**
 * `youden` maximises sensitivity + specificity − 1. `sensitivity` takes the highest threshold that reaches the target sensitivity, `specificity` the
 * lowest threshold that reaches the target specificity.
 */
export type ThresholdRule = { rule: 'youden' } | { rule: 'sensitivity' | 'specificity'; target: number };

/**
 * Chooses a threshold for the scores of a ranking. By Youden's index, the highest of equally good ones is taken, since it has the fewest false
 * positives.
 *
 * @returns undefined if the class has no positive or no negative image, or if no threshold reaches the target.
 */
export function fitThreshold(ranking: Ranking, rule: ThresholdRule = { rule: 'youden' }): number | undefined {
  const points = rocCurve(ranking).slice(1);
  if (rule.rule !== 'youden') {
    const { rule: kind, target } = rule;
    if (!(target > 0 && target <= 1)) {
      throw new InputError(`A ${kind} to reach lies in (0, 1]`, { given: `${target}` });
    }
    // A little slack for rounding, so that 9 of 10 images reach a target of 0.9. Thresholds fall from point to point.
    return kind === 'sensitivity'
      ? points.find(({ truePositiveRate }) => truePositiveRate >= target - 1e-12)?.threshold
      : points.filter(({ falsePositiveRate }) => 1 - falsePositiveRate >= target - 1e-12).at(-1)?.threshold;
  }
  let best: { threshold: number; index: number } | undefined;
  for (const { threshold, truePositiveRate, falsePositiveRate } of points) {
    const index = truePositiveRate - falsePositiveRate;
    if (!best || index > best.index + 1e-12) best = { threshold, index };
  }
  return best?.threshold;
}

export interface OperatingPoint {
  threshold: number;
  truePositives: number;
  falsePositives: number;
  trueNegatives: number;
  falseNegatives: number;
  sensitivity: number;
  sensitivityInterval: Interval;
  specificity: number;
  specificityInterval: Interval;
  /** Positive predictive value; NaN if no image is called positive. */
  precision: number;
  /** Negative predictive value. */
  negativePredictiveValue: number;
  f1: number;
}

/** Counts and rates at a threshold. Images with at least this score are called positive. Intervals are Wilson's. */
export function operatingPoint({ scores, labels }: Ranking, threshold: number, level = 0.95): OperatingPoint {
  let truePositives = 0;
  let falsePositives = 0;
  let trueNegatives = 0;
  let falseNegatives = 0;
  for (let i = 0; i < scores.length; i++) {
    const called = scores[i] >= threshold;
    if (labels[i] === 1) called ? truePositives++ : falseNegatives++;
    else called ? falsePositives++ : trueNegatives++;
  }
  const positives = truePositives + falseNegatives;
  const negatives = trueNegatives + falsePositives;
  return {
    threshold,
    truePositives,
    falsePositives,
    trueNegatives,
    falseNegatives,
    sensitivity: truePositives / positives,
    sensitivityInterval: wilsonInterval(truePositives, positives, level),
    specificity: trueNegatives / negatives,
    specificityInterval: wilsonInterval(trueNegatives, negatives, level),
    precision: truePositives / (truePositives + falsePositives),
    negativePredictiveValue: trueNegatives / (trueNegatives + falseNegatives),
    f1: (2 * truePositives) / (2 * truePositives + falsePositives + falseNegatives),
  };
}
