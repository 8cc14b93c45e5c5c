/** Combines the folds of an arm: AUC over all images, differences between arms, and scores of boxes. */
import { evaluate } from '../../../src/evaluate/evaluate.js';
import {
  bootstrap,
  type Interval,
  NO_INTERVAL,
  numberClusters,
  wilsonInterval,
} from '../../../src/evaluate/intervals.js';
import { ALL_LABELS, type LocalizationScore } from '../../../src/evaluate/localization.js';
import { mean, rank, rankingScores, weightedScores } from '../../../src/evaluate/roc.js';
import { type ImageTable, labelsOf } from '../../../src/formats/data_sets/image_table.js';
import type { Prediction } from '../../../src/formats/findings.js';

/** The results of one fold. */
export interface FoldResult {
  bestEpoch: number;
  seconds: number;
  /** Logits of the images of the test part. */
  predictions: Prediction[];
  /** Scores on the images with boxes, for known diseases, beside both baselines. */
  boxes?: { network: LocalizationScore[]; medianBox: LocalizationScore[]; randomMap: LocalizationScore[] };
}

export interface Estimate extends Interval {
  value: number;
}

export interface ClassAuc {
  label: string;
  positives: number;
  /** AUC of all images in one ranking, each scored by the network that has not seen its patient. */
  auc: number;
  deLong: Interval;
  /** Interval by a bootstrap over patients. */
  bootstrap: Interval;
  /** AUC over pairs of images that the same network has scored, because logits of different networks may not be comparable. */
  withinFolds: number;
}

export interface ArmScores {
  classes: ClassAuc[];
  meanAuc: Estimate;
  withinFolds: number;
}

export interface BootstrapSettings {
  replicates: number;
  seed: number;
}

export function armScores(
  table: ImageTable,
  folds: readonly FoldResult[],
  classes: readonly string[],
  { replicates, seed }: BootstrapSettings,
): ArmScores {
  const predictions = folds.flatMap((fold) => fold.predictions);
  const { overall, meanAuc, meanAucInterval } = evaluate({ table, predictions }, { replicates, seed, classes });
  const scored = overall.map(({ label, positives, auc, deLongInterval, bootstrapInterval }) => ({
    ...{ label, positives, auc },
    ...{ deLong: deLongInterval, bootstrap: bootstrapInterval, withinFolds: withinFolds(table, folds, label) },
  }));
  return {
    classes: scored,
    meanAuc: { value: meanAuc, ...meanAucInterval },
    withinFolds: mean(scored.map((each) => each.withinFolds)),
  };
}

/** The mean of the AUC of the folds, each weighted by its number of pairs of a positive and a negative image. */
function withinFolds(table: ImageTable, folds: readonly FoldResult[], label: string): number {
  let [right, pairs] = [0, 0];
  for (const { predictions } of folds) {
    const ranking = rank(logitsOf(predictions, label), truthOf(table, predictions, label));
    const count = ranking.positives * ranking.negatives;
    if (count === 0) continue;
    right += rankingScores(ranking).auc * count;
    pairs += count;
  }
  return right / pairs;
}

/** Differences in AUC between two arms on the same images, with intervals by a bootstrap over patients. */
export function aucDifferences(
  table: ImageTable,
  arm: readonly Prediction[],
  reference: readonly Prediction[],
  classes: readonly string[],
  options: BootstrapSettings,
): { classes: Record<string, Estimate>; mean: Estimate } {
  const same = new Map(reference.map((prediction) => [prediction.image, prediction]));
  const other = arm.map(({ image }) => same.get(image) as Prediction);
  const rowOf = rowsByImage(table);
  const clusters = arm.map(({ image }) => table.patients[rowOf.get(image) as number]);
  const { clusterOf, count } = numberClusters(arm.length, clusters);
  const pairs = classes.map((label) => {
    const truth = truthOf(table, arm, label);
    const scores = [arm, other].map((each) => weightedScores(rank(logitsOf(each, label), truth), clusterOf));
    return (drawn: Uint16Array) => scores[0](drawn).auc - scores[1](drawn).auc;
  });
  const statistics = (drawn: Uint16Array) => {
    const gaps = pairs.map((gap) => gap(drawn));
    return [mean(gaps), ...gaps];
  };
  const values = statistics(new Uint16Array(count).fill(1));
  const all = bootstrap(count, statistics, options).map(
    (interval, at): Estimate => ({ value: values[at], ...(Number.isNaN(values[at]) ? NO_INTERVAL : interval) }),
  );
  return { mean: all[0], classes: Object.fromEntries(classes.map((label, at) => [label, all[at + 1]])) };
}

export interface BoxScore {
  label: string;
  truthBoxes: number;
  /** Mean over the networks of the folds. The interval is Wilson's for the number of boxes, which several networks do not increase. */
  accuracy: (Estimate & { measure: string; threshold: number; averageFalsePositives: number })[];
  meanIou: number;
}

/** The mean scores of several networks on the same boxes. */
export function meanBoxScores(networks: readonly LocalizationScore[][]): BoxScore[] {
  return networks[0].map(({ label, truthBoxes, figures }, at) => {
    const scores = networks.map((network) => network[at]);
    return {
      ...{ label, truthBoxes, meanIou: mean(scores.map(({ meanIou }) => meanIou)) },
      accuracy: figures.map(({ measure, threshold }, k) => {
        const value = mean(scores.map(({ figures: own }) => own[k].accuracy));
        const averageFalsePositives = mean(scores.map(({ figures: own }) => own[k].averageFalsePositives));
        const interval = wilsonInterval(value * truthBoxes, truthBoxes);
        return { measure, threshold, averageFalsePositives, value, ...interval };
      }),
    };
  });
}

export const isAll = ({ label }: { label: string }) => label === ALL_LABELS;

const rowsByImage = (table: ImageTable) => new Map(table.images.map((image, row) => [image, row]));

const logitsOf = (predictions: readonly Prediction[], label: string) =>
  predictions.map(({ logits }) => logits?.[label] ?? Number.NaN);

function truthOf(table: ImageTable, predictions: readonly Prediction[], label: string): number[] {
  const rowOf = rowsByImage(table);
  return predictions.map(({ image }) => (labelsOf(table, rowOf.get(image) as number).includes(label) ? 1 : 0));
}
