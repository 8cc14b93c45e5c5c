/** Pooling over windows in ONNX. What runtimes disagree about, rounding up, is written as padding. */
import type { Node } from '../graph/ir/graph.js';
import { channelCount, type Tensor } from '../graph/ir/tensor.js';
import type { PoolAttributes } from '../ops/layers/pool.js';
import { windowSpan } from '../ops/windows.js';
import type { Sheet } from './sheet.js';

/** Padding behind each axis with which there are, rounded down, as many windows as the result has. */
function paddingBehind(attributes: PoolAttributes, x: Tensor, y: Tensor): [number, number] {
  const { kernel, stride, dilation, padding, ceilMode } = attributes;
  const behind = (axis: 0 | 1) => {
    if (!ceilMode) return padding[axis + 2];
    const end = (y.shape[axis + 1] - 1) * stride[axis] + windowSpan(kernel[axis], dilation[axis]);
    return Math.max(0, end - padding[axis] - x.shape[axis + 1]);
  };
  return [behind(0), behind(1)];
}

export function pooled(sheet: Sheet, node: Node): void {
  const [x] = node.inputs as [Tensor];
  const [y] = node.outputs;
  const attributes = node.attributes as PoolAttributes;
  const { mode, kernel, stride, dilation, padding, countIncludePad } = attributes;
  const [top, left, bottom, right] = padding;
  const [below, beside] = paddingBehind(attributes, x, y);
  const value = sheet.stored(x);
  const windows = { kernel_shape: kernel, strides: stride };
  const pads = [top, left, below, beside];
  if (mode === 'max') {
    // A runtime may refuse padding that is as large as the window, so such padding becomes a node of its own.
    const isLarge = pads.some((side, i) => side >= kernel[i % 2]);
    const source = isLarge
      ? sheet.add('Pad', [
          value,
          sheet.whole([0, 0, top, left, 0, 0, below, beside]),
          sheet.real(Number.NEGATIVE_INFINITY),
        ])
      : value;
    const around = isLarge ? [0, 0, 0, 0] : pads;
    sheet.store(y, sheet.add('MaxPool', [source], { ...windows, dilations: dilation, pads: around }));
    return;
  }
  const isPlain = dilation.every((one) => one === 1) && pads.every((side, i) => side < kernel[i % 2]);
  const rounds = below > bottom || beside > right;
  if (isPlain && (!countIncludePad || !rounds)) {
    const counted = countIncludePad && pads.some((side) => side > 0) ? 1 : 0;
    sheet.store(y, sheet.add('AveragePool', [value], { ...windows, pads, count_include_pad: counted }));
    return;
  }
  // The sum of each window by a convolution with ones, divided by how many positions count in it.
  const channels = channelCount(x);
  const ones = sheet.reals([channels, 1, ...kernel], new Float32Array(channels * kernel[0] * kernel[1]).fill(1));
  const sums = sheet.add('Conv', [value, ones], {
    ...{ kernel_shape: kernel, strides: stride, dilations: dilation, pads, group: channels },
  });
  const shares = sheet.reals([1, 1, ...y.shape.slice(1, 3)], sharesOf(attributes, x, y));
  sheet.store(y, sheet.add('Mul', [sums, shares]));
}

/** For each window, 1 / the number of its positions that count: those of the image, and those of the padding if it is said so. */
function sharesOf({ kernel, stride, dilation, padding, countIncludePad }: PoolAttributes, x: Tensor, y: Tensor) {
  const counts = ([0, 1] as const).map((axis) => {
    const [least, most] = countIncludePad ? [-padding[axis], padding[axis + 2]] : [0, 0];
    const counts = (place: number) => place >= least && place < x.shape[axis + 1] + most;
    return Array.from({ length: y.shape[axis + 1] }, (_, o) => {
      const start = o * stride[axis] - padding[axis];
      return Array.from({ length: kernel[axis] }, (_, k) => start + k * dilation[axis]).filter(counts).length;
    });
  });
  return counts[0].flatMap((rows) => counts[1].map((columns) => 1 / (rows * columns)));
}
