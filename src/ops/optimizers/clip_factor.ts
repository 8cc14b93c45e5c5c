/** The factor that limits the norm of all gradients, as in PyTorch's clip_grad_norm_. */
import { InputError } from '../../errors.js';
import { clip_factor } from '../../generated/kernels/clip_factor.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';

export interface ClipFactorAttributes {
  limit: number;
}

const INPUTS = ['square'] as const;

/** square: [1], the squared norm. Output: [1]. */
export const forward: Operation<ClipFactorAttributes, typeof INPUTS> = {
  name: 'clip_factor',
  inputs: INPUTS,
  infer(_, { limit }) {
    if (!(limit > 0)) throw new InputError('limit of the norm', { expected: 'above 0', given: String(limit) });
    return [{ shape: [1], layout: 'dense', type: 'f32' }];
  },
  flops: () => 4,
  lower({ inputs: [square], outputs: [y], attributes: { limit } }, context) {
    context.dispatch({
      kernel: clip_factor,
      constants: {},
      bindings: [context.read(square), context.write(y)],
      params: { limit },
      workgroups: [1, 1, 1],
    });
  },
};

export const reference: Reference<ClipFactorAttributes, typeof INPUTS> = ([square], { attributes: { limit } }) => [
  square.map((value) => Math.min(1, limit / (Math.sqrt(value) + 1e-6))),
];

export const cases = (): Case<ClipFactorAttributes>[] =>
  [0, 0.3, 4, 1e12].map((square) => ({
    inputs: [{ shape: [1], layout: 'dense', fill: () => square }],
    attributes: { limit: 1 },
  }));
