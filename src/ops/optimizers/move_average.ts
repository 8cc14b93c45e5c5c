/** The moving average of a parameter over the updates of a training. */
import { move_average } from '../../generated/kernels/move_average.js';
import { type Case, type Operation, type Reference, spread } from '../../graph/ir/operation.js';
import { elementCount } from '../../graph/ir/tensor.js';
import { checkAlike } from './sgd.js';

const INPUTS = ['average', 'value', 'hyper'] as const;

/** average (state), value, [share]: average += share · (value − average), where a share of 1 replaces it. */
export const forward: Operation<object, typeof INPUTS> = {
  name: 'move_average',
  inputs: INPUTS,
  updates: [0],
  infer([average, value]) {
    checkAlike(average, value);
    return [];
  },
  flops: ({ inputs: [average] }) => 3 * elementCount(average),
  lower({ inputs: [average, value, hyper] }, context) {
    const count = Math.ceil(elementCount(average) / 4);
    context.dispatch({
      kernel: move_average,
      constants: {},
      bindings: [context.write(average), context.read(value), context.read(hyper)],
      params: { count },
      workgroups: spread(Math.ceil(count / 64)),
    });
  },
};

export const reference: Reference<object, typeof INPUTS> = ([average, value, [share]]) => [
  average.map((kept, i) => (share >= 1 ? value[i] : kept + share * (value[i] - kept))),
];

const caseOf = (shape: number[], share: number): Case => ({
  inputs: [{ shape, layout: 'dense', kind: 'state' }, { shape }, { shape: [1], fill: () => share }],
  attributes: {},
});

export const cases = (): Case[] => [caseOf([1], 0.002), caseOf([5, 3, 3, 3], 0.5), caseOf([133], 1), caseOf([130], 0)];
