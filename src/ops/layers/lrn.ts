/**
 * Local response normalisation across channels, as in PyTorch's LocalResponseNorm:
 * y[c] = x[c] / (k + α/size · Σ x[j]²)^β over j from c − ⌊size/2⌋ to c + ⌊(size − 1)/2⌋. Channels beyond the ends count as zero.
 */
import { InputError } from '../../errors.js';
import { lrn as kernel } from '../../generated/kernels/lrn.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { channelCount, elementCount, segmentsOf, type Tensor } from '../../graph/ir/tensor.js';
import { dispatchGroups } from '../groups.js';
import { compact } from '../packing/compact.js';

export interface LrnAttributes {
  /** Number of channels in a window. */
  size: number;
  alpha: number;
  beta: number;
  /** Must be above 0, so that no channel is divided by zero. */
  k: number;
}

const INPUTS = ['x'] as const;
export type LrnInputs = typeof INPUTS;

/** x, y: nhwc4 of one shape, channels without holes. */
export const forward: Operation<LrnAttributes, typeof INPUTS> = {
  name: 'lrn',
  inputs: INPUTS,
  infer([x], { size, alpha, beta, k }) {
    if (x.layout !== 'nhwc4' || segmentsOf(x).length > 1) {
      throw new InputError('input', { expected: 'nhwc4 channels without holes', hint: 'compact it first' });
    }
    if (!(Number.isInteger(size) && size >= 1 && alpha >= 0 && k > 0 && Number.isFinite(beta))) {
      throw new InputError('normalisation', {
        expected: 'a window of an integer ≥ 1, α ≥ 0, k > 0 and a finite β',
        given: `size ${size}, α ${alpha}, β ${beta}, k ${k}`,
      });
    }
    return [x];
  },
  flops: ({ outputs: [y], attributes: { size } }) => (2 * size + 8) * elementCount(y),
  lower({ inputs: [x], outputs: [y], attributes: { size, alpha, beta, k } }, context) {
    dispatchGroups(context, y, {
      kernel,
      inputs: { x },
      params: {
        channels: channelCount(y),
        below: Math.floor(size / 2),
        above: Math.floor((size - 1) / 2),
        scale: alpha / size,
        beta,
        k,
      },
    });
  },
};

/** Adds local response normalisation. Defaults are PyTorch's. */
export function localResponseNorm(
  g: GraphBuilder,
  x: Tensor,
  options: { size: number; alpha?: number; beta?: number; k?: number; name?: string },
): Tensor {
  const { size, alpha = 1e-4, beta = 0.75, k = 1, name } = options;
  return g.apply(forward, [compact(g, x)], { size, alpha, beta, k }, name);
}

export const reference: Reference<LrnAttributes, typeof INPUTS> = (
  [x],
  { outputs: [y], attributes: { size, alpha, beta, k } },
) => {
  const channels = channelCount(y);
  const below = Math.floor(size / 2);
  return [
    x.map((value, index) => {
      const c = index % channels;
      let sum = 0;
      for (let j = Math.max(0, c - below); j < Math.min(channels, c - below + size); j++) sum += x[index - c + j] ** 2;
      return value / (k + (alpha / size) * sum) ** beta;
    }),
  ];
};

const alexNet: LrnAttributes = { size: 5, alpha: 1e-4, beta: 0.75, k: 1 };
const strong: LrnAttributes = { size: 3, alpha: 2, beta: 0.5, k: 0.5 };

export const cases = (): Case<LrnAttributes>[] => [
  { inputs: [{ shape: [1, 1, 1, 1] }], attributes: alexNet },
  { inputs: [{ shape: [2, 3, 5, 7] }], attributes: alexNet },
  { inputs: [{ shape: [2, 3, 5, 7] }], attributes: strong },
  { inputs: [{ shape: [1, 3, 2, 13] }], attributes: { ...strong, size: 4 } }, // an even window has one more channel below than above
  { inputs: [{ shape: [1, 2, 2, 6] }], attributes: { ...strong, size: 1 } },
  { inputs: [{ shape: [1, 2, 2, 6] }], attributes: { ...strong, size: 33 } }, // wider than the channels
  { inputs: [{ shape: [1, 133, 3, 10] }], attributes: { ...strong, beta: 2 } },
  { inputs: [{ shape: [1, 14, 14, 64] }], attributes: alexNet },
  { inputs: [{ shape: [1, 56, 56, 192] }], attributes: alexNet, full: true, bench: true },
];
