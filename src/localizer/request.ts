/** What a call asks for, checked and with the weights' defaults filled in. */
import { InputError } from '../errors.js';
import { isProbability, operatingThresholdOf } from '../formats/operating_thresholds.js';
import type { WeightsMetadata } from '../formats/weights.js';
import { checkMaxBoxes, DEFAULT_HEAT_THRESHOLDS, DEFAULT_MAX_BOXES } from '../ops/boxes/component_boxes.js';
import { checkHeatThresholds } from '../ops/boxes/heat.js';
import { checkOptions, optionNames } from '../options.js';

/** Options of `Localizer.localize`: which classes, where heatmaps are cut, and what comes back. */
export interface LocalizeOptions {
  /** These labels, whatever their probability. Default: those whose probability reaches their operating threshold. */
  classes?: readonly string[];
  /** Operating thresholds by label, in place of the weights' own. */
  operatingThresholds?: Readonly<Record<string, number>>;
  /** Where the heatmap, scaled to 0…255, is cut: a box for each 8-connected region at or above. Default 60 and 180, the paper's. */
  heatThresholds?: readonly number[];
  /** Boxes of one label and heat threshold. What is left out is told in `truncated`. Default 64. */
  maxBoxes?: number;
  /**
   * Regions with a smaller area than this many cells of the network's own heatmap give no box, but for the one with the heatmap's
   * highest value. They are left out before `maxBoxes` counts. Default: the weights' own, else 0: each region gives one, as in the
   * paper. `output: 'gpu'` leaves all in its table, with their areas.
   */
  minRegion?: number;
  /** Heatmaps to read back. Default `none`. */
  heatmaps?: 'none' | 'raw' | 'scaled';
  /** False leaves the boxes out: probabilities alone. */
  boxes?: boolean;
  /**
   * Bits of a 16-bit image's samples that are in use, 8 to 16, where the image does not say it: white is 2 ** bits − 1. Default: by the
   * largest sample, with the warning `assumed-bits` where that shows fewer than 16. Images of 8 bits are not concerned.
   */
  bits?: number;
  /** An encoded image whose pixels take more bytes is refused before it is decoded. Default 64 MiB. */
  maxImageBytes?: number;
  signal?: AbortSignal;
}

export const LOCALIZE_OPTIONS = optionNames<LocalizeOptions>({
  classes: true,
  operatingThresholds: true,
  heatThresholds: true,
  maxBoxes: true,
  minRegion: true,
  heatmaps: true,
  boxes: true,
  bits: true,
  maxImageBytes: true,
  signal: true,
});

export interface Request {
  /** Probability from which a class's heatmap is worked on; 0 for those asked for by name, above 1 for those that are not. */
  readonly gates: readonly number[];
  readonly heatThresholds: readonly number[];
  readonly maxBoxes: number;
  /** In cells of the heatmap. */
  readonly minRegion: number;
  readonly heatmaps: 'none' | 'raw' | 'scaled';
  readonly boxes: boolean;
}

/** A gate that no probability reaches: the class is left out. */
const NEVER = 2;

/**
 * @param call the method that was called, for messages
 * @param known names of its options
 */
export function requestOf(
  metadata: WeightsMetadata,
  options: LocalizeOptions,
  call = 'localize',
  known = LOCALIZE_OPTIONS,
): Request {
  checkOptions(call, options, known);
  const {
    classes,
    operatingThresholds = {},
    heatThresholds = DEFAULT_HEAT_THRESHOLDS,
    maxBoxes = DEFAULT_MAX_BOXES,
    minRegion = metadata.minRegion ?? 0,
    heatmaps = 'none',
    boxes = true,
  } = options;
  for (const label of [...(classes ?? []), ...Object.keys(operatingThresholds)]) {
    if (!metadata.classes.includes(label)) {
      throw new InputError('unknown class', { expected: metadata.classes.join(', '), given: label });
    }
  }
  for (const [label, value] of Object.entries(operatingThresholds)) {
    if (!isProbability(value))
      throw new InputError(`operating threshold of ${label}`, { expected: '0…1', given: String(value) });
  }
  checkHeatThresholds(heatThresholds);
  checkMaxBoxes(maxBoxes);
  if (!(minRegion >= 0 && Number.isFinite(minRegion))) {
    throw new InputError('minRegion', { expected: 'a number of cells, 0 or more', given: String(minRegion) });
  }
  if (heatmaps !== 'none' && heatmaps !== 'raw' && heatmaps !== 'scaled') {
    throw new InputError('heatmaps', { expected: "'none', 'raw' or 'scaled'", given: String(heatmaps) });
  }
  const gates = metadata.classes.map((label) => {
    if (classes) return classes.includes(label) ? 0 : NEVER;
    return operatingThresholdOf(label, operatingThresholds, metadata.operatingThresholds);
  });
  return { gates, heatThresholds, maxBoxes, minRegion, heatmaps, boxes };
}
