/** Elementwise product; the second factor may also be one value for each image and channel (squeeze-and-excitation). */
import { InputError } from '../../errors.js';
import { mul as kernel } from '../../generated/kernels/mul.js';
import type { GraphBuilder, Node } from '../../graph/ir/graph.js';
import type { Case, CaseInput, Operation, Range, Reference } from '../../graph/ir/operation.js';
import {
  channelCount,
  describeShape,
  elementCount,
  pixelCount,
  segmentsOf,
  type Tensor,
  type TensorSpec,
} from '../../graph/ir/tensor.js';
import { dispatchGroups } from '../groups.js';
import { compact } from '../packing/compact.js';
import { activate } from './activation.formulas.js';
import { type Activation, activationParams, keepsZero } from './activations.js';

export interface MulAttributes {
  activation?: Activation;
}

const INPUTS = ['a', 'b'] as const;
export type MulInputs = typeof INPUTS;

/** a, y: nhwc4 of one shape. b: the same shape, or [n, 1, 1, c] or [n, c]; f32 or f16, independent of a. */
export const forward: Operation<MulAttributes, typeof INPUTS> = {
  name: 'mul',
  inputs: INPUTS,
  infer([a, b]) {
    const sameChannels = segmentsOf(a).join() === segmentsOf(b).join();
    const bothMaps = a.layout === 'nhwc4' && b.layout === 'nhwc4';
    if (!bothMaps || !sameChannels || (a.shape.join() !== b.shape.join() && !isPerImage(a, b))) {
      const [images] = a.shape;
      throw new InputError('factors do not fit', {
        expected: `nhwc4 ${describeShape(a)}, or [${images}, 1, 1, ${channelCount(a)}], with the same segments`,
        given: `${b.layout} ${describeShape(b)}`,
      });
    }
    return [a];
  },
  flops: ({ outputs: [y] }) => elementCount(y),
  lower({ inputs: [a, b], outputs: [y], attributes }, context) {
    const { code, a: actA, b: actB } = activationParams(attributes.activation);
    const spread = pixelCount(a) / pixelCount(b);
    const needs = ([from, to]: Range, input: string): Range =>
      input === 'a' ? [from, to] : [Math.floor(from / spread), Math.ceil(to / spread)];
    dispatchGroups(context, y, {
      kernel,
      constants: { b_elem: b.type, ACTIVATION: code },
      inputs: { a, b },
      needs,
      params: { spread, act_a: actA, act_b: actB },
    });
  },
  absorb(node, next) {
    if (node.attributes.activation || next.operation.name !== 'activation') return undefined;
    const { activation } = next.attributes as { activation: Activation };
    return keepsZero(activation) ? [{ ...node, attributes: { activation } } as Node<object>] : undefined;
  },
};

// One pixel for each image of `a`.
function isPerImage(a: TensorSpec, b: TensorSpec): boolean {
  const [images, channels] = [a.shape[0], channelCount(a)];
  return [`${images},1,1,${channels}`, `${images},${channels}`].includes(b.shape.join());
}

/** Adds a product. Either factor may be the one with one value for each image and channel. */
export function mul(g: GraphBuilder, a: Tensor, b: Tensor, name?: string): Tensor {
  const [map, factor] = elementCount(a) >= elementCount(b) ? [a, b] : [b, a];
  const alike = segmentsOf(map).join() === segmentsOf(factor).join();
  return g.apply(forward, alike ? [map, factor] : [compact(g, map), compact(g, factor)], {}, name);
}

export const reference: Reference<MulAttributes, typeof INPUTS> = ([a, b], { inputs, attributes }) => {
  const channels = channelCount(inputs[0]);
  const spread = pixelCount(inputs[0]) / pixelCount(inputs[1]);
  return [
    a.map((value, index) => {
      const pixel = Math.floor(Math.floor(index / channels) / spread);
      return activate(attributes.activation, value * b[pixel * channels + (index % channels)]);
    }),
  ];
};

const map = (shape: readonly number[], more: Partial<CaseInput> = {}): CaseInput => ({
  shape,
  layout: 'nhwc4',
  ...more,
});
const ragged = { segments: [3, 7, 1] };

export const cases = (): Case<MulAttributes>[] => [
  { inputs: [map([1, 1, 1, 1]), map([1, 1, 1, 1])], attributes: {} },
  { inputs: [map([2, 3, 5, 7]), map([2, 3, 5, 7])], attributes: { activation: { kind: 'relu' } } },
  { inputs: [map([3, 3, 5, 7]), map([3, 1, 1, 7])], attributes: {} },
  { inputs: [map([1, 2, 3, 1]), map([1, 1, 1, 1])], attributes: {} },
  { inputs: [map([2, 133, 3, 6]), map([2, 6], { type: 'f32' })], attributes: { activation: { kind: 'silu' } } },
  { inputs: [map([2, 4, 3, 11], ragged), map([2, 4, 3, 11], ragged)], attributes: {} },
  { inputs: [map([2, 4, 3, 11], ragged), map([2, 1, 1, 11], ragged)], attributes: {} },
  { inputs: [map([1, 56, 56, 256]), map([1, 1, 1, 256])], attributes: {}, bench: true },
];
