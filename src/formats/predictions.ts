/**
 * Predictions of several rows, lines or files, joined by image. JSON lines are read in prediction_lines.ts, a CSV in predictions_csv.ts,
 * a COCO file in coco.ts.
 */
import { InputError } from '../errors.js';
import { fileName, type Prediction } from './findings.js';

/** One entry per image, in order of appearance. */
export function predictionCollector() {
  const byImage = new Map<string, { prediction: Prediction; path: string }>();
  return {
    /** @throws an Error where there is no name, or one that another folder's image has too */
    of(text: string): Prediction {
      const path = text.trim();
      const image = fileName(path);
      if (image === '') throw new Error('no image name');
      const known = byImage.get(image);
      if (known === undefined) {
        const prediction = { image };
        byImage.set(image, { prediction, path });
        return prediction;
      }
      if (known.path !== path) throw new Error(`${known.path} and ${path} are two images of one name`);
      return known.prediction;
    },
    all: () => Array.from(byImage.values(), ({ prediction }) => prediction),
  };
}

/** Between a probability and the sigmoid of its logit: more than rounding to two digits, or half precision, leaves. */
const TOLERANCE = 0.02;

/** @throws an Error where probabilities and logits of an image are those of two networks, or one is not what it is called */
export function refuseContradiction({
  probabilities = {},
  logits = {},
}: Pick<Prediction, 'probabilities' | 'logits'>): void {
  for (const [label, logit] of Object.entries(logits)) {
    const probability = Object.hasOwn(probabilities, label) ? probabilities[label] : undefined;
    const expected = 1 / (1 + Math.exp(-logit));
    if (probability === undefined || Math.abs(probability - expected) <= TOLERANCE) continue;
    throw new Error(
      `probabilities and logits contradict each other: of ${label} ${probability}, where the sigmoid of ${logit} is ${expected.toFixed(3)}; leave one of them out`,
    );
  }
}

/** Joins predictions of the same images from several sources, for example probabilities and boxes. */
export function mergePredictions(...sources: Iterable<Prediction>[]): Prediction[] {
  const byImage = new Map<string, Prediction>();
  for (const prediction of sources.flatMap((source) => [...source])) {
    const known = byImage.get(prediction.image);
    if (!known) {
      byImage.set(prediction.image, { ...prediction });
      continue;
    }
    for (const key of ['probabilities', 'logits', 'findings', 'points'] as const) {
      if (known[key] && prediction[key]) throw new InputError(`${prediction.image} has ${key} in two sources`);
    }
    const given = Object.entries(prediction).filter(([, value]) => value !== undefined);
    Object.assign(known, Object.fromEntries(given));
    try {
      refuseContradiction(known);
    } catch (error) {
      throw new InputError(`${known.image}: ${(error as Error).message}`, { cause: error });
    }
  }
  return [...byImage.values()];
}
