/** Gradients of several micro-batches added up, in place. */
import { accumulate } from '../../generated/kernels/accumulate.js';
import { type Case, type Operation, type Reference, spread } from '../../graph/ir/operation.js';
import { elementCount } from '../../graph/ir/tensor.js';
import { checkAlike } from './sgd.js';

const INPUTS = ['sum', 'gradient', 'hyper'] as const;

/** sum (state), gradient, [keep, share]: sum = keep · sum + share · gradient, where keep is 1, or 0 to drop the old sum. */
export const forward: Operation<object, typeof INPUTS> = {
  name: 'accumulate',
  inputs: INPUTS,
  updates: [0],
  infer([sum, gradient]) {
    checkAlike(sum, gradient);
    return [];
  },
  flops: ({ inputs: [sum] }) => 2 * elementCount(sum),
  lower({ inputs: [sum, gradient, hyper] }, context) {
    const count = Math.ceil(elementCount(sum) / 4);
    context.dispatch({
      kernel: accumulate,
      constants: {},
      bindings: [context.write(sum), context.read(gradient), context.read(hyper)],
      params: { count },
      workgroups: spread(Math.ceil(count / 64)),
    });
  },
};

export const reference: Reference<object, typeof INPUTS> = ([sum, gradient, hyper]) => [
  sum.map((value, i) => (hyper[0] > 0 ? value : 0) + hyper[1] * gradient[i]),
];

const caseOf = (shape: number[], keep: number): Case => ({
  inputs: [{ shape, layout: 'dense', kind: 'state' }, { shape }, { shape: [2], fill: (i) => [keep, 0.25][i] }],
  attributes: {},
});

export const cases = (): Case[] => [caseOf([1], 1), caseOf([5, 3, 3, 3], 1), caseOf([133], 0)];
