/** Backward pass of a change of height and width, in all its modes. */
import { InputError } from '../../errors.js';
import { resize_gradient } from '../../generated/kernels/resize_gradient.js';
import type { Operation } from '../../graph/ir/operation.js';
import { elementCount } from '../../graph/ir/tensor.js';
import { dispatchMaps, type ResizeAttributes, resizeParams, sizesOf, withSize } from '../layers/resize.js';

/** Limit of the sizes, as in `resize`: positions and the reach of the filter, added in units of the kernel, must fit 31 bits. */
const LARGEST = 2 ** 28;

/** height, width: those of dx, which are those of the input of `resize`. */
export type ResizeGradientAttributes = ResizeAttributes;

const INPUTS = ['dy'] as const;
export type ResizeGradientInputs = typeof INPUTS;

/** dy, dx: nhwc4 or dense, as in `resize`. */
export const forward: Operation<ResizeGradientAttributes, typeof INPUTS> = {
  name: 'resize_gradient',
  inputs: INPUTS,
  infer([dy], { height, width }) {
    const to = sizesOf(dy);
    const fits = (size: number, count: number) => Number.isInteger(size) && size >= 1 && size * count < LARGEST;
    if (fits(height, to.height) && fits(width, to.width)) return [withSize(dy, height, width)];
    throw new InputError('size before resizing', {
      expected: 'integers ≥ 1 whose product with the new size is below 2²⁸',
      given: `${height}×${width} to ${to.height}×${to.width}`,
    });
  },
  flops: ({ inputs: [dy] }) => 8 * elementCount(dy),
  lower({ inputs: [dy], outputs: [dx], attributes: { mode } }, context) {
    const [from, to] = [sizesOf(dx), sizesOf(dy)];
    // The first or last row that an input row reaches, computed as `reached` in the kernel computes it.
    const reach = (row: number, side: -1 | 1) => {
      if (mode === 'bilinear_corners') return side < 0 ? 0 : to.height - 1;
      const edge = (2 * row + 1) * to.height + side * 2 * Math.max(from.height, to.height);
      return Math.min(Math.max(Math.trunc(edge / (2 * from.height)) + side, 0), to.height - 1);
    };
    dispatchMaps(context, {
      kernel: resize_gradient,
      constants: {
        NEAREST: mode === 'nearest',
        CORNERS: mode === 'bilinear_corners',
        ANTIALIASED: mode === 'bilinear_antialiased',
      },
      x: dy,
      y: dx,
      rows: (first, last) => [reach(first, -1), reach(last, 1)],
      params: resizeParams(mode, from, to),
    });
  },
};
