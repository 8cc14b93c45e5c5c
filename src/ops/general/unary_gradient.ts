/** Backward pass of a function of one number: dx = dy · f′(x). */
import { InputError } from '../../errors.js';
import { unary_gradient as kernel } from '../../generated/kernels/unary_gradient.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { channelCount, describeForm, elementCount } from '../../graph/ir/tensor.js';
import { dispatchGroups } from '../groups.js';
import { functionParams } from './functions.js';
import { exampleFunctions, slopeOf } from './unary.formulas.js';
import type { UnaryAttributes } from './unary.js';

const INPUTS = ['dy', 'x'] as const;

/** dy, x, dx: of one shape, nhwc4 without holes or dense. */
export const forward: Operation<UnaryAttributes, typeof INPUTS> = {
  name: 'unary_gradient',
  inputs: INPUTS,
  infer([dy, x]) {
    if (describeForm(dy) !== describeForm(x)) {
      throw new InputError('gradient', { expected: describeForm(x), given: describeForm(dy) });
    }
    return [x];
  },
  flops: ({ outputs: [dx] }) => 2 * elementCount(dx),
  lower({ inputs: [dy, x], outputs: [dx], attributes }, context) {
    const { code, a, b } = functionParams(attributes.function);
    dispatchGroups(context, dx, {
      kernel,
      constants: { MASKED: dx.layout === 'nhwc4' },
      inputs: { dy, x },
      params: { channels: channelCount(dx), code, a, b },
    });
  },
};

export const reference: Reference<UnaryAttributes, typeof INPUTS> = ([dy, x], { attributes }) => [
  dy.map((value, index) => value * slopeOf(attributes.function, x[index])),
];

export const cases = (): Case<UnaryAttributes>[] => [
  ...exampleFunctions().map(({ spec, fill }) => ({
    inputs: [{ shape: [2, 3, 5, 7] }, { shape: [2, 3, 5, 7], layout: 'nhwc4' as const, fill }],
    attributes: { function: spec },
  })),
  {
    inputs: [
      { shape: [5, 133], layout: 'dense' },
      { shape: [5, 133], layout: 'dense' },
    ],
    attributes: { function: { kind: 'erf' } },
  },
];
