/**
 * Concatenation along channels. The segments of all inputs follow one another unchanged, with their holes. After `fuse`, most inputs are
 * written directly into the result, and only the others are copied here.
 */
import { InputError } from '../../errors.js';
import { copy } from '../../generated/kernels/copy.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { spread } from '../../graph/ir/operation.js';
import { channelCount, describeShape, groupCount, pixelCount, segmentsOf, type Tensor } from '../../graph/ir/tensor.js';

const INPUTS = ['parts...'] as const;
export type ConcatInputs = typeof INPUTS;

export const forward: Operation<object, typeof INPUTS> = {
  name: 'concat',
  inputs: INPUTS,
  joinsInputs: true,
  infer(inputs) {
    const [first] = inputs;
    for (const tensor of inputs) {
      const fits = tensor.shape.slice(0, -1).join() === first.shape.slice(0, -1).join() && tensor.type === first.type;
      if (!fits || tensor.layout !== 'nhwc4') {
        throw new InputError('parts differ in more than channels', {
          expected: describeShape(first),
          given: describeShape(tensor),
        });
      }
    }
    const channels = inputs.reduce((sum, tensor) => sum + channelCount(tensor), 0);
    const segments = inputs.flatMap(segmentsOf);
    const shape = [...first.shape.slice(0, -1), channels];
    return [
      { shape, layout: 'nhwc4', type: first.type, ...(segments.length > 1 ? { segments: joinWhole(segments) } : {}) },
    ];
  },
  flops: () => 0,
  lower({ inputs, outputs: [y] }, context) {
    let offset = 0;
    for (const x of inputs) {
      const groups = groupCount(x);
      if (!context.isSlice(x, y)) {
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
              x_offset: input.offset,
              x_pitch: input.pitch,
              y_offset: output.offset + offset,
              y_pitch: output.pitch,
            },
            workgroups: spread(Math.ceil(((range[1] - range[0]) * groups) / 64)),
          });
        }
      }
      offset += groups;
    }
  },
};

// A segment that fills whole vec4s is merged with the next one, because there is no hole between them.
function joinWhole(segments: readonly number[]): number[] {
  const joined: number[] = [];
  for (const width of segments) {
    const last = joined[joined.length - 1];
    if (last !== undefined && last % 4 === 0) joined[joined.length - 1] = last + width;
    else joined.push(width);
  }
  return joined;
}

/** Adds a concatenation along channels. Parts: nhwc4, of the same form except for their channels. */
export function concat(g: GraphBuilder, parts: readonly Tensor[], name?: string): Tensor {
  return parts.length === 1 ? parts[0] : g.apply(forward, parts, {}, name);
}

export const reference: Reference<object, typeof INPUTS> = (inputs, node) => {
  const pixels = pixelCount(node.outputs[0]);
  const channels = channelCount(node.outputs[0]);
  const y = new Float64Array(pixels * channels);
  for (let pixel = 0; pixel < pixels; pixel++) {
    let at = pixel * channels;
    inputs.forEach((values, index) => {
      const width = channelCount(node.inputs[index]);
      y.set(values.subarray(pixel * width, (pixel + 1) * width), at);
      at += width;
    });
  }
  return [y];
};

const parts = (...widths: number[]) => widths.map((width) => ({ shape: [2, 3, 5, width], layout: 'nhwc4' as const }));

export const cases = (): Case[] => [
  { inputs: parts(4, 8), attributes: {} },
  { inputs: parts(1, 3, 5), attributes: {} },
  { inputs: parts(7), attributes: {} },
  { inputs: [...parts(6), { shape: [2, 3, 5, 11], layout: 'nhwc4', segments: [3, 7, 1] }], attributes: {} },
];
