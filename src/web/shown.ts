/** What of a result `<raybox-overlay>` shows: which findings, whose heatmap, and the picture in words. */
import type { Finding } from '../formats/findings.js';
import type { Classification, Heatmap } from '../localizer/results.js';

/** What the element shows of a `Localization`: one from `localize`, or the same read back from JSON. */
export type OverlayResult = Pick<Classification, 'width' | 'height' | 'probabilities'> & {
  readonly findings: readonly Finding[];
  /** Maps over the whole image: `scaled`, or `raw` where the weights' `fit` is `stretch`. */
  readonly heatmaps?: Readonly<Record<string, Heatmap>>;
};

/** The findings from `minScore` on that were cut out at this heat threshold; null for all. */
export function shownOf(result: OverlayResult | null, minScore: number, heatThreshold: number | null): Finding[] {
  return (result?.findings ?? []).filter(
    ({ score, threshold }) => score >= minScore && (heatThreshold === null || threshold === heatThreshold),
  );
}

/** The most probable label of these findings. */
export function mostProbable(result: OverlayResult | null, findings: readonly Finding[]): string | undefined {
  const probabilities = result?.probabilities ?? {};
  const labels = [...new Set(findings.map(({ label }) => label))];
  return labels.sort((a, b) => probabilities[b] - probabilities[a])[0];
}

// A label may be any word, also one that every object answers to.
export function heatmapOf(result: OverlayResult | null, label: string | undefined): Heatmap | undefined {
  const { heatmaps } = result ?? {};
  return label !== undefined && heatmaps && Object.hasOwn(heatmaps, label) ? heatmaps[label] : undefined;
}

/** For those who cannot see the picture. */
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
