/** Softmax over channels (nhwc4) or over the last dimension (dense). The maximum is subtracted first, so that no input overflows. */
import { InputError } from '../../errors.js';
import { softmax as kernel } from '../../generated/kernels/softmax.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { spread } from '../../graph/ir/operation.js';
import {
  channelCount,
  describeShape,
  elementCount,
  groupCount,
  segmentsOf,
  type Tensor,
} from '../../graph/ir/tensor.js';
import { compact } from '../packing/compact.js';

const WORKGROUP = 64;

const INPUTS = ['x'] as const;
export type SoftmaxInputs = typeof INPUTS;

/** x, y: of one shape, nhwc4 without holes or dense. */
export const forward: Operation<object, typeof INPUTS> = {
  name: 'softmax',
  inputs: INPUTS,
  infer([x]) {
    if (x.type === 'u32' || segmentsOf(x).length > 1) {
      throw new InputError('input', {
        expected: 'f32 or f16, channels without holes',
        given: describeShape(x),
        hint: 'compact it first',
      });
    }
    return [x];
  },
  flops: ({ outputs: [y] }) => 4 * elementCount(y),
  lower({ inputs: [x], outputs: [y] }, context) {
    const columns = channelCount(x);
    // The number of lanes for each row, chosen so that no lanes are idle for many short rows or for few long ones.
    const rowLanes = columns <= 8 ? 1 : columns <= 128 ? 8 : WORKGROUP;
    const dense = x.layout === 'dense';
    for (const range of context.bands(y, [[x, (own) => own]])) {
      const [input, output] = [context.read(x, range), context.write(y, range)];
      const rows = range[1] - range[0];
      context.dispatch({
        kernel,
        constants: { elem: y.type, ROW_LANES: rowLanes },
        bindings: [input, output],
        params: {
          first: range[0],
          count: rows,
          columns,
          written: dense ? columns : groupCount(y) * 4,
          x_offset: dense ? input.offset : input.offset * 4,
          x_pitch: dense ? columns : input.pitch * 4,
          y_offset: dense ? output.offset : output.offset * 4,
          y_pitch: dense ? columns : output.pitch * 4,
        },
        workgroups: spread(Math.ceil(rows / (WORKGROUP / rowLanes))),
      });
    }
  },
};

/** Adds a softmax over the last dimension, which is the channels of nhwc4. Result: shape of x. */
export function softmax(g: GraphBuilder, x: Tensor, name?: string): Tensor {
  return g.apply(forward, [compact(g, x)], {}, name);
}

export const reference: Reference<object, typeof INPUTS> = ([x], { outputs: [y] }) => {
  const columns = channelCount(y);
  const result = new Float64Array(x.length);
  for (let row = 0; row < x.length; row += columns) {
    const values = x.subarray(row, row + columns);
    const peak = values.reduce((a, b) => Math.max(a, b));
    const powers = values.map((value) => Math.exp(value - peak));
    const sum = powers.reduce((a, b) => a + b);
    for (let c = 0; c < columns; c++) result[row + c] = powers[c] / sum;
  }
  return [result];
};

export const cases = (): Case[] => [
  { inputs: [{ shape: [1, 1, 1, 1] }], attributes: {} },
  { inputs: [{ shape: [2, 3, 5, 7] }], attributes: {} },
  { inputs: [{ shape: [1, 133, 3, 14] }], attributes: {} },
  { inputs: [{ shape: [1, 3, 3, 141] }], attributes: {} },
  { inputs: [{ shape: [3, 133] }], attributes: {} },
  { inputs: [{ shape: [5, 3], layout: 'dense' }], attributes: {} },
  { inputs: [{ shape: [2, 3, 11], layout: 'dense' }], attributes: {} },
  { inputs: [{ shape: [3, 1000], layout: 'dense' }], attributes: {}, bench: true },
  // Inputs for which exp overflows, and rows of equal inputs.
  { inputs: [{ shape: [1, 1, 5, 6], fill: (i) => (i % 6) * 300 - 900 }], attributes: {} },
  { inputs: [{ shape: [1, 2, 2, 6], fill: () => 60_000 }], attributes: {} },
];
