/** Mean and variance of each channel of a batch, for batch norm in training. Also updates the running statistics. */
import { InputError } from '../../errors.js';
import { batch_statistics } from '../../generated/kernels/batch_statistics.js';
import { batch_statistics_merge } from '../../generated/kernels/batch_statistics_merge.js';
import type { Case, CaseInput, Operation, Reference } from '../../graph/ir/operation.js';
import {
  channelCount,
  describeForm,
  describeShape,
  elementCount,
  groupCount,
  pixelCount,
  segmentsOf,
} from '../../graph/ir/tensor.js';
import { laneMap } from '../packing/pack_lanes.js';
import { chunksOf } from './channel_sums.js';

export interface BatchStatisticsAttributes {
  /** The share of the batch's statistics in the updated running statistics: 0 keeps the old ones, 1 replaces them. */
  momentum: number;
}

const INPUTS = ['x', 'mean', 'variance'] as const;

/**
 * x: nhwc4 with at least two pixels; running mean and variance: states [c]. Outputs, [c] dense: mean, and variance divided by the
 * number of pixels N. The running variance is updated by the variance divided by N − 1. If the statistics of a channel are not finite, its
 * running statistics do not change.
 */
export const forward: Operation<BatchStatisticsAttributes, typeof INPUTS> = {
  name: 'batch_statistics',
  inputs: INPUTS,
  updates: [1, 2],
  infer([x, mean, variance]) {
    if (x.layout !== 'nhwc4') throw new InputError('input', { expected: 'nhwc4', given: describeForm(x) });
    const channels = channelCount(x);
    for (const vector of [mean, variance]) {
      if (elementCount(vector) !== channels) {
        throw new InputError('running statistics', { expected: `[${channels}]`, given: describeShape(vector) });
      }
    }
    if (pixelCount(x) < 2) {
      throw new InputError('a variance needs several values for each channel', {
        expected: 'two pixels at least, over all images',
        given: describeShape(x),
        hint: 'use a larger batch or image, or frozen batch norm',
      });
    }
    const vector = { shape: [channels], layout: 'dense', type: 'f32' } as const;
    return [vector, vector];
  },
  flops: ({ inputs: [x] }) => 4 * elementCount(x),
  lower({ inputs: [x, ...running], outputs, attributes: { momentum } }, context) {
    const groups = groupCount(x);
    const chunks = chunksOf(context.bands(x, []));
    const total = chunks.reduce((sum, { count }) => sum + count, 0);
    const partial = context.scratch('partial', { shape: [total, 3, groups * 4], layout: 'dense', type: 'f32' });
    for (const { range, size, count, first } of chunks) {
      const input = context.read(x, range);
      context.dispatch({
        kernel: batch_statistics,
        constants: { elem: x.type },
        bindings: [input, context.write(partial)],
        params: {
          first: range[0],
          count: range[1] - range[0],
          chunk: size,
          first_chunk: first,
          groups,
          x_offset: input.offset,
          x_pitch: input.pitch,
        },
        workgroups: [Math.ceil(groups / 8), count, 1],
      });
    }
    context.dispatch({
      kernel: batch_statistics_merge,
      constants: {},
      bindings: [
        context.read(partial),
        context.read(laneMap(segmentsOf(x))),
        ...[...outputs, ...running].map((tensor) => context.write(tensor)),
      ],
      params: { chunks: total, groups, channels: channelCount(x), momentum },
      workgroups: [Math.ceil(groups / 64), 1, 1],
      flops: elementCount(partial),
    });
  },
};

export const reference: Reference<BatchStatisticsAttributes, typeof INPUTS> = (
  [x, runningMean, runningVariance],
  { attributes },
) => {
  const channels = runningMean.length;
  const pixels = x.length / channels;
  const mean = new Float64Array(channels);
  const squares = new Float64Array(channels);
  x.forEach((value, i) => {
    mean[i % channels] += value;
  });
  mean.forEach((sum, c) => {
    mean[c] = sum / pixels;
  });
  x.forEach((value, i) => {
    squares[i % channels] += (value - mean[i % channels]) ** 2;
  });
  const { momentum } = attributes;
  const finite = Array.from(mean, (value, c) => Number.isFinite(value) && Number.isFinite(squares[c]));
  const follow = (running: number, value: number, c: number) =>
    finite[c] ? (1 - momentum) * running + momentum * value : running;
  return [
    mean,
    squares.map((value) => value / pixels),
    runningMean.map((value, c) => follow(value, mean[c], c)),
    runningVariance.map((value, c) => follow(value, squares[c] / (pixels - 1), c)),
  ];
};

function caseOf(x: CaseInput, more: Partial<Case<BatchStatisticsAttributes>> = {}): Case<BatchStatisticsAttributes> {
  const running = { shape: [x.shape[x.shape.length - 1]], layout: 'dense', kind: 'state', fill: 'positive' } as const;
  return { inputs: [x, running, running], attributes: { momentum: 0.1 }, ...more };
}

export const cases = (): Case<BatchStatisticsAttributes>[] => [
  caseOf({ shape: [2, 1, 1, 1] }),
  caseOf({ shape: [2, 5, 7, 3] }),
  caseOf({ shape: [1, 133, 9, 11], segments: [3, 7, 1] }),
  caseOf({ shape: [3, 31, 37, 38] }),
  caseOf({ shape: [2, 9, 11, 5], type: 'f32', fill: (i) => 1000 + Math.sin(i) }), // a mean much larger than the deviation
  caseOf({ shape: [1, 3, 5, 4], fill: () => 3.25 }),
  caseOf({
    shape: [2, 5, 7, 6],
    type: 'f32',
    fill: (i) => (i === 20 ? Number.NaN : Math.cos(i)),
  }),
  caseOf({ shape: [4, 56, 56, 64] }, { full: true, bench: true }),
];
