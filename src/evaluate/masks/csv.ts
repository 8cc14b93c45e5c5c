/** Writes comparisons with masks as tables: the figures, and each image and finding. */
import { csvLine } from '../../formats/csv_line.js';
import { own } from '../../formats/json.js';
import type { MaskEvaluation } from './evaluation.js';
import type { MaskResult } from './scores.js';

/** Rows of figures in the columns of `evaluation.csv`: part, group, label, metric, threshold, value, low, high, count, of. */
export const maskFigureRows = (masks: readonly MaskEvaluation[]): (string | number | undefined)[][] =>
  masks.flatMap(({ source, scores, maskThresholds }) =>
    scores.flatMap(({ label, images, figures }) =>
      Object.entries(figures).map(
        ([
          name,
          {
            value,
            interval: { low, high },
          },
        ]) => {
          return ['masks', source, label, name, own(maskThresholds, label)?.value, value, low, high, undefined, images];
        },
      ),
    ),
  );

const PAIR_COLUMNS = [
  ...['source', 'image', 'patient', 'finding', 'predicted', 'truth_pixels', 'predicted_pixels', 'intersection'],
  ...['iou_true_positives_only', 'iou_all', 'dice', 'hit'],
];

/** A row for each scored image and finding. What cannot be computed is left empty. */
export function maskPairsCsv(results: readonly MaskResult[]): string {
  const lines = results.flatMap(({ evaluation, pairs }) =>
    pairs.map(({ image, patient, label, truth, predicted, shared, positive, iouTruePositives, iouAll, dice, hit }) =>
      csvLine([
        ...[evaluation.source, image, patient, label, Number(positive), truth, predicted, shared],
        ...[iouTruePositives, iouAll, dice, hit === undefined ? undefined : Number(hit)],
      ]),
    ),
  );
  return [csvLine(PAIR_COLUMNS), ...lines].map((line) => `${line}\n`).join('');
}
