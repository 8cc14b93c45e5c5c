/** Writes an evaluation as a table with one figure in each row, for spreadsheets and plotting scripts. */
import { csvLine } from '../formats/csv_line.js';
import type { ClassScore } from './classification.js';
import type { EvaluationResult } from './evaluate.js';
import type { Interval } from './intervals.js';
import type { LocalizationScore } from './localization.js';
import { maskFigureRows } from './masks/csv.js';
import type { MaskEvaluation } from './masks/evaluation.js';

const HEADER = ['part', 'group', 'label', 'metric', 'threshold', 'value', 'low', 'high', 'count', 'of'];

type Row = (string | number | undefined)[];

/** An evaluation as CSV. If a value is a share, the columns `count` and `of` have the two numbers that it is computed from. */
export function evaluationCsv(result: EvaluationResult): string {
  const rows: Row[] = result.overall.flatMap((score) => classRows('all', score));
  for (const { by, group, classes } of result.groups) {
    rows.push(...classes.flatMap((score) => classRows(`${by} ${group}`, score)));
  }
  const { localization } = result;
  rows.push(row('classification', 'all', 'All', 'mean AUC', undefined, result.meanAuc, result.meanAucInterval));
  if (localization) {
    for (const reading of ['known', 'gated'] as const) {
      for (const source of ['scores', 'medianBox', 'randomMap'] as const) {
        const group = source === 'scores' ? reading : `${reading}, ${source}`;
        rows.push(...localization[reading][source].flatMap((score) => localizationRows(group, score)));
      }
    }
    for (const { criterion, meanSensitivity, meanSensitivityInterval, atRates } of localization.froc) {
      const group = `${criterion.measure} > ${criterion.threshold}`;
      rows.push(row('froc', group, 'All', 'mean sensitivity', undefined, meanSensitivity, meanSensitivityInterval));
      for (const { rate, sensitivity } of atRates)
        rows.push(row('froc', group, 'All', 'sensitivity', rate, sensitivity));
    }
    for (const { label, accuracy, interval, hits, pairs } of localization.pointing) {
      rows.push(
        row('pointing', localization.pointSource, label, 'accuracy', undefined, accuracy, interval, hits, pairs),
      );
    }
  }
  for (const row of maskFigureRows(result.masks ?? [])) rows.push(row);
  return csvOf(rows);
}

/** Comparisons with masks as CSV, in the same columns. */
export const maskEvaluationCsv = (masks: readonly MaskEvaluation[]): string => csvOf(maskFigureRows(masks));

const csvOf = (rows: readonly Row[]) => [HEADER, ...rows].map((each) => `${csvLine(each)}\n`).join('');

function row(
  part: string,
  group: string,
  label: string,
  metric: string,
  threshold: number | undefined,
  value: number | undefined,
  interval?: Interval,
  count?: number,
  of?: number,
): Row {
  return [part, group, label, metric, threshold, value, interval?.low, interval?.high, count, of];
}

function classRows(group: string, score: ClassScore): Row[] {
  const { label, positives, negatives, operatingPoint: point, calibration, calibrationAfterScaling: scaled } = score;
  const images = positives + negatives;
  const of = (metric: string, ...rest: [number | undefined, number | undefined, Interval?, number?, number?]) =>
    row('classification', group, label, metric, ...rest);
  return [
    of('AUC, DeLong', undefined, score.auc, score.deLongInterval, positives, images),
    of('AUC, bootstrap', undefined, score.auc, score.bootstrapInterval, positives, images),
    of('average precision', undefined, score.averagePrecision, score.averagePrecisionInterval, positives, images),
    of('sensitivity', point.threshold, point.sensitivity, point.sensitivityInterval, point.truePositives, positives),
    of('specificity', point.threshold, point.specificity, point.specificityInterval, point.trueNegatives, negatives),
    of(
      'precision',
      point.threshold,
      point.precision,
      undefined,
      point.truePositives,
      point.truePositives + point.falsePositives,
    ),
    ...(calibration ? [of('ECE', undefined, calibration.ece), of('Brier', undefined, calibration.brier)] : []),
    ...(scaled ? [of('ECE, scaled', undefined, scaled.ece), of('Brier, scaled', undefined, scaled.brier)] : []),
  ];
}

function localizationRows(
  group: string,
  { label, meanIou, meanIouInterval, truthBoxes, detectedBoxes, figures }: LocalizationScore,
): Row[] {
  const of = (metric: string, ...rest: [number | undefined, number | undefined, Interval?, number?, number?]) =>
    row('localization', group, label, metric, ...rest);
  return [
    of('mean IoU', undefined, meanIou, meanIouInterval, undefined, truthBoxes),
    ...figures.flatMap((figure) => {
      const { measure, threshold, falseBoxes } = figure;
      return [
        of(`accuracy, ${measure}`, threshold, figure.accuracy, figure.accuracyInterval, figure.hits, truthBoxes),
        of(
          `average false positives, ${measure}`,
          threshold,
          figure.averageFalsePositives,
          figure.averageFalsePositivesInterval,
          falseBoxes,
          detectedBoxes,
        ),
        of(`false boxes per image, ${measure}`, threshold, figure.falseBoxesPerImage, undefined, falseBoxes),
      ];
    }),
  ];
}
