/** What every page of results says besides its figures: warnings, how intervals were computed, and what the figures mean. */
import type { EvaluationResult } from '../evaluate.js';
import { count, type Html, html, number } from './text.js';

/** The warnings. */
export function notes({ warnings }: Pick<EvaluationResult, 'warnings'>): Html {
  if (warnings.length === 0) return html``;
  return html`<details open><summary>What was read, and how</summary>
<ul>${warnings.map(({ message }) => html`<li>${message}</li>`)}</ul></details>`;
}

/** How intervals were computed. */
export const footer = ({ level, replicates, seed }: Pick<EvaluationResult, 'level' | 'replicates' | 'seed'>): Html =>
  html`<footer>Intervals: ${number(100 * level, 0)} %. Bootstrap: ${count(replicates)} draws of patients, seed ${seed}.
Research use only; no medical device.</footer>`;

/** Definitions of all figures. */
export const METHOD: Html = html`<section><h2>How to read this</h2><dl>
<dt>AUC</dt><dd>Probability that an image with the disease scores above one without; equal scores count half.</dd>
<dt>IoBB, IoU</dt><dd>Intersection over the detected box's area, and over the union. A detected box is right if this exceeds
the threshold for a truth box of its disease in that image. IoBB rewards tiny boxes, so read it beside IoU.</dd>
<dt>Accuracy</dt><dd>Truth boxes that a detected box hits / truth boxes of the disease. With Wilson's interval.</dd>
<dt>Average false positives</dt><dd>Detected boxes of the disease that are not right / truth boxes of all diseases. The paper
does not define it; this is inferred from its figures.</dd>
<dt>Disease known</dt><dd>Boxes of the diseases count that the image has by its labels or truth boxes.</dd>
<dt>Gated</dt><dd>Boxes of the diseases count whose score reaches the operating threshold.</dd>
<dt>Median box</dt><dd>Medians of left, top, width and height over the disease's truth boxes in all other images.</dd>
<dt>Random map</dt><dd>Seeded smooth noise, cut into boxes at 60 and 180 of 255 like a heatmap.</dd>
<dt>Mean IoU</dt><dd>Mean over truth boxes of the best IoU with a detected box of the disease, 0 without one.</dd>
<dt>Free-response ROC</dt><dd>Sensitivity over truth boxes against false boxes per image, while the score that a box needs is lowered.
The mean is over 1/8, 1/4, 1/2, 1, 2, 4 and 8 false boxes per image.</dd>
<dt>ECE</dt><dd>Expected calibration error: the mean difference between predicted probability and observed share over ten bins, weighted by
images.</dd>
<dt>Labels</dt><dd>Labels that are mined from texts are sometimes wrong. An AUC against them measures agreement with those labels.</dd>
</dl></section>`;
