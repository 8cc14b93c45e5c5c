/** Weights of a batch's ones and zeros in a loss: β of Wang et al. 2017, section 4.1. */
import { InputError } from '../../errors.js';
import { label_weights } from '../../generated/kernels/label_weights.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { describeShape, elementCount } from '../../graph/ir/tensor.js';

export interface LabelWeightsAttributes {
  /** Whether ones and zeros are counted for each class, so that rare classes weigh as much as others. Default: for all classes together. */
  perClass?: boolean;
}

const INPUTS = ['labels'] as const;

/** labels: [n, classes] dense: 1, 0, or below 0 if unknown. Output: [2, classes] dense: weights of ones, then of zeros. */
export const forward: Operation<LabelWeightsAttributes, typeof INPUTS> = {
  name: 'label_weights',
  inputs: INPUTS,
  infer([labels]) {
    if (labels.shape.length !== 2 || labels.layout !== 'dense') {
      throw new InputError('labels', { expected: 'dense [n, classes]', given: describeShape(labels) });
    }
    return [{ shape: [2, labels.shape[1]], layout: 'dense', type: 'f32' }];
  },
  flops: ({ inputs: [labels] }) => 2 * elementCount(labels),
  lower({ inputs: [labels], outputs: [weights], attributes: { perClass } }, context) {
    const [images, classes] = labels.shape;
    context.dispatch({
      kernel: label_weights,
      constants: { PER_CLASS: Boolean(perClass) },
      bindings: [context.read(labels), context.write(weights)],
      params: { images, classes },
      workgroups: [1, 1, 1],
    });
  },
};

export const reference: Reference<LabelWeightsAttributes, typeof INPUTS> = (
  [labels],
  { inputs, attributes: { perClass } },
) => {
  const [, classes] = inputs[0].shape;
  const ones = new Float64Array(classes);
  const zeros = new Float64Array(classes);
  labels.forEach((label, index) => {
    if (!(label >= 0)) return;
    ones[index % classes] += label;
    zeros[index % classes] += 1 - label;
  });
  const sum = (values: Float64Array) => values.reduce((a, b) => a + b, 0);
  const weights = new Float64Array(2 * classes);
  for (let c = 0; c < classes; c++) {
    const [p, n] = perClass ? [ones[c], zeros[c]] : [sum(ones), sum(zeros)];
    weights[c] = p > 0 ? (p + n) / p : 0;
    weights[classes + c] = n > 0 ? (p + n) / n : 0;
  }
  return [weights];
};

/** Labels for tests: ones, zeros and unknown ones, mixed. */
export const someLabels = (index: number) => [1, 0, 0, 1, 0, -1, 0, 0, 1, 0, 0][(index * 7) % 11];

const caseOf = (shape: number[], fill: (index: number) => number, perClass = false): Case<LabelWeightsAttributes> => ({
  inputs: [{ shape, layout: 'dense', fill }],
  attributes: { perClass },
});

export const cases = (): Case<LabelWeightsAttributes>[] => [
  caseOf([1, 1], () => 1),
  caseOf([3, 5], someLabels),
  caseOf([3, 5], someLabels, true),
  caseOf([2, 133], someLabels, true),
  caseOf([16, 133], someLabels),
  caseOf([2, 8], () => 0),
  caseOf([2, 8], () => -1),
  caseOf([2, 8], (i) => (i % 5) / 4), // soft labels
];
