/**
 * Receiver operating characteristics of one class: curve, area, its variance, and average precision. Scores only need
 * an order: logits and probabilities give the same numbers. Equal scores count as half right (Mann and Whitney).
 */
import { InputError } from '../errors.js';
import {
  type BootstrapOptions,
  bootstrap,
  type Interval,
  NO_INTERVAL,
  normalQuantile,
  numberClusters,
} from './intervals.js';

export interface RocPoint {
  /** Images at or above it are called positive; Infinity at the curve's start, where none is. */
  threshold: number;
  falsePositiveRate: number;
  truePositiveRate: number;
}

export interface Ranking {
  scores: ArrayLike<number>;
  /** 1 where the class is present, else 0. */
  labels: ArrayLike<number>;
  /** Item numbers by descending score. */
  order: Uint32Array;
  positives: number;
  negatives: number;
}

/**
 * Sorts once for everything below.
 *
 * @throws InputError where the lengths differ, a score is not finite or a label is neither 0 nor 1
 */
export function rank(scores: ArrayLike<number>, labels: ArrayLike<number>): Ranking {
  if (scores.length !== labels.length) {
    throw new InputError('Scores and labels differ in length', { given: `${scores.length} and ${labels.length}` });
  }
  let positives = 0;
  for (let i = 0; i < scores.length; i++) {
    if (!Number.isFinite(scores[i])) throw new InputError(`Score ${i} is no finite number`, { given: `${scores[i]}` });
    if (labels[i] !== 0 && labels[i] !== 1) throw new InputError(`Label ${i} is neither 0 nor 1`);
    positives += labels[i];
  }
  const order = Uint32Array.from({ length: scores.length }, (_, i) => i);
  order.sort((a, b) => scores[b] - scores[a] || a - b);
  return { scores, labels, order, positives, negatives: scores.length - positives };
}

/** Walks down the ranking, one call per distinct score, with the positives and negatives that have it. */
function eachTie(
  { scores, labels, order }: Ranking,
  visit: (positives: number, negatives: number, score: number) => void,
): void {
  for (let at = 0; at < order.length; ) {
    const score = scores[order[at]];
    let positives = 0;
    let negatives = 0;
    for (; at < order.length && scores[order[at]] === score; at++) {
      if (labels[order[at]] === 1) positives += 1;
      else negatives += 1;
    }
    visit(positives, negatives, score);
  }
}

/** The curve from (0, 0) to (1, 1), a point per distinct score. Empty where one of the two kinds is missing. */
export function rocCurve(ranking: Ranking): RocPoint[] {
  const { positives, negatives } = ranking;
  if (positives === 0 || negatives === 0) return [];
  const points: RocPoint[] = [{ threshold: Number.POSITIVE_INFINITY, falsePositiveRate: 0, truePositiveRate: 0 }];
  let hits = 0;
  let alarms = 0;
  eachTie(ranking, (more, falsely, threshold) => {
    hits += more;
    alarms += falsely;
    points.push({ threshold, falsePositiveRate: alarms / negatives, truePositiveRate: hits / positives });
  });
  return points;
}

/** A curve without the points that lie on the line between their neighbours: same shape, far fewer numbers. */
export function thinCurve(points: readonly RocPoint[]): RocPoint[] {
  const kept: RocPoint[] = [];
  for (const point of points) {
    const [a, b] = kept.slice(-2);
    if (b) {
      const cross =
        (b.falsePositiveRate - a.falsePositiveRate) * (point.truePositiveRate - b.truePositiveRate) -
        (b.truePositiveRate - a.truePositiveRate) * (point.falsePositiveRate - b.falsePositiveRate);
      if (Math.abs(cross) < 1e-15) kept.pop();
    }
    kept.push(point);
  }
  return kept;
}

export interface RankingScores {
  /** Probability that a positive image scores above a negative one, equal scores counted half. */
  auc: number;
  /** Σ (Rₖ − Rₖ₋₁) Pₖ over the distinct scores, without interpolation. */
  averagePrecision: number;
}

/** Both areas; NaN where they are not defined. */
export function rankingScores(ranking: Ranking): RankingScores {
  return weightedScores(ranking, new Uint32Array(ranking.order.length))(Uint16Array.of(1));
}

/**
 * Both areas of a ranking whose items count as often as their cluster was drawn, ready to be asked again and again: the
 * arrays lie in the order in which they are walked.
 */
export function weightedScores(ranking: Ranking, clusterOf: Uint32Array): (drawn: Uint16Array) => RankingScores {
  const { scores, labels, order } = ranking;
  // One word per item: its cluster, whether it is positive (2), whether it is the last of its score (1).
  const items = order.map((item, at) => {
    const endsTie = scores[item] === scores[order[at + 1]] ? 0 : 1;
    return clusterOf[item] * 4 + (labels[item] === 1 ? 2 : 0) + endsTie;
  });
  return (drawn) => {
    let hits = 0;
    let alarms = 0;
    let pairs = 0;
    let precision = 0;
    let more = 0;
    let falsely = 0;
    for (let at = 0; at < items.length; at++) {
      const item = items[at];
      const weight = drawn[item >>> 2];
      if ((item & 2) !== 0) more += weight;
      else falsely += weight;
      if ((item & 1) === 0) continue;
      if (more === 0) {
        pairs += falsely * hits;
      } else {
        pairs += falsely * (hits + more / 2);
        hits += more;
        precision += more * (hits / (hits + alarms + falsely));
        more = 0;
      }
      alarms += falsely;
      falsely = 0;
    }
    return { auc: pairs / (hits * alarms), averagePrecision: precision / hits };
  };
}

export interface DeLong {
  auc: number;
  /** NaN with fewer than two positives or two negatives. */
  variance: number;
  interval: Interval;
}

/**
 * Area and variance after DeLong, DeLong & Clarke-Pearson (1988), in O(n log n) as Sun & Xu (2014): what they take from
 * three midrank vectors, the share of the other kind that an item beats, is read off one sorted pass. The interval is
 * normal, clipped to [0, 1]; images are taken as independent (the bootstrap need not).
 */
export function deLong(ranking: Ranking, level = 0.95): DeLong {
  const { positives, negatives } = ranking;
  const { auc } = rankingScores(ranking);
  let ofPositives = 0;
  let ofNegatives = 0;
  let hits = 0;
  let alarms = 0;
  eachTie(ranking, (more, falsely) => {
    const beaten = (negatives - alarms - falsely / 2) / negatives;
    const beatenBy = (hits + more / 2) / positives;
    ofPositives += more * (beaten - auc) ** 2;
    ofNegatives += falsely * (beatenBy - auc) ** 2;
    hits += more;
    alarms += falsely;
  });
  if (positives < 2 || negatives < 2) return { auc, variance: Number.NaN, interval: NO_INTERVAL };
  const variance = ofPositives / (positives - 1) / positives + ofNegatives / (negatives - 1) / negatives;
  const reach = normalQuantile(0.5 + level / 2) * Math.sqrt(variance);
  return { auc, variance, interval: { low: Math.max(0, auc - reach), high: Math.min(1, auc + reach) } };
}

export interface RankingIntervals {
  auc: Interval;
  averagePrecision: Interval;
}

/**
 * Bootstrap intervals of several classes' rankings of the same items, and of their mean AUC, all from the same draws;
 * `clusters` (patients) are drawn as a whole. A class without positives or negatives has none and is left out of the mean.
 */
export function bootstrapRankings(
  rankings: readonly Ranking[],
  options: BootstrapOptions = {},
): { classes: RankingIntervals[]; meanAuc: Interval } {
  const { clusterOf, count } = numberClusters(rankings[0]?.order.length ?? 0, options.clusters);
  const scores = rankings.map((ranking) => weightedScores(ranking, clusterOf));
  const all = (drawn: Uint16Array) => {
    const values = scores.map((each) => each(drawn));
    const areas = values.map(({ auc }) => auc);
    return [mean(areas), ...areas, ...values.map(({ averagePrecision }) => averagePrecision)];
  };
  const [meanAuc, ...intervals] = bootstrap(count, all, options);
  const classes = rankings.map(({ positives, negatives }, i) =>
    positives === 0 || negatives === 0
      ? { auc: NO_INTERVAL, averagePrecision: NO_INTERVAL }
      : { auc: intervals[i], averagePrecision: intervals[rankings.length + i] },
  );
  return { classes, meanAuc };
}

/** The mean of what is a number; NaN of nothing. */
export function mean(values: readonly number[]): number {
  const known = values.filter((value) => !Number.isNaN(value));
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}
