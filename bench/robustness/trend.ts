/** Whether a measure that was taken again and again stays flat. */

/** Values over the number of calls after which each was taken. */
export interface Series {
  calls: number[];
  values: number[];
}

export interface Trend {
  /** How much the fitted line rises from the middle of the run to its end. */
  rise: number;
  /** Standard deviation around that line. */
  noise: number;
  /** How much rise is still flat: two standard deviations, and no less than the measure's grain. */
  allowed: number;
  flat: boolean;
}

/**
 * Fits a line by least squares over the second half of the run; the first half is for caches to fill. A leak of one byte a call rises by
 * half the number of calls; what comes and goes does not.
 * @param grain the smallest rise that says anything: allocators work in steps
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
