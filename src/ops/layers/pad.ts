/** Adds rows and columns of a constant around each image; negative sizes remove some. */
import { InputError } from '../../errors.js';
import { pad as kernel } from '../../generated/kernels/pad.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Case, Gradient, Operation, Reference } from '../../graph/ir/operation.js';
import { channelCount, describeShape, elementCount, segmentsOf, type Tensor } from '../../graph/ir/tensor.js';
import { dispatchGroups } from '../groups.js';
import { compact } from '../packing/compact.js';
import { type Pair, type Sides, sides, windowRows } from '../windows.js';

export interface PadAttributes {
  /** Pixels at each side; negative ones crop. */
  padding: Sides;
  value: number;
}

const INPUTS = ['x'] as const;

/** x: [n, h, w, c] nhwc4; holes between channels only if the value is 0. y: [n, top + h + bottom, left + w + right, c]. */
export const forward: Operation<PadAttributes, typeof INPUTS> = {
  name: 'pad',
  inputs: INPUTS,
  infer([x], { padding, value }) {
    if (x.shape.length !== 4 || x.layout !== 'nhwc4') {
      throw new InputError('input', { expected: 'nhwc4 [n, h, w, c]', given: describeShape(x) });
    }
    if (!padding.every(Number.isInteger) || !Number.isFinite(value)) {
      throw new InputError('padding', { expected: 'integers and a finite value', given: `${padding} of ${value}` });
    }
    if (value !== 0 && segmentsOf(x).length > 1) {
      throw new InputError('padding with a value', { expected: 'channels without holes', hint: 'compact them first' });
    }
    const [top, left, bottom, right] = padding;
    const [images, height, width, channels] = x.shape;
    const shape = [images, top + height + bottom, left + width + right, channels];
    if (shape[1] < 1 || shape[2] < 1) {
      throw new InputError('cropping leaves nothing', {
        expected: `fewer than ${height} rows and ${width} columns taken away`,
        given: `padding ${padding}`,
      });
    }
    return [{ ...x, shape }];
  },
  flops: () => 0,
  lower({ inputs: [x], outputs: [y], attributes: { padding, value } }, context) {
    const [, inHeight, inWidth] = x.shape;
    const [, outHeight, outWidth] = y.shape;
    const one: Pair = [1, 1];
    dispatchGroups(context, y, {
      kernel,
      inputs: { x },
      needs: windowRows(
        { kernel: one, stride: one, dilation: one, padding },
        [inHeight, inWidth],
        [outHeight, outWidth],
      ),
      params: {
        in_h: inHeight,
        in_w: inWidth,
        out_h: outHeight,
        out_w: outWidth,
        pad_top: padding[0],
        pad_left: padding[1],
        // The mask makes no difference if the value is 0, so in that case there may be holes.
        channels: channelCount(y),
        value,
      },
    });
  },
};

/** Adds padding around the images: one size for all sides, vertical and horizontal, or top, left, bottom and right. */
export function pad(
  g: GraphBuilder,
  x: Tensor,
  padding: number | Pair | Sides,
  options: { value?: number; name?: string } = {},
): Tensor {
  const { value = 0, name } = options;
  return g.apply(forward, [value === 0 ? x : compact(g, x)], { padding: sides(padding), value }, name);
}

export const reference: Reference<PadAttributes, typeof INPUTS> = ([x], node) => {
  const { padding, value } = node.attributes;
  const [images, inHeight, inWidth, channels] = node.inputs[0].shape;
  const [, outHeight, outWidth] = node.outputs[0].shape;
  const y = new Float64Array(elementCount(node.outputs[0])).fill(value);
  for (let n = 0; n < images; n++) {
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ox = 0; ox < outWidth; ox++) {
        const [iy, ix] = [oy - padding[0], ox - padding[1]];
        if (iy < 0 || iy >= inHeight || ix < 0 || ix >= inWidth) continue;
        const from = ((n * inHeight + iy) * inWidth + ix) * channels;
        y.set(x.subarray(from, from + channels), ((n * outHeight + oy) * outWidth + ox) * channels);
      }
    }
  }
  return [y];
};

export const gradient: Gradient<PadAttributes, typeof INPUTS> = (
  g,
  { outputs: [y], attributes: { padding } },
  [dy],
) => {
  const [top, left, bottom, right] = padding;
  return [pad(g, dy, [-top, -left, -bottom, -right], { name: `${y.name}/gradient` })];
};

const caseOf = (shape: readonly number[], padding: Sides, value = 0): Case<PadAttributes> => ({
  inputs: [{ shape }],
  attributes: { padding, value },
});

export const cases = (): Case<PadAttributes>[] => [
  caseOf([1, 1, 1, 1], [0, 0, 0, 0]),
  caseOf([1, 1, 1, 1], [2, 1, 0, 3], 0.5),
  caseOf([2, 5, 7, 3], [1, 2, 3, 4], -1.5),
  caseOf([2, 5, 7, 6], [1, 2, 3, 4]),
  caseOf([1, 133, 3, 5], [0, 3, 1, 0], 2),
  caseOf([2, 9, 8, 3], [-1, -2, -3, -4]),
  caseOf([2, 9, 8, 3], [-2, 3, 1, -5], 0.25),
  { inputs: [{ shape: [2, 3, 4, 11], segments: [3, 7, 1] }], attributes: { padding: [1, 0, 2, 1], value: 0 } },
];
