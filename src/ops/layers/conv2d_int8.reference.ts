/** Convolution with 8-bit integers in float64, and its table of cases. */
import type { Case, Reference } from '../../graph/ir/operation.js';
import { quantizeActivation, quantizeWeights, wholeWeights } from '../packing/int8.reference.js';
import type { Conv2dInputs } from './conv2d.attributes.js';
import { reference as conv2d } from './conv2d.reference.js';
import type { Conv2dInt8Attributes } from './conv2d_int8.js';

/** The integers times their scales are convolved. Their sums are exact in float64. */
export const reference: Reference<Conv2dInt8Attributes, Conv2dInputs> = ([x, weight, bias, residual], node) => {
  const { scale, zero } = node.attributes;
  const outputs = node.inputs[1].shape[0];
  const { integers, scales } = quantizeWeights(weight, outputs);
  const count = weight.length / outputs;
  const inputs = x.map((value) => (quantizeActivation(value, scale, zero) - zero) * Math.fround(scale));
  const weights = Float64Array.from(integers, (integer, i) => integer * scales[Math.floor(i / count)]);
  return conv2d([inputs, weights, bias, residual, undefined], node);
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

const plain: Conv2dInt8Attributes = {
  ...{ stride: [1, 1], dilation: [1, 1], padding: [0, 0, 0, 0], groups: 1 },
  ...{ scale: 0.02, zero: -7 },
};
const same: Conv2dInt8Attributes = { ...plain, padding: [1, 1, 1, 1] };

function conv(
  sizes: Sizes,
  given: Partial<Conv2dInt8Attributes> & { segments?: number[]; residual?: true; bias?: false } = {},
  more: Partial<Case<Conv2dInt8Attributes>> = {},
): Case<Conv2dInt8Attributes> {
  const [n, h, w, inputs, outputs, kernelH, kernelW] = sizes;
  const { segments, residual, bias, ...attributes } = given;
  return {
    inputs: [
      { shape: [n, h, w, inputs], ...(segments ? { segments } : {}) },
      { shape: [outputs, inputs, kernelH, kernelW], fill: wholeWeights(inputs * kernelH * kernelW) },
      bias === false ? undefined : { shape: [outputs] },
      ...(residual ? [{ shape: [n, h, w, outputs], layout: 'nhwc4' } as const] : []),
    ],
    attributes: { ...plain, ...attributes },
    ...more,
  };
}

const full = { full: true, bench: true };

export const cases = (): Case<Conv2dInt8Attributes>[] => [
  conv([1, 1, 1, 1, 1, 1, 1]),
  conv([1, 1, 1, 3, 5, 3, 3], same),
  conv([2, 5, 7, 16, 8, 1, 1]),
  conv([1, 7, 5, 13, 11, 1, 1], { zero: -128, bias: false }),
  conv([1, 3, 11, 21, 37, 1, 1], { zero: 127, activation: { kind: 'relu' } }),
  conv([1, 4, 4, 24, 10, 1, 1], { residual: true, activation: { kind: 'relu' } }),
  conv([1, 5, 6, 12, 9, 1, 1], { segments: [3, 7, 2], zero: 90 }),
  conv([2, 5, 7, 16, 8, 3, 3], same),
  conv([1, 7, 5, 13, 11, 3, 3], { ...same, zero: 100 }),
  conv([1, 2, 3, 4, 4, 3, 3], { padding: [5, 5, 5, 5], zero: 33 }), // windows that lie completely in the padding
  conv([1, 13, 11, 6, 10, 3, 3], { stride: [3, 3], padding: [1, 1, 1, 1] }),
  conv([1, 17, 9, 5, 4, 3, 5], { stride: [2, 3], dilation: [2, 1], padding: [2, 1, 0, 3] }),
  conv([2, 3, 4, 10, 6, 3, 4], { segments: [3, 7] }), // a window of the whole map
  conv([2, 5, 9, 20, 5, 1, 7], { padding: [0, 3, 0, 3], activation: { kind: 'leaky_relu', a: 0.1 } }),
  conv([1, 133, 5, 3, 4, 3, 3], same),
  conv([1, 8, 8, 68, 70, 1, 1]), // more than one workgroup of output channels
  conv([1, 6, 6, 70, 33, 3, 3], { ...same, scale: 0.001 }), // most activations are out of range
  { inputs: [{ shape: [2, 3, 5, 6] }, { shape: [9, 6], fill: wholeWeights(6) }, { shape: [9] }], attributes: plain },
  conv([1, 56, 56, 64, 64, 3, 3], same, full),
  conv([1, 28, 28, 512, 128, 1, 1], {}, full),
  conv([1, 14, 14, 256, 1024, 1, 1], {}, full),
  conv([1, 14, 14, 256, 256, 3, 3], same, full),
  conv([1, 7, 7, 512, 512, 3, 3], same, full),
];
