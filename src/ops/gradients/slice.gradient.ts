/** The gradient of some of a concatenation's channels. */
import type { Gradient } from '../../graph/ir/operation.js';
import { elementCount, groupCount, segmentsOf, type Tensor } from '../../graph/ir/tensor.js';
import { concat } from '../layers/concat.js';
import { type SliceAttributes, type SliceInputs, widthOf } from '../layers/slice.js';
import { withSegments } from '../packing/compact.js';

/** Adds zeros for the channels before and after the slice. */
export const gradient: Gradient<SliceAttributes, SliceInputs> = (
  g,
  { inputs: [x], outputs: [y], attributes },
  [dy],
) => {
  const zeros = (name: string, from: number, to: number): Tensor[] => {
    const segments = segmentsBetween(x, from, to);
    if (segments.length === 0) return [];
    const shape = [...x.shape.slice(0, -1), widthOf({ offset: 0, segments })];
    const spec = { shape, layout: x.layout, type: x.type, ...(segments.length > 1 ? { segments } : {}) };
    return [g.constant(`${y.name}/${name}`, spec, new Float32Array(elementCount(spec)))];
  };
  const end = attributes.offset + groupCount(y);
  const parts = [...zeros('before', 0, attributes.offset), dy, ...zeros('behind', end, groupCount(x))];
  // If the slice is a part of one segment, the zeros around it and the slice form that segment again.
  return [withSegments(g, concat(g, parts, `${y.name}/gradient`), segmentsOf(x), `${y.name}/gradient`)];
};

// Widths of the segments between two vec4 groups of a pixel.
function segmentsBetween(x: Tensor, from: number, to: number): number[] {
  const found: number[] = [];
  let start = 0;
  for (const width of segmentsOf(x)) {
    const inside = Math.min(width, (to - start) * 4) - Math.max(0, (from - start) * 4);
    if (inside > 0) found.push(inside);
    start += Math.ceil(width / 4);
  }
  return found;
}
