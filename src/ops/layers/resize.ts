/**
 * Resizes images: nearest or bilinear, as PyTorch's `interpolate` for a given size, or antialiased, as Pillow's bilinear filter, whose
 * triangle widens if the image shrinks.
 */

import { InputError } from '../../errors.js';
import { resize as resize_kernel } from '../../generated/kernels/resize.js';
import { resize_antialiased } from '../../generated/kernels/resize_antialiased.js';
import type { Kernel } from '../../gpu/wgsl.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Lowering, Operation, Range } from '../../graph/ir/operation.js';
import { spread } from '../../graph/ir/operation.js';
import { describeShape, elementCount, groupCount, type Tensor } from '../../graph/ir/tensor.js';
import { checkOptions, optionKinds } from '../../options.js';

/**
 * nearest: output o is input ⌊o · in / out⌋. bilinear: output o is at position (o + ½) · in / out − ½, by the centres of pixels.
 * bilinear_corners: it is at o · (in − 1) / (out − 1), so that the centres of the corner pixels coincide.
 * bilinear_antialiased: positions as in bilinear; if an axis shrinks, every input pixel has a weight.
 */
export type ResizeMode = 'nearest' | 'bilinear' | 'bilinear_corners' | 'bilinear_antialiased';

export interface ResizeAttributes {
  height: number;
  width: number;
  mode: ResizeMode;
}

/** Limit of the sizes. Positions in the kernels are integers in units of half an output pixel, and have to fit 31 bits. */
const LARGEST = 2 ** 30;

const INPUTS = ['x'] as const;
export type ResizeInputs = typeof INPUTS;

/** x: [n, h, w, c] nhwc4 with any segments, or [n, c, h, w] dense. y: the same in the new size. */
export const forward: Operation<ResizeAttributes, typeof INPUTS> = {
  name: 'resize',
  inputs: INPUTS,
  infer([x], { height, width }) {
    if (x.shape.length !== 4 || x.type === 'u32') {
      throw new InputError('input', {
        expected: 'nhwc4 [n, h, w, c] or dense [n, c, h, w], f32 or f16',
        given: describeShape(x),
      });
    }
    const from = sizesOf(x);
    const fits = (to: number, size: number) => Number.isInteger(to) && to >= 1 && to * size < LARGEST;
    if (!fits(height, from.height) || !fits(width, from.width)) {
      throw new InputError('size to resize to', {
        expected: 'integers ≥ 1 whose product with the old size is below 2³⁰',
        given: `${from.height}×${from.width} to ${height}×${width}`,
      });
    }
    return [withSize(x, height, width)];
  },
  flops: ({ inputs: [x], outputs: [y], attributes: { mode } }) => {
    if (mode === 'nearest') return 0;
    return mode === 'bilinear_antialiased' ? 4 * (elementCount(x) + elementCount(y)) : 6 * elementCount(y);
  },
  lower({ inputs: [x], outputs: [y], attributes: { mode } }, context) {
    const [from, to] = [sizesOf(x), sizesOf(y)];
    const shrinks = from.height > to.height || from.width > to.width;
    if (mode !== 'bilinear_antialiased' || !shrinks) return lowerPlain(context, x, y, mode);
    // First along rows, then along columns, as in Pillow.
    let rows = x;
    if (from.width !== to.width) {
      rows = from.height === to.height ? y : context.scratch('rows', withSize(x, from.height, to.width));
      lowerAxis(context, x, rows, 'width');
    }
    if (from.height !== to.height) lowerAxis(context, rows, y, 'height');
  },
};

interface Sizes {
  readonly height: number;
  readonly width: number;
  /** What `bands` counts, in one row: pixels of nhwc4, whole rows of dense. */
  readonly units: number;
  /** Items of the kernel's array in one such unit: a dense map is pixels of one scalar. */
  readonly items: number;
  readonly groups: number;
}

export function sizesOf(x: Pick<Tensor, 'shape' | 'layout' | 'type' | 'segments'>): Sizes {
  if (x.layout === 'dense') return { height: x.shape[2], width: x.shape[3], units: 1, items: x.shape[3], groups: 1 };
  return { height: x.shape[1], width: x.shape[2], units: x.shape[2], items: 1, groups: groupCount(x) };
}

export function withSize(x: Tensor, height: number, width: number) {
  const { layout, type, segments } = x;
  const shape = layout === 'dense' ? [x.shape[0], x.shape[1], height, width] : [x.shape[0], height, width, x.shape[3]];
  return { shape, layout, type, ...(segments ? { segments } : {}) };
}

// Position of output o in input pixels: max(0, o · step + start) / denominator. Integers, so that no fraction is lost.
function positions(mode: ResizeMode, size: number, count: number) {
  if (mode === 'nearest') return { step: size, start: 0, denominator: count };
  if (mode === 'bilinear_corners') return { step: size - 1, start: 0, denominator: Math.max(count - 1, 1) };
  return { step: 2 * size, start: size - count, denominator: 2 * count };
}

/** The sizes before and after, and the positions along both axes, as kernels take them. */
export function resizeParams(mode: ResizeMode, from: Sizes, to: Sizes): Record<string, number> {
  const vertical = positions(mode, from.height, to.height);
  const horizontal = positions(mode, from.width, to.width);
  return {
    in_h: from.height,
    in_w: from.width,
    out_h: to.height,
    out_w: to.width,
    step_h: vertical.step,
    start_h: vertical.start,
    denominator_h: vertical.denominator,
    step_w: horizontal.step,
    start_w: horizontal.start,
    denominator_w: horizontal.denominator,
  };
}

function lowerPlain(context: Lowering, x: Tensor, y: Tensor, mode: ResizeMode): void {
  const [from, to] = [sizesOf(x), sizesOf(y)];
  const vertical = positions(mode, from.height, to.height);
  const low = (o: number) => Math.floor(Math.max(0, o * vertical.step + vertical.start) / vertical.denominator);
  dispatchMaps(context, {
    kernel: resize_kernel,
    constants: { NEAREST: mode === 'nearest' },
    x,
    y,
    rows: (first, last) => [low(first), Math.min(low(last) + 1, from.height - 1)],
    params: resizeParams(mode, from, to),
  });
}

function lowerAxis(context: Lowering, x: Tensor, y: Tensor, axis: 'height' | 'width'): void {
  const [size, count] = [sizesOf(x)[axis], sizesOf(y)[axis]];
  const clamp = (row: number) => Math.min(Math.max(row, 0), size - 1);
  const scale = Math.max(1, size / count);
  // One row more on either side than the triangle covers. The range only has to contain the rows that the kernel reads.
  const covered = (first: number, last: number): Range => [
    clamp(Math.floor(((first + 0.5) * size) / count - scale) - 1),
    clamp(Math.ceil(((last + 0.5) * size) / count + scale)),
  ];
  dispatchMaps(context, {
    kernel: resize_antialiased,
    constants: {},
    x,
    y,
    rows: axis === 'height' ? covered : (first, last) => [first, last],
    params: { in_size: size, out_size: count, inner: axis === 'height' ? sizesOf(y).width : 1 },
  });
}

interface MapDispatch {
  kernel: Kernel;
  constants: Readonly<Record<string, boolean>>;
  x: Tensor;
  y: Tensor;
  /** First and last row of an input image that the rows first … last of an output image read. */
  rows: (first: number, last: number) => Range;
  params: Readonly<Record<string, number>>;
}

/** A thread for each item of y, in bands that are whole rows of dense maps. */
export function dispatchMaps(context: Lowering, { kernel, constants, x, y, rows, params }: MapDispatch): void {
  const [from, to] = [sizesOf(x), sizesOf(y)];
  const needs = (range: Range): Range => {
    const first = Math.floor(range[0] / to.units);
    const last = Math.floor((range[1] - 1) / to.units);
    const image = (row: number) => Math.floor(row / to.height) * from.height;
    const top = image(first) + rows(first % to.height, first % to.height)[0];
    const bottom = image(last) + rows(last % to.height, last % to.height)[1];
    return [top * from.units, (bottom + 1) * from.units];
  };
  for (const range of context.bands(y, [[x, needs]])) {
    const [input, output] = [context.read(x, needs(range)), context.write(y, range)];
    const [first, count] = [range[0] * to.items, (range[1] - range[0]) * to.items];
    context.dispatch({
      kernel,
      constants: { elem: y.type, DENSE: y.layout === 'dense', ...constants },
      bindings: [input, output],
      params: {
        first,
        count,
        groups: to.groups,
        x_offset: input.offset,
        x_pitch: input.pitch,
        y_offset: output.offset,
        y_pitch: output.pitch,
        ...params,
      },
      workgroups: spread(Math.ceil((count * to.groups) / 64)),
    });
  }
}

/** The new size, in pixels, and the method of interpolation. */
export interface ResizeOptions {
  height: number;
  width: number;
  /** Default: bilinear. */
  mode?: ResizeMode;
  name?: string;
}

const OPTIONS = optionKinds<ResizeOptions>({
  height: 'a whole number from 1 on',
  width: 'a whole number from 1 on',
  mode: 'anything',
  name: 'a text',
});

/** Adds a change of height and width. */
export function resize(g: GraphBuilder, x: Tensor, options: ResizeOptions): Tensor {
  checkOptions('resize', options, OPTIONS);
  const { height, width, mode = 'bilinear', name } = options;
  return g.apply(forward, [x], { height, width, mode }, name);
}
