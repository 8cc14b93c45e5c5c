/** Backward pass of local response normalisation. */
import { InputError } from '../../errors.js';
import { lrn_gradient } from '../../generated/kernels/lrn_gradient.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { channelCount, describeForm, elementCount, segmentsOf } from '../../graph/ir/tensor.js';
import { dispatchGroups } from '../groups.js';
import type { LrnAttributes } from '../layers/lrn.js';

const INPUTS = ['x', 'dy'] as const;

/** x, dy, dx: nhwc4 of one shape, channels without holes. */
export const forward: Operation<LrnAttributes, typeof INPUTS> = {
  name: 'lrn_gradient',
  inputs: INPUTS,
  infer([x, dy]) {
    if (x.layout !== 'nhwc4' || segmentsOf(x).length > 1) {
      throw new InputError('input', { expected: 'nhwc4 channels without holes', given: describeForm(x) });
    }
    if (describeForm(dy) !== describeForm(x)) {
      throw new InputError('gradient', { expected: describeForm(x), given: describeForm(dy) });
    }
    return [x];
  },
  flops: ({ outputs: [dx], attributes: { size } }) => 2 * size * size * elementCount(dx),
  lower({ inputs: [x, dy], outputs: [dx], attributes: { size, alpha, beta, k } }, context) {
    dispatchGroups(context, dx, {
      kernel: lrn_gradient,
      inputs: { x, dy },
      params: {
        channels: channelCount(dx),
        below: Math.floor(size / 2),
        above: Math.floor((size - 1) / 2),
        scale: alpha / size,
        beta,
        k,
      },
    });
  },
};

export const reference: Reference<LrnAttributes, typeof INPUTS> = (
  [x, dy],
  { inputs, attributes: { size, alpha, beta, k } },
) => {
  const channels = channelCount(inputs[0]);
  const [below, above] = [Math.floor(size / 2), Math.floor((size - 1) / 2)];
  const scale = alpha / size;
  const window = (c: number) => [Math.max(0, c - below), Math.min(channels - 1, c + above)];
  const dx = new Float64Array(x.length);
  for (let base = 0; base < x.length; base += channels) {
    for (let i = 0; i < channels; i++) {
      const [from, to] = window(i);
      let sum = k;
      for (let j = from; j <= to; j++) sum += scale * x[base + j] ** 2;
      dx[base + i] += dy[base + i] * sum ** -beta;
      for (let j = from; j <= to; j++) {
        dx[base + j] -= 2 * scale * beta * x[base + j] * dy[base + i] * x[base + i] * sum ** (-beta - 1);
      }
    }
  }
  return [dx];
};

const strong: LrnAttributes = { size: 3, alpha: 2, beta: 0.5, k: 0.5 };

const caseOf = (shape: readonly number[], attributes: LrnAttributes): Case<LrnAttributes> => ({
  inputs: [{ shape }, { shape, layout: 'nhwc4' }],
  attributes,
});

export const cases = (): Case<LrnAttributes>[] => [
  caseOf([1, 1, 1, 1], strong),
  caseOf([2, 3, 5, 7], { size: 5, alpha: 1e-4, beta: 0.75, k: 1 }),
  caseOf([2, 3, 5, 7], strong),
  caseOf([1, 3, 2, 13], { ...strong, size: 4 }),
  caseOf([1, 2, 2, 6], { ...strong, size: 33 }),
  caseOf([1, 133, 3, 10], { ...strong, beta: 2 }),
];
