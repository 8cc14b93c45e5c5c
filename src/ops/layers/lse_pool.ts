/**
 * Log-sum-exp pooling over all positions: y = m + (1/r) · ln(mean exp(r · (x − m))), between the average (r = 0) and the
 * maximum (r = ∞). Source: Wang et al. 2017, section 4.2.
 */
import { InputError } from '../../errors.js';
import { lse_pool } from '../../generated/kernels/lse_pool.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { describeForm, elementCount, groupCount, type Tensor, type TensorSpec } from '../../graph/ir/tensor.js';
import { mergingLanes, mergingVariants } from '../variants.js';

export interface LsePoolAttributes {
  /** Sharpness, from 0 (average) to Infinity (maximum). */
  r: number;
  /** Whether the result is a map of one pixel, [n, 1, 1, c], which convolutions can read. */
  onePixel?: true;
}

/** The form of the result of pooling x. */
export function pooledSpec({ shape, segments }: TensorSpec, onePixel?: boolean): TensorSpec {
  const [images, channels] = [shape[0], shape[shape.length - 1]];
  const pooled = onePixel ? [images, 1, 1, channels] : [images, channels];
  return { shape: pooled, layout: 'nhwc4', type: 'f32', ...(segments ? { segments } : {}) };
}

const INPUTS = ['x'] as const;
export type LsePoolInputs = typeof INPUTS;

/** x: [n, h, w, c] nhwc4. y: [n, c] or [n, 1, 1, c] nhwc4, f32. */
export const forward: Operation<LsePoolAttributes, typeof INPUTS> = {
  name: 'lse_pool',
  inputs: INPUTS,
  infer([x], { r, onePixel }) {
    if (!(r >= 0)) throw new InputError('pooling sharpness', { expected: 'r ≥ 0', given: `r = ${r}` });
    if (x.shape.length !== 4 || x.layout !== 'nhwc4') {
      throw new InputError('input', { expected: 'nhwc4 [n, h, w, c]', given: describeForm(x) });
    }
    return [pooledSpec(x, onePixel)];
  },
  flops: ({ inputs: [x] }) => 12 * elementCount(x),
  variants: mergingVariants,
  lower({ inputs: [x], outputs: [y], attributes: { r } }, context) {
    const positions = x.shape[1] * x.shape[2];
    const output = context.write(y);
    // If the adapter cannot bind all images at once, they are processed in bands of whole images.
    for (const images of context.bands(y, [[x, ([from, to]) => [from * positions, to * positions]]])) {
      const input = context.read(x, [images[0] * positions, images[1] * positions]);
      context.dispatch({
        kernel: lse_pool,
        constants: { ...mergingLanes(context), elem: x.type, AVERAGE: r === 0 },
        bindings: [input, output],
        params: {
          positions,
          first: images[0],
          x_offset: input.offset,
          x_pitch: input.pitch,
          y_offset: output.offset,
          y_pitch: output.pitch,
          // WGSL has no infinity. This finite r is so large that it gives the same result.
          r: Math.min(r, 1e30),
        },
        workgroups: [groupCount(y), images[1] - images[0], 1],
      });
    }
  },
};

/**
 * Adds log-sum-exp pooling over all positions: (1 / r) · log(mean(exp(r · x))), Wang et al. 2017, section 4.2.
 * @param x [n, h, w, c] nhwc4.
 * @param r sharpness: 0 gives the average, Infinity the maximum.
 * @returns [n, c] f32.
 */
export function lsePool(g: GraphBuilder, x: Tensor, r: number, name?: string): Tensor {
  return g.apply(forward, [x], { r }, name);
}

/** Adds the average over all positions: [n, h, w, c] → [n, c]. */
export const globalAveragePool = (g: GraphBuilder, x: Tensor, name?: string): Tensor => lsePool(g, x, 0, name);

/** Adds the average over all positions as a map of one pixel, the squeeze of squeeze-and-excitation: [n, h, w, c] → [n, 1, 1, c]. */
export const squeeze = (g: GraphBuilder, x: Tensor, name?: string): Tensor =>
  g.apply(forward, [x], { r: 0, onePixel: true }, name);

/** Adds the maximum over all positions: [n, h, w, c] → [n, c]. */
export const globalMaxPool = (g: GraphBuilder, x: Tensor, name?: string): Tensor =>
  lsePool(g, x, Number.POSITIVE_INFINITY, name);

export const reference: Reference<LsePoolAttributes, typeof INPUTS> = ([x], { inputs, attributes: { r } }) => {
  const [images, height, width, channels] = inputs[0].shape;
  const positions = height * width;
  const y = new Float64Array(images * channels);
  for (let n = 0; n < images; n++) {
    for (let c = 0; c < channels; c++) {
      const at = (p: number) => x[(n * positions + p) * channels + c];
      let peak = Number.NEGATIVE_INFINITY;
      for (let p = 0; p < positions; p++) peak = Math.max(peak, at(p));
      let slope = 0;
      let sum = 0;
      for (let p = 0; p < positions; p++) {
        const d = at(p) - peak;
        slope += r > 0 && r < Number.POSITIVE_INFINITY ? Math.expm1(r * d) / r : d;
        sum += d === 0 ? 1 : Math.exp(r * d);
      }
      const u = (r * slope) / positions;
      const small = r === 0 ? slope / positions : Math.log1p(u) / r;
      y[n * channels + c] = peak + (r === 0 || u > -0.5 ? small : Math.log(sum / positions) / r);
    }
  }
  return [y];
};

// Values whose average is much smaller than they are: 7 positions later each one is repeated with the opposite sign, and a little more.
const balanced =
  (channels: number, more: number) =>
  (index: number): number => {
    const [position, channel] = [Math.floor(index / channels), index % channels];
    const value = Math.sin((position % 7) * 2.3 + channel) * 2 + Math.cos((position % 7) * 5.1);
    return (Math.floor(position / 7) % 2 ? -value : value) + more;
  };
// Few bright positions, so that the result is far below the maximum, whatever the sharpness.
const sparse = (index: number): number => (index % 97 === 0 ? 1 + (index % 5) : 0);

export const cases = (): Case<LsePoolAttributes>[] => [
  ...[0, 1e-6, 1e-4, 1e-2, 0.1, 1].flatMap((r) => [
    { inputs: [{ shape: [2, 14, 14, 6], fill: balanced(6, 0) }], attributes: { r } },
    { inputs: [{ shape: [1, 14, 10, 7], fill: balanced(7, 1e-3) }], attributes: { r } },
    { inputs: [{ shape: [1, 32, 32, 8], fill: sparse }], attributes: { r: r * 3.5 } },
  ]),
  ...[0, 1e-8, 1e-3, 0.1, 0.5, 1, 5, 8, 10, 12, 1000, 1e20, Number.POSITIVE_INFINITY].map((r) => ({
    inputs: [{ shape: [2, 7, 5, 6] }],
    attributes: { r },
  })),
  { inputs: [{ shape: [1, 1, 1, 1] }], attributes: { r: 10 } },
  { inputs: [{ shape: [3, 5, 3, 7] }], attributes: { r: 0, onePixel: true } },
  { inputs: [{ shape: [1, 133, 3, 11], segments: [3, 7, 1] }], attributes: { r: 10 } },
  { inputs: [{ shape: [1, 3, 5, 4], fill: () => 3.25 }], attributes: { r: 10 } },
  // One bright position in a dark field, so bright that exp overflows.
  { inputs: [{ shape: [1, 9, 9, 4], fill: (i) => (i < 4 ? 300 : -300) }], attributes: { r: 10 } },
  { inputs: [{ shape: [1, 7, 7, 2048] }], attributes: { r: 10 }, bench: true },
  { inputs: [{ shape: [1, 32, 32, 2048] }], attributes: { r: 10 }, full: true, bench: true },
];
