/** The gradient of `compact`: that of the result, put back into the segments of the input. */
import type { Gradient } from '../../graph/ir/operation.js';
import { segmentsOf } from '../../graph/ir/tensor.js';
import { type CompactAttributes, type CompactInputs, withSegments } from '../packing/compact.js';

export const gradient: Gradient<CompactAttributes, CompactInputs> = (g, { inputs: [x], outputs: [y] }, [dy]) => [
  withSegments(g, dy, segmentsOf(x), `${y.name}/gradient`),
];
