/** Thresholds of heatmaps by finding, chosen on validation images as CheXlocalize does. */
import { own } from '../../formats/json.js';
import type { MaskThreshold } from './evaluation.js';
import { overlapIou } from './figures.js';
import type { Overlap, PairCounts } from './pairs.js';

/** The thresholds that CheXlocalize tries, from 0 to 1. Of equally good ones it takes the lowest. */
export const TUNING_THRESHOLDS: readonly number[] = [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8];

/** The thresholds at which a heatmap of a finding is compared: the given one, or all that are tried. */
export const thresholdsToTry = (label: string, given?: Readonly<Record<string, number>>): readonly number[] => {
  const said = own(given, label);
  return said === undefined ? TUNING_THRESHOLDS : [said];
};

/**
 * For each finding the given threshold, or the one with the best mean IoU over its validation images with truth. Findings without either have
 * none.
 */
export function chooseThresholds(
  labels: readonly string[],
  validation: readonly { label: string; counts?: PairCounts }[],
  given?: Readonly<Record<string, number>>,
): Record<string, MaskThreshold> {
  return Object.fromEntries(
    labels.flatMap((label): [string, MaskThreshold][] => {
      const said = own(given, label);
      if (said !== undefined) return [[label, { value: said, source: 'given' }]];
      const mine = validation.flatMap((pair) => (pair.label === label && pair.counts ? [pair.counts] : []));
      if (mine.length === 0) return [];
      const sums = TUNING_THRESHOLDS.map((_, k) =>
        mine.reduce((sum, { truth, overlaps }) => sum + overlapIou(truth, overlaps[k]), 0),
      );
      return [[label, { value: TUNING_THRESHOLDS[sums.indexOf(Math.max(...sums))], source: 'validation' }]];
    }),
  );
}

/** The overlap of a heatmap at the threshold of its finding; undefined if there is none. */
export function overlapAt(counts: PairCounts | undefined, threshold: MaskThreshold | undefined): Overlap | undefined {
  if (!threshold) return undefined;
  return counts?.overlaps[threshold.source === 'given' ? 0 : TUNING_THRESHOLDS.indexOf(threshold.value)];
}
