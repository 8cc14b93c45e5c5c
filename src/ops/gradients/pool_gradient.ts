/**
 * Backward pass of pooling over windows. Each thread sums all that its input pixels get, so that no atomics are needed and the bits are
 * always the same. If a window has several equal maxima, the first one gets the gradient, as in PyTorch.
 */
import { InputError } from '../../errors.js';
import { pool_argmax } from '../../generated/kernels/pool_argmax.js';
import { pool_gradient } from '../../generated/kernels/pool_gradient.js';
import type { Case, CaseInput, Operation, Range, Reference } from '../../graph/ir/operation.js';
import { spread } from '../../graph/ir/operation.js';
import { describeForm, describeShape, elementCount, groupCount, segmentsOf } from '../../graph/ir/tensor.js';
import type { PoolAttributes } from '../layers/pool.js';
import { type Windows, windowCounts, windowParams } from '../windows.js';

export interface PoolGradientAttributes extends PoolAttributes {
  /** Height and width of the input of pooling. */
  height: number;
  width: number;
}

const INPUTS = ['dy', 'x?'] as const;

/** dy: the gradient by the pooled map, nhwc4. x: [n, h, w, c] nhwc4 for a maximum, none for an average. dx: like x. */
export const forward: Operation<PoolGradientAttributes, typeof INPUTS> = {
  name: 'pool_gradient',
  inputs: INPUTS,
  infer([dy, x], attributes) {
    const { mode, height, width } = attributes;
    if (dy.layout !== 'nhwc4') throw new InputError('gradient', { expected: 'nhwc4', given: describeForm(dy) });
    const [images, outHeight, outWidth, channels] = dy.shape;
    const expected = windowCounts(attributes, [height, width], attributes.ceilMode);
    if (expected.join() !== `${outHeight},${outWidth}`) {
      throw new InputError('gradient', { expected: `[n, ${expected.join(', ')}, c]`, given: describeShape(dy) });
    }
    const shape = [images, height, width, channels];
    if (mode === 'max' && x?.shape.join() !== shape.join()) {
      throw new InputError('input', { expected: shape.join('×'), given: x ? describeShape(x) : 'none' });
    }
    if (x && (x.layout !== 'nhwc4' || segmentsOf(x).join() !== segmentsOf(dy).join())) {
      throw new InputError('gradient', {
        expected: `nhwc4 with the input's segments, ${segmentsOf(x).join(' + ')}`,
        given: `${describeForm(dy)}, with an input that is ${describeForm(x)}`,
      });
    }
    return [{ ...dy, shape }];
  },
  flops: ({ inputs: [dy], attributes: { mode, kernel } }) =>
    elementCount(dy) * kernel[0] * kernel[1] * (mode === 'max' ? 2 : 1),
  lower({ inputs: [dy, x], outputs: [dx], attributes }, context) {
    const { mode, dilation, padding, countIncludePad } = attributes;
    const [, inHeight, inWidth] = dx.shape;
    const [, outHeight, outWidth] = dy.shape;
    const groups = groupCount(dx);
    const windows = windowParams(attributes, [inHeight, inWidth], [outHeight, outWidth]);
    // A band reads the windows of whole images, although it needs only some rows. That is simple, and there is rarely more than one band.
    const [image, out] = [inHeight * inWidth, outHeight * outWidth];
    const imagesOf = ([from, to]: Range) => [Math.floor(from / image), Math.ceil(to / image)] as const;
    const windowsOf = (range: Range) => imagesOf(range).map((index) => index * out) as unknown as Range;
    const pixelsOf = (range: Range) => imagesOf(range).map((index) => index * image) as unknown as Range;
    const bands = context.bands(dx, [
      [dy, windowsOf],
      [x, pixelsOf],
    ]);
    const most = Math.max(...bands.map((range) => windowsOf(range)[1] - windowsOf(range)[0]));
    const taps =
      mode === 'max' ? context.scratch('taps', { shape: [most, groups * 4], layout: 'dense', type: 'u32' }) : undefined;
    for (const range of bands) {
      const [firstWindow, lastWindow] = windowsOf(range);
      if (taps && x) {
        const input = context.read(x, pixelsOf(range));
        const count = lastWindow - firstWindow;
        context.dispatch({
          kernel: pool_argmax,
          constants: { elem: x.type },
          bindings: [input, context.write(taps)],
          params: { first: firstWindow, count, groups, x_offset: input.offset, x_pitch: input.pitch, ...windows },
          workgroups: spread(Math.ceil((count * groups) / 64)),
        });
      }
      const [slope, output] = [context.read(dy, windowsOf(range)), context.write(dx, range)];
      const dilated = dilation.some((step) => step > 1);
      context.dispatch({
        kernel: pool_gradient,
        constants: { elem: dx.type, AVERAGE: mode === 'average', COUNT_PADDING: countIncludePad, DILATED: dilated },
        bindings: [slope, context.read(taps), output],
        params: {
          first: range[0],
          count: range[1] - range[0],
          first_window: firstWindow,
          groups,
          dy_offset: slope.offset,
          dy_pitch: slope.pitch,
          y_offset: output.offset,
          y_pitch: output.pitch,
          ...windows,
          pad_bottom: padding[2],
          pad_right: padding[3],
        },
        workgroups: spread(Math.ceil(((range[1] - range[0]) * groups) / 64)),
      });
    }
  },
};

export const reference: Reference<PoolGradientAttributes, typeof INPUTS> = ([dy, x], node) => {
  const { mode, kernel, stride, dilation, padding, countIncludePad } = node.attributes;
  const [, inHeight, inWidth, channels] = node.outputs[0].shape;
  const [, outHeight, outWidth] = node.inputs[0].shape;
  const dx = new Float64Array(elementCount(node.outputs[0]));
  for (let at = 0; at < dy.length; at++) {
    const c = at % channels;
    const window = Math.floor(at / channels);
    const ox = window % outWidth;
    const oy = Math.floor(window / outWidth) % outHeight;
    const n = Math.floor(window / (outWidth * outHeight));
    const inside: number[] = [];
    let count = 0;
    for (let ky = 0; ky < kernel[0]; ky++) {
      const iy = oy * stride[0] + ky * dilation[0] - padding[0];
      for (let kx = 0; kx < kernel[1]; kx++) {
        const ix = ox * stride[1] + kx * dilation[1] - padding[1];
        const within = iy >= 0 && iy < inHeight && ix >= 0 && ix < inWidth;
        const beyond = iy >= inHeight + padding[2] || ix >= inWidth + padding[3];
        if (within || (countIncludePad && !beyond)) count++;
        if (within) inside.push(((n * inHeight + iy) * inWidth + ix) * channels + c);
      }
    }
    if (mode === 'average' || !x) for (const index of inside) dx[index] += dy[at] / count;
    else dx[inside.reduce((best, index) => (x[index] > x[best] ? index : best))] += dy[at];
  }
  return [dx];
};

function caseOf(
  mode: PoolAttributes['mode'],
  shape: readonly number[],
  options: Partial<Windows> & { ceilMode?: boolean; countIncludePad?: boolean },
  more: { fill?: CaseInput['fill']; segments?: readonly number[] } & Partial<Case<PoolGradientAttributes>> = {},
): Case<PoolGradientAttributes> {
  const { fill, segments, ...rest } = more;
  const [n, height, width, c] = shape;
  const attributes: PoolGradientAttributes = {
    mode,
    height,
    width,
    kernel: [3, 3],
    stride: [2, 2],
    dilation: [1, 1],
    padding: [1, 1, 1, 1],
    ceilMode: false,
    countIncludePad: true,
    ...options,
  };
  const [outHeight, outWidth] = windowCounts(attributes, [height, width], attributes.ceilMode);
  const holes = segments ? { segments } : {};
  return {
    inputs: [
      { shape: [n, outHeight, outWidth, c], ...holes },
      mode === 'max' ? { shape, layout: 'nhwc4', ...holes, ...(fill ? { fill } : {}) } : undefined,
    ],
    attributes,
    ...rest,
  };
}

const none = [0, 0, 0, 0] as const;

export const cases = (): Case<PoolGradientAttributes>[] => [
  caseOf('max', [1, 1, 1, 1], { kernel: [1, 1], stride: [1, 1], padding: none }),
  caseOf('max', [2, 5, 7, 3], {}),
  caseOf('max', [2, 6, 7, 4], { padding: none, ceilMode: true }),
  caseOf('max', [1, 6, 6, 4], { kernel: [2, 2], stride: [3, 3], ceilMode: true }),
  caseOf('max', [1, 9, 11, 6], { kernel: [3, 2], dilation: [2, 3], stride: [1, 2], padding: [2, 1, 2, 1] }),
  caseOf('max', [1, 5, 5, 11], { stride: [1, 1] }, { segments: [3, 7, 1] }),
  caseOf('max', [1, 133, 3, 6], { stride: [3, 3], padding: none }),
  caseOf('max', [1, 9, 8, 5], {}, { fill: (i) => (i * 7) % 3 }), // ties everywhere
  caseOf('max', [1, 5, 4, 5], {}, { fill: () => -2 }),
  caseOf('average', [2, 5, 7, 3], {}),
  caseOf('average', [2, 5, 7, 3], { countIncludePad: false }),
  caseOf('average', [1, 6, 7, 4], { kernel: [4, 4], stride: [3, 3], ceilMode: true }),
  caseOf('average', [1, 7, 8, 9], { kernel: [2, 5], stride: [3, 3], padding: [0, 1, 1, 4], countIncludePad: false }),
  caseOf('average', [1, 5, 5, 11], { kernel: [2, 2], padding: none }, { segments: [3, 7, 1] }),
  caseOf('average', [2, 5, 7, 6], { stride: [1, 1] }),
  caseOf('average', [2, 5, 7, 6], { stride: [1, 1], countIncludePad: false }),
  caseOf('average', [1, 32, 32, 5], { kernel: [32, 32], stride: [32, 32], padding: none }),
  caseOf('max', [4, 112, 112, 64], {}, { full: true, bench: true }),
];
