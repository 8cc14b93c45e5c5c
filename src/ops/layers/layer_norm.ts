/**
 * Layer norm over the channels of each pixel, then a weight and a bias for each channel: PyTorch's LayerNorm over the last dimension of
 * [n, h, w, c], and torchvision's LayerNorm2d. Source: Ba, Kiros & Hinton 2016.
 */
import { InputError } from '../../errors.js';
import { layer_norm } from '../../generated/kernels/layer_norm.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Case, CaseInput, Operation, Reference, Traits } from '../../graph/ir/operation.js';
import {
  channelCount,
  describeForm,
  describeShape,
  elementCount,
  groupCount,
  segmentsOf,
  type Tensor,
} from '../../graph/ir/tensor.js';
import { dispatchGroups } from '../groups.js';
import { compact } from '../packing/compact.js';
import { packLanes } from '../packing/pack_lanes.js';

export interface LayerNormAttributes {
  /** Added to the variance. */
  epsilon: number;
}

/** @throws InputError if x has holes between channels, the vectors do not fit, or ε is not above 0. */
export function checkLayerNorm(x: Tensor, vectors: readonly (Tensor | undefined)[], epsilon: number): void {
  if (x.layout !== 'nhwc4' || segmentsOf(x).length > 1) {
    throw new InputError('input', {
      expected: 'nhwc4 channels without holes',
      given: describeForm(x),
      hint: 'compact it first',
    });
  }
  for (const vector of vectors) {
    if (vector && vector.layout === 'dense' && elementCount(vector) === channelCount(x)) continue;
    throw new InputError('factors and summands', {
      expected: `[${channelCount(x)}] each`,
      given: vector ? describeShape(vector) : 'none',
    });
  }
  if (!(Number.isFinite(epsilon) && epsilon > 0)) {
    throw new InputError('epsilon', { expected: 'a number above 0', given: String(epsilon) });
  }
}

/**
 * `alone`: one thread computes all channels of a pixel. This suits CPUs, where threads that wait for each other cost more than they save,
 * and pixels with few channels. `shared`: 8 or 64 threads share a pixel.
 */
export function rowVariants(y: Tensor, { software }: Traits): readonly string[] {
  if (groupCount(y) <= 2) return ['alone'];
  return software ? ['alone', 'shared'] : ['shared', 'alone'];
}

/** Threads that share a pixel. */
export const rowLanes = (y: Tensor, variant: string) => (variant === 'alone' ? 1 : groupCount(y) <= 32 ? 8 : 64);

const INPUTS = ['x', 'weight', 'bias'] as const;
export type LayerNormInputs = typeof INPUTS;

/** x, y: nhwc4 of one shape, channels without holes. weight, bias: [c] dense. */
export const forward: Operation<LayerNormAttributes, typeof INPUTS> = {
  name: 'layer_norm',
  inputs: INPUTS,
  infer([x, weight, bias], { epsilon }) {
    checkLayerNorm(x, [weight, bias], epsilon);
    return [x];
  },
  flops: ({ outputs: [y] }) => 9 * elementCount(y),
  variants: ({ outputs: [y] }, traits) => rowVariants(y, traits),
  lower({ inputs: [x, weight, bias], outputs: [y], attributes: { epsilon } }, context) {
    const lanes = rowLanes(y, context.variant);
    dispatchGroups(context, y, {
      kernel: layer_norm,
      constants: { ROW_LANES: lanes },
      inputs: { x },
      whole: [weight, bias].map((vector) => packLanes(context, vector, segmentsOf(y))),
      params: { channels: channelCount(y), epsilon },
      lanesPerPixel: lanes,
    });
  },
};

/**
 * Adds a layer norm over channels, whose parameters have PyTorch's names under `name`: weight and bias, [c] each. The default of ε is
 * PyTorch's; ConvNeXt has 1e-6.
 */
export function layerNorm(g: GraphBuilder, x: Tensor, name: string, epsilon = 1e-5): Tensor {
  const vectors = ['weight', 'bias'].map((part) => g.parameter(`${name}.${part}`, [channelCount(x)]));
  return g.apply(forward, [compact(g, x), ...vectors], { epsilon }, name);
}

export const reference: Reference<LayerNormAttributes, typeof INPUTS> = (
  [x, weight, bias],
  { attributes: { epsilon } },
) => {
  const channels = weight.length;
  const y = new Float64Array(x.length);
  for (let row = 0; row < y.length; row += channels) {
    const values = x.subarray(row, row + channels);
    const mean = values.reduce((a, b) => a + b, 0) / channels;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / channels;
    values.forEach((value, c) => {
      y[row + c] = ((value - mean) / Math.sqrt(variance + epsilon)) * weight[c] + bias[c];
    });
  }
  return [y];
};

const caseOf = (shape: readonly number[], more: Partial<CaseInput> = {}, epsilon = 1e-6): Case<LayerNormAttributes> => {
  const vector = { shape: [shape[shape.length - 1]], layout: 'dense' as const };
  return { inputs: [{ shape, ...more }, vector, vector], attributes: { epsilon } };
};

export const cases = (): Case<LayerNormAttributes>[] => [
  caseOf([1, 1, 1, 1]), // a single channel is its own mean
  caseOf([2, 3, 5, 7]),
  caseOf([3, 6]),
  caseOf([1, 133, 3, 9], {}, 1e-3),
  caseOf([1, 5, 3, 133]),
  caseOf([1, 3, 1, 259]),
  // A mean that is large compared with the deviations, equal values, and values whose squares overflow f16.
  caseOf([1, 5, 3, 70], { fill: (i) => 1000 + Math.sin(i), type: 'f32' }),
  caseOf([1, 2, 3, 10], { fill: () => 3.25 }),
  caseOf([1, 3, 3, 13], { fill: (i) => 1000 * Math.cos(i) }),
  { ...caseOf([1, 56, 56, 96]), bench: true },
];
