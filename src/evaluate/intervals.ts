/** Confidence intervals: Wilson's interval for proportions, and percentiles of a seeded bootstrap for everything else. */
import { seededRandom } from '../random.js';

export interface Interval {
  low: number;
  high: number;
}

export const NO_INTERVAL: Interval = { low: Number.NaN, high: Number.NaN };

/** The quantile of the standard normal distribution, by Acklam's rational approximation (relative error about 1e-9). */
export function normalQuantile(p: number): number {
  if (p < 0.5) return -normalQuantile(1 - p);
  const tail = 1 - p;
  if (tail < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(tail));
    const top = [
      -7.784894002430293e-3, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
      2.938163982698783,
    ];
    const bottom = [7.784695709041462e-3, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1];
    return -horner(top, q) / horner(bottom, q);
  }
  const q = p - 0.5;
  const r = q * q;
  const top = [
    -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239,
  ];
  const bottom = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1];
  return (q * horner(top, r)) / horner(bottom, r);
}

const horner = (coefficients: number[], x: number) => coefficients.reduce((sum, each) => sum * x + each, 0);

/** Wilson's score interval for `successes` of `trials` (Wilson 1927); NaN without trials. */
export function wilsonInterval(successes: number, trials: number, level = 0.95): Interval {
  if (trials === 0) return NO_INTERVAL;
  const z = normalQuantile(0.5 + level / 2);
  const share = successes / trials;
  const scale = 1 / (1 + (z * z) / trials);
  const centre = scale * (share + (z * z) / (2 * trials));
  const reach = scale * z * Math.sqrt((share * (1 - share)) / trials + (z * z) / (4 * trials * trials));
  return { low: successes === 0 ? 0 : centre - reach, high: successes === trials ? 1 : centre + reach };
}

export interface BootstrapOptions {
  /** Number of draws. Default 1000; with 0 there is no bootstrap, and its intervals are NaN. */
  replicates?: number;
  seed?: number;
  level?: number;
  /**
   * The cluster of each item. Items of one cluster are drawn together, because images of one patient are not independent. Default: each
   * item is a cluster.
   */
  clusters?: ArrayLike<number | string>;
}

/** Numbers the clusters from 0: gives the number of each item's cluster, and how many clusters there are. */
export function numberClusters(
  items: number,
  clusters?: ArrayLike<number | string>,
): { clusterOf: Uint32Array; count: number } {
  const numbers = new Map<number | string, number>();
  const clusterOf = new Uint32Array(items);
  for (let item = 0; item < items; item++) {
    const cluster = clusters ? clusters[item] : item;
    let number = numbers.get(cluster);
    if (number === undefined) {
      number = numbers.size;
      numbers.set(cluster, number);
    }
    clusterOf[item] = number;
  }
  return { clusterOf, count: numbers.size };
}

/**
 * Percentile intervals (Efron) of one or more statistics, for clusters drawn with replacement.
 * @param statistics computes the statistics from how often each cluster was drawn. A NaN, for example for a class that was not drawn, is
 *   left out.
 */
export function bootstrap(
  clusterCount: number,
  statistics: (drawn: Uint16Array) => ArrayLike<number>,
  options: BootstrapOptions = {},
): Interval[] {
  const { replicates = 1000, seed = 0, level = 0.95 } = options;
  const random = seededRandom(seed);
  const drawn = new Uint16Array(clusterCount).fill(1);
  const count = statistics(drawn).length;
  const samples = Array.from({ length: count }, () => new Float64Array(replicates));
  const known = new Uint32Array(count);
  for (let replicate = 0; replicate < replicates; replicate++) {
    drawn.fill(0);
    for (let i = 0; i < clusterCount; i++) drawn[Math.floor(random() * clusterCount)]++;
    const values = statistics(drawn);
    for (let i = 0; i < count; i++) if (!Number.isNaN(values[i])) samples[i][known[i]++] = values[i];
  }
  return samples.map((values, i) => {
    const sorted = values.subarray(0, known[i]).sort();
    return { low: quantile(sorted, (1 - level) / 2), high: quantile(sorted, (1 + level) / 2) };
  });
}

/** A quantile of ascending values, interpolated linearly (type 7 of Hyndman and Fan). */
export function quantile(sorted: ArrayLike<number>, p: number): number {
  if (sorted.length === 0) return Number.NaN;
  const position = p * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
}
