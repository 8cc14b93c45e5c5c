/** What the comparison of heatmaps or predicted masks with the truth of one source results in. */
import type { Interval } from '../intervals.js';
import type { MaskFigure } from './figures.js';
import type { PixelPoint } from './pixel_levels.js';
import type { MaskTruth } from './truth.js';

/** A figure with its interval. Both are NaN (null in JSON) if it cannot be computed. */
export interface MaskValue {
  value: number;
  /** Percentiles of a bootstrap over patients. */
  interval: Interval;
}

/** The scores of one finding; of `Mean`, the means over findings; or of `All`, of all pairs of an image and a finding together. */
export interface MaskScore {
  label: string;
  /** Scored images with truth of the finding. */
  images: number;
  /** Scored images in which it was looked for and not found. */
  without: number;
  figures: Record<MaskFigure, MaskValue>;
  /** For each δ of MaxBoxAccV2, its accuracy and the level, from 0 to 1, at which it is best. Only of heatmaps. */
  boxes?: { iou: number; level: number; accuracy: number }[];
  /** Pixel precision and recall at every hundredth of the heat. Only of heatmaps. */
  curve?: PixelPoint[];
}

/** The heat above which a pixel counts as predicted, from 0 to 1, and whether it was given or chosen on validation images. */
export interface MaskThreshold {
  value: number;
  source: 'given' | 'validation';
}

/** How heatmaps or masks were scored against the truth of one source. */
export interface MaskEvaluation {
  source: string;
  form: MaskTruth['form'];
  predictions: 'heatmaps' | 'masks';
  images: number;
  patients: number;
  /** Pairs of an image and a finding that thresholds were chosen on. */
  validationPairs: number;
  /** By finding, the threshold of heatmaps scaled to 0 … 1. Findings without one have no IoU. */
  maskThresholds: Record<string, MaskThreshold>;
  /** For each δ, the level that was best on the validation images, from 0 to 1. */
  boxLevels?: { iou: number; level: number }[];
  scores: MaskScore[];
}

/** A scored image and a finding that was looked for in it. What cannot be computed is NaN. */
export interface MaskPair {
  image: string;
  patient: string;
  label: string;
  /** Pixels of the truth; 0 if the finding was looked for and not found. */
  truth: number;
  /** Pixels of the predicted mask. NaN for a heatmap without a threshold, or in an image without truth of the finding. */
  predicted: number;
  shared: number;
  /** Whether the finding counts as predicted: its score reaches the operating threshold, and its mask is not empty. */
  positive: boolean;
  /** IoU if both masks have pixels. */
  iouTruePositives: number;
  /** IoU if one of them has; 0 unless both have. */
  iouAll: number;
  dice: number;
  /** Whether the highest pixel lies in the truth, only of heatmaps. */
  hit?: boolean;
}
