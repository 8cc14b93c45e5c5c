/** Elementwise sum of two tensors of one shape: for residual connections that no convolution adds, and for gradients, also dense ones. */
import { InputError } from '../../errors.js';
import { add } from '../../generated/kernels/add.js';
import type { GraphBuilder, Node } from '../../graph/ir/graph.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { describeForm, elementCount, segmentsOf, type Tensor } from '../../graph/ir/tensor.js';
import { dispatchGroups } from '../groups.js';
import { compact } from '../packing/compact.js';
import { activate } from './activation.formulas.js';
import { type Activation, activationParams, keepsZero } from './activations.js';

export interface AddAttributes {
  activation?: Activation;
}

const INPUTS = ['a', 'b'] as const;
export type AddInputs = typeof INPUTS;

export const forward: Operation<AddAttributes, typeof INPUTS> = {
  name: 'add',
  inputs: INPUTS,
  infer([a, b]) {
    if (describeForm(a) !== describeForm(b)) {
      throw new InputError('summands differ', { expected: describeForm(a), given: describeForm(b) });
    }
    if (a.type === 'u32') throw new InputError('summands', { expected: 'f32 or f16', given: 'u32' });
    return [a];
  },
  flops: ({ outputs: [y] }) => elementCount(y),
  lower({ inputs: [a, b], outputs: [y], attributes }, context) {
    const { code, a: actA, b: actB } = activationParams(attributes.activation);
    dispatchGroups(context, y, {
      kernel: add,
      constants: { ACTIVATION: code },
      inputs: { a, b },
      params: { act_a: actA, act_b: actB },
    });
  },
  absorb(node, next) {
    if (node.attributes.activation || next.operation.name !== 'activation') return undefined;
    const { activation } = next.attributes as { activation: Activation };
    return keepsZero(activation) ? [{ ...node, attributes: { activation } } as Node<object>] : undefined;
  },
};

/** Adds a sum. If the channels of the two tensors lie in different segments, both are copied to plain channels first. */
export function sum(g: GraphBuilder, a: Tensor, b: Tensor, name?: string): Tensor {
  const alike = segmentsOf(a).join() === segmentsOf(b).join();
  return g.apply(forward, alike ? [a, b] : [compact(g, a), compact(g, b)], {}, name);
}

export const reference: Reference<AddAttributes, typeof INPUTS> = ([a, b], { attributes }) => [
  a.map((value, index) => activate(attributes.activation, value + b[index])),
];

const both = (shape: readonly number[], segments?: readonly number[]) => {
  const input = { shape, layout: 'nhwc4' as const, ...(segments ? { segments } : {}) };
  return [input, input];
};

export const cases = (): Case<AddAttributes>[] => [
  { inputs: both([1, 1, 1, 1]), attributes: {} },
  { inputs: both([2, 3, 5, 7]), attributes: { activation: { kind: 'relu' } } },
  { inputs: both([1, 4, 4, 11], [3, 7, 1]), attributes: {} },
  { inputs: both([5, 133]).map((input) => ({ ...input, layout: 'dense' })), attributes: {} },
  { inputs: both([1, 56, 56, 256]), attributes: { activation: { kind: 'relu' } }, bench: true },
];
