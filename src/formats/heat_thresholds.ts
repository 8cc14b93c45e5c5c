/** Heat thresholds: the values at which a heatmap, scaled to 0 … 255, is cut into regions. */

/** The paper's (Wang et al. 2017, section 4.2). They are used if neither the weights nor the caller give any. */
export const DEFAULT_HEAT_THRESHOLDS: readonly number[] = [60, 180];

/** Limit of the heat thresholds in one call: each of them takes a pass over the image's pixels. */
export const MAX_HEAT_THRESHOLDS = 16;

/** Whether values can be heat thresholds: 1 to 16 of them, all different, above 0 and up to 255. */
export const areHeatThresholds = (values: readonly unknown[]): boolean =>
  values.length >= 1 &&
  values.length <= MAX_HEAT_THRESHOLDS &&
  new Set(values).size === values.length &&
  values.every((value) => typeof value === 'number' && value > 0 && value <= 255);
