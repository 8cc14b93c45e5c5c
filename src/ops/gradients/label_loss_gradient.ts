/** Backward pass of the losses in label_loss.ts. */
import { label_loss_gradient } from '../../generated/kernels/label_loss_gradient.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { elementCount } from '../../graph/ir/tensor.js';
import { sigmoid, softplus } from '../../sigmoid.js';
import { checkLossInputs, type LabelLossAttributes, cases as lossCases, lossParams } from '../layers/label_loss.js';

const INPUTS = ['logits', 'labels', 'weights?', 'dloss'] as const;

/** logits, labels, weights as in label_loss; dloss: [1]. Output: [n, classes] dense, 0 for unknown labels. */
export const forward: Operation<LabelLossAttributes, typeof INPUTS> = {
  name: 'label_loss_gradient',
  inputs: INPUTS,
  infer([logits, labels, weights], attributes) {
    checkLossInputs(logits, labels, weights, attributes);
    return [logits];
  },
  flops: ({ inputs: [logits] }) => 10 * elementCount(logits),
  lower({ inputs: [logits, labels, weights, dloss], outputs: [dlogits], attributes }, context) {
    const { code, params } = lossParams(logits, attributes);
    context.dispatch({
      kernel: label_loss_gradient,
      constants: { LOSS: code, WEIGHTED: Boolean(weights) },
      bindings: [...[logits, labels, weights, dloss].map((tensor) => context.read(tensor)), context.write(dlogits)],
      params,
      workgroups: [Math.ceil(params.elements / 64), 1, 1],
    });
  },
};

function slope(attributes: LabelLossAttributes, z: number, y: number, one: number, zero: number): number {
  const [p, q] = [sigmoid(z), sigmoid(-z)];
  switch (attributes.kind) {
    case 'cross_entropy':
      return -one * y * q + zero * (1 - y) * p;
    case 'hinge':
      return (2 * y - 1) * z < 1 ? 1 - 2 * y : 0;
    case 'euclidean':
      return (p - y) * p * q;
    case 'focal': {
      const { alpha, gamma } = attributes;
      const present = alpha * q ** gamma * (gamma * p * softplus(-z) + q);
      const absent = (1 - alpha) * p ** gamma * (gamma * q * softplus(z) + p);
      return -one * y * present + zero * (1 - y) * absent;
    }
  }
}

export const reference: Reference<LabelLossAttributes, typeof INPUTS> = (
  [logits, labels, weights, dloss],
  { inputs, attributes },
) => {
  const [, classes] = inputs[0].shape;
  return [
    logits.map((z, index) => {
      const c = index % classes;
      if (!(labels[index] >= 0)) return 0;
      return dloss[0] * slope(attributes, z, labels[index], weights?.[c] ?? 1, weights?.[classes + c] ?? 1);
    }),
  ];
};

export const cases = (): Case<LabelLossAttributes>[] =>
  lossCases().map(({ inputs, attributes }) => ({
    inputs: [...inputs, { shape: [1] }],
    attributes,
  }));
