/** Checks the options of a call and fills in the defaults, some of which come from the weights. */
import { InputError } from '../errors.js';
import { type BoxRule, DEFAULT_HEAT_THRESHOLDS } from '../formats/heat_thresholds.js';
import { isProbability, operatingThresholdOf } from '../formats/operating_thresholds.js';
import type { WeightsMetadata } from '../formats/weights/weights.js';
import { checkMaxBoxes, DEFAULT_MAX_BOXES } from '../ops/boxes/component_boxes.js';
import { checkHeatThresholds } from '../ops/boxes/heat.js';
import { checkOptions, type OptionKinds, optionKinds } from '../options.js';

/** Options of `Localizer.localize`: which classes, the heat thresholds of their maps, and what is returned. */
export interface LocalizeOptions {
  /** Labels to localize, whatever their probability. Default: those whose probability reaches their operating threshold. */
  classes?: readonly string[];
  /** Operating thresholds by label, which replace those of the weights. */
  operatingThresholds?: Readonly<Record<string, number>>;
  /**
   * Thresholds of the heatmap, scaled to 0…255. For each threshold, every 8-connected region of values at or above it gives a box.
   * Default: those of the weights, which may differ between classes (`boxRules`), or else 60 and 180, as in the paper.
   */
  heatThresholds?: readonly number[];
  /** The most boxes for one label and heat threshold. `truncated` lists the labels that have more. Default 64. */
  maxBoxes?: number;
  /**
   * The smallest area of a region that gives a box, in cells of the network's own heatmap. The region with the heatmap's highest value
   * always gives one. Smaller regions do not count for `maxBoxes`. Default: that of the weights, which may differ between classes
   * (`boxRules`), or else 0, so that each region gives a box, as in the paper. It does not apply to `output: 'gpu'`, whose table has regions of any size, with their areas.
   */
  minRegion?: number;
  /**
   * `auto` marks boxes that lie outside of lungs and heart with `outsideLungs`, and `drop` leaves them out, so that a class that is found may
   * have no box. Where lungs and heart are is known for upright frontal X-rays of adults only. Default `off`.
   */
  lungMask?: 'off' | 'auto' | 'drop';
  /** Heatmaps to return: the network's own (`raw`), or those at the image's size from 0 to 255 (`scaled`). Default `none`. */
  heatmaps?: 'none' | 'raw' | 'scaled';
  /** False for no boxes, only probabilities and the heatmaps asked for. Default true. */
  boxes?: boolean;
  /**
   * Bits in use of each sample, 8 to 16, for a 16-bit image that does not say it. White is 2 ** bits − 1. Default: assumed from the largest
   * sample, with the warning `assumed-bits` if that needs fewer than 16. It does not apply to 8-bit images.
   */
  bits?: number;
  /** The most bytes that an image may take when decoded. A larger image is refused before it is decoded. Default 64 MiB. */
  maxImageBytes?: number;
  signal?: AbortSignal;
}

export const LOCALIZE_OPTIONS = optionKinds<LocalizeOptions>({
  classes: 'a list of texts',
  operatingThresholds: 'values by name',
  heatThresholds: 'anything',
  maxBoxes: 'anything',
  minRegion: 'a number',
  lungMask: ['off', 'auto', 'drop'],
  heatmaps: ['none', 'raw', 'scaled'],
  boxes: 'true or false',
  bits: 'a whole number from 8 to 16',
  maxImageBytes: 'a number of bytes, 0 or more',
  signal: 'an AbortSignal',
});

export interface Request {
  /**
   * For each class the probability from which boxes are extracted from its heatmap. If the option `classes` is given, this is 0 for the
   * classes in it and above 1 for the others.
   */
  readonly gates: readonly number[];
  /** For each class. */
  readonly heatThresholds: readonly (readonly number[])[];
  readonly maxBoxes: number;
  /** For each class, in cells of the heatmap. */
  readonly minRegions: readonly number[];
  readonly lungMask: 'off' | 'auto' | 'drop';
  readonly heatmaps: 'none' | 'raw' | 'scaled';
  readonly boxes: boolean;
}

/** A gate that no probability reaches, so that the class is left out. */
const NEVER = 2;

/**
 * @param call the method that was called, for messages
 * @param kinds its options
 */
export function requestOf(
  metadata: WeightsMetadata,
  options: LocalizeOptions & { output?: string },
  call = 'localize',
  kinds: OptionKinds = LOCALIZE_OPTIONS,
): Request {
  checkOptions(call, options, kinds);
  const {
    classes,
    operatingThresholds = {},
    maxBoxes = DEFAULT_MAX_BOXES,
    lungMask = 'off',
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
  const rules = metadata.classes.map((label) => boxRuleOf(label, metadata, options));
  checkMaxBoxes(maxBoxes);
  const gates = metadata.classes.map((label) => {
    if (classes) return classes.includes(label) ? 0 : NEVER;
    return operatingThresholdOf(label, operatingThresholds, metadata.operatingThresholds);
  });
  const [heatThresholds, minRegions] = [rules.map((one) => one.heatThresholds), rules.map((one) => one.minRegion)];
  return { gates, heatThresholds, maxBoxes, minRegions, lungMask, heatmaps, boxes };
}

/** What the options of a call say of a class; else what the weights say of this class, of all classes, or the paper. */
function boxRuleOf(label: string, metadata: WeightsMetadata, options: LocalizeOptions): Required<BoxRule> {
  const { boxRules = {}, heatThresholds: ofAll = DEFAULT_HEAT_THRESHOLDS, minRegion: smallest = 0 } = metadata;
  const own = Object.hasOwn(boxRules, label) ? boxRules[label] : {};
  const { heatThresholds = own.heatThresholds ?? ofAll, minRegion = own.minRegion ?? smallest } = options;
  checkHeatThresholds(heatThresholds);
  if (!(minRegion >= 0 && Number.isFinite(minRegion))) {
    throw new InputError('minRegion', { expected: 'a number of cells, 0 or more', given: String(minRegion) });
  }
  return { heatThresholds, minRegion };
}
