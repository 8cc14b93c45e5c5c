/** Chooses what `<raybox-overlay>` shows of a result: the findings, the heatmap, and a description in words. */
import { bestFindings, type Finding, mostProbableFirst, notShown, type ShownBoxes } from '../formats/findings.js';
import type { Classification, Heatmap } from '../localizer/results.js';

/** The parts of a `Localization` that the element shows. The result may come from `localize` or from JSON. */
export type OverlayResult = Pick<Classification, 'width' | 'height' | 'probabilities'> & {
  readonly findings: readonly Finding[];
  /** Maps over the whole image: `scaled` ones, or `raw` ones if the `fit` of the weights is `stretch`. */
  readonly heatmaps?: Readonly<Record<string, Heatmap>>;
};

/** What decides which findings are shown: properties of the element. */
export interface Choice {
  readonly minScore: number;
  readonly heatThreshold: number | null;
  readonly boxes: ShownBoxes;
  readonly selected: string | null;
}

/** The findings with at least `minScore` of one heat threshold, or of all if it is null: the best of them, or all. The most probable come first. */
export function shownOf(result: OverlayResult | null, choice: Choice): Finding[] {
  const chosen = chosenOf(result, choice);
  return choice.boxes === 'all' || !result ? mostProbableFirst(chosen) : bestFindings(chosen, result, choice.selected);
}

/** Says how many findings and boxes are not shown, of the selected class or of all; empty if all are. */
export function hiddenOf(result: OverlayResult | null, choice: Choice): string {
  const { selected } = choice;
  const counted = (findings: readonly Finding[]) => findings.filter(({ label }) => (selected ?? label) === label);
  return notShown(counted(chosenOf(result, choice)), counted(shownOf(result, choice)));
}

const chosenOf = (result: OverlayResult | null, { minScore, heatThreshold }: Choice): Finding[] =>
  (result?.findings ?? []).filter(
    ({ score, threshold }) => score >= minScore && (heatThreshold === null || threshold === heatThreshold),
  );

/** The most probable of the labels of some findings. */
function mostProbable(result: OverlayResult | null, findings: readonly Finding[]): string | undefined {
  const probabilities = result?.probabilities ?? {};
  const labels = [...new Set(findings.map(({ label }) => label))];
  return labels.sort((a, b) => probabilities[b] - probabilities[a])[0];
}

/** The label whose heatmap is shown, if there is a map: the selected one, or the most probable one of those with a box. */
export function heatmapLabelOf(result: OverlayResult | null, choice: Choice): string | undefined {
  const label = choice.selected ?? mostProbable(result, shownOf(result, choice));
  return heatmapOf(result, label) && label;
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
  hidden: string,
): string {
  if (!image) return 'No image';
  const labels = [...new Set(findings.map(({ label }) => label))];
  const found = labels.map((label) => `${label} ${result?.probabilities[label]?.toFixed(2) ?? ''}`);
  return `X-ray of ${image.width} × ${image.height} pixels; ${found.join(', ') || 'no findings'}${hidden && `; ${hidden}`}`;
}
