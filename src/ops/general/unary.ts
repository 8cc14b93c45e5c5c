/**
 * Functions of one number, applied to every element, for imported networks. The activations in `layers/activations.ts` are not among them,
 * because a convolution can apply those when it writes its result.
 */
import { InputError } from '../../errors.js';
import { unary as kernel } from '../../generated/kernels/unary.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { channelCount, elementCount, type Tensor } from '../../graph/ir/tensor.js';
import { dispatchGroups } from '../groups.js';
import { compact } from '../packing/compact.js';
import { functionParams, type UnaryFunction } from './functions.js';
import { exampleFunctions, functionValue } from './unary.formulas.js';
import { checkWalked } from './walk.js';

export interface UnaryAttributes {
  function: UnaryFunction;
}

const INPUTS = ['x'] as const;
export type UnaryInputs = typeof INPUTS;

/** x, y: of one shape, nhwc4 without holes or dense. */
export const forward: Operation<UnaryAttributes, typeof INPUTS> = {
  name: 'unary',
  inputs: INPUTS,
  infer([x], { function: spec }) {
    checkWalked(`${spec.kind} of`, x);
    const { a, b } = functionParams(spec);
    if (!Number.isFinite(a) || !Number.isFinite(b) || (spec.kind === 'celu' && a === 0)) {
      throw new InputError(`parameters of ${spec.kind}`, {
        expected: spec.kind === 'celu' ? 'a finite number other than 0' : 'finite numbers',
        given: `${a}, ${b}`,
      });
    }
    return [x];
  },
  flops: ({ outputs: [y] }) => elementCount(y),
  lower({ inputs: [x], outputs: [y], attributes }, context) {
    const { code, a, b } = functionParams(attributes.function);
    dispatchGroups(context, y, {
      kernel,
      constants: { MASKED: y.layout === 'nhwc4' },
      inputs: { x },
      params: { channels: channelCount(y), code, a, b, nan: 0x7fc00000 },
    });
  },
};

/** Adds a function of every element. Result: shape of x. */
export function unary(g: GraphBuilder, x: Tensor, spec: UnaryFunction, name?: string): Tensor {
  return g.apply(forward, [x.layout === 'dense' ? x : compact(g, x)], { function: spec }, name);
}

export const reference: Reference<UnaryAttributes, typeof INPUTS> = ([x], { attributes }) => [
  x.map((value) => functionValue(attributes.function, value)),
];

const far = { shape: [1, 1, 5, 4], fill: (i: number) => (i - 10) * 9 };
const near = { shape: [1, 1, 5, 4], fill: (i: number) => (i - 10) * 1e-3 };

export const cases = (): Case<UnaryAttributes>[] => [
  ...exampleFunctions().map(({ spec, fill }) => ({
    inputs: [{ shape: [2, 3, 5, 7], fill }],
    attributes: { function: spec },
  })),
  ...(['softplus', 'mish', 'erf', 'atan', 'asinh', 'sin', 'cos'] as const).map((kind) => ({
    inputs: [far],
    attributes: { function: { kind } },
  })),
  // Near zero, where a careless formula loses digits.
  ...(['erf', 'asinh', 'atanh', 'sinh', 'tan', 'asin'] as const).map((kind) => ({
    inputs: [near],
    attributes: { function: { kind } },
  })),
  { inputs: [near], attributes: { function: { kind: 'elu', a: 1 } } },
  { inputs: [{ shape: [1, 3, 3, 9], fill: (i) => -3 - i / 10 }], attributes: { function: { kind: 'softplus' } } },
  // Halves, which go to the even neighbour, and numbers without a logarithm or a root.
  {
    inputs: [{ shape: [1, 1, 3, 7], fill: (i) => i / 2 - 5 }],
    attributes: { function: { kind: 'round' } },
    exact: true,
  },
  ...(['log', 'sqrt', 'acosh', 'asin'] as const).map((kind) => ({
    inputs: [{ shape: [1, 1, 3, 5], fill: (i: number) => i / 5 - 1.5 }],
    attributes: { function: { kind } },
  })),
  { inputs: [{ shape: [], layout: 'dense' }], attributes: { function: { kind: 'exp' } } },
  { inputs: [{ shape: [1, 133, 3], layout: 'dense' }], attributes: { function: { kind: 'abs' } } },
  { inputs: [{ shape: [2, 1, 3, 2, 1, 5], layout: 'dense' }], attributes: { function: { kind: 'exp' } } },
];
