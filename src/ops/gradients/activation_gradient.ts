/** Backward pass of an elementwise activation: dx = dy · act′. */
import { InputError } from '../../errors.js';
import { activation_gradient } from '../../generated/kernels/activation_gradient.js';
import type { GraphBuilder, Node } from '../../graph/ir/graph.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { describeForm, elementCount, type Tensor } from '../../graph/ir/tensor.js';
import { dispatchGroups } from '../groups.js';
import { exampleActivations, slopeOf } from '../layers/activation.formulas.js';
import { type Activation, activationParams, slopeFromOutput } from '../layers/activations.js';

export interface ActivationGradientAttributes {
  activation: Activation;
}

const INPUTS = ['dy', 'v'] as const;

/** dy, v: of one shape, nhwc4 or dense. v is y or x: see `slopeFromOutput`. */
export const forward: Operation<ActivationGradientAttributes, typeof INPUTS> = {
  name: 'activation_gradient',
  inputs: INPUTS,
  infer([dy, v]) {
    if (describeForm(dy) !== describeForm(v)) {
      throw new InputError('gradient', { expected: describeForm(v), given: describeForm(dy) });
    }
    return [v];
  },
  flops: ({ outputs: [dx] }) => 2 * elementCount(dx),
  lower({ inputs: [dy, v], outputs: [dx], attributes }, context) {
    const { code, a, b } = activationParams(attributes.activation);
    dispatchGroups(context, dx, {
      kernel: activation_gradient,
      constants: { ACTIVATION: code },
      inputs: { dy, v },
      params: { act_a: a, act_b: b },
    });
  },
};

/** The gradient by the input of a node's epilogue; `dy` itself if it has no activation. */
export function behindEpilogue(g: GraphBuilder, node: Node<{ activation?: Activation }>, dy: Tensor): Tensor {
  const { activation } = node.attributes;
  if (!activation) return dy;
  if (!slopeFromOutput(activation)) {
    throw new InputError(`the input of ${activation.kind} was not kept`, {
      expected: 'a graph as it is before fusion',
      given: `${node.operation.name} with ${activation.kind} in its epilogue`,
    });
  }
  return g.apply(forward, [dy, node.outputs[0]], { activation }, `${node.outputs[0].name}/epilogue_gradient`);
}

export const reference: Reference<ActivationGradientAttributes, typeof INPUTS> = (
  [dy, v],
  { attributes: { activation } },
) => [dy.map((value, index) => value * slopeOf(activation, v[index]))];

const both = (shape: readonly number[], more: object = {}) => {
  const input = { shape, layout: 'nhwc4' as const, ...more };
  return [input, input];
};

export const cases = (): Case<ActivationGradientAttributes>[] => [
  ...exampleActivations().map((activation) => ({ inputs: both([2, 3, 5, 7]), attributes: { activation } })),
  { inputs: both([1, 1, 1, 1]), attributes: { activation: { kind: 'relu' } } },
  { inputs: both([1, 3, 3, 11], { segments: [3, 7, 1] }), attributes: { activation: { kind: 'relu' } } },
  { inputs: both([3, 7], { layout: 'dense' }), attributes: { activation: { kind: 'sigmoid' } } },
  ...(['silu', 'gelu', 'gelu_tanh'] as const).map((kind) => ({
    inputs: both([1, 133, 3, 5], { fill: (i: number) => (i % 41) - 20 }),
    attributes: { activation: { kind } },
  })),
  // At the kinks, which are −3 and 3, and beside them.
  ...(['hard_swish', 'hard_sigmoid'] as const).map((kind) => ({
    inputs: both([1, 3, 5, 4], { fill: (i: number) => (i % 17) / 2 - 4 }),
    attributes: { activation: { kind } },
  })),
  { inputs: both([1, 56, 56, 256]), attributes: { activation: { kind: 'relu' } }, bench: true },
];
