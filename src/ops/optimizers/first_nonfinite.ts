/** Finds the first of several tensors that contains a NaN or an infinity, with which a training step must not continue. */
import { InputError } from '../../errors.js';
import { first_nonfinite } from '../../generated/kernels/first_nonfinite.js';
import { type Case, type Operation, type Reference, spread } from '../../graph/ir/operation.js';
import { describeShape, elementCount, groupCount, pixelCount } from '../../graph/ir/tensor.js';

/** Elements for each workgroup: 256 for each of its 64 threads. */
const CHUNK = 16_384;

const INPUTS = ['values...'] as const;

/** Any number of f32 tensors. Output: u32 [1]: 0 if all n tensors are finite, else n − i for x_i, the first that is not. */
export const forward: Operation<object, typeof INPUTS> = {
  name: 'first_nonfinite',
  inputs: INPUTS,
  infer(inputs) {
    const other = inputs.find((tensor) => tensor?.type !== 'f32');
    if (other) throw new InputError(`${other.name}`, { expected: 'f32', given: describeShape(other) });
    return [{ shape: [1], layout: 'dense', type: 'u32' }];
  },
  flops: ({ inputs }) => inputs.reduce((sum, x) => sum + elementCount(x), 0),
  lower({ inputs, outputs: [y] }, context) {
    context.dispatch({
      kernel: first_nonfinite,
      constants: { CLEAR: true },
      bindings: [context.read(undefined), context.write(y)],
      params: { first: 0, elements: 0, width: 1, pitch: 1, chunk: 1, code: 0 },
      workgroups: [1, 1, 1],
    });
    for (const [index, x] of inputs.entries()) {
      const grouped = x.layout === 'nhwc4';
      const width = grouped ? 4 * groupCount(x) : elementCount(x) / pixelCount(x);
      for (const [from, to] of context.bands(x, [])) {
        const view = context.read(x, [from, to]);
        const pitch = grouped ? 4 * view.pitch : width;
        const elements = (to - from) * width;
        context.dispatch({
          kernel: first_nonfinite,
          constants: { CLEAR: false },
          bindings: [view, context.write(y)],
          params: {
            first: (grouped ? 4 : 1) * view.offset + from * pitch,
            ...{ elements, width, pitch, chunk: CHUNK },
            code: inputs.length - index,
          },
          workgroups: spread(Math.ceil(elements / CHUNK)),
        });
      }
    }
  },
};

export const reference: Reference<object, typeof INPUTS> = (inputs) => {
  const first = inputs.findIndex((values) => !values.every(Number.isFinite));
  return [Float64Array.of(first < 0 ? 0 : inputs.length - first)];
};

const NOT_FINITE = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

/** Indices of values that are not finite, in the second and in the fourth tensor. */
function caseOf(kind: number, second: number, fourth: number): Case {
  const fill = (place: number) => (index: number) => (index === place ? NOT_FINITE[kind] : 3e38 * Math.sin(index));
  return {
    inputs: [
      { shape: [2, 5, 7, 6], type: 'f32', segments: [3, 3] },
      { shape: [20_011], fill: fill(second) },
      { shape: [1], layout: 'dense' },
      { shape: [3, 9, 5, 3], layout: 'nhwc4', type: 'f32', fill: fill(fourth) },
    ],
    attributes: {},
    exact: true,
  };
}

export const cases = (): Case[] => [
  caseOf(0, -1, -1),
  caseOf(0, -1, 0),
  caseOf(1, -1, 404),
  caseOf(2, 20_010, -1),
  caseOf(0, 16_384, 7),
];
