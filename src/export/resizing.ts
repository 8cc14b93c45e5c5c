/** Writes the resizing of maps for ONNX. */
import { InputError } from '../errors.js';
import { type Node, nameOf } from '../graph/ir/graph.js';
import type { Tensor } from '../graph/ir/tensor.js';
import type { ResizeAttributes, ResizeMode } from '../ops/layers/resize.js';
import { tapsOf } from '../ops/layers/resize.reference.js';
import { type OnnxAttribute, type OnnxBuilder, storedAxis } from './builder.js';

/** The attributes of ONNX's Resize for each mode. This version of ONNX has no antialiasing. */
const MODES: Partial<Record<ResizeMode, Readonly<Record<string, OnnxAttribute>>>> = {
  nearest: { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
  bilinear: { mode: 'linear', coordinate_transformation_mode: 'half_pixel' },
  bilinear_corners: { mode: 'linear', coordinate_transformation_mode: 'align_corners' },
};

/** The most numbers of a matrix that resizes an axis: 64 MiB of float32. */
const MOST = 2 ** 24;

/**
 * ONNX's Resize computes positions from a scale in float32, which is exact only if sizes grow by whole factors. Otherwise each axis is multiplied
 * by a matrix of its weights, which does not depend on such rounding.
 */
export function resized(onnx: OnnxBuilder, node: Node): void {
  const [x] = node.inputs as [Tensor];
  const [y] = node.outputs;
  const { mode, height, width } = node.attributes as ResizeAttributes;
  const sizes = ([height, width] as const).map((size, i) => {
    const axis = storedSpatial(x, i);
    return { size, from: axis.from, axis: axis.place };
  });
  const attributes =
    MODES[mode === 'bilinear_antialiased' && sizes.every(({ size, from }) => size >= from) ? 'bilinear' : mode];
  if (attributes && sizes.every(({ size, from }) => size % from === 0)) {
    const scales = onnx.reals([4], [1, 1, ...sizes.map(({ size, from }) => size / from)]);
    onnx.store(y, onnx.add('Resize', [onnx.stored(x), '', scales], attributes));
    return;
  }
  const value = sizes.reduceRight((source, { size, from, axis }) => {
    if (size === from) return source;
    if (size * from > MOST)
      throw new InputError(`onnx: ${nameOf(node)} (resize) cannot be written`, {
        expected: `${MODES[mode] ? 'sizes that grow by whole factors, or ' : ''}at most ${MOST} weights for an axis`,
        given: `${from} to ${size}`,
      });
    const matrix = new Float32Array(size * from);
    for (let o = 0; o < size; o++)
      for (const [place, weight] of tapsOf(mode, from, size, o))
        matrix[axis === 3 ? place * size + o : o * from + place] += weight;
    return axis === 3
      ? onnx.add('MatMul', [source, onnx.reals([from, size], matrix)])
      : onnx.add('MatMul', [onnx.reals([size, from], matrix), source]);
  }, onnx.stored(x));
  onnx.store(y, value);
}

/** The dimension in which rows (index 0) or columns (1) of a tensor are stored, and their number. */
function storedSpatial(x: Tensor, index: number): { place: number; from: number } {
  const axis = x.layout === 'dense' ? 2 + index : 1 + index;
  return { place: storedAxis(x, axis), from: x.shape[axis] };
}
