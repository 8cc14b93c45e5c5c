/**
 * Maximum and average over sliding windows, with shapes and edges as in PyTorch. The maximum ignores padding. The average counts it as
 * zeros, or not at all with `countIncludePad: false`. The average of a window with a NaN is NaN. Whether its maximum is NaN depends on the
 * adapter, because in WGSL max(a, NaN) may be either of the two.
 */

import { InputError } from '../../errors.js';
import { pool } from '../../generated/kernels/pool.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { describeShape, elementCount, type Tensor } from '../../graph/ir/tensor.js';
import { checkOptions, optionKinds } from '../../options.js';
import { dispatchGroups } from '../groups.js';
import {
  checkWindows,
  type Pair,
  pair,
  type Sides,
  sides,
  type Windows,
  windowCounts,
  windowParams,
  windowRows,
} from '../windows.js';

export interface PoolAttributes extends Windows {
  mode: 'max' | 'average';
  /** Round the number of windows up; the last one may reach beyond the padding, but starts before it. */
  ceilMode: boolean;
  /** Only for an average: whether padding counts in the divisor. Positions beyond the padding never do. */
  countIncludePad: boolean;
}

/** Options of both `maxPool` and `averagePool`. Sizes are in pixels: one for both axes, or vertical and horizontal. */
export interface PoolOptions {
  kernel: number | Pair;
  /** Default: the kernel, so that windows do not overlap. */
  stride?: number | Pair;
  padding?: number | Pair | Sides;
  ceilMode?: boolean;
  name?: string;
}

const INPUTS = ['x'] as const;
export type PoolInputs = typeof INPUTS;

/** x, y: [n, h, w, c] nhwc4, with the same segments. */
export const forward: Operation<PoolAttributes, typeof INPUTS> = {
  name: 'pool',
  inputs: INPUTS,
  infer([x], attributes) {
    if (x.shape.length !== 4 || x.layout !== 'nhwc4') {
      throw new InputError('input', { expected: 'nhwc4 [n, h, w, c]', given: describeShape(x) });
    }
    const { kernel, dilation, padding, ceilMode } = attributes;
    checkWindows('pooling window', attributes);
    const [images, height, width, channels] = x.shape;
    const [outHeight, outWidth] = windowCounts(attributes, [height, width], ceilMode);
    if (!alwaysMeets(attributes, 0, height, outHeight) || !alwaysMeets(attributes, 1, width, outWidth)) {
      throw new InputError('pooling windows without a single input pixel', {
        expected: `a window of ${kernel.join('×')} (dilation ${dilation.join('×')}) that meets the input everywhere`,
        given: `input ${height}×${width}, padding ${padding.join(', ')}`,
        hint: 'use a larger input size, or less padding',
      });
    }
    return [{ ...x, shape: [images, outHeight, outWidth, channels] }];
  },
  flops: ({ outputs: [y], attributes: { kernel } }) => elementCount(y) * kernel[0] * kernel[1],
  lower({ inputs: [x], outputs: [y], attributes }, context) {
    const { mode, padding, countIncludePad } = attributes;
    const [, inHeight, inWidth] = x.shape;
    const [, outHeight, outWidth] = y.shape;
    dispatchGroups(context, y, {
      kernel: pool,
      constants: { AVERAGE: mode === 'average', COUNT_PADDING: countIncludePad },
      inputs: { x },
      needs: windowRows(attributes, [inHeight, inWidth], [outHeight, outWidth]),
      params: {
        ...windowParams(attributes, [inHeight, inWidth], [outHeight, outWidth]),
        pad_bottom: padding[2],
        pad_right: padding[3],
      },
    });
  },
};

/**
 * Whether there are windows along an axis, each with a tap inside the input. Without such a tap, there would be no maximum. Sizes come from
 * files, so the time does not depend on how many windows there are.
 */
function alwaysMeets(windows: Windows, axis: 0 | 1, size: number, count: number): boolean {
  const [kernel, stride, dilation] = [windows.kernel[axis], windows.stride[axis], windows.dilation[axis]];
  const padding = windows.padding[axis];
  // A window that starts inside meets the input with its first tap. The last window starts furthest.
  if (count < 1 || (count - 1) * stride - padding >= size) return false;
  // If a window starts before the input, its first tap that is not before the input has to be inside. That tap is one of the positions
  // 0 … dilation − 1. If the input is at least that long, every such position is inside, and the first window shows whether there are enough
  // taps to get there. Otherwise windows are checked one by one. `size` + 1 of them are enough: if those taps are all inside, two of them have
  // the same position, and from then on positions repeat.
  const starting = Math.min(count, Math.ceil(padding / stride), dilation <= size ? 1 : size + 1);
  for (let o = 0; o < starting; o++) {
    const before = padding - o * stride;
    const tap = Math.ceil(before / dilation);
    if (tap >= kernel || tap * dilation - before >= size) return false;
  }
  return true;
}

function attributesOf(mode: PoolAttributes['mode'], options: MaxPoolOptions & AveragePoolOptions): PoolAttributes {
  checkOptions(`${mode}Pool`, options, OPTIONS[mode]);
  const { kernel, stride = kernel, padding = 0, dilation = 1, ceilMode = false, countIncludePad = true } = options;
  return {
    mode,
    kernel: pair(kernel),
    stride: pair(stride),
    dilation: pair(dilation),
    padding: sides(padding),
    ceilMode,
    countIncludePad,
  };
}

/** Options of `maxPool`. */
export interface MaxPoolOptions extends PoolOptions {
  dilation?: number | Pair;
}

/** Options of `averagePool`. */
export interface AveragePoolOptions extends PoolOptions {
  dilation?: number | Pair;
  /** Default true, as in torch. */
  countIncludePad?: boolean;
}

const MAX_OPTIONS = optionKinds<MaxPoolOptions>({
  kernel: 'a number or a list of numbers',
  stride: 'a number or a list of numbers',
  padding: 'a number or a list of numbers',
  dilation: 'a number or a list of numbers',
  ceilMode: 'true or false',
  name: 'a text',
});

const OPTIONS = { max: MAX_OPTIONS, average: { ...MAX_OPTIONS, countIncludePad: 'true or false' } } as const;

/** Adds a maximum over windows. */
export function maxPool(g: GraphBuilder, x: Tensor, options: MaxPoolOptions): Tensor {
  return g.apply(forward, [x], attributesOf('max', options), options.name);
}

/** Adds an average over windows. For the average over all positions see `globalAveragePool`. */
export function averagePool(g: GraphBuilder, x: Tensor, options: AveragePoolOptions): Tensor {
  return g.apply(forward, [x], attributesOf('average', options), options.name);
}

export const reference: Reference<PoolAttributes, typeof INPUTS> = ([x], node) => {
  const { mode, kernel, stride, dilation, padding, countIncludePad } = node.attributes;
  const [images, inHeight, inWidth, channels] = node.inputs[0].shape;
  const [, outHeight, outWidth] = node.outputs[0].shape;
  const y = new Float64Array(elementCount(node.outputs[0]));
  let at = 0;
  for (let n = 0; n < images; n++) {
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ox = 0; ox < outWidth; ox++) {
        for (let c = 0; c < channels; c++, at++) {
          let peak = Number.NEGATIVE_INFINITY;
          let sum = 0;
          let count = 0;
          for (let ky = 0; ky < kernel[0]; ky++) {
            const iy = oy * stride[0] + ky * dilation[0] - padding[0];
            for (let kx = 0; kx < kernel[1]; kx++) {
              const ix = ox * stride[1] + kx * dilation[1] - padding[1];
              const inside = iy >= 0 && iy < inHeight && ix >= 0 && ix < inWidth;
              const beyond = iy >= inHeight + padding[2] || ix >= inWidth + padding[3];
              if (inside || (countIncludePad && !beyond)) count++;
              if (!inside) continue;
              const value = x[((n * inHeight + iy) * inWidth + ix) * channels + c];
              peak = Math.max(peak, value);
              sum += value;
            }
          }
          y[at] = mode === 'max' ? peak : sum / count;
        }
      }
    }
  }
  return [y];
};

function caseOf(
  mode: PoolAttributes['mode'],
  shape: readonly number[],
  options: MaxPoolOptions & AveragePoolOptions,
  more: Partial<Case<PoolAttributes>> & { segments?: readonly number[] } = {},
): Case<PoolAttributes> {
  const { segments, ...rest } = more;
  return { inputs: [{ shape, ...(segments ? { segments } : {}) }], attributes: attributesOf(mode, options), ...rest };
}

const full = { full: true, bench: true };
const negative = (index: number) => -1 - (index % 7); // padding would be the maximum if it counted as zero

export const cases = (): Case<PoolAttributes>[] => [
  caseOf('max', [1, 1, 1, 1], { kernel: 1 }),
  caseOf('max', [2, 5, 7, 3], { kernel: 1 }),
  caseOf('max', [2, 5, 7, 3], { kernel: 3, stride: 2, padding: 1 }),
  { ...caseOf('max', [1, 4, 4, 5], { kernel: 3, padding: 1 }), inputs: [{ shape: [1, 4, 4, 5], fill: negative }] },
  caseOf('max', [2, 6, 7, 4], { kernel: 3, stride: 2, ceilMode: true }),
  caseOf('max', [1, 6, 6, 4], { kernel: 2, stride: 3, padding: 1, ceilMode: true }), // a last window is dropped
  caseOf('max', [1, 9, 11, 6], { kernel: [3, 2], dilation: [2, 3], stride: [1, 2], padding: [2, 1] }),
  caseOf('max', [1, 7, 8, 9], { kernel: [2, 5], stride: 3, padding: [0, 1, 1, 4] }),
  caseOf('max', [1, 5, 5, 11], { kernel: 3, stride: 1, padding: 1 }, { segments: [3, 7, 1] }),
  caseOf('max', [1, 133, 3, 6], { kernel: 3, stride: 3 }),
  caseOf('max', [3, 2, 141, 5], { kernel: 2, stride: [2, 3], padding: [1, 0] }),
  caseOf('average', [1, 1, 1, 1], { kernel: 1 }),
  caseOf('average', [2, 5, 7, 3], { kernel: 3, stride: 2, padding: 1 }),
  caseOf('average', [2, 5, 7, 3], { kernel: 3, stride: 2, padding: 1, countIncludePad: false }),
  caseOf('average', [1, 6, 7, 4], { kernel: 4, stride: 3, padding: 1, ceilMode: true }),
  caseOf('average', [1, 6, 7, 4], { kernel: 4, stride: 3, padding: 1, ceilMode: true, countIncludePad: false }),
  caseOf('average', [1, 7, 8, 9], { kernel: [2, 5], stride: 3, padding: [0, 1, 1, 4], countIncludePad: false }),
  caseOf('average', [1, 5, 5, 11], { kernel: 2 }, { segments: [3, 7, 1] }),
  caseOf('average', [2, 5, 7, 6], { kernel: 3, stride: 1, padding: 1 }),
  caseOf('average', [2, 5, 7, 6], { kernel: 3, stride: 1, padding: 1, countIncludePad: false }),
  caseOf('average', [1, 9, 11, 6], {
    kernel: [3, 2],
    dilation: [2, 3],
    stride: [1, 2],
    padding: [2, 1],
    ceilMode: true,
  }),
  caseOf('average', [1, 9, 8, 6], { kernel: 3, dilation: 2, padding: 2, stride: 1, countIncludePad: false }),
  caseOf('average', [1, 32, 32, 5], { kernel: 32 }),
  // Stems and transitions of the networks.
  caseOf('max', [1, 56, 56, 64], { kernel: 3, stride: 2, padding: 1 }),
  caseOf('max', [1, 14, 14, 480], { kernel: 3, stride: 2, ceilMode: true }),
  caseOf('max', [1, 112, 112, 64], { kernel: 3, stride: 2, padding: 1 }, full),
  caseOf('max', [1, 224, 224, 64], { kernel: 2 }, full),
  caseOf('max', [1, 28, 28, 256], { kernel: 3, stride: 1, padding: 1, ceilMode: true }, full),
  caseOf('average', [1, 56, 56, 128], { kernel: 2 }, full),
];
