/** Writes pooling over windows for ONNX. Runtimes disagree about ceil mode, so it is written as padding. */
import type { Node } from '../graph/ir/graph.js';
import { channelCount, type Tensor } from '../graph/ir/tensor.js';
import type { PoolAttributes } from '../ops/layers/pool.js';
import { windowSpan } from '../ops/windows.js';
import type { OnnxBuilder } from './builder.js';

/** The padding after each axis with which a number of windows that is rounded down equals that of the result. */
function paddingBehind(attributes: PoolAttributes, x: Tensor, y: Tensor): [number, number] {
  const { kernel, stride, dilation, padding, ceilMode } = attributes;
  const behind = (axis: 0 | 1) => {
    if (!ceilMode) return padding[axis + 2];
    const end = (y.shape[axis + 1] - 1) * stride[axis] + windowSpan(kernel[axis], dilation[axis]);
    return Math.max(0, end - padding[axis] - x.shape[axis + 1]);
  };
  return [behind(0), behind(1)];
}

export function pooled(onnx: OnnxBuilder, node: Node): void {
  const [x] = node.inputs as [Tensor];
  const [y] = node.outputs;
  const attributes = node.attributes as PoolAttributes;
  const { mode, kernel, stride, dilation, padding, countIncludePad } = attributes;
  const [top, left, bottom, right] = padding;
  const [below, beside] = paddingBehind(attributes, x, y);
  const value = onnx.stored(x);
  const windows = { kernel_shape: kernel, strides: stride };
  const pads = [top, left, below, beside];
  if (mode === 'max') {
    // A runtime may refuse padding that is as large as the window, so such padding becomes a node of its own.
    const isLarge = pads.some((side, i) => side >= kernel[i % 2]);
    const source = isLarge
      ? onnx.add('Pad', [
          value,
          onnx.whole([0, 0, top, left, 0, 0, below, beside]),
          onnx.real(Number.NEGATIVE_INFINITY),
        ])
      : value;
    const around = isLarge ? [0, 0, 0, 0] : pads;
    onnx.store(y, onnx.add('MaxPool', [source], { ...windows, dilations: dilation, pads: around }));
    return;
  }
  const isPlain = dilation.every((one) => one === 1) && pads.every((side, i) => side < kernel[i % 2]);
  const rounds = below > bottom || beside > right;
  if (isPlain && (!countIncludePad || !rounds)) {
    const counted = countIncludePad && pads.some((side) => side > 0) ? 1 : 0;
    onnx.store(y, onnx.add('AveragePool', [value], { ...windows, pads, count_include_pad: counted }));
    return;
  }
  // A convolution with ones gives the sum of each window. It is multiplied by 1 / the number of positions that count.
  const channels = channelCount(x);
  const ones = onnx.reals([channels, 1, ...kernel], new Float32Array(channels * kernel[0] * kernel[1]).fill(1));
  const sums = onnx.add('Conv', [value, ones], {
    ...{ kernel_shape: kernel, strides: stride, dilations: dilation, pads, group: channels },
  });
  const shares = onnx.reals([1, 1, ...y.shape.slice(1, 3)], sharesOf(attributes, x, y));
  onnx.store(y, onnx.add('Mul', [sums, shares]));
}

/** For each window, 1 / the number of its positions that count: those in the image and, with `countIncludePad`, those in the padding. */
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
