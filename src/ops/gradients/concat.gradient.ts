/** The gradient of a concatenation by each of its parts. */
import type { Gradient } from '../../graph/ir/operation.js';
import { groupCount, segmentsOf } from '../../graph/ir/tensor.js';
import type { ConcatInputs } from '../layers/concat.js';
import { slice } from '../layers/slice.js';

export const gradient: Gradient<object, ConcatInputs> = (g, { inputs, outputs: [y] }, [dy]) => {
  let offset = 0;
  return inputs.map((x, index) => {
    const part = slice(g, dy, { offset, segments: segmentsOf(x) }, `${y.name}/gradient.${index}`);
    offset += groupCount(x);
    return part;
  });
};
