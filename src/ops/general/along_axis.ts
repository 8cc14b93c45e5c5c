/** Slices, padding and repetition along one dimension, as NumPy and ONNX define them. Each is a `take` with a list of places. */
import { InputError } from '../../errors.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Tensor } from '../../graph/ir/tensor.js';
import { gather, take } from './take.js';

/** A slice of a dimension. Negative places count from the end, and places outside the dimension are left out. */
export interface AxisSlice {
  /** Default: the first element, or the last one if the step is negative. */
  start?: number;
  /** The place at which it ends, which is not part of the slice. Default: after the last element or, for a negative step, before the first. */
  end?: number;
  /** Default 1. A negative one goes backwards. */
  step?: number;
}

/** The places of a slice of a dimension of `size` elements, as NumPy and ONNX count them. */
export function placesOfSlice(size: number, { start, end, step = 1 }: AxisSlice): number[] {
  if (!Number.isInteger(step) || step === 0) {
    throw new InputError('step of a slice', { expected: 'an integer other than 0', given: String(step) });
  }
  const [least, most] = step > 0 ? [0, size] : [-1, size - 1];
  const place = (given: number | undefined, otherwise: number) =>
    given === undefined ? otherwise : Math.min(Math.max(given < 0 ? given + size : given, least), most);
  const from = place(start, step > 0 ? least : most);
  const to = place(end, step > 0 ? most : least);
  const count = Math.max(0, Math.ceil((to - from) / step));
  return Array.from({ length: count }, (_, i) => from + i * step);
}

/** Adds a slice along a dimension, with any step. @throws InputError if nothing is left. */
export const sliceAxis = (g: GraphBuilder, x: Tensor, axis: number, slice: AxisSlice, name?: string): Tensor =>
  gather(g, x, axis, placesOfSlice(x.shape[axis], slice), name);

/** Adds a repetition: all elements along a dimension, one after the other, `times` times. */
export const tileAxis = (g: GraphBuilder, x: Tensor, axis: number, times: number, name?: string): Tensor =>
  gather(
    g,
    x,
    axis,
    Array.from({ length: x.shape[axis] * times }, (_, i) => i % x.shape[axis]),
    name,
  );

/** How a dimension is padded. */
export interface AxisPadding {
  /** The number of elements to add before the first and after the last one. A negative number removes some. */
  before: number;
  after: number;
  /**
   * Default `constant`, by `value` (default 0). `reflect` mirrors at the outermost elements, which are not repeated; `edge` repeats them;
   * `wrap` begins again at the other end.
   */
  mode?: 'constant' | 'reflect' | 'edge' | 'wrap';
  value?: number;
}

/** Adds padding along a dimension. */
export function padAxis(g: GraphBuilder, x: Tensor, axis: number, padding: AxisPadding, name?: string): Tensor {
  const { before, after, mode = 'constant', value = 0 } = padding;
  const size = x.shape[axis];
  if (![before, after].every(Number.isInteger) || before + size + after < 1) {
    throw new InputError('padding', {
      expected: `integers that leave something of ${size} elements`,
      given: `${before}, ${after}`,
    });
  }
  const source = (place: number): number[] => {
    if (place >= 0 && place < size) return [place];
    if (mode === 'constant') return [];
    if (mode === 'edge') return [place < 0 ? 0 : size - 1];
    if (mode === 'wrap') return [((place % size) + size) % size];
    const period = Math.max(2 * (size - 1), 1);
    const within = ((place % period) + period) % period;
    return [within < size ? within : period - within];
  };
  const sources = Array.from({ length: before + size + after }, (_, i) => source(i - before));
  return take(g, x, { axis, sources, ...(value === 0 ? {} : { value }) }, name);
}
