/** Resizing of maps in ONNX. */
import { InputError } from '../errors.js';
import { type Node, nameOf } from '../graph/ir/graph.js';
import type { Tensor } from '../graph/ir/tensor.js';
import type { ResizeAttributes, ResizeMode } from '../ops/layers/resize.js';
import { tapsOf } from '../ops/layers/resize.reference.js';
import { type OnnxAttribute, type Sheet, storedAxis } from './sheet.js';

/** The same in the words of ONNX's Resize. Antialiasing is not in this version of it. */
const MODES: Partial<Record<ResizeMode, Readonly<Record<string, OnnxAttribute>>>> = {
  nearest: { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
  bilinear: { mode: 'linear', coordinate_transformation_mode: 'half_pixel' },
  bilinear_corners: { mode: 'linear', coordinate_transformation_mode: 'align_corners' },
};

/** The most numbers of a matrix that resizes an axis. */
const MOST = 2 ** 24;

/**
 * Resize computes positions from a scale in float32. That gives the right ones where sizes grow by whole factors; elsewhere each axis is
 * multiplied by the matrix of its weights, which leaves nothing to rounding.
 */
export function resized(sheet: Sheet, node: Node): void {
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
    const scales = sheet.reals([4], [1, 1, ...sizes.map(({ size, from }) => size / from)]);
    sheet.store(y, sheet.add('Resize', [sheet.stored(x), '', scales], attributes));
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
      ? sheet.add('MatMul', [source, sheet.reals([from, size], matrix)])
      : sheet.add('MatMul', [sheet.reals([size, from], matrix), source]);
  }, sheet.stored(x));
  sheet.store(y, value);
}

/** Where rows (0) and columns (1) of a tensor are stored, and how many it has. */
function storedSpatial(x: Tensor, index: number): { place: number; from: number } {
  const axis = x.layout === 'dense' ? 2 + index : 1 + index;
  return { place: storedAxis(x, axis), from: x.shape[axis] };
}
