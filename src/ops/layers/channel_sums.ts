/**
 * Sums over the pixels of each channel: of a gradient, for the gradient of a bias, and of its product with a normalised tensor, for the
 * gradients of batch norm's parameters.
 */
import { InputError } from '../../errors.js';
import { channel_sums } from '../../generated/kernels/channel_sums.js';
import { channel_sums_merge } from '../../generated/kernels/channel_sums_merge.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Case, Operation, Range, Reference } from '../../graph/ir/operation.js';
import {
  channelCount,
  describeForm,
  describeShape,
  elementCount,
  groupCount,
  segmentsOf,
  type Tensor,
} from '../../graph/ir/tensor.js';
import { channelLanes, packLanes } from '../packing/pack_lanes.js';

export interface ChannelSumsAttributes {
  /** Added to the variance. */
  epsilon: number;
}

/** With fewer pixels than this for each workgroup, starting more workgroups costs more than it saves. */
const SHORTEST = 512;
/** This number of chunks keeps a GPU busy. It is a limit, because a single thread adds up the chunks of a channel. */
const MOST = 256;

/** Ranges of pixels that can be bound, each with the pixels of a chunk, the number of its chunks, and the number of chunks before it. */
export function chunksOf(bands: readonly Range[]): { range: Range; size: number; count: number; first: number }[] {
  const size = Math.max(SHORTEST, Math.ceil(bands[bands.length - 1][1] / MOST));
  let first = 0;
  return bands.map((range) => {
    const count = Math.ceil((range[1] - range[0]) / size);
    first += count;
    return { range, size, count, first: first - count };
  });
}

const INPUTS = ['dy', 'x?', 'mean?', 'variance?'] as const;

/**
 * dy: nhwc4 of any shape. x: of the same shape, with mean and variance [c] dense; or none of the three. Outputs, [c] dense: Σ dy, and
 * Σ dy · (x − mean) / √(variance + ε), which is 0 without x.
 */
export const forward: Operation<ChannelSumsAttributes, typeof INPUTS> = {
  name: 'channel_sums',
  inputs: INPUTS,
  infer([dy, x, mean, variance]) {
    const channels = channelCount(dy);
    if (dy.layout !== 'nhwc4' || dy.type === 'u32') {
      throw new InputError('gradient', { expected: 'nhwc4, f32 or f16', given: describeForm(dy) });
    }
    if (x && describeForm(x) !== describeForm(dy)) {
      throw new InputError('factors differ', { expected: describeForm(dy), given: describeForm(x) });
    }
    for (const vector of x ? [mean, variance] : []) {
      if (!vector || elementCount(vector) !== channels) {
        throw new InputError('statistics', {
          expected: `[${channels}]`,
          given: vector ? describeShape(vector) : 'none',
        });
      }
    }
    const sums = { shape: [channels], layout: 'dense', type: 'f32' } as const;
    return [sums, sums];
  },
  flops: ({ inputs: [dy, x] }) => (x ? 4 : 1) * elementCount(dy),
  lower({ inputs: [dy, x, mean, variance], outputs: [sums, products], attributes: { epsilon } }, context) {
    const own = (range: Range) => range;
    const chunks = chunksOf(context.bands(dy, [[x, own]]));
    const total = chunks.reduce((sum, { count }) => sum + count, 0);
    const groups = groupCount(dy);
    const partial = context.scratch('partial', { shape: [total, 2, groups * 4], layout: 'dense', type: 'f32' });
    const centre = x && mean && packLanes(context, mean, segmentsOf(x));
    for (const { range, size, count, first } of chunks) {
      const [slope, input] = [context.read(dy, range), context.read(x, range)];
      context.dispatch({
        kernel: channel_sums,
        constants: { elem: dy.type, PRODUCT: Boolean(x) },
        bindings: [slope, input, context.read(centre), context.write(partial)],
        params: {
          first: range[0],
          count: range[1] - range[0],
          chunk: size,
          first_chunk: first,
          groups,
          dy_offset: slope.offset,
          dy_pitch: slope.pitch,
          x_offset: input.offset,
          x_pitch: input.pitch,
        },
        workgroups: [Math.ceil(groups / 8), count, 1],
      });
    }
    context.dispatch({
      kernel: channel_sums_merge,
      constants: { PRODUCT: Boolean(x) },
      bindings: [
        context.read(partial),
        context.read(channelLanes(segmentsOf(dy))),
        context.read(variance),
        context.write(sums),
        context.write(products),
      ],
      params: { chunks: total, lanes: groups * 4, channels: channelCount(dy), epsilon },
      workgroups: [Math.ceil(channelCount(dy) / 64), 1, 1],
      flops: elementCount(partial),
    });
  },
};

/** The gradient of a bias that is added to every pixel. */
export function biasGradient(g: GraphBuilder, dy: Tensor, name?: string): Tensor {
  return g.apply(forward, [dy, undefined, undefined, undefined], { epsilon: 0 }, name);
}

export const reference: Reference<ChannelSumsAttributes, typeof INPUTS> = (
  [dy, x, mean, variance],
  { inputs, attributes },
) => {
  const channels = channelCount(inputs[0]);
  const sums = new Float64Array(channels);
  const products = new Float64Array(channels);
  for (let i = 0; i < dy.length; i++) {
    const c = i % channels;
    sums[c] += dy[i];
    if (x && mean && variance) products[c] += (dy[i] * (x[i] - mean[c])) / Math.sqrt(variance[c] + attributes.epsilon);
  }
  return [sums, products];
};

function caseOf(
  shape: readonly number[],
  x: boolean,
  more: { segments?: number[] } & Partial<Case<ChannelSumsAttributes>> = {},
) {
  const { segments, ...rest } = more;
  const map = { shape, layout: 'nhwc4' as const, ...(segments ? { segments } : {}) };
  const vector = { shape: [shape[shape.length - 1]], layout: 'dense' as const };
  return {
    inputs: x ? [map, map, vector, { ...vector, fill: 'positive' as const }] : [map, undefined, undefined, undefined],
    attributes: { epsilon: 1e-5 },
    ...rest,
  };
}

export const cases = (): Case<ChannelSumsAttributes>[] => [
  caseOf([1, 1, 1, 1], false),
  caseOf([1, 1, 1, 1], true),
  caseOf([2, 5, 7, 3], true),
  caseOf([2, 5, 7, 35], false),
  caseOf([1, 133, 9, 11], true, { segments: [3, 7, 1] }),
  caseOf([3, 31, 37, 6], true),
  caseOf([4, 56, 56, 64], true, { full: true, bench: true }),
];
