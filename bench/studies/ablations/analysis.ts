/** Computes means over seeds, and differences between configurations that were trained on the same data, with 95 % intervals. */
import { type Interval, NO_INTERVAL } from '../../../src/evaluate/intervals.js';
import { mean } from '../../../src/evaluate/roc.js';

export interface Estimate extends Interval {
  mean: number;
}

/** P(|t| < x) for a whole number of degrees of freedom, by the finite series of Abramowitz & Stegun 26.7.3 and 26.7.4. */
function withinT(x: number, freedom: number): number {
  const angle = Math.atan(x / Math.sqrt(freedom));
  const squared = Math.cos(angle) ** 2;
  const odd = freedom % 2;
  let term = odd ? Math.cos(angle) : 1;
  let sum = freedom === 1 ? 0 : term;
  for (let k = odd + 2; k <= freedom - 2; k += 2) {
    term *= ((k - 1) / k) * squared;
    sum += term;
  }
  return odd ? (2 / Math.PI) * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum;
}

/** The value that |t| stays below with probability `level`; NaN if there are no degrees of freedom. */
export function tQuantile(freedom: number, level = 0.95): number {
  if (!(freedom >= 1)) return Number.NaN;
  let [low, high] = [0, 1];
  while (withinT(high, freedom) < level) high *= 2;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (withinT(middle, freedom) < level) low = middle;
    else high = middle;
  }
  return high;
}

const around = (centre: number, reach: number): Estimate => ({
  mean: centre,
  ...(Number.isFinite(reach) ? { low: centre - reach, high: centre + reach } : NO_INTERVAL),
});

/** The mean over independent runs with Student's interval, cut to the range of possible values. NaN values are left out. */
export function estimate(values: readonly number[], [least, most]: readonly [number, number]): Estimate {
  const known = values.filter((value) => !Number.isNaN(value));
  const centre = mean(known);
  const variance = known.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (known.length - 1);
  const { low, high } = around(centre, tQuantile(known.length - 1) * Math.sqrt(variance / known.length));
  return { mean: centre, low: Math.max(least, low), high: Math.min(most, high) };
}

/**
 * Differences from a reference, paired by seed, as in a randomized block design. The result of a run is modelled as the sum of an effect of
 * its configuration, an effect of its seed, and chance. The variance of chance is estimated from all configurations together, with
 * (configurations − 1) (seeds − 1) degrees of freedom.
 * @param runs for each configuration its values by seed. Only seeds that all configurations have are used.
 */
export function differences(
  runs: ReadonlyMap<string, ReadonlyMap<number, number>>,
  reference: string,
): { seeds: number[]; of: Map<string, Estimate> } {
  const all = [...runs.values()];
  const seeds = [...(runs.get(reference)?.keys() ?? [])].filter((seed) =>
    all.every((bySeed) => Number.isFinite(bySeed.get(seed))),
  );
  const table = all.map((bySeed) => seeds.map((seed) => bySeed.get(seed) as number));
  const rows = table.map(mean);
  const columns = seeds.map((_, at) => mean(table.map((row) => row[at])));
  const centre = mean(rows);
  const squares = table.flatMap((row, i) => row.map((value, j) => (value - rows[i] - columns[j] + centre) ** 2));
  const freedom = (table.length - 1) * (seeds.length - 1);
  const variance = squares.reduce((sum, square) => sum + square, 0) / freedom;
  const reach = tQuantile(freedom) * Math.sqrt((2 * variance) / seeds.length);
  const at = [...runs.keys()].indexOf(reference);
  const of = [...runs.keys()].map((id, i): [string, Estimate] => [
    id,
    around(rows[i] - rows[at], i === at ? 0 : reach),
  ]);
  return { seeds, of: new Map(of) };
}
