/**
 * Some of the channels of a concatenation, for the gradient by one of its parts. `fuse` makes it a view, or else it is copied.
 */
import { InputError } from '../../errors.js';
import { copy } from '../../generated/kernels/copy.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { spread } from '../../graph/ir/operation.js';
import {
  channelCount,
  describeShape,
  groupCount,
  laneChannels,
  pixelCount,
  type Tensor,
} from '../../graph/ir/tensor.js';

/** Which channels a slice takes. A pixel holds its channels four by four, so a slice begins at a multiple of four lanes. */
export interface SliceAttributes {
  /** Where the slice begins, in vec4 groups of a pixel of x. */
  offset: number;
  /** Widths of the slice's segments. */
  segments: readonly number[];
}

export const widthOf = ({ segments }: SliceAttributes) => segments.reduce((sum, width) => sum + width, 0);

// The first channel of the slice in x; undefined if the slice's segments do not fit those of x.
function firstChannel(x: Tensor, y: Parameters<typeof laneChannels>[0], offset: number): number | undefined {
  const lanes = laneChannels(x);
  const first = lanes[offset * 4];
  const fits = laneChannels(y).every((channel, lane) => {
    const own = lanes[offset * 4 + lane];
    return channel < 0 ? own === -1 : own === first + channel;
  });
  return fits ? first : undefined;
}

const INPUTS = ['x'] as const;
export type SliceInputs = typeof INPUTS;

/** x: [n, h, w, c] nhwc4. y: [n, h, w, Σ segments]. */
export const forward: Operation<SliceAttributes, typeof INPUTS> = {
  name: 'slice',
  inputs: INPUTS,
  cutsAt: ({ offset }) => offset,
  infer([x], attributes) {
    const { offset, segments } = attributes;
    const { layout, type } = x;
    const shape = [...x.shape.slice(0, -1), widthOf(attributes)];
    const y = { shape, layout, type, ...(segments.length > 1 ? { segments } : {}) };
    if (layout !== 'nhwc4' || firstChannel(x, y, offset) === undefined) {
      throw new InputError('slice', {
        expected: 'channels that begin and end at vec4 groups, with the same holes between them',
        given: `segments ${segments} at group ${offset} of ${describeShape(x)}`,
      });
    }
    return [y];
  },
  flops: () => 0,
  lower({ inputs: [x], outputs: [y], attributes: { offset } }, context) {
    if (context.isSlice(y, x)) return;
    const groups = groupCount(y);
    for (const range of context.bands(y, [[x, (own) => own]])) {
      const [input, output] = [context.read(x, range), context.write(y, range)];
      context.dispatch({
        kernel: copy,
        constants: { elem: y.type },
        bindings: [input, output],
        params: {
          first: range[0],
          count: range[1] - range[0],
          groups,
          x_offset: input.offset + offset,
          x_pitch: input.pitch,
          y_offset: output.offset,
          y_pitch: output.pitch,
        },
        workgroups: spread(Math.ceil(((range[1] - range[0]) * groups) / 64)),
      });
    }
  },
};

/** Adds a slice of channels. x: [n, h, w, c] nhwc4. Result: [n, h, w, Σ segments]. */
export function slice(g: GraphBuilder, x: Tensor, attributes: SliceAttributes, name?: string): Tensor {
  return g.apply(forward, [x], attributes, name);
}

export const reference: Reference<SliceAttributes, typeof INPUTS> = ([x], { inputs, outputs: [y], attributes }) => {
  const [channels, width] = [channelCount(inputs[0]), channelCount(y)];
  const first = firstChannel(inputs[0], y, attributes.offset)!;
  const result = new Float64Array(pixelCount(y) * width);
  for (let pixel = 0; pixel < pixelCount(y); pixel++) {
    const from = pixel * channels + first;
    result.set(x.subarray(from, from + width), pixel * width);
  }
  return [result];
};

export const cases = (): Case<SliceAttributes>[] => [
  { inputs: [{ shape: [1, 1, 1, 1] }], attributes: { offset: 0, segments: [1] } },
  { inputs: [{ shape: [2, 3, 5, 12] }], attributes: { offset: 1, segments: [8] } },
  { inputs: [{ shape: [2, 3, 5, 11], segments: [3, 7, 1] }], attributes: { offset: 1, segments: [7] } },
  { inputs: [{ shape: [1, 3, 5, 17], segments: [3, 7, 1, 6] }], attributes: { offset: 1, segments: [7, 1] } },
  { inputs: [{ shape: [1, 3, 5, 17], segments: [3, 7, 1, 6] }], attributes: { offset: 1, segments: [4] } }, // a part of one
];
