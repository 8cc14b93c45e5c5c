/** Chooses what `<raybox-overlay>` shows of a result: the findings, the heatmap, and a description in words. */
import { type Finding, type ShownBoxes, strongestFindings } from '../formats/findings.js';
import type { Classification, Heatmap } from '../localizer/results.js';

/** The parts of a `Localization` that the element shows. The result may come from `localize` or from JSON. */
export type OverlayResult = Pick<Classification, 'width' | 'height' | 'probabilities'> & {
  readonly findings: readonly Finding[];
  /** Maps over the whole image: `scaled` ones, or `raw` ones if the `fit` of the weights is `stretch`. */
  readonly heatmaps?: Readonly<Record<string, Heatmap>>;
};

/** The findings with at least `minScore` of one heat threshold, or of all if it is null: of each class the strongest, or all. */
export function shownOf(
  result: OverlayResult | null,
  { minScore, heatThreshold, boxes }: { minScore: number; heatThreshold: number | null; boxes: ShownBoxes },
): Finding[] {
  const found = (result?.findings ?? []).filter(
    ({ score, threshold }) => score >= minScore && (heatThreshold === null || threshold === heatThreshold),
  );
  return boxes === 'all' ? found : strongestFindings(found);
}

/** The most probable of the labels of some findings. */
export function mostProbable(result: OverlayResult | null, findings: readonly Finding[]): string | undefined {
  const probabilities = result?.probabilities ?? {};
  const labels = [...new Set(findings.map(({ label }) => label))];
  return labels.sort((a, b) => probabilities[b] - probabilities[a])[0];
}

// A label may be any word, also the name of a property that every object has, such as `constructor`.
export function heatmapOf(result: OverlayResult | null, label: string | undefined): Heatmap | undefined {
  const { heatmaps } = result ?? {};
  return label !== undefined && heatmaps && Object.hasOwn(heatmaps, label) ? heatmaps[label] : undefined;
}

/** A description of the picture for people who cannot see it. */
export function describe(
  image: { readonly width: number; readonly height: number } | undefined,
  result: OverlayResult | null,
  findings: readonly Finding[],
): string {
  if (!image) return 'No image';
  const labels = [...new Set(findings.map(({ label }) => label))];
  const found = labels.map((label) => `${label} ${result?.probabilities[label]?.toFixed(2) ?? ''}`);
  return `X-ray of ${image.width} × ${image.height} pixels; ${found.join(', ') || 'no findings'}`;
}
