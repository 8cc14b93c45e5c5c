/** Gradient of softmax by its input, from its output: dx = y · (dy − Σ dy · y), the sum over channels or the last dimension. */
import { InputError } from '../../errors.js';
import { softmax_gradient } from '../../generated/kernels/softmax_gradient.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { spread } from '../../graph/ir/operation.js';
import { channelCount, describeForm, elementCount, groupCount, segmentsOf } from '../../graph/ir/tensor.js';

const WORKGROUP = 64;

const INPUTS = ['dy', 'y'] as const;

/** dy, y, dx: of one shape, nhwc4 without holes or dense. */
export const forward: Operation<object, typeof INPUTS> = {
  name: 'softmax_gradient',
  inputs: INPUTS,
  infer([dy, y]) {
    if (segmentsOf(y).length > 1) {
      throw new InputError('output', { expected: 'channels without holes', given: describeForm(y) });
    }
    if (describeForm(dy) !== describeForm(y)) {
      throw new InputError('gradient', { expected: describeForm(y), given: describeForm(dy) });
    }
    return [y];
  },
  flops: ({ outputs: [dx] }) => 4 * elementCount(dx),
  lower({ inputs: [dy, y], outputs: [dx] }, context) {
    const columns = channelCount(y);
    // The same as in softmax.
    const rowLanes = columns <= 8 ? 1 : columns <= 128 ? 8 : WORKGROUP;
    const dense = y.layout === 'dense';
    const same = (range: readonly [number, number]) => range;
    for (const range of context.bands(dx, [
      [dy, same],
      [y, same],
    ])) {
      const views = { dy: context.read(dy, range), y: context.read(y, range), dx: context.write(dx, range) };
      const places = Object.entries(views).flatMap(([name, { offset, pitch }]) => [
        [`${name}_offset`, dense ? offset : 4 * offset] as const,
        [`${name}_pitch`, dense ? columns : 4 * pitch] as const,
      ]);
      const count = range[1] - range[0];
      context.dispatch({
        kernel: softmax_gradient,
        constants: { elem: dx.type, ROW_LANES: rowLanes },
        bindings: Object.values(views),
        params: {
          ...{ first: range[0], count, columns, written: dense ? columns : groupCount(dx) * 4 },
          ...Object.fromEntries(places),
        },
        workgroups: spread(Math.ceil(count / (WORKGROUP / rowLanes))),
      });
    }
  },
};

export const reference: Reference<object, typeof INPUTS> = ([dy, y], { outputs: [dx] }) => {
  const columns = channelCount(dx);
  const result = new Float64Array(y.length);
  for (let row = 0; row < y.length; row += columns) {
    let sum = 0;
    for (let c = row; c < row + columns; c++) sum += dy[c] * y[c];
    for (let c = row; c < row + columns; c++) result[c] = y[c] * (dy[c] - sum);
  }
  return [result];
};

const caseOf = (shape: number[], layout: 'nhwc4' | 'dense' = 'nhwc4'): Case => ({
  inputs: [
    { shape, layout, kind: 'input' },
    { shape, layout, fill: 'uniform', kind: 'input' },
  ],
  attributes: {},
});

export const cases = (): Case[] => [
  caseOf([1, 1, 1, 1]),
  caseOf([2, 3, 5, 7]),
  caseOf([1, 133, 3, 14]),
  caseOf([1, 3, 3, 141]),
  caseOf([5, 3], 'dense'),
  caseOf([2, 3, 133], 'dense'),
];
