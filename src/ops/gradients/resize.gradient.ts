/** Resizing is linear: an input pixel gets the gradient of each output pixel, times its weight in that output pixel. */
import type { Gradient } from '../../graph/ir/operation.js';
import { type ResizeAttributes, type ResizeInputs, sizesOf } from '../layers/resize.js';
import { forward as resizeGradient } from './resize_gradient.js';

export const gradient: Gradient<ResizeAttributes, ResizeInputs> = (
  g,
  { inputs: [x], outputs: [y], attributes: { mode } },
  [dy],
) => {
  const { height, width } = sizesOf(x);
  return [g.apply(resizeGradient, [dy], { height, width, mode }, `${y.name}/gradient`)];
};
