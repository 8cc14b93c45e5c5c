/** The backward pass of resizing in float64, one axis after the other, over the forward pass's own taps and cases. */
import type { Case, Reference } from '../../graph/ir/operation.js';
import type { ResizeMode } from '../layers/resize.js';
import { cases as forwardCases, tapsOf } from '../layers/resize.reference.js';
import type { ResizeGradientAttributes, ResizeGradientInputs } from './resize_gradient.js';

// Gradients as [outer, count, inner] → [outer, size, inner].
function along(values: Float64Array, mode: ResizeMode, size: number, count: number, inner: number): Float64Array {
  const outer = values.length / (count * inner);
  const result = new Float64Array(outer * size * inner);
  for (let o = 0; o < count; o++) {
    for (const [position, weight] of tapsOf(mode, size, count, o)) {
      for (let image = 0; image < outer; image++) {
        for (let i = 0; i < inner; i++) {
          result[(image * size + position) * inner + i] += weight * values[(image * count + o) * inner + i];
        }
      }
    }
  }
  return result;
}

export const reference: Reference<ResizeGradientAttributes, ResizeGradientInputs> = (
  [dy],
  { inputs, attributes: { height, width, mode } },
) => {
  const { shape, layout } = inputs[0];
  const [newHeight, newWidth] = layout === 'dense' ? shape.slice(2) : shape.slice(1);
  const inner = layout === 'dense' ? 1 : shape[3];
  return [along(along(dy, mode, width, newWidth, inner), mode, height, newHeight, width * inner)];
};

export const cases = (): Case<ResizeGradientAttributes>[] =>
  forwardCases().flatMap(({ full, inputs: [x], attributes: { height, width, mode } }) => {
    if (full || !x) return [];
    const { shape, layout } = x;
    const [old, rest] = layout === 'dense' ? [shape.slice(2), shape.slice(0, 2)] : [shape.slice(1, 3), shape];
    const resized = layout === 'dense' ? [...rest, height, width] : [rest[0], height, width, rest[3]];
    return [{ inputs: [{ ...x, shape: resized }], attributes: { height: old[0], width: old[1], mode } }];
  });
