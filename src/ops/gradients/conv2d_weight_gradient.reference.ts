/** Backward pass of a convolution by its weights in float64, and its table of cases. */
import type { Case, Reference } from '../../graph/ir/operation.js';
import { elementCount } from '../../graph/ir/tensor.js';
import { windowCounts } from '../windows.js';
import type { Conv2dWeightGradientAttributes, Conv2dWeightGradientInputs } from './conv2d_weight_gradient.js';

export const reference: Reference<Conv2dWeightGradientAttributes, Conv2dWeightGradientInputs> = ([x, dy], node) => {
  const { kernel, stride, dilation, padding, groups } = node.attributes;
  const [images, height, width, inputs] = node.inputs[0].shape;
  const [, outHeight, outWidth, outputs] = node.inputs[1].shape;
  const [groupInputs, groupOutputs] = [inputs / groups, outputs / groups];
  const taps = kernel[0] * kernel[1];
  const dw = new Float64Array(elementCount(node.outputs[0]));
  for (let n = 0; n < images; n++) {
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ox = 0; ox < outWidth; ox++) {
        for (let tap = 0; tap < taps; tap++) {
          const iy = oy * stride[0] + Math.floor(tap / kernel[1]) * dilation[0] - padding[0];
          const ix = ox * stride[1] + (tap % kernel[1]) * dilation[1] - padding[1];
          if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue;
          const from = ((n * height + iy) * width + ix) * inputs;
          const slope = ((n * outHeight + oy) * outWidth + ox) * outputs;
          for (let o = 0; o < outputs; o++) {
            const first = from + Math.floor(o / groupOutputs) * groupInputs;
            for (let i = 0; i < groupInputs; i++) {
              dw[(o * groupInputs + i) * taps + tap] += dy[slope + o] * x[first + i];
            }
          }
        }
      }
    }
  }
  return [dw];
};

type Sizes = readonly [
  n: number,
  h: number,
  w: number,
  inputs: number,
  outputs: number,
  kernelH: number,
  kernelW: number,
];

function caseOf(
  [n, height, width, inputs, outputs, ...kernel]: Sizes,
  given: Partial<Conv2dWeightGradientAttributes> & { segments?: number[] } = {},
  more: Partial<Case<Conv2dWeightGradientAttributes>> = {},
): Case<Conv2dWeightGradientAttributes> {
  const { segments, ...rest } = given;
  const attributes: Conv2dWeightGradientAttributes = {
    kernel,
    stride: [1, 1],
    dilation: [1, 1],
    padding: [1, 1, 1, 1],
    groups: 1,
    ...rest,
  };
  const out = windowCounts(attributes, [height, width]);
  return {
    inputs: [
      { shape: [n, height, width, inputs], ...(segments ? { segments } : {}) },
      { shape: [n, ...out, outputs], layout: 'nhwc4' },
    ],
    attributes,
    ...more,
  };
}

const none = { padding: [0, 0, 0, 0] } as const;
const full = { full: true, bench: true };

export const cases = (): Case<Conv2dWeightGradientAttributes>[] => [
  caseOf([1, 1, 1, 1, 1, 1, 1], none),
  caseOf([2, 5, 7, 3, 8, 3, 3]),
  caseOf([1, 7, 5, 13, 11, 3, 3], none),
  caseOf([1, 13, 11, 6, 10, 3, 3], { stride: [3, 3] }),
  caseOf([1, 17, 9, 5, 4, 3, 5], { stride: [2, 3], dilation: [2, 1], padding: [2, 1, 0, 3] }),
  caseOf([1, 9, 9, 4, 7, 3, 3], { dilation: [3, 2], padding: [3, 2, 3, 2] }),
  caseOf([1, 2, 3, 4, 4, 3, 3], { padding: [5, 5, 5, 5] }),
  caseOf([1, 3, 3, 11, 6, 3, 3], { segments: [3, 7, 1] }),
  caseOf([2, 6, 6, 8, 16, 3, 3], { groups: 2 }),
  caseOf([1, 6, 5, 6, 9, 3, 3], { groups: 3 }),
  caseOf([1, 4, 5, 22, 4, 3, 3], { groups: 2, segments: [3, 7, 12] }),
  caseOf([1, 4, 5, 4, 4, 3, 3], { groups: 2, segments: [2, 2] }),
  caseOf([1, 5, 4, 16, 8, 3, 3], { groups: 2, segments: [6, 10], stride: [2, 1] }),
  caseOf([2, 7, 6, 10, 10, 3, 3], { groups: 10, stride: [2, 2] }),
  caseOf([2, 5, 9, 6, 5, 1, 7], { padding: [0, 3, 0, 3] }),
  caseOf([2, 9, 5, 5, 6, 7, 1], { padding: [3, 0, 3, 0] }),
  caseOf([1, 9, 8, 9, 9, 7, 7], { groups: 9, padding: [3, 3, 3, 3] }),
  caseOf([2, 9, 13, 24, 24, 5, 5], { groups: 24, stride: [2, 2], padding: [2, 2, 2, 2] }),
  caseOf([1, 11, 12, 5, 5, 3, 3], { groups: 5, dilation: [2, 3], padding: [2, 3, 2, 3] }),
  caseOf([1, 2, 3, 4, 4, 3, 3], { groups: 4, padding: [5, 5, 5, 5] }),
  caseOf([1, 9, 8, 6, 6, 1, 9], { groups: 6, ...none, padding: [0, 4, 0, 4] }),
  caseOf([3, 31, 33, 8, 8, 3, 3], { groups: 8 }), // several chunks that begin within rows
  caseOf([4, 64, 64, 96, 96, 3, 3], { groups: 96 }, full),
  caseOf([4, 64, 64, 96, 96, 3, 3], { groups: 96, stride: [2, 2] }, full),
  caseOf([1, 133, 5, 3, 4, 3, 3]),
  caseOf([2, 3, 141, 4, 5, 3, 3], { stride: [3, 3] }),
  caseOf([1, 8, 8, 68, 70, 1, 1], none),
  caseOf([2, 3, 5, 6, 9, 1, 1], { ...none, isMatrix: true }),
  caseOf([3, 41, 43, 3, 5, 1, 1], none), // several chunks, the last one short
  caseOf([2, 35, 33, 5, 4, 3, 3], { groups: 1, stride: [1, 1] }),
  // These are larger than a tile in all directions, and fill none to its end.
  caseOf([3, 11, 13, 45, 70, 1, 1], { ...none, stride: [2, 2] }),
  caseOf([2, 9, 11, 37, 69, 3, 3], { stride: [2, 2] }),
  caseOf([2, 16, 13, 22, 33, 3, 2], { segments: [3, 12, 7], stride: [3, 1], dilation: [2, 3], padding: [2, 1, 0, 2] }),
  caseOf([1, 20, 20, 3, 64, 7, 7], { stride: [2, 2], padding: [3, 3, 3, 3] }),
  caseOf([4, 112, 112, 3, 64, 7, 7], { stride: [2, 2], padding: [3, 3, 3, 3] }, full),
  caseOf([4, 56, 56, 64, 64, 3, 3], {}, full),
  caseOf([4, 28, 28, 128, 128, 3, 3], {}, full),
  caseOf([4, 7, 7, 512, 512, 3, 3], {}, full),
];
