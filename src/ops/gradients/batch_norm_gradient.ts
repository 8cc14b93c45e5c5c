/** Gradient of a batch norm that uses the batch's own statistics, with respect to its input. The statistics depend on the input too. */
import { InputError } from '../../errors.js';
import { batch_norm_gradient } from '../../generated/kernels/batch_norm_gradient.js';
import { batch_norm_gradient_rows } from '../../generated/kernels/batch_norm_gradient_rows.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import {
  channelCount,
  describeForm,
  describeShape,
  elementCount,
  groupCount,
  pixelCount,
  segmentsOf,
} from '../../graph/ir/tensor.js';
import { dispatchGroups } from '../groups.js';
import { laneMap } from '../packing/pack_lanes.js';

export interface BatchNormGradientAttributes {
  epsilon: number;
}

const INPUTS = ['dy', 'x', 'gamma', 'mean', 'variance', 'sums', 'products'] as const;

/** dy, x: nhwc4 of one shape. γ, mean, variance and both of channel_sums' outputs: [c] dense. dx: like x. */
export const forward: Operation<BatchNormGradientAttributes, typeof INPUTS> = {
  name: 'batch_norm_gradient',
  inputs: INPUTS,
  infer([dy, x, ...vectors]) {
    if (x.layout !== 'nhwc4' || describeForm(dy) !== describeForm(x)) {
      throw new InputError('gradient', { expected: `nhwc4, ${describeForm(x)}`, given: describeForm(dy) });
    }
    for (const vector of vectors) {
      if (elementCount(vector) !== channelCount(x)) {
        throw new InputError('statistics', { expected: `[${channelCount(x)}]`, given: describeShape(vector) });
      }
    }
    return [x];
  },
  flops: ({ outputs: [dx] }) => 5 * elementCount(dx),
  lower({ inputs: [dy, x, ...vectors], outputs: [dx], attributes: { epsilon } }, context) {
    const lanes = groupCount(x) * 4;
    const rows = context.scratch('rows', { shape: [4, lanes], layout: 'dense', type: 'f32' });
    context.dispatch({
      kernel: batch_norm_gradient_rows,
      constants: {},
      bindings: [
        ...vectors.map((vector) => context.read(vector)),
        context.read(laneMap(segmentsOf(x))),
        context.write(rows),
      ],
      params: { lane_count: lanes, channels: channelCount(x), pixels: pixelCount(x), epsilon },
      workgroups: [Math.ceil(lanes / 64), 1, 1],
    });
    dispatchGroups(context, dx, { kernel: batch_norm_gradient, inputs: { dy, x }, whole: [rows] });
  },
};

export const reference: Reference<BatchNormGradientAttributes, typeof INPUTS> = (
  [dy, x, gamma, mean, variance, sums, products],
  { attributes: { epsilon } },
) => {
  const channels = gamma.length;
  const pixels = x.length / channels;
  return [
    dy.map((value, i) => {
      const c = i % channels;
      const s = 1 / Math.sqrt(variance[c] + epsilon);
      return gamma[c] * s * (value - sums[c] / pixels - ((x[i] - mean[c]) * s * products[c]) / pixels);
    }),
  ];
};

function caseOf(shape: readonly number[], segments?: readonly number[]): Case<BatchNormGradientAttributes> {
  const map = { shape, layout: 'nhwc4' as const, ...(segments ? { segments } : {}) };
  const vector = { shape: [shape[shape.length - 1]], layout: 'dense' as const };
  return {
    inputs: [map, map, vector, vector, { ...vector, fill: 'positive' }, vector, vector],
    attributes: { epsilon: 1e-5 },
  };
}

export const cases = (): Case<BatchNormGradientAttributes>[] => [
  caseOf([1, 1, 1, 1]),
  caseOf([2, 5, 3, 7]),
  caseOf([1, 5, 3, 11], [3, 7, 1]),
  caseOf([1, 133, 3, 6]),
];
