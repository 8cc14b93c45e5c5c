/** Sum of the squares of a tensor, added to that of other tensors. The norm of all gradients is computed from it. */
import { squared_norm } from '../../generated/kernels/squared_norm.js';
import { type Case, type Operation, type Reference, spread } from '../../graph/ir/operation.js';
import { elementCount } from '../../graph/ir/tensor.js';

/** Elements for each workgroup: 64 for each of its 256 threads. */
const CHUNK = 16_384;

const INPUTS = ['x', 'before?'] as const;

/** x: dense f32. before: [1], the sum so far, or none. Output: [1]. */
export const forward: Operation<object, typeof INPUTS> = {
  name: 'squared_norm',
  inputs: INPUTS,
  infer: () => [{ shape: [1], layout: 'dense', type: 'f32' }],
  flops: ({ inputs: [x] }) => 2 * elementCount(x),
  lower({ inputs: [x, before], outputs: [y] }, context) {
    const elements = elementCount(x);
    const chunks = Math.ceil(elements / CHUNK);
    const partial = context.scratch('partial', { shape: [chunks], layout: 'dense', type: 'f32' });
    context.dispatch({
      kernel: squared_norm,
      constants: { LAST: false, BEFORE: false },
      bindings: [context.read(x), context.read(undefined), context.write(partial)],
      params: { elements, chunk: CHUNK },
      workgroups: spread(chunks),
    });
    context.dispatch({
      kernel: squared_norm,
      constants: { LAST: true, BEFORE: Boolean(before) },
      bindings: [context.read(partial), context.read(before), context.write(y)],
      params: { elements: chunks, chunk: chunks },
      workgroups: [1, 1, 1],
    });
  },
};

export const reference: Reference<object, typeof INPUTS> = ([x, before]) => [
  Float64Array.of(x.reduce((sum, value) => sum + value * value, before?.[0] ?? 0)),
];

export const cases = (): Case[] => [
  { inputs: [{ shape: [1], layout: 'dense' }, undefined], attributes: {} },
  {
    inputs: [
      { shape: [7, 133], layout: 'dense' },
      { shape: [1], fill: 'positive' },
    ],
    attributes: {},
  },
  { inputs: [{ shape: [50_001], layout: 'dense' }, undefined], attributes: {} },
];
