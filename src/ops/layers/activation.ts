/** Elementwise activations as operations of their own. */
import { InputError } from '../../errors.js';
import { activation } from '../../generated/kernels/activation.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { channelCount, elementCount, segmentsOf, type Tensor } from '../../graph/ir/tensor.js';
import { dispatchGroups } from '../groups.js';
import { compact } from '../packing/compact.js';
import { activate, exampleActivations } from './activation.formulas.js';
import { type Activation, activationParams, keepsZero } from './activations.js';

export interface ActivationAttributes {
  activation: Activation;
}

const INPUTS = ['x'] as const;
export type ActivationInputs = typeof INPUTS;

/** x: of any shape, nhwc4 or dense. There may be holes between channels only if act(0) is 0. */
export const forward: Operation<ActivationAttributes, typeof INPUTS> = {
  name: 'activation',
  inputs: INPUTS,
  infer([x], { activation: spec }) {
    if (spec.kind === 'clip' && !(spec.a <= spec.b)) {
      throw new InputError('clip with bounds in the wrong order', { expected: 'a ≤ b', given: `${spec.a}, ${spec.b}` });
    }
    if (x.type === 'u32') throw new InputError('activation of integers', { expected: 'f32 or f16', given: 'u32' });
    if (!keepsZero(spec) && x.layout === 'nhwc4' && segmentsOf(x).length > 1) {
      throw new InputError(`${spec.kind} where zero does not stay zero`, {
        expected: 'channels without holes',
        given: `segments ${segmentsOf(x).join(', ')}`,
        hint: 'compact it first',
      });
    }
    return [x];
  },
  flops: ({ outputs: [y] }) => elementCount(y),
  lower({ inputs: [x], outputs: [y], attributes }, context) {
    const { code, a, b } = activationParams(attributes.activation);
    dispatchGroups(context, y, {
      kernel: activation,
      constants: { ACTIVATION: code, MASKED: y.layout === 'nhwc4' && !keepsZero(attributes.activation) },
      inputs: { x },
      params: { channels: channelCount(y), act_a: a, act_b: b },
    });
  },
};

/** Adds an activation. */
export function activationOf(g: GraphBuilder, x: Tensor, spec: Activation, name?: string): Tensor {
  const plain = keepsZero(spec) || x.layout === 'dense' ? x : compact(g, x);
  return g.apply(forward, [plain], { activation: spec }, name);
}

/** Adds max(0, x). */
export const relu = (g: GraphBuilder, x: Tensor, name?: string): Tensor => activationOf(g, x, { kind: 'relu' }, name);

/** Adds 1 / (1 + exp(−x)). */
export const sigmoid = (g: GraphBuilder, x: Tensor, name?: string): Tensor =>
  activationOf(g, x, { kind: 'sigmoid' }, name);

export const reference: Reference<ActivationAttributes, typeof INPUTS> = ([x], { attributes }) => [
  x.map((value) => activate(attributes.activation, value)),
];

const far = { shape: [1, 1, 5, 4], fill: (i: number) => (i - 10) * 20 };

export const cases = (): Case<ActivationAttributes>[] => [
  ...exampleActivations().map((spec) => ({ inputs: [{ shape: [2, 3, 5, 7] }], attributes: { activation: spec } })),
  { inputs: [{ shape: [1, 1, 1, 1] }], attributes: { activation: { kind: 'relu' } } },
  { inputs: [{ shape: [1, 3, 3, 11], segments: [3, 7, 1] }], attributes: { activation: { kind: 'silu' } } },
  { inputs: [{ shape: [3, 7], layout: 'dense' }], attributes: { activation: { kind: 'sigmoid' } } },
  // Near zero, where a careless formula loses digits, and far from it, where one overflows.
  { inputs: [{ shape: [1, 1, 5, 4], fill: (i) => (i - 10) * 1e-3 }], attributes: { activation: { kind: 'tanh' } } },
  ...(['tanh', 'silu', 'hard_sigmoid', 'gelu', 'gelu_tanh'] as const).map((kind) => ({
    inputs: [far],
    attributes: { activation: { kind } },
  })),
  // The tail below zero. Its values are as small as 1e-6, so among larger ones their errors would not be noticed.
  { inputs: [{ shape: [1, 3, 3, 9], fill: (i) => -3 - i / 40 }], attributes: { activation: { kind: 'gelu' } } },
  { inputs: [{ shape: [1, 3, 3, 9], fill: (i) => -3 - i / 80 }], attributes: { activation: { kind: 'gelu_tanh' } } },
  { inputs: [{ shape: [1, 112, 112, 64] }], attributes: { activation: { kind: 'relu' } }, bench: true },
];
