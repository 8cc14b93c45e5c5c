/** Backward pass of a convolution by its input in float64, and its table of cases. */
import type { Case, Reference } from '../../graph/ir/operation.js';
import { elementCount } from '../../graph/ir/tensor.js';
import { windowCounts } from '../windows.js';
import type { Conv2dGradientAttributes, Conv2dInputGradientInputs } from './conv2d_input_gradient.js';

export const reference: Reference<Conv2dGradientAttributes, Conv2dInputGradientInputs> = ([dy, transposed], node) => {
  const { kernel, stride, dilation, padding, groups, height, width } = node.attributes;
  const [images, outHeight, outWidth, outputs] = node.inputs[0].shape;
  const [inputs, groupOutputs] = node.inputs[1].shape;
  const groupInputs = inputs / groups;
  const taps = kernel[0] * kernel[1];
  const dx = new Float64Array(elementCount(node.outputs[0]));
  for (let n = 0; n < images; n++) {
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ox = 0; ox < outWidth; ox++) {
        for (let tap = 0; tap < taps; tap++) {
          const iy = oy * stride[0] + Math.floor(tap / kernel[1]) * dilation[0] - padding[0];
          const ix = ox * stride[1] + (tap % kernel[1]) * dilation[1] - padding[1];
          if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue;
          const from = ((n * outHeight + oy) * outWidth + ox) * outputs;
          const to = ((n * height + iy) * width + ix) * inputs;
          for (let i = 0; i < inputs; i++) {
            const first = Math.floor(i / groupInputs) * groupOutputs;
            for (let o = 0; o < groupOutputs; o++) {
              dx[to + i] += dy[from + first + o] * transposed[(i * groupOutputs + o) * taps + taps - 1 - tap];
            }
          }
        }
      }
    }
  }
  return [dx];
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
  given: Partial<Conv2dGradientAttributes> = {},
  more: Partial<Case<Conv2dGradientAttributes>> = {},
): Case<Conv2dGradientAttributes> {
  const attributes: Conv2dGradientAttributes = {
    kernel,
    stride: [2, 2],
    dilation: [1, 1],
    padding: [1, 1, 1, 1],
    groups: 1,
    height,
    width,
    ...given,
  };
  const out = windowCounts(attributes, [height, width]);
  return {
    inputs: [{ shape: [n, ...out, outputs] }, { shape: [inputs, outputs / attributes.groups, ...kernel] }],
    attributes,
    ...more,
  };
}

const full = { full: true, bench: true };

export const cases = (): Case<Conv2dGradientAttributes>[] => [
  caseOf([1, 1, 1, 1, 1, 1, 1], { padding: [0, 0, 0, 0] }),
  caseOf([2, 5, 7, 3, 8, 3, 3]),
  caseOf([1, 8, 6, 5, 4, 1, 1], { padding: [0, 0, 0, 0] }), // pixels that no window reads
  caseOf([1, 13, 11, 6, 10, 3, 3], { stride: [3, 3] }),
  caseOf([1, 17, 9, 5, 4, 3, 5], { stride: [2, 3], dilation: [2, 1], padding: [2, 1, 0, 3] }),
  caseOf([1, 9, 9, 4, 7, 3, 3], { stride: [1, 2], dilation: [3, 2], padding: [3, 2, 3, 2] }),
  caseOf([1, 2, 3, 4, 4, 3, 3], { padding: [5, 5, 5, 5] }),
  caseOf([2, 6, 6, 8, 16, 3, 3], { groups: 2 }),
  caseOf([1, 6, 5, 6, 9, 3, 3], { groups: 3 }),
  caseOf([2, 7, 6, 10, 10, 3, 3], { groups: 10 }),
  caseOf([2, 9, 13, 24, 24, 5, 5], { groups: 24, padding: [2, 2, 2, 2] }),
  caseOf([1, 11, 12, 5, 5, 3, 4], { groups: 5, stride: [3, 1], dilation: [2, 3], padding: [2, 1, 0, 4] }),
  caseOf([4, 64, 64, 96, 96, 3, 3], { groups: 96 }, full),
  caseOf([1, 5, 9, 6, 5, 1, 7], { padding: [0, 3, 0, 3] }),
  caseOf([1, 9, 5, 5, 6, 7, 1], { stride: [2, 1], padding: [3, 0, 3, 0] }),
  caseOf([1, 133, 5, 3, 4, 3, 3]),
  caseOf([1, 3, 141, 4, 5, 3, 3], { stride: [3, 3] }),
  caseOf([1, 20, 20, 3, 64, 7, 7], { padding: [3, 3, 3, 3] }),
  caseOf([1, 27, 27, 3, 32, 11, 11], { stride: [4, 4], padding: [2, 2, 2, 2] }),
  caseOf([1, 4, 4, 64, 128, 3, 3]),
  // These are larger than a tile in all directions, and fill none to its end.
  caseOf([3, 14, 17, 70, 37, 1, 1], { stride: [3, 3], padding: [0, 0, 0, 0] }),
  caseOf([2, 17, 15, 37, 45, 3, 3]),
  caseOf([2, 13, 14, 35, 9, 5, 3], { stride: [3, 2], dilation: [1, 3], padding: [2, 3, 1, 2] }),
  // Strides and dilations with a common divisor: no tap reaches some pixels, and others are reached by every second or third tap.
  caseOf([2, 12, 19, 6, 13, 3, 7], { stride: [2, 6], dilation: [2, 4], padding: [2, 5, 2, 5] }),
  caseOf([4, 56, 56, 64, 128, 3, 3], {}, full),
  caseOf([4, 56, 56, 64, 128, 1, 1], { padding: [0, 0, 0, 0] }, full),
];
