/** A step of AdamW, as in PyTorch: weight decay is separate from the gradient. Source: Loshchilov & Hutter 2019. */
import { InputError } from '../../errors.js';
import { adamw } from '../../generated/kernels/adamw.js';
import { type Case, type CaseInput, type Operation, type Reference, spread } from '../../graph/ir/operation.js';
import { describeShape, elementCount } from '../../graph/ir/tensor.js';
import { checkAlike, checkHalt } from './sgd.js';

export interface AdamWAttributes {
  beta1: number;
  beta2: number;
  epsilon: number;
  /** Multiplies the learning rate. */
  rate: number;
  /** Multiplies the weight decay. */
  decay: number;
}

const INPUTS = ['parameter', 'first', 'second', 'gradient', 'hyper', 'factor?', 'halt?'] as const;

/**
 * parameter, first and second moment (states), gradient, hyperparameters [4]: learning rate, weight decay, 1 / (1 − β1^t) and
 * 1 / (1 − β2^t) at step t; factor [1] or none, halt (u32 [1]: if not 0, nothing changes) or none.
 */
export const forward: Operation<AdamWAttributes, typeof INPUTS> = {
  name: 'adamw',
  inputs: INPUTS,
  updates: [0, 1, 2],
  infer([parameter, first, second, gradient, hyper, , halt]) {
    checkHalt(halt);
    checkAlike(parameter, first, second, gradient);
    if (elementCount(hyper) !== 4)
      throw new InputError('hyperparameters', { expected: '[4]', given: describeShape(hyper) });
    return [];
  },
  flops: ({ inputs: [parameter] }) => 14 * elementCount(parameter),
  lower({ inputs: [parameter, first, second, gradient, hyper, factor, halt], attributes }, context) {
    const { rate, decay, beta1, beta2, epsilon } = attributes;
    const count = Math.ceil(elementCount(parameter) / 4);
    context.dispatch({
      kernel: adamw,
      constants: { FACTOR: Boolean(factor), HALT: Boolean(halt) },
      bindings: [
        ...[parameter, first, second].map((tensor) => context.write(tensor)),
        ...[gradient, hyper, factor, halt].map((tensor) => context.read(tensor)),
      ],
      params: { count, rate, decay, beta1, beta2, rest1: 1 - beta1, rest2: 1 - beta2, epsilon },
      workgroups: spread(Math.ceil(count / 64)),
    });
  },
};

export const reference: Reference<AdamWAttributes, typeof INPUTS> = (
  [parameter, first, second, gradient, hyper, factor, halt],
  { attributes: { beta1, beta2, epsilon, rate, decay } },
) => {
  if (halt?.[0]) return [parameter, first, second];
  const [learningRate, weightDecay, correction1, correction2] = hyper;
  const slopes = gradient.map((value) => value * (factor?.[0] ?? 1));
  const m = first.map((value, i) => beta1 * value + (1 - beta1) * slopes[i]);
  const v = second.map((value, i) => beta2 * value + (1 - beta2) * slopes[i] ** 2);
  const updated = parameter.map((value, i) => {
    const direction = (correction1 * m[i]) / (Math.sqrt(correction2 * v[i]) + epsilon);
    return value - rate * learningRate * (decay * weightDecay * value + direction);
  });
  return [updated, m, v];
};

function caseOf(shape: number[], factor = false, halt?: number): Case<AdamWAttributes> {
  const state: CaseInput = { shape, layout: 'dense', kind: 'state' };
  return {
    inputs: [
      state,
      state,
      { ...state, fill: 'positive' },
      { shape },
      { shape: [4], fill: (i) => [0.1, 0.01, 1 / (1 - 0.9 ** 3), 1 / (1 - 0.999 ** 3)][i] },
      factor ? { shape: [1], fill: 'uniform' } : undefined,
      halt === undefined ? undefined : { shape: [1], type: 'u32', fill: () => halt },
    ],
    attributes: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, rate: 0.5, decay: 2 },
  };
}

export const cases = (): Case<AdamWAttributes>[] => [
  caseOf([1]),
  caseOf([5, 3, 3, 3]),
  caseOf([133], true),
  caseOf([133], true, 0),
  caseOf([130], false, 2),
];
