/** A sum in place: the gradients of several micro-batches, or the moving average of a parameter over the updates of a training. */
import { accumulate } from '../../generated/kernels/accumulate.js';
import { type Case, type Operation, type Reference, spread } from '../../graph/ir/operation.js';
import { elementCount } from '../../graph/ir/tensor.js';
import { checkAlike } from './sgd.js';

const INPUTS = ['sum', 'added', 'hyper'] as const;

/** sum (state), added, [keep, share]: sum = keep · sum + share · added. A keep of 0 drops the old sum, even if it is not finite. */
export const forward: Operation<object, typeof INPUTS> = {
  name: 'accumulate',
  inputs: INPUTS,
  updates: [0],
  infer([sum, added]) {
    checkAlike(sum, added);
    return [];
  },
  flops: ({ inputs: [sum] }) => 3 * elementCount(sum),
  lower({ inputs: [sum, added, hyper] }, context) {
    const count = Math.ceil(elementCount(sum) / 4);
    context.dispatch({
      kernel: accumulate,
      constants: {},
      bindings: [context.write(sum), context.read(added), context.read(hyper)],
      params: { count },
      workgroups: spread(Math.ceil(count / 64)),
    });
  },
};

export const reference: Reference<object, typeof INPUTS> = ([sum, added, [keep, share]]) => [
  sum.map((value, i) => (keep > 0 ? keep * value : 0) + share * added[i]),
];

const caseOf = (shape: number[], keep: number): Case => ({
  inputs: [{ shape, layout: 'dense', kind: 'state' }, { shape }, { shape: [2], fill: (i) => [keep, 0.25][i] }],
  attributes: {},
});

export const cases = (): Case[] => [caseOf([1], 1), caseOf([5, 3, 3, 3], 1), caseOf([133], 0), caseOf([130], 0.998)];
