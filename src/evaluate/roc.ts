/**
 * Receiver operating characteristic (ROC) of one class: curve, area, its variance, and average precision. Only the order of scores matters,
 * so logits and probabilities give the same results. A pair of equal scores counts as half right (Mann and Whitney).
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
  /** Images with at least this score are called positive. It is Infinity at the start of the curve, where none are. */
  threshold: number;
  falsePositiveRate: number;
  truePositiveRate: number;
}

export interface Ranking {
  scores: ArrayLike<number>;
  /** 1 if the image has the class, else 0. */
  labels: ArrayLike<number>;
  /** Item numbers by descending score. */
  order: Uint32Array;
  positives: number;
  negatives: number;
}

/**
 * Sorts images by their scores. All functions below work on the result, so that this is done once.
 *
 * @throws InputError if the lengths differ, a score is not finite, or a label is neither 0 nor 1.
 */
export function rank(scores: ArrayLike<number>, labels: ArrayLike<number>): Ranking {
  if (scores.length !== labels.length) {
    throw new InputError('Scores and labels differ in length', { given: `${scores.length} and ${labels.length}` });
  }
  let positives = 0;
  for (let i = 0; i < scores.length; i++) {
    if (!Number.isFinite(scores[i]))
      throw new InputError(`Score ${i} is not a finite number`, { given: `${scores[i]}` });
    if (labels[i] !== 0 && labels[i] !== 1) throw new InputError(`Label ${i} is neither 0 nor 1`);
    positives += labels[i];
  }
  const order = Uint32Array.from({ length: scores.length }, (_, i) => i);
  order.sort((a, b) => scores[b] - scores[a] || a - b);
  return { scores, labels, order, positives, negatives: scores.length - positives };
}

/** Calls `visit` for each distinct score in descending order, with the numbers of positives and negatives that have it. */
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

/** The curve from (0, 0) to (1, 1), with a point for each distinct score. Empty without positives or without negatives. */
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

/** Leaves out points that lie on the line between their neighbours. The shape stays the same, with far fewer points. */
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

/** AUC and average precision; NaN if they are not defined. */
export function rankingScores(ranking: Ranking): RankingScores {
  return weightedScores(ranking, new Uint32Array(ranking.order.length))(Uint16Array.of(1));
}

/**
 * Prepares a function for the bootstrap that computes AUC and average precision when each item counts as often as its cluster was drawn.
 * All that it reads is put into one array in the order in which it is read, because it is called a thousand times.
 */
export function weightedScores(ranking: Ranking, clusterOf: Uint32Array): (drawn: Uint16Array) => RankingScores {
  const { scores, labels, order } = ranking;
  // Each item is packed into one number: bit 0 says whether it is the last with its score, bit 1 whether it is positive, and the others are
  // its cluster.
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
 * AUC and its variance after DeLong, DeLong & Clarke-Pearson (1988), in O(n log n) like Sun & Xu (2014). They need, for each positive, the
 * share of negatives that it beats, and the other way round. Sun & Xu compute this from midranks; here it is read off one pass over the
 * sorted scores. The interval is a normal one, clipped to [0, 1]. It assumes that images are independent, unlike the bootstrap over patients.
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
 * Bootstrap intervals for several classes that rank the same images, and for their mean AUC, all from the same draws. `clusters` (patients)
 * are drawn as a whole. A class without positives or without negatives gets no intervals and is left out of the mean.
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

/** The mean of all values that are not NaN; NaN if there are none. */
export function mean(values: readonly number[]): number {
  const known = values.filter((value) => !Number.isNaN(value));
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}
