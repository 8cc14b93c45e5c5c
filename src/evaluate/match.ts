/** Renames the labels of predictions to a data set's names of classes. */
import { InputError } from '../errors.js';
import { type LabelNames, labelNames, listed, respellings, unknownNames } from '../formats/data_sets/label_names.js';
import type { Finding, Prediction } from '../formats/findings.js';
import { refuseContradiction } from '../formats/predictions/predictions.js';
import type { Warning } from '../warnings.js';

/** Predictions in the data set's spelling, and warnings about what was changed or left out. */
export interface Matched {
  predictions: Prediction[];
  warnings: Warning[];
}

/**
 * Gives every label of the predictions the data set's spelling, and leaves out labels that mean none of its classes. Predictions without
 * any change are returned as the same objects.
 *
 * @throws InputError if two labels of one image mean the same class.
 */
export function matchPredictions(predictions: readonly Prediction[], classes: readonly string[]): Matched {
  const names = labelNames(classes);
  let repeated = 0;
  const matched = predictions.map((prediction) => {
    const { image, probabilities, logits, points, findings } = prediction;
    repeated += findings ? repeatedIn(findings) : 0;
    const changed = {
      probabilities: renamed(probabilities, names, image),
      logits: renamed(logits, names, image),
      points: renamed(points, names, image),
      findings: findings && matchedFindings(findings, names),
    };
    const same =
      changed.probabilities === probabilities &&
      changed.logits === logits &&
      changed.points === points &&
      changed.findings === findings;
    if (same) return prediction;
    const given = Object.entries(changed).filter(([, value]) => value !== undefined);
    const renamedPrediction: Prediction = { ...prediction, ...Object.fromEntries(given) };
    try {
      refuseContradiction(renamedPrediction);
    } catch (error) {
      throw new InputError(`${image}: ${(error as Error).message}`, { cause: error });
    }
    return renamedPrediction;
  });
  const warnings: Warning[] = [];
  if (names.respelled.size > 0) {
    const message = `Labels of the predictions were taken for classes: ${respellings(names.respelled)}.`;
    warnings.push({ code: 'matched-names', message });
  }
  if (names.unknown.size > 0) {
    const unknown = unknownNames(names.unknown.keys(), classes);
    const message = `Labels of the predictions that are not classes of the data set were not scored: ${unknown}.`;
    warnings.push({ code: 'ignored-data', message });
  }
  warnings.push(...unlikely(matched));
  let highest = 0;
  for (const { findings = [] } of matched) for (const { score } of findings) highest = Math.max(highest, score);
  if (highest > 1) {
    const unit = highest <= 100 ? 'percent' : 'something else than probabilities';
    const message = `Scores of boxes reach ${highest}, as in ${unit}. They were taken as they are: they rank boxes, and thresholds are compared with them in that unit.`;
    warnings.push({ code: 'assumed-data', message });
  }
  if (repeated > 0) {
    const message = `${repeated} predicted ${repeated === 1 ? 'box comes' : 'boxes come'} again: same image, label, place and score. Each counts.`;
    warnings.push({ code: 'assumed-data', message });
  }
  return { predictions: matched, warnings };
}

/** With fewer images than this, all numbers may lie in [0, 1], or be 0 or 1, by chance. */
const ENOUGH_IMAGES = 10;

/** Warnings about logits that look like probabilities, and about probabilities that look like decisions. */
function unlikely(predictions: readonly Prediction[]): Warning[] {
  const isEach = (kind: 'logits' | 'probabilities', right: (value: number) => boolean) => {
    const given = predictions.flatMap((prediction) => (prediction[kind] ? [prediction[kind]] : []));
    return given.length >= ENOUGH_IMAGES && given.every((values) => Object.values(values).every(right));
  };
  const warnings: Warning[] = [];
  if (isEach('logits', (value) => value >= 0 && value <= 1)) {
    const message =
      'All logits lie in [0, 1], as probabilities do. They were taken for logits: if they are probabilities, thresholds and calibration are wrong.';
    warnings.push({ code: 'assumed-data', message });
  }
  if (isEach('probabilities', (value) => value === 0 || value === 1)) {
    const message =
      'All probabilities are 0 or 1, as decisions or labels are. They were taken for probabilities: an area under the curve is then that of one point.';
    warnings.push({ code: 'assumed-data', message });
  }
  return warnings;
}

/** The values by the names of classes. If no name changes, the object itself is returned. */
function renamed<T>(values: Record<string, T> | undefined, names: LabelNames, image: string) {
  if (!values) return undefined;
  const labels = Object.keys(values);
  const found = labels.map((name) => names.match(name));
  if (labels.every((name, i) => name === found[i])) return values;
  const byLabel = new Map<string, { name: string; value: T }>();
  for (const [i, name] of labels.entries()) {
    const label = found[i];
    if (label === undefined) continue;
    const other = byLabel.get(label);
    if (other) {
      throw new InputError(`two labels of ${image} mean ${label}: ${listed([other.name, name])}`, {
        expected: 'one value per class',
      });
    }
    byLabel.set(label, { name, value: values[name] });
  }
  return Object.fromEntries(Array.from(byLabel, ([label, { value }]) => [label, value]));
}

function matchedFindings(findings: readonly Finding[], names: LabelNames): Finding[] {
  const labels = findings.map(({ label }) => names.match(label));
  if (findings.every(({ label }, i) => label === labels[i])) return findings as Finding[];
  return findings.flatMap((finding, i) => (labels[i] === undefined ? [] : { ...finding, label: labels[i] }));
}

/** The number of repeated boxes. Boxes of two heat thresholds may be equal otherwise, so they do not count as repeated. */
function repeatedIn(findings: readonly Finding[]): number {
  if (findings.length < 2) return 0;
  const keys = findings.map(({ label, score, threshold, box }) =>
    JSON.stringify([label, score, threshold, box.x, box.y, box.width, box.height]),
  );
  return keys.length - new Set(keys).size;
}
