/** The section of the page about localization: accuracy beside the paper and two baselines, free-response ROC, pointing game. */
import { CHEST_XRAY8_LABELS } from '../../formats/data_sets/image_table.js';
import type { EvaluationResult } from '../evaluate.js';
import type { Criterion, LocalizationScore } from '../localization.js';
import type { LocalizationResult } from '../localize.js';
import { type AccuracyLine, accuracyPoints, type Plots } from './plots.js';
import { COLORS } from './plotting.js';
import { PUBLISHED_LOCALIZATION, PUBLISHED_LOCALIZATION14, type PublishedLocalization } from './published.js';
import { count, figure, Html, html, interval, key, number, table } from './text.js';

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
