/** The section of the page about classification: ROC curves, operating points, calibration, groups. */
import type { EvaluationResult, Threshold } from '../evaluate.js';
import { mean } from '../roc.js';
import type { Plots } from './plots.js';
import { COLORS } from './plotting.js';
import { PUBLISHED_AUC, type PublishedAuc } from './published.js';
import { count, figure, type Html, html, interval, key, number, table } from './text.js';

const sourceOf: Record<Threshold['source'], string> = {
  given: 'given',
  validation: 'fitted',
  default: 'default',
};

export function classificationSection(result: EvaluationResult, plots: Plots): Html {
  const { overall, groups, scoreSource, operatingThresholds } = result;
  const published = PUBLISHED_AUC.filter(({ setting }) => /^ResNet-50, /.test(setting));
  const paper = ({ labels, auc }: PublishedAuc, label: string) => number(auc[labels.indexOf(label)]);
  const known = overall.filter(({ auc }) => Number.isFinite(auc));
  const rows = overall.map((score) => [
    score.label,
    count(score.positives),
    count(score.negatives),
    html`${number(score.auc)}${interval(score.deLongInterval)}`,
    interval(score.bootstrapInterval),
    html`${number(score.averagePrecision)}${interval(score.averagePrecisionInterval)}`,
    ...published.map((each) => paper(each, score.label)),
  ]);
  const meanAp = mean(known.map(({ averagePrecision }) => averagePrecision));
  rows.push([
    'Mean',
    '',
    '',
    number(result.meanAuc),
    interval(result.meanAucInterval),
    number(meanAp),
    ...published.map(() => ''),
  ]);

  const points = overall.map(({ label, operatingPoint: point }) => [
    label,
    html`${number(point.threshold)} <small>${sourceOf[operatingThresholds[label].source]}</small>`,
    html`${number(point.sensitivity)}${interval(point.sensitivityInterval)}`,
    html`${number(point.specificity)}${interval(point.specificityInterval)}`,
    number(point.precision),
    number(point.negativePredictiveValue),
    number(point.f1),
    ...[point.truePositives, point.falsePositives, point.falseNegatives, point.trueNegatives].map(count),
  ]);
  return html`<section id="classification"><h2>Classification</h2>
<p>Area under the ROC curve with DeLong's interval, then the bootstrap's over patients; average precision.
${scoreSource === 'boxes' ? 'The file has boxes only: an image is scored by its best box of the disease.' : ''}
The paper's figures come from other test images and are a hint only.</p>
${table(['Disease', 'with', 'without', 'AUC', 'bootstrap', 'Average precision', ...published.map(({ setting }) => `Paper, ${setting.split(', ')[1]}`)], rows, { sum: true })}
<h3>ROC curves</h3>${key([
    [COLORS.result, 'curve'],
    [COLORS.second, 'operating point'],
  ])}
<div class="grid">${known.map((score) => figure(html`${score.label}<small>AUC ${number(score.auc)}</small>`, plots.roc(score)))}</div>
<h3>Operating points</h3>
${table(['Disease', 'Threshold', 'Sensitivity', 'Specificity', 'PPV', 'NPV', 'F1', 'TP', 'FP', 'FN', 'TN'], points)}
${calibrationPart(result, plots)}
${
  groups.length === 0
    ? ''
    : html`<h3>By view, sex and age</h3>${key([
        [COLORS.second, 'all images'],
        [COLORS.result, 'group, with bootstrap interval'],
      ])}
<div class="grid wide">${known.map(({ label }, i) => figure(label, plots.groups(label, known[i], groups)))}</div>`
}
</section>`;
}

function calibrationPart({ overall, scaling }: EvaluationResult, plots: Plots): Html {
  const known = overall.filter(({ calibration, positives }) => calibration && positives > 0);
  if (known.length === 0) return html``;
  const scaled = known.some(({ calibrationAfterScaling }) => calibrationAfterScaling);
  const rows = known.map(({ label, positives, negatives, calibration, calibrationAfterScaling: after }) => [
    label,
    number(positives / (positives + negatives)),
    number(calibration?.ece),
    number(calibration?.brier),
    ...(scaled ? [number(after?.ece), number(after?.brier), scalingText(scaling[label])] : []),
  ]);
  const after = scaled ? ['ECE, scaled', 'Brier, scaled', 'slope, offset'] : [];
  return html`<h3>Calibration</h3>${key([
    [COLORS.result, 'as predicted'],
    ...(scaled ? [[COLORS.second, 'after scaling that was fitted on the validation images'] as [string, string]] : []),
  ])}
<div class="grid">${known.map((score) => figure(html`${score.label}<small>ECE ${number(score.calibration?.ece)}</small>`, plots.reliability(score)))}</div>
<details><summary>Calibration in numbers</summary>${table(['Disease', 'Prevalence', 'ECE', 'Brier', ...after], rows)}</details>`;
}

const scalingText = (scaling: { slope: number; offset: number } | undefined) =>
  scaling ? `${number(scaling.slope, 2)}, ${number(scaling.offset, 2)}` : '–';
