/** Multi-label losses of logits, summed over classes and images. */

import { InputError } from '../../errors.js';
import { label_loss } from '../../generated/kernels/label_loss.js';
import type { Case, CaseInput, Operation, Reference } from '../../graph/ir/operation.js';
import { describeShape, elementCount, type Tensor } from '../../graph/ir/tensor.js';
import { sigmoid, softplus } from '../../sigmoid.js';
import { someLabels } from './label_weights.js';

/**
 * Terms of one logit z with label y and p = σ(z):
 * cross_entropy  −y · ln p − (1 − y) · ln(1 − p)
 * hinge          max(0, 1 − (2y − 1) · z)
 * euclidean      ½ · (p − y)²
 * focal          −α · y · (1 − p)^γ · ln p − (1 − α) · (1 − y) · p^γ · ln(1 − p)      Lin et al. 2017
 */
export type LabelLossAttributes =
  | { kind: 'cross_entropy' | 'hinge' | 'euclidean' }
  | { kind: 'focal'; alpha: number; gamma: number };

const CODES = { cross_entropy: 0, hinge: 1, euclidean: 2, focal: 3 } as const;

/** What the kernels of the loss and of its gradient need: the code of the loss for the prelude, and params. */
export function lossParams(logits: Tensor, attributes: LabelLossAttributes) {
  const focal = attributes.kind === 'focal';
  return {
    code: CODES[attributes.kind],
    params: {
      elements: elementCount(logits),
      classes: logits.shape[1],
      ones: focal ? attributes.alpha : 1,
      zeros: focal ? 1 - attributes.alpha : 1,
      focus: focal ? attributes.gamma : 0,
    },
  };
}

/** @throws InputError if logits, labels and weights do not fit each other. */
export function checkLossInputs(
  logits: Tensor,
  labels: Tensor,
  weights: Tensor | undefined,
  attributes: LabelLossAttributes,
): void {
  const dense = logits.layout === 'dense' && labels.layout === 'dense';
  if (logits.shape.length !== 2 || labels.shape.join() !== logits.shape.join() || !dense) {
    throw new InputError('labels', { expected: `dense ${describeShape(logits)}`, given: describeShape(labels) });
  }
  if (weights && weights.shape.join() !== `2,${logits.shape[1]}`) {
    throw new InputError('weights', { expected: `[2, ${logits.shape[1]}]`, given: describeShape(weights) });
  }
  if (attributes.kind !== 'focal') return;
  const { alpha, gamma } = attributes;
  if (!(alpha >= 0 && alpha <= 1 && gamma >= 0 && Number.isFinite(gamma))) {
    throw new InputError('focal loss', { expected: 'α in 0…1 and γ ≥ 0', given: `α ${alpha}, γ ${gamma}` });
  }
}

const INPUTS = ['logits', 'labels', 'weights?'] as const;
export type LabelLossInputs = typeof INPUTS;

/** logits, labels: [n, classes] dense; a label below 0 is unknown and adds nothing. weights: [2, classes] or none. Output: [1]. */
export const forward: Operation<LabelLossAttributes, typeof INPUTS> = {
  name: 'label_loss',
  inputs: INPUTS,
  infer([logits, labels, weights], attributes) {
    checkLossInputs(logits, labels, weights, attributes);
    return [{ shape: [1], layout: 'dense', type: 'f32' }];
  },
  flops: ({ inputs: [logits] }) => 10 * elementCount(logits),
  lower({ inputs: [logits, labels, weights], outputs: [loss], attributes }, context) {
    const { code, params } = lossParams(logits, attributes);
    context.dispatch({
      kernel: label_loss,
      constants: { LOSS: code, WEIGHTED: Boolean(weights) },
      bindings: [context.read(logits), context.read(labels), context.read(weights), context.write(loss)],
      params,
      workgroups: [1, 1, 1],
    });
  },
};

function term(attributes: LabelLossAttributes, z: number, y: number, one: number, zero: number): number {
  switch (attributes.kind) {
    case 'cross_entropy':
      return one * y * softplus(-z) + zero * (1 - y) * softplus(z);
    case 'hinge':
      return Math.max(0, 1 - (2 * y - 1) * z);
    case 'euclidean':
      return 0.5 * (sigmoid(z) - y) ** 2;
    case 'focal': {
      const { alpha, gamma } = attributes;
      const present = alpha * sigmoid(-z) ** gamma * softplus(-z);
      return one * y * present + zero * (1 - y) * (1 - alpha) * sigmoid(z) ** gamma * softplus(z);
    }
  }
}

export const reference: Reference<LabelLossAttributes, typeof INPUTS> = (
  [logits, labels, weights],
  { inputs, attributes },
) => {
  const [, classes] = inputs[0].shape;
  let sum = 0;
  logits.forEach((z, index) => {
    const c = index % classes;
    if (labels[index] >= 0) sum += term(attributes, z, labels[index], weights?.[c] ?? 1, weights?.[classes + c] ?? 1);
  });
  return [Float64Array.of(sum)];
};

/** Inputs of a case of the loss, and of its gradient. */
export function lossInputs(
  shape: number[],
  weighted = false,
  logits: CaseInput['fill'] = 'normal',
): (CaseInput | undefined)[] {
  return [
    { shape, layout: 'dense', fill: logits },
    { shape, layout: 'dense', fill: someLabels },
    weighted ? { shape: [2, shape[1]], fill: 'positive' } : undefined,
  ];
}

const far = (index: number) => (index - 7) * 50; // exp overflows for some of them

export const cases = (): Case<LabelLossAttributes>[] => [
  { inputs: lossInputs([3, 5]), attributes: { kind: 'cross_entropy' } },
  { inputs: lossInputs([1, 1]), attributes: { kind: 'cross_entropy' } },
  { inputs: lossInputs([4, 8], true), attributes: { kind: 'cross_entropy' } },
  { inputs: lossInputs([7, 133], true), attributes: { kind: 'cross_entropy' } },
  { inputs: lossInputs([3, 5], false, far), attributes: { kind: 'cross_entropy' } },
  { inputs: lossInputs([3, 5]), attributes: { kind: 'hinge' } },
  { inputs: lossInputs([3, 5]), attributes: { kind: 'euclidean' } },
  { inputs: lossInputs([3, 5]), attributes: { kind: 'focal', alpha: 0.25, gamma: 2 } },
  { inputs: lossInputs([4, 8], true), attributes: { kind: 'focal', alpha: 0.5, gamma: 0.75 } },
  { inputs: lossInputs([3, 5], false, far), attributes: { kind: 'focal', alpha: 0.25, gamma: 2 } },
];
