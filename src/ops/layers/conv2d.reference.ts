/** Convolution in float64, and its table of cases. */
import type { Case, Reference } from '../../graph/ir/operation.js';
import { channelCount, elementCount, laneChannels, type Tensor } from '../../graph/ir/tensor.js';
import { activate } from './activation.formulas.js';

import { type Conv2dAttributes, type Conv2dInputs, geometry } from './conv2d.attributes.js';

export const reference: Reference<Conv2dAttributes, Conv2dInputs> = ([x, weight, bias, residual, affine], node) => {
  const { inHeight, inWidth, outputs, groupInputs, kernelHeight, kernelWidth, outHeight, outWidth } = geometry(node);
  const { stride, dilation, padding, groups, activation, prologue } = node.attributes;
  const channels = channelCount(node.inputs[0]);
  const images = node.inputs[0].shape[0];
  const input = prologue && affine ? withPrologue(x, affine, node.inputs[0], prologue) : x;
  const y = new Float64Array(elementCount(node.outputs[0]));
  let at = 0;
  for (let n = 0; n < images; n++) {
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ox = 0; ox < outWidth; ox++) {
        for (let o = 0; o < outputs; o++, at++) {
          const firstInput = Math.floor(o / (outputs / groups)) * groupInputs;
          let sum = bias ? bias[o] : 0;
          for (let ky = 0; ky < kernelHeight; ky++) {
            const iy = oy * stride[0] + ky * dilation[0] - padding[0];
            if (iy < 0 || iy >= inHeight) continue;
            for (let kx = 0; kx < kernelWidth; kx++) {
              const ix = ox * stride[1] + kx * dilation[1] - padding[1];
              if (ix < 0 || ix >= inWidth) continue;
              const pixel = ((n * inHeight + iy) * inWidth + ix) * channels + firstInput;
              const filter = (o * groupInputs * kernelHeight + ky) * kernelWidth + kx;
              for (let i = 0; i < groupInputs; i++) {
                sum += input[pixel + i] * weight[filter + i * kernelHeight * kernelWidth];
              }
            }
          }
          y[at] = activate(activation, sum + (residual ? residual[at] : 0));
        }
      }
    }
  }
  return [y];
};

// `affine` is packed: [2, lanes].
function withPrologue(
  x: Float64Array,
  affine: Float64Array,
  tensor: Tensor,
  prologue: 'affine' | 'affine_relu',
): Float64Array {
  const channels = channelCount(tensor);
  const lanes = laneChannels(tensor);
  return x.map((value, index) => {
    const lane = lanes.indexOf(index % channels);
    const shifted = value * affine[lane] + affine[lanes.length + lane];
    return prologue === 'affine_relu' ? Math.max(shifted, 0) : shifted;
  });
}

const plain: Conv2dAttributes = { stride: [1, 1], dilation: [1, 1], padding: [0, 0, 0, 0], groups: 1 };
const same: Conv2dAttributes = { ...plain, padding: [1, 1, 1, 1] };

type Sizes = readonly [
  n: number,
  h: number,
  w: number,
  inputs: number,
  outputs: number,
  kernelH: number,
  kernelW: number,
];

function conv(
  sizes: Sizes,
  given: Partial<Conv2dAttributes> & { segments?: number[] } = {},
  more: Partial<Case<Conv2dAttributes>> = {},
): Case<Conv2dAttributes> {
  const [n, h, w, inputs, outputs, kernelH, kernelW] = sizes;
  const { segments, ...attributes } = given;
  const groups = attributes.groups ?? 1;
  return {
    inputs: [
      { shape: [n, h, w, inputs], ...(segments ? { segments } : {}) },
      { shape: [outputs, inputs / groups, kernelH, kernelW] },
      { shape: [outputs] },
    ],
    attributes: { ...plain, ...attributes },
    ...more,
  };
}

const full = { full: true, bench: true };

export const cases = (): Case<Conv2dAttributes>[] => [
  conv([1, 1, 1, 1, 1, 1, 1]),
  conv([1, 1, 1, 3, 5, 3, 3], same),
  conv([2, 5, 7, 3, 8, 3, 3], same),
  conv([1, 7, 5, 13, 11, 3, 3]),
  conv([3, 4, 4, 4, 4, 2, 2], { stride: [2, 2] }),
  conv([1, 13, 11, 6, 10, 3, 3], { stride: [3, 3], padding: [1, 1, 1, 1] }),
  conv([1, 17, 9, 5, 4, 3, 5], { stride: [2, 3], dilation: [2, 1], padding: [2, 1, 0, 3] }),
  conv([1, 9, 9, 4, 7, 3, 3], { dilation: [3, 2], padding: [3, 2, 3, 2] }),
  conv([1, 2, 3, 4, 4, 3, 3], { padding: [5, 5, 5, 5] }), // windows that lie completely in the padding
  conv([2, 6, 6, 8, 12, 3, 3], { ...same, groups: 2 }),
  conv([1, 6, 5, 16, 16, 3, 3], { ...same, groups: 4 }),
  conv([1, 6, 5, 6, 9, 3, 3], { ...same, groups: 3 }),
  conv([1, 5, 5, 10, 5, 1, 1], { groups: 5 }),
  conv([2, 3, 4, 10, 6, 3, 4], { segments: [3, 7] }), // a window of the whole map, as in a fully connected layer
  conv([2, 7, 6, 10, 10, 3, 3], { ...same, groups: 10 }), // depthwise
  conv([1, 9, 9, 5, 5, 5, 5], { groups: 5, stride: [2, 2], padding: [2, 2, 2, 2] }),
  conv([1, 5, 5, 3, 6, 3, 3], { ...same, groups: 3 }), // depthwise with a multiplier
  // Groups over segments with holes between them: groups in one segment, groups in several, and groups of whole vec4s.
  conv([1, 4, 5, 4, 4, 3, 3], { ...same, groups: 2, segments: [2, 2] }),
  conv([2, 4, 5, 12, 6, 3, 3], { ...same, groups: 3, segments: [3, 7, 2] }),
  conv([1, 5, 4, 16, 8, 3, 3], { ...same, groups: 2, segments: [6, 10], stride: [2, 1] }),
  conv([2, 7, 6, 11, 11, 3, 3], { ...same, groups: 11, segments: [3, 7, 1], activation: { kind: 'relu' } }),
  conv([1, 5, 5, 5, 10, 1, 3], { groups: 5, segments: [1, 4] }),
  // Inception v3's rows and columns.
  conv([2, 5, 9, 6, 5, 1, 7], { padding: [0, 3, 0, 3] }),
  conv([2, 9, 5, 5, 6, 7, 1], { padding: [3, 0, 3, 0] }),
  conv([1, 9, 8, 9, 9, 7, 7], { groups: 9, padding: [3, 3, 3, 3] }), // ConvNeXt's depthwise
  conv([1, 5, 11, 6, 6, 3, 3], { ...same, groups: 6, stride: [1, 2], activation: { kind: 'relu' } }),
  conv([1, 9, 10, 7, 7, 3, 3], { groups: 7, dilation: [1, 2], padding: [1, 2, 3, 0] }),
  conv([2, 3, 1, 5, 5, 3, 3], { ...same, groups: 5 }),
  conv([2, 4, 4, 8, 8, 2, 2], { groups: 8 }),
  conv([1, 133, 5, 3, 4, 3, 3], same),
  conv([1, 3, 141, 4, 5, 3, 3], { ...same, stride: [3, 3] }),
  conv([1, 8, 8, 68, 70, 1, 1]), // more than one tile of output channels
  conv([1, 9, 9, 20, 66, 3, 3], same),
  conv([1, 5, 5, 8, 8, 3, 3], { ...same, activation: { kind: 'leaky_relu', a: 0.1 } }),
  conv([1, 4, 4, 1024, 5, 3, 3], same), // as many input channels as Winograd's method may have
  {
    inputs: [{ shape: [1, 3, 3, 11], segments: [3, 7, 1] }, { shape: [6, 11, 3, 3] }, undefined],
    attributes: same,
  },
  // Weights that are a matrix.
  { inputs: [{ shape: [2, 3, 5, 6] }, { shape: [9, 6] }, { shape: [9] }], attributes: plain },
  {
    inputs: [
      { shape: [2, 5, 4, 6] },
      { shape: [7, 6, 3, 3] },
      { shape: [7] },
      { shape: [2, 5, 4, 7], layout: 'nhwc4' },
    ],
    attributes: { ...same, activation: { kind: 'relu' } },
  },
  {
    inputs: [{ shape: [1, 5, 6, 8] }, { shape: [5, 8, 3, 3] }, undefined, undefined, { shape: [2, 8] }],
    attributes: { ...same, prologue: 'affine_relu' },
  },
  {
    inputs: [
      { shape: [1, 4, 4, 8] },
      { shape: [68, 8, 1, 1] },
      undefined,
      { shape: [1, 4, 4, 68], layout: 'nhwc4' },
      { shape: [2, 8] },
    ],
    attributes: { ...plain, prologue: 'affine' },
  },
  // One, two and three input channels, whose padding some kernels leave out of k.
  conv([2, 17, 15, 1, 10, 7, 7], { padding: [3, 3, 3, 3] }),
  conv([2, 23, 19, 2, 12, 5, 5], { stride: [2, 1], dilation: [1, 2], padding: [2, 4, 1, 3] }),
  conv([1, 21, 23, 2, 13, 3, 3]),
  {
    inputs: [
      { shape: [2, 21, 17, 3] },
      { shape: [9, 3, 5, 3] },
      { shape: [9] },
      { shape: [2, 21, 9, 9], layout: 'nhwc4' },
      { shape: [2, 4] },
    ],
    attributes: { ...plain, stride: [1, 2], dilation: [2, 1], padding: [4, 1, 4, 1], prologue: 'affine_relu' },
  },
  // Shapes of the networks, at reduced height and width.
  conv([1, 20, 20, 3, 64, 7, 7], { stride: [2, 2], padding: [3, 3, 3, 3] }),
  conv([1, 27, 27, 3, 64, 11, 11], { stride: [4, 4], padding: [2, 2, 2, 2] }),
  conv([1, 7, 7, 256, 64, 1, 1]),
  conv([1, 4, 4, 128, 128, 3, 3], { ...same, stride: [2, 2] }),
  conv([1, 2, 2, 512, 512, 1, 1]),
  conv([1, 224, 224, 3, 64, 7, 7], { stride: [2, 2], padding: [3, 3, 3, 3] }, full),
  conv([1, 56, 56, 64, 64, 3, 3], same, full),
  conv([1, 28, 28, 512, 128, 1, 1], {}, full),
  conv([1, 28, 28, 128, 128, 3, 3], same, full),
  conv([1, 14, 14, 256, 1024, 1, 1], {}, full),
  conv([1, 14, 14, 256, 256, 3, 3], same, full),
  conv([1, 7, 7, 512, 2048, 1, 1], {}, full),
  conv([1, 7, 7, 512, 512, 3, 3], same, full),
  conv([1, 56, 56, 128, 128, 3, 3], { ...same, groups: 32 }, full),
  conv([1, 56, 56, 96, 96, 3, 3], { ...same, groups: 96 }, full),
  conv([16, 14, 14, 256, 256, 3, 3], same, full),
];
