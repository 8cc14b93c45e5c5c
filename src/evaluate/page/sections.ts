/** The sections of the page, with the numbers and how to read them. */
import { CHEST_XRAY8_LABELS } from '../../formats/data_sets/image_table.js';
import type { EvaluationResult, Threshold } from '../evaluate.js';
import type { Criterion, LocalizationScore } from '../localization.js';
import type { LocalizationResult } from '../localize.js';
import { mean } from '../roc.js';
import { type AccuracyLine, accuracyPoints, type Plots } from './plots.js';
import { COLORS } from './plotting.js';
import {
  PUBLISHED_AUC,
  PUBLISHED_LOCALIZATION,
  PUBLISHED_LOCALIZATION14,
  type PublishedAuc,
  type PublishedLocalization,
} from './published.js';
import { count, Html, html, interval, number, table } from './text.js';

const figure = (caption: Html | string, svg: string) =>
  html`<figure><figcaption>${caption}</figcaption>${new Html(svg)}</figure>`;

const key = (entries: [string, string][]) =>
  html`<div class="key">${entries.map(([color, name]) => html`<span><i style="border-color:${color}"></i>${name}</span>`)}</div>`;

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

const at = (score: LocalizationScore, { measure, threshold }: Criterion) =>
  score.figures.find((each) => each.measure === measure && each.threshold === threshold);

export function localizationSection({ localization }: EvaluationResult, plots: Plots): Html {
  if (!localization) return html``;
  const { known, gated, pointing, pointSource, froc } = localization;
  const shown: Criterion[] = [
    { measure: 'IoBB', threshold: 0.1 },
    { measure: 'IoBB', threshold: 0.5 },
    { measure: 'IoU', threshold: 0.1 },
    { measure: 'IoU', threshold: 0.5 },
  ];
  const rows = known.scores.map((score) => [
    score.label,
    count(score.truthBoxes),
    count(score.detectedBoxes),
    html`${number(score.meanIou)}${interval(score.meanIouInterval)}`,
    ...shown.map((criterion) => {
      const figures = at(score, criterion);
      return figures ? html`${number(figures.accuracy)}${interval(figures.accuracyInterval)}` : '–';
    }),
    number(score.figures[0].falseBoxesPerImage, 2),
  ]);
  const names = shown.map(({ measure, threshold }) => `${measure} > ${threshold}`);
  return html`<section id="localization"><h2>Localization</h2>
<p>${count(localization.truthBoxes)} truth boxes in ${count(localization.images)} images, disease known: boxes of the
diseases that an image has. A line that does not clear both baselines has learnt nothing about the place.</p>
${table(['Disease', 'boxes', 'detected', 'mean IoU', ...names, 'false boxes / image'], rows, { sum: true })}
${accuracyPlots(localization, plots)}
<details><summary>Accuracy and average false positives at every threshold, both readings, baselines and the paper</summary>
${fullTable(localization, 'IoBB')}${fullTable(localization, 'IoU')}</details>
<div class="columns"><div><h3>Free-response ROC</h3>${new Html(`<figure>${plots.froc(localization)}</figure>`)}
${table(
  ['Criterion', 'mean', ...froc[0].atRates.map(({ rate }) => (rate < 1 ? `1/${1 / rate}` : `${rate}`))],
  froc.map(({ criterion, meanSensitivity, meanSensitivityInterval, atRates }) => [
    `${criterion.measure} > ${criterion.threshold}`,
    html`${number(meanSensitivity)}${interval(meanSensitivityInterval)}`,
    ...atRates.map(({ sensitivity }) => number(sensitivity, 2)),
  ]),
)}</div>
<div><h3>Pointing game</h3>${table(
    ['Disease', 'hits', 'pairs', 'accuracy'],
    pointing.map(({ label, hits, pairs, accuracy, interval: wilson }) => [
      label,
      count(hits),
      count(pairs),
      html`${number(accuracy)}${interval(wilson)}`,
    ]),
  )}<p class="soft">Points are ${pointSource === 'maximum' ? "the heatmaps' maxima" : 'centres of the best box: the file has no maxima'}.</p>
<h3>Gated</h3>${table(
    ['Disease', 'detected', 'mean IoU', ...names.slice(0, 1), ...names.slice(2, 3), 'false boxes / image'],
    gated.scores.map((score) => [
      score.label,
      count(score.detectedBoxes),
      number(score.meanIou),
      number(at(score, shown[0])?.accuracy),
      number(at(score, shown[2])?.accuracy),
      number(score.figures[0].falseBoxesPerImage, 2),
    ]),
    { sum: true },
  )}<p class="soft">Only diseases whose score reaches the operating threshold.</p></div></div>
</section>`;
}

function paperFigure(
  published: readonly PublishedLocalization[],
  label: string,
  criterion: Criterion,
  kind: 'accuracy' | 'averageFalsePositives',
) {
  const index = (CHEST_XRAY8_LABELS as readonly string[]).indexOf(label);
  return published.find(
    ({ measure, threshold }) => measure === criterion.measure && threshold === criterion.threshold,
  )?.[kind][index];
}

function accuracyPlots({ known }: LocalizationResult, plots: Plots): Html {
  const linesOf = (i: number, measure: Criterion['measure']): AccuracyLine[] => {
    const { label } = known.scores[i];
    const paper = accuracyPoints(known.scores[i], measure)
      .map((figures) => ({
        threshold: figures.threshold,
        accuracy: paperFigure(PUBLISHED_LOCALIZATION, label, figures, 'accuracy'),
      }))
      .filter((point): point is { threshold: number; accuracy: number } => point.accuracy !== undefined);
    return [
      { color: COLORS.random, dashed: true, points: accuracyPoints(known.randomMap[i], measure) },
      { color: COLORS.median, dashed: true, points: accuracyPoints(known.medianBox[i], measure) },
      { color: COLORS.paper, dashed: true, points: paper },
      { color: COLORS.result, points: accuracyPoints(known.scores[i], measure) },
    ];
  };
  const grid = (measure: Criterion['measure']) =>
    known.scores.map(({ label, truthBoxes }, i) =>
      figure(
        html`${label}<small>${count(truthBoxes)} boxes</small>`,
        plots.accuracy(label, measure, linesOf(i, measure)),
      ),
    );
  const legend = key([
    [COLORS.result, 'accuracy'],
    [COLORS.paper, 'paper, ResNet-50 on ChestX-ray8'],
    [COLORS.median, 'median box of the other images'],
    [COLORS.random, 'random map'],
  ]);
  return html`<h3>Accuracy by IoBB</h3>${legend}<div class="grid">${grid('IoBB')}</div>
<h3>Accuracy by IoU</h3>${legend}<div class="grid">${grid('IoU')}</div>`;
}

function fullTable({ known, gated }: LocalizationResult, measure: Criterion['measure']): Html {
  const labels = known.scores.map(({ label }) => label);
  const criteria = accuracyPoints(known.scores[0], measure);
  const lines = criteria.flatMap((criterion) => {
    const row = (name: string, cell: (i: number) => Html | string) => [name, ...labels.map((_, i) => cell(i))];
    const of = (scores: LocalizationScore[], i: number) => at(scores[i], criterion);
    const accuracy = (scores: LocalizationScore[]) => (i: number) => {
      const figures = of(scores, i);
      return figures
        ? html`<span title="${figures.hits} of ${scores[i].truthBoxes}">${number(figures.accuracy)}</span>`
        : '–';
    };
    const afp = (scores: LocalizationScore[]) => (i: number) => {
      const figures = of(scores, i);
      return figures
        ? html`<span title="${figures.falseBoxes} false boxes">${number(figures.averageFalsePositives)}</span>`
        : '–';
    };
    const paper =
      (kind: 'accuracy' | 'averageFalsePositives', published = PUBLISHED_LOCALIZATION) =>
      (i: number) =>
        number(paperFigure(published, labels[i], criterion, kind));
    const has14 = measure === 'IoBB';
    return [
      [`${measure} > ${criterion.threshold}`],
      row('accuracy, disease known', accuracy(known.scores)),
      row('accuracy, gated', accuracy(gated.scores)),
      row('accuracy, median box', accuracy(known.medianBox)),
      row('accuracy, random map', accuracy(known.randomMap)),
      row('accuracy, paper, ChestX-ray8', paper('accuracy')),
      ...(has14 ? [row('accuracy, paper, ChestX-ray14', paper('accuracy', PUBLISHED_LOCALIZATION14))] : []),
      row('average false positives, disease known', afp(known.scores)),
      row('average false positives, gated', afp(gated.scores)),
      row('average false positives, median box', afp(known.medianBox)),
      row('average false positives, random map', afp(known.randomMap)),
      row('average false positives, paper, ChestX-ray8', paper('averageFalsePositives')),
      ...(has14
        ? [
            row(
              'average false positives, paper, ChestX-ray14',
              paper('averageFalsePositives', PUBLISHED_LOCALIZATION14),
            ),
          ]
        : []),
    ];
  });
  return table([`T(${measure})`, ...labels], lines);
}

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
