/** The section of the page about masks, polygons and boxes as truth of heatmaps: a part for each source. */
import { own } from '../../formats/json.js';
import type { MaskEvaluation, MaskScore } from '../masks/evaluation.js';
import type { MaskFigure } from '../masks/figures.js';
import type { Plots } from './plots.js';
import { count, Html, html, interval, noun, number, table } from './text.js';

/** Figures at the threshold of each finding. */
const AT_THRESHOLD: [MaskFigure, string][] = [
  ['iouTruePositives', 'mIoU, both'],
  ['iouAll', 'mIoU, either'],
  ['iouKnown', 'mIoU, known'],
  ['dice', 'Dice'],
  ['precision', 'Precision'],
  ['recall', 'Recall'],
];
/** Figures of heatmaps that need no threshold, or have levels of their own. */
const OF_HEAT: [MaskFigure, string][] = [
  ['hitRate', 'Hit rate'],
  ['pxAp', 'PxAP'],
  ['maxBoxAcc', 'MaxBoxAccV2'],
  ['boxAcc', 'BoxAcc, held out'],
];

/** @returns nothing if there is no such truth */
export function maskSection(masks: readonly MaskEvaluation[] | undefined, plots: Plots): Html {
  if (!masks || masks.length === 0) return html``;
  return html`<section id="masks"><h2>Masks</h2>
<p>Each source of truth by itself. Thresholds of heatmaps are given, or chosen on images of other patients than those that are scored.</p>
${masks.map((each) => sourcePart(each, plots))}
${DEFINITIONS}</section>`;
}

function sourcePart(evaluation: MaskEvaluation, plots: Plots): Html {
  const { source, form, predictions, images, patients, validationPairs, maskThresholds, scores } = evaluation;
  const isHeat = predictions === 'heatmaps';
  const isTuned = Object.values(maskThresholds).some((each) => each.source === 'validation');
  const chosen = isTuned
    ? ` Thresholds were chosen on ${count(validationPairs)} ${noun(validationPairs, 'pair')} of an image and a finding, of other patients.`
    : '';
  const findings = scores.length - 2;
  const curves = scores.filter(({ curve, label }) => curve && (label !== 'All' || findings > 1));
  return html`<h3>${source}</h3>
<p>${isHeat ? 'Heatmaps' : 'Predicted masks'} against ${form === 'boxes' ? 'boxes, whose pixels are the truth' : 'masks'}: ${count(images)} ${noun(images, 'image')} of ${count(patients)} ${noun(patients, 'patient')}.${chosen}</p>
${figureTable(evaluation, AT_THRESHOLD, isHeat)}
${isHeat ? figureTable(evaluation, OF_HEAT, false) : ''}
${curves.length === 0 ? '' : html`<h4>Pixel precision and recall</h4><div class="grid">${curves.map((score) => curveOf(score, plots))}</div>`}`;
}

/** A row for each finding. Figures that no finding has are left out. */
function figureTable(evaluation: MaskEvaluation, wanted: typeof OF_HEAT, withThreshold: boolean): Html {
  const { scores, form } = evaluation;
  const shown = wanted.filter(([name]) => scores.some(({ figures }) => Number.isFinite(figures[name].value)));
  const rows = scores.map(({ label, images, without, figures }) => {
    const counts = [count(images), ...(withThreshold ? [] : [form === 'boxes' ? '–' : count(without)])];
    return [
      label,
      ...(label === 'Mean' ? counts.map(() => '') : counts),
      ...(withThreshold ? [thresholdText(evaluation, label)] : []),
      ...shown.map(([name]) => html`${number(figures[name].value)}${interval(figures[name].interval)}`),
    ];
  });
  const head = ['Finding', 'with', withThreshold ? 'Threshold' : 'without', ...shown.map(([, name]) => name)];
  return table(head, rows, { sum: true });
}

function thresholdText({ maskThresholds }: MaskEvaluation, label: string): Html | string {
  const threshold = own(maskThresholds, label);
  if (!threshold) return label === 'Mean' || label === 'All' ? '' : '–';
  return html`${number(threshold.value, 2)}${threshold.source === 'given' ? html` <small>given</small>` : ''}`;
}

const curveOf = (score: MaskScore, plots: Plots) =>
  html`<figure><figcaption>${score.label}<small>PxAP ${number(score.figures.pxAp.value)}</small></figcaption>${new Html(plots.pixels(score))}</figure>`;

const DEFINITIONS: Html = html`<details><summary>What these figures are</summary><dl>
<dt>mIoU, both</dt><dd>Intersection over union of truth and predicted pixels, mean over images that have both (CheXlocalize).</dd>
<dt>mIoU, either</dt><dd>Mean over images that have one or both, 0 if only one; needs truth that says where nothing was found (CheXlocalize).</dd>
<dt>mIoU, known; Dice</dt><dd>Means over all images with truth, whether or not the finding was predicted. Dice is 2 × shared / (truth + predicted).</dd>
<dt>Precision, recall</dt><dd>Shared pixels of all images with truth / their predicted pixels, and / their truth pixels.</dd>
<dt>Hit rate</dt><dd>Share of images with truth in which the highest pixel of the heatmap lies in it.</dd>
<dt>PxAP</dt><dd>Area under pixel precision over recall, at 1,000 thresholds (Choe et al. 2020).</dd>
<dt>MaxBoxAccV2</dt><dd>Share of images in which a box reaches an IoU of 0.3, 0.5 and 0.7, mean of the three, each at the level that is best on the scored
images, as it is defined (Choe et al. 2020). Held out: at the level that was best on the validation images.</dd>
<dt>Predicted</dt><dd>A finding counts as predicted where its probability reaches the operating threshold; a mask of a file, where it is not empty.</dd>
<dt>Mean, All</dt><dd>Mean over findings, and all images and findings together. Intervals: bootstrap over patients.</dd>
</dl></details>`;
