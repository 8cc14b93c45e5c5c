/** What `evaluate` can be told. */
import type { OperatingThresholds } from '../formats/operating_thresholds.js';
import { HEATMAP_METHODS, type HeatmapMethod } from '../formats/weights/heatmap_methods.js';
import { optionKinds } from '../options.js';
import type { Warning } from '../warnings.js';
import type { BootstrapOptions } from './intervals.js';
import type { Criterion } from './localization.js';
import type { ThresholdRule } from './operating_points.js';

/** Which images and classes are scored, and how operating thresholds and intervals are computed. */
export interface EvaluationOptions extends Omit<BootstrapOptions, 'clusters'> {
  /** Default: every class of the table that the predictions score. */
  classes?: readonly string[];
  /** Names of the images to fit operating thresholds and calibration on. They are not scored. */
  validation?: Iterable<string>;
  /** Names of the images to score. Default: all that are predicted and not for validation. */
  test?: Iterable<string>;
  /** Names of the images that a network may have been trained on. If one of their patients also has images to score, there is a warning. */
  training?: Iterable<string>;
  /** Operating thresholds by label. Others are fitted on `validation`, or 0.5 without it. */
  operatingThresholds?: OperatingThresholds;
  rule?: ThresholdRule;
  scaling?: 'platt' | 'temperature';
  /** Upper ends of the age groups, in years. */
  ageLimits?: readonly number[];
  frocCriteria?: readonly Criterion[];
  /** Warnings from reading the files. They come first in the warnings of the result. */
  warnings?: readonly Warning[];
  /** How heatmaps, and the boxes in them, were computed. It is only passed on to the result. */
  heatmapMethod?: HeatmapMethod;
}

/** The options of `evaluate`, with the kinds of their values. */
export const EVALUATION_OPTIONS = optionKinds<EvaluationOptions>({
  classes: 'a list of texts',
  validation: 'an object or a list',
  test: 'an object or a list',
  training: 'an object or a list',
  operatingThresholds: 'values by name',
  rule: 'an object',
  scaling: ['platt', 'temperature'],
  ageLimits: 'a list of numbers',
  frocCriteria: 'an object or a list',
  warnings: 'an object or a list',
  heatmapMethod: HEATMAP_METHODS,
  replicates: 'a number',
  seed: 'a number',
  level: 'a number',
});
