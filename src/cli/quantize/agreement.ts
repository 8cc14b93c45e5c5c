/** Says how far the probabilities of two versions of a network are apart. */
import { mean, rank, rankingScores } from '../../evaluate/roc.js';

/** What both versions say about a class, in one order of the images. */
export interface ClassScores {
  readonly label: string;
  readonly before: Float64Array;
  readonly after: Float64Array;
  /** 1 for images that have the class, if that is known. */
  readonly truth?: Uint8Array | undefined;
  /** From this probability on an image counts as having the class. */
  readonly operatingThreshold: number;
}

/** How far the two are apart in one class. */
export interface Agreement {
  readonly label: string;
  /** Mean and largest absolute difference of the probabilities. */
  readonly meanDifference: number;
  readonly maxDifference: number;
  /** Spearman's correlation of the order of the images: 1 for the same order. NaN if all images have the same probability. */
  readonly rankCorrelation: number;
  /** Images that are on the other side of the operating threshold now. */
  readonly changed: number;
  /** Area under the ROC curve; NaN if no image has the class, or all have it, and undefined if that is not known. */
  readonly aucBefore?: number;
  readonly aucAfter?: number;
}

/** How far the probabilities of a class are apart. */
export function agreementOf({ label, before, after, truth, operatingThreshold }: ClassScores): Agreement {
  const differences = Array.from(before, (probability, i) => Math.abs(probability - after[i]));
  const isFound = (probability: number) => probability >= operatingThreshold;
  return {
    label,
    meanDifference: mean(differences),
    maxDifference: differences.reduce((most, one) => Math.max(most, one), 0),
    rankCorrelation: correlation(placesOf(before), placesOf(after)),
    changed: before.reduce((sum, probability, i) => sum + Number(isFound(probability) !== isFound(after[i])), 0),
    ...(truth
      ? { aucBefore: rankingScores(rank(before, truth)).auc, aucAfter: rankingScores(rank(after, truth)).auc }
      : {}),
  };
}

/** The place of each value in ascending order. Equal values share the mean of their places. */
export function placesOf(values: Float64Array): Float64Array {
  const order = Uint32Array.from(values, (_, i) => i).sort((a, b) => values[a] - values[b]);
  const places = new Float64Array(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end]] === values[order[start]]) end++;
    for (let i = start; i < end; i++) places[order[i]] = (start + end - 1) / 2;
    start = end;
  }
  return places;
}

/** Pearson's correlation; NaN if one of the two is constant. */
function correlation(some: Float64Array, others: Float64Array): number {
  const middle = (some.length - 1) / 2;
  let [both, one, other] = [0, 0, 0];
  for (let i = 0; i < some.length; i++) {
    both += (some[i] - middle) * (others[i] - middle);
    one += (some[i] - middle) ** 2;
    other += (others[i] - middle) ** 2;
  }
  return both / Math.sqrt(one * other);
}
