/** Heat thresholds: the values at which a heatmap, scaled to 0 … 255, is cut into regions. */

/** The paper's (Wang et al. 2017, section 4.2). They are used if neither the weights nor the caller give any. */
export const DEFAULT_HEAT_THRESHOLDS: readonly number[] = [60, 180];

/** Limit of the heat thresholds in one call: each of them takes a pass over the image's pixels. */
export const MAX_HEAT_THRESHOLDS = 16;

/** How the heatmap of a class becomes boxes, where that differs from the other classes. */
export interface BoxRule {
  /** Instead of the network's heat thresholds. */
  heatThresholds?: readonly number[];
  /** Instead of the network's `minRegion`. */
  minRegion?: number;
}

/** One list for the heatmaps of all classes, or a list for each class. */
export type HeatThresholds = readonly number[] | readonly (readonly number[])[];

/** Heat ends at 255, so that no region reaches this threshold. */
const UNREACHED = 256;

/**
 * Heat thresholds as rows of equal length, one for all classes or one for each. Shorter lists are filled up with a threshold that no heat
 * reaches.
 */
export function heatThresholdRows(heatThresholds: HeatThresholds): readonly (readonly number[])[] {
  const lists = isByClass(heatThresholds) ? heatThresholds : [heatThresholds];
  const longest = lists.reduce((most, { length }) => Math.max(most, length), 0);
  return lists.map((list) => [...list, ...Array<number>(longest - list.length).fill(UNREACHED)]);
}

/** Whether each class has a list of its own. False for what is no list at all, which is refused elsewhere. */
export const isByClass = (heatThresholds: HeatThresholds): heatThresholds is readonly (readonly number[])[] =>
  Array.isArray(heatThresholds?.[0]);

/** Whether values can be heat thresholds: 1 to 16 of them, all different, above 0 and up to 255. */
export const areHeatThresholds = (values: unknown): boolean =>
  Array.isArray(values) &&
  values.length >= 1 &&
  values.length <= MAX_HEAT_THRESHOLDS &&
  new Set(values).size === values.length &&
  values.every((value) => typeof value === 'number' && value > 0 && value <= 255);
