/** Backward pass of log-sum-exp pooling: dx = dy times the softmax of r · x over the positions. */
import { InputError } from '../../errors.js';
import { lse_pool_gradient } from '../../generated/kernels/lse_pool_gradient.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { describeForm, elementCount, groupCount } from '../../graph/ir/tensor.js';
import { type LsePoolAttributes, pooledSpec } from '../layers/lse_pool.js';

const INPUTS = ['x', 'dy'] as const;

/** x: [n, h, w, c] nhwc4. dy: [n, c] or [n, 1, 1, c] nhwc4, f32. dx: like x. */
export const forward: Operation<LsePoolAttributes, typeof INPUTS> = {
  name: 'lse_pool_gradient',
  inputs: INPUTS,
  infer([x, dy], { onePixel }) {
    const expected = describeForm(pooledSpec(x, onePixel));
    if (x.layout !== 'nhwc4' || describeForm(dy) !== expected) {
      throw new InputError('gradient', { expected, given: `${describeForm(dy)} for ${describeForm(x)}` });
    }
    return [x];
  },
  flops: ({ inputs: [x] }) => 16 * elementCount(x),
  lower({ inputs: [x, dy], outputs: [dx], attributes: { r } }, context) {
    const positions = x.shape[1] * x.shape[2];
    const [images] = x.shape;
    // If the adapter cannot bind all images at once, they are processed in bands of whole images.
    const pixels = ([from, to]: readonly [number, number]) => [from * positions, to * positions] as const;
    const bands = context.bands(dy, [
      [x, pixels],
      [dx, pixels],
    ]);
    for (const band of bands) {
      const [input, output] = [context.read(x, pixels(band)), context.write(dx, pixels(band))];
      const gradient = context.read(dy);
      context.dispatch({
        kernel: lse_pool_gradient,
        constants: { elem: x.type, LANES: 64 },
        bindings: [input, gradient, output],
        params: {
          positions,
          groups: groupCount(x),
          first: band[0],
          x_offset: input.offset,
          x_pitch: input.pitch,
          dy_offset: gradient.offset,
          dy_pitch: gradient.pitch,
          dx_offset: output.offset,
          dx_pitch: output.pitch,
          r: Math.min(r, 1e30),
        },
        workgroups: [groupCount(x), Math.min(images, band[1]) - band[0], 1],
      });
    }
  },
};

export const reference: Reference<LsePoolAttributes, typeof INPUTS> = ([x, dy], { inputs, attributes: { r } }) => {
  const [images, height, width, channels] = inputs[0].shape;
  const positions = height * width;
  const dx = new Float64Array(x.length);
  const sharpness = Math.min(r, 1e30);
  for (let n = 0; n < images; n++) {
    for (let c = 0; c < channels; c++) {
      const at = (p: number) => (n * positions + p) * channels + c;
      let peak = Number.NEGATIVE_INFINITY;
      for (let p = 0; p < positions; p++) peak = Math.max(peak, x[at(p)]);
      let sum = 0;
      for (let p = 0; p < positions; p++) sum += Math.exp(sharpness * (x[at(p)] - peak));
      for (let p = 0; p < positions; p++) {
        dx[at(p)] = (dy[n * channels + c] * Math.exp(sharpness * (x[at(p)] - peak))) / sum;
      }
    }
  }
  return [dx];
};

const dy = (images: number, channels: number, more: object = {}) => ({
  shape: [images, channels],
  layout: 'nhwc4' as const,
  type: 'f32' as const,
  ...more,
});

export const cases = (): Case<LsePoolAttributes>[] => [
  ...[0, 1e-8, 0.1, 1, 5, 10, 12, 1000, Number.POSITIVE_INFINITY].map((r) => ({
    inputs: [{ shape: [2, 7, 5, 6] }, dy(2, 6)],
    attributes: { r },
  })),
  { inputs: [{ shape: [1, 1, 1, 1] }, dy(1, 1)], attributes: { r: 10 } },
  { inputs: [{ shape: [3, 5, 3, 7] }, { ...dy(3, 7), shape: [3, 1, 1, 7] }], attributes: { r: 0, onePixel: true } },
  {
    inputs: [{ shape: [1, 133, 3, 11], segments: [3, 7, 1] }, dy(1, 11, { segments: [3, 7, 1] })],
    attributes: { r: 10 },
  },
  // Equal maxima share the gradient, and nothing overflows.
  { inputs: [{ shape: [1, 3, 5, 4], fill: () => 3.25 }, dy(1, 4)], attributes: { r: Number.POSITIVE_INFINITY } },
  { inputs: [{ shape: [1, 9, 9, 4], fill: (i) => (i < 4 ? 300 : -300) }, dy(1, 4)], attributes: { r: 10 } },
  { inputs: [{ shape: [4, 7, 7, 512] }, dy(4, 512)], attributes: { r: 10 }, full: true, bench: true },
];
