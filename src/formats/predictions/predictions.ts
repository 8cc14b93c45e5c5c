/**
 * Joins predictions from several rows, lines or files by their image. JSON lines are read in prediction_lines.ts, CSV files in
 * predictions_csv.ts, and COCO files in coco.ts.
 */

import { InputError } from '../../errors.js';
import { sigmoid } from '../../sigmoid.js';
import { fileName, type Prediction } from '../findings.js';

/** Collects one prediction for each image, in the order in which the images appear. */
export function predictionCollector() {
  const byImage = new Map<string, { prediction: Prediction; path: string }>();
  return {
    /** The prediction for an image. @throws an Error if the name is empty, or if an image in another folder has the same name */
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

/** Largest difference between a probability and the sigmoid of its logit. Rounding to two digits or half precision gives less. */
const TOLERANCE = 0.02;

/**
 * @throws an Error if probabilities and logits of an image do not fit together. Then they are from two networks, or one of them is
 *   something else than its name says.
 */
export function refuseContradiction({
  probabilities = {},
  logits = {},
}: Pick<Prediction, 'probabilities' | 'logits'>): void {
  for (const [label, logit] of Object.entries(logits)) {
    const probability = Object.hasOwn(probabilities, label) ? probabilities[label] : undefined;
    const expected = sigmoid(logit);
    if (probability === undefined || Math.abs(probability - expected) <= TOLERANCE) continue;
    throw new Error(
      `probabilities and logits contradict each other: of ${label} ${probability}, where the sigmoid of ${logit} is ${expected.toFixed(3)}; leave one of them out`,
    );
  }
}

/** Joins predictions for the same images from several sources, for example probabilities from one and boxes from another. */
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
