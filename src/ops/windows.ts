/** The sliding windows of convolution and pooling over height and width. Pairs are vertical, horizontal. */
import { InputError } from '../errors.js';
import type { Range } from '../graph/ir/operation.js';
import type { Tensor } from '../graph/ir/tensor.js';

export type Pair = readonly [vertical: number, horizontal: number];
export type Sides = readonly [top: number, left: number, bottom: number, right: number];

export interface Windows {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
  readonly padding: Sides;
}

export const pair = (value: number | Pair): Pair => (typeof value === 'number' ? [value, value] : value);

/** One number for all sides, or vertical and horizontal, or each side. */
export function sides(value: number | Pair | Sides): Sides {
  if (typeof value === 'number') return [value, value, value, value];
  return value.length === 2 ? [value[0], value[1], value[0], value[1]] : value;
}

/** The shape of weights with the two sizes of the window, which is a single pixel where the weights are a matrix. */
export function windowShape({ shape: [outputs, inputs, height = 1, width = 1] }: Pick<Tensor, 'shape'>) {
  return [outputs, inputs, height, width] as const;
}

/** Pixels that a window spans along one axis. */
export const windowSpan = (kernel: number, dilation: number) => dilation * (kernel - 1) + 1;

/**
 * Checks the numbers of windows.
 * @param what names the windows in the error.
 * @param leastPadding below 0 if padding may be negative, which crops.
 * @throws InputError if a size, stride, dilation or padding is not possible.
 */
export function checkWindows(what: string, { kernel, stride, dilation, padding }: Windows, leastPadding = 0): void {
  const whole = (least: number) => (value: number) => Number.isInteger(value) && value >= least;
  if ([...kernel, ...stride, ...dilation].every(whole(1)) && padding.every(whole(leastPadding))) return;
  throw new InputError(what, {
    expected: `integers: kernel, stride and dilation ≥ 1, padding ≥ ${leastPadding}`,
    given: `kernel ${kernel}, stride ${stride}, dilation ${dilation}, padding ${padding}`,
  });
}

/**
 * The number of windows along both axes, as in PyTorch: rounded down, or up in ceil mode, in which a last window that would start in the
 * padding at the far side or beyond is dropped. Below 1 if the padded input is smaller than a window.
 */
export function windowCounts({ kernel, stride, dilation, padding }: Windows, input: Pair, ceilMode = false): Pair {
  const along = (axis: 0 | 1) => {
    const before = padding[axis];
    const room = input[axis] + before + padding[axis + 2] - windowSpan(kernel[axis], dilation[axis]);
    const count = Math.floor((room + (ceilMode ? stride[axis] - 1 : 0)) / stride[axis]) + 1;
    return ceilMode && (count - 1) * stride[axis] >= input[axis] + before ? count - 1 : count;
  };
  return [along(0), along(1)];
}

/** The input pixels that a range of output pixels reads, as whole rows. Pixels count over all images. */
export function windowRows(
  { kernel, stride, dilation, padding }: Windows,
  [inHeight, inWidth]: Pair,
  [outHeight, outWidth]: Pair,
): (range: Range) => Range {
  const clamp = (row: number) => Math.min(Math.max(row, 0), inHeight - 1);
  return ([from, to]) => {
    const first = Math.floor(from / outWidth);
    const last = Math.floor((to - 1) / outWidth);
    const top = clamp((first % outHeight) * stride[0] - padding[0]);
    const bottom = clamp((last % outHeight) * stride[0] - padding[0] + windowSpan(kernel[0], dilation[0]) - 1);
    const image = (row: number) => Math.floor(row / outHeight) * inHeight;
    return [(image(first) + top) * inWidth, (image(last) + bottom + 1) * inWidth];
  };
}

/** The windows' geometry as kernels take it. */
export function windowParams(
  { kernel, stride, dilation, padding }: Windows,
  [inHeight, inWidth]: Pair,
  [outHeight, outWidth]: Pair,
): Record<string, number> {
  return {
    in_h: inHeight,
    in_w: inWidth,
    out_h: outHeight,
    out_w: outWidth,
    kernel_h: kernel[0],
    kernel_w: kernel[1],
    stride_h: stride[0],
    stride_w: stride[1],
    dilation_h: dilation[0],
    dilation_w: dilation[1],
    pad_top: padding[0],
    pad_left: padding[1],
  };
}
