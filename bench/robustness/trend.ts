/** Decides whether a measure that is taken repeatedly stays flat. */

/** Values, with the number of calls after which each was taken. */
export interface Series {
  calls: number[];
  values: number[];
}

export interface Trend {
  /** How much the fitted line rises from the middle of the run to its end. */
  rise: number;
  /** Standard deviation around that line. */
  noise: number;
  /** The largest rise that counts as flat: two standard deviations, but at least the resolution of the measure. */
  allowed: number;
  flat: boolean;
}

/**
 * Fits a line by least squares over the second half of the run, because caches are filled in the first half. A leak of one byte for each call
 * makes the line rise by half the number of calls, whereas memory that is freed again does not.
 * @param grain the resolution of the measure, since allocators work in steps. A smaller rise means nothing.
 */
export function trendOf({ calls, values }: Series, grain: number): Trend {
  const from = Math.floor(calls.length / 2);
  const [x, y] = [calls.slice(from), values.slice(from)];
  const mean = (list: readonly number[]) => list.reduce((sum, value) => sum + value, 0) / list.length;
  const [middleX, middleY] = [mean(x), mean(y)];
  const spread = x.reduce((sum, value) => sum + (value - middleX) ** 2, 0);
  const together = x.reduce((sum, value, i) => sum + (value - middleX) * (y[i] - middleY), 0);
  const slope = spread === 0 ? 0 : together / spread;
  const rise = slope * (x[x.length - 1] - x[0]);
  const residuals = y.map((value, i) => value - middleY - slope * (x[i] - middleX));
  const noise = Math.sqrt(mean(residuals.map((value) => value ** 2)));
  const allowed = Math.max(grain, 2 * noise);
  return { rise, noise, allowed, flat: rise <= allowed };
}
