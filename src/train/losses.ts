/**
 * Losses as functions that add to a graph: from logits and labels, both dense [n, classes], to one number. All are sums over classes and
 * images, as in Wang et al. 2017, section 4.1. A label is 1 (the disease is there), 0 (it is not), or negative (unknown; it adds nothing).
 * The paper names cross entropy, hinge and Euclidean loss without giving formulas; the formulas used here are given with each.
 */
import { InputError } from '../errors.js';
import type { GraphBuilder } from '../graph/ir/graph.js';
import type { Tensor } from '../graph/ir/tensor.js';
import { type LabelLossAttributes, forward as labelLoss } from '../ops/layers/label_loss.js';
import { forward as labelWeights } from '../ops/layers/label_weights.js';
import { checkOptions, optionKinds } from '../options.js';

/** Adds a loss to a graph: logits and labels [n, classes] dense → [1] dense. */
export type Loss = (g: GraphBuilder, logits: Tensor, labels: Tensor) => Tensor;

const sumOf =
  (attributes: LabelLossAttributes): Loss =>
  (g, logits, labels) =>
    g.apply(labelLoss, [logits, labels, undefined], attributes, 'loss');

/**
 * The paper's weighted cross entropy: L = β_P · Σ_{y=1} −ln σ(z) + β_N · Σ_{y=0} −ln(1 − σ(z)) with β_P = (|P| + |N|) / |P| and
 * β_N = (|P| + |N|) / |N|. Here |P| and |N| are the numbers of labels in the batch, of all classes together, that are 1 and 0. A sum
 * without terms is 0. With gradient accumulation, β is computed for each micro-batch.
 * @param options.perClass counts labels for each class separately, so that rare classes weigh as much as frequent ones.
 */
export function weightedCrossEntropy(options: { perClass?: boolean } = {}): Loss {
  checkOptions('weightedCrossEntropy', options, WEIGHTED_OPTIONS);
  const { perClass = false } = options;
  return (g, logits, labels) => {
    const weights = g.apply(labelWeights, [labels], { perClass }, 'loss/weights');
    return g.apply(labelLoss, [logits, labels, weights], { kind: 'cross_entropy' }, 'loss');
  };
}

const WEIGHTED_OPTIONS = optionKinds<{ perClass?: boolean }>({ perClass: 'true or false' });
const FOCAL_OPTIONS = optionKinds<{ alpha?: number; gamma?: number }>({ alpha: 'a number', gamma: 'a number' });

/** Cross entropy: Σ −y · ln σ(z) − (1 − y) · ln(1 − σ(z)). It has no options. */
export function crossEntropy(options: Record<string, never> = {}): Loss {
  checkOptions('crossEntropy', options, {});
  return sumOf({ kind: 'cross_entropy' });
}

/** Hinge loss: Σ max(0, 1 − (2y − 1) · z). It has no options. */
export function hinge(options: Record<string, never> = {}): Loss {
  checkOptions('hinge', options, {});
  return sumOf({ kind: 'hinge' });
}

/** Euclidean loss: Σ ½ · (σ(z) − y)². It has no options. */
export function euclidean(options: Record<string, never> = {}): Loss {
  checkOptions('euclidean', options, {});
  return sumOf({ kind: 'euclidean' });
}

/**
 * Focal loss: Σ −α · y · (1 − p)^γ · ln p − (1 − α) · (1 − y) · p^γ · ln(1 − p) with p = σ(z). Formula and defaults are those of Lin et
 * al. 2017.
 * @param options.alpha the weight of positive labels, 0 … 1
 * @param options.gamma how much less certain answers count, from 0 on
 * @throws InputError for a number outside of that
 */
export function focal(options: { alpha?: number; gamma?: number } = {}): Loss {
  checkOptions('focal', options, FOCAL_OPTIONS);
  const { alpha = 0.25, gamma = 2 } = options;
  if (!(alpha >= 0 && alpha <= 1)) throw new InputError('focal: alpha', { expected: '0 … 1', given: String(alpha) });
  if (!(gamma >= 0 && Number.isFinite(gamma)))
    throw new InputError('focal: gamma', { expected: 'at least 0', given: String(gamma) });
  return sumOf({ kind: 'focal', alpha, gamma });
}
