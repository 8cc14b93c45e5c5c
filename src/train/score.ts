/** Scores the network on validation images during training. Its plan reads the parameters from the trainer's buffers. */

import { fitThreshold } from '../evaluate/operating_points.js';
import { mean as meanOf, rank, rankingScores } from '../evaluate/roc.js';
import type { Gpu } from '../gpu/device.js';
import { createGraph } from '../graph/ir/graph.js';
import type { ChooseVariant } from '../graph/plan/lower.js';
import { sigmoid } from '../sigmoid.js';
import { createCheckedPlan } from '../verify/checked_plan.js';
import type { TrainingData } from './data.js';
import type { Feed } from './feed.js';
import { prefetch } from './prefetch.js';
import type { TrainSettings } from './settings.js';
import type { Trainer } from './step.js';

export interface Scorer {
  /** Logits [rows, classes]. */
  run(rows: Int32Array, options?: ScoreOptions): Promise<Float32Array>;
  close(): void;
}

export interface ScoreOptions {
  signal?: AbortSignal | undefined;
  onProgress?: (done: number) => void;
}

/** Makes a scorer. Batch norms use the running statistics, whatever training uses, because inference will use them. */
export async function createScorer(
  gpu: Gpu,
  settings: TrainSettings,
  trainer: Trainer,
  feed: Feed,
  choose: ChooseVariant,
): Promise<Scorer> {
  const { batch } = settings;
  const g = createGraph({ parameters: 'state' });
  const { logits, load } = feed.addScored(g);
  const graph = g.finish([logits]);
  const read = new Set(graph.nodes.flatMap(({ inputs }) => inputs));
  const used = [...g.parameters].filter(([, tensor]) => read.has(tensor));
  const external = new Map(used.map(([name, tensor]) => [tensor, trainer.buffer(trainer.savedAs(name))]));
  const plan = await createCheckedPlan(gpu, graph, { external, choose });
  const classes = settings.classes.length;

  return {
    async run(rows, { signal, onProgress } = {}) {
      const scores = new Float32Array(rows.length * classes);
      const starts = Array.from({ length: Math.ceil(rows.length / batch) }, (_, i) => i * batch);
      const loadFrom = (first: number) => load(rows.subarray(first, first + batch));
      for await (const [first, write] of prefetch(starts, loadFrom, 2)) {
        signal?.throwIfAborted();
        write(plan);
        await plan.run({ signal });
        const found = (await plan.read(logits)) as Float32Array;
        const count = Math.min(batch, rows.length - first);
        scores.set(found.subarray(0, count * classes), first * classes);
        onProgress?.(Math.min(rows.length, first + batch));
      }
      return scores;
    },
    close: () => plan.close(),
  };
}

export interface Scores {
  /** By class; null if all images have the class, or none. */
  auc: Record<string, number | null>;
  meanAuc: number;
  /** By class, the probability threshold with the highest sensitivity + specificity. */
  operatingThresholds: Record<string, number>;
}

/** @throws InputError if a logit is NaN. */
export function scoresOf({ classes, labels, validation }: TrainingData, logits: Float32Array): Scores {
  const auc: [string, number | null][] = [];
  const operatingThresholds: [string, number][] = [];
  for (const [place, label] of classes.entries()) {
    const truth = Array.from(validation, (row) => labels[row * classes.length + place]);
    const probabilities = Float64Array.from(validation, (_, i) => sigmoid(logits[i * classes.length + place]));
    const ranking = rank(probabilities, truth);
    const found = rankingScores(ranking).auc;
    auc.push([label, Number.isNaN(found) ? null : found]);
    const threshold = fitThreshold(ranking);
    if (threshold !== undefined) operatingThresholds.push([label, threshold]);
  }
  const meanAuc = meanOf(auc.map(([, value]) => value ?? Number.NaN));
  // `fromEntries` takes any name as a key, whereas assigning to a class named `__proto__` would add no key.
  return { auc: Object.fromEntries(auc), meanAuc, operatingThresholds: Object.fromEntries(operatingThresholds) };
}
