/** Resizing along one dimension as ONNX defines it. Each place of the result is a weighted sum of places of the input, so this is a `take`. */

import { InputError } from '../../errors.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Tensor } from '../../graph/ir/tensor.js';
import { checkOptions, optionKinds } from '../../options.js';
import { take } from './take.js';

/**
 * The rule for the position, among the `size` places of the input, of place i of the result, which has `count` places. s is the factor
 * between the sizes:
 * - half_pixel: (i + ½) / s − ½; half_pixel_symmetric: the same, but centred if count is not exactly s · size
 * - pytorch_half_pixel: as half_pixel, but 0 if count is 1
 * - align_corners: i · (size − 1) / (count − 1), or / (length − 1) if a length is given
 * - asymmetric: i / s; tf_half_pixel_for_nn: (i + ½) / s
 */
export type ResizeCoordinates =
  | 'half_pixel'
  | 'half_pixel_symmetric'
  | 'pytorch_half_pixel'
  | 'align_corners'
  | 'asymmetric'
  | 'tf_half_pixel_for_nn';

/** How a position is rounded to the nearest place, above all if it is halfway between two. */
export type NearestMode = 'round_prefer_floor' | 'round_prefer_ceil' | 'floor' | 'ceil';

/** How a dimension is resized. */
export interface ResizeAxisOptions {
  /** Places of the result. Default: size · scale, rounded down. */
  count?: number;
  /** The factor between the sizes. Default: count / size. */
  scale?: number;
  /** Default: nearest. */
  mode?: 'nearest' | 'linear' | 'cubic';
  /** Default: half_pixel. */
  coordinates?: ResizeCoordinates;
  /** Default: round_prefer_floor. */
  nearest?: NearestMode;
  /**
   * Only for align_corners: the length of the result in the formula. Default: count, as in PyTorch and onnxruntime. ONNX's own tests use
   * size · scale, which need not be a whole number.
   */
  length?: number;
  /** Only for cubic: the coefficient. Default −0.75. */
  cubic?: number;
  /** Whether places outside the input get no weight. Otherwise they count as the outermost place. Default false. */
  excludeOutside?: boolean;
  /**
   * Only for linear and cubic, where the dimension shrinks: whether the filter is widened by the factor, so that each place of the input has
   * a weight. Default false.
   */
  antialias?: boolean;
  name?: string;
}

const OPTIONS = optionKinds<ResizeAxisOptions>({
  count: 'a number',
  scale: 'a number',
  mode: ['nearest', 'linear', 'cubic'],
  coordinates: 'a text',
  nearest: 'a text',
  length: 'a number',
  cubic: 'a number',
  excludeOutside: 'true or false',
  antialias: 'true or false',
  name: 'a text',
});

/** The position of place i among the places of the input. */
function position(
  i: number,
  size: number,
  {
    count,
    scale,
    length = count,
    coordinates,
  }: { count: number; scale: number; length?: number | undefined; coordinates: ResizeCoordinates },
): number {
  // A position at a place, or halfway between two, has to be exact, because it is rounded. So the division comes last.
  const total = nearWhole(scale * size);
  const centre = ((i + 0.5) * size) / total;
  switch (coordinates) {
    case 'half_pixel':
      return centre - 0.5;
    case 'half_pixel_symmetric':
      return (size / 2) * (1 - count / total) + centre - 0.5;
    case 'pytorch_half_pixel':
      return count > 1 ? centre - 0.5 : 0;
    case 'align_corners':
      return count > 1 ? (i * (size - 1)) / (length - 1) : 0;
    case 'asymmetric':
      return (i * size) / total;
    case 'tf_half_pixel_for_nn':
      return centre;
  }
}

/** A number that is whole but for rounding of the factor, which may be a float32, as that whole number. */
const nearWhole = (number: number) =>
  Math.abs(number - Math.round(number)) <= 1e-6 * number ? Math.round(number) : number;

const ROUNDING: Readonly<Record<NearestMode, (position: number) => number>> = {
  round_prefer_floor: (position) => Math.ceil(position - 0.5),
  round_prefer_ceil: (position) => Math.floor(position + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

/** The weight at a distance, in places. Source of the cubic one: Keys 1981, "Cubic convolution interpolation". */
const FILTERS: Readonly<Record<'linear' | 'cubic', { reach: number; at: (distance: number, a: number) => number }>> = {
  linear: { reach: 1, at: (d) => Math.max(1 - d, 0) },
  cubic: {
    reach: 2,
    at: (d, a) => {
      if (d <= 1) return (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1;
      return d < 2 ? a * (d ** 3 - 5 * d ** 2 + 8 * d - 4) : 0;
    },
  },
};

/** The places of the input that one place of the result is computed from, each once, and their weights, whose sum is 1. */
function weightsAround(
  at: number,
  size: number,
  {
    mode,
    shrink,
    cubic,
    excludeOutside,
  }: { mode: 'linear' | 'cubic'; shrink: number; cubic: number } & Pick<ResizeAxisOptions, 'excludeOutside'>,
): [place: number, weight: number][] {
  const { reach, at: weightAt } = FILTERS[mode];
  const taken = new Map<number, number>();
  let total = 0;
  for (let place = Math.ceil(at - reach / shrink); place <= at + reach / shrink; place++) {
    const weight = weightAt(Math.abs(place - at) * shrink, cubic);
    const isOutside = place < 0 || place >= size;
    if (weight === 0 || (isOutside && excludeOutside)) continue;
    const inside = Math.min(Math.max(place, 0), size - 1);
    taken.set(inside, (taken.get(inside) ?? 0) + weight);
    total += weight;
  }
  return [...taken].map(([place, weight]) => [place, weight / total]);
}

/** For each place of the result: the places of the input that it is computed from, and their weights. */
export function resizePlaces(size: number, options: ResizeAxisOptions): { sources: number[][]; weights?: number[][] } {
  const { mode = 'nearest', coordinates = 'half_pixel', nearest = 'round_prefer_floor', cubic = -0.75 } = options;
  const count = options.count ?? Math.floor(size * (options.scale ?? 1));
  const scale = options.scale ?? count / size;
  if (!Number.isInteger(count) || count < 1 || !(scale > 0) || !Number.isFinite(scale)) {
    throw new InputError('resizing', { expected: 'at least one place, a scale above 0', given: `${count}, ${scale}` });
  }
  const positions = Array.from({ length: count }, (_, i) =>
    position(i, size, { count, scale, length: options.length, coordinates }),
  );
  // A filter that is wider than the input, or a position far from it, would be walked through place by place.
  const isFar = positions.some((at) => !(Math.abs(at) <= 2 ** 31));
  if (isFar || (options.antialias && scale * size < 0.5))
    throw new InputError('resizing', {
      expected: 'a scale and a length that agree with the sizes',
      given: `from ${size} to ${count} places by ${scale}`,
    });
  const clamp = (place: number) => Math.min(Math.max(place, 0), size - 1);
  if (mode === 'nearest') return { sources: positions.map((at) => [clamp(ROUNDING[nearest](at))]) };
  const shrink = options.antialias ? Math.min(scale, 1) : 1;
  const { excludeOutside } = options;
  const rows = positions.map((at) => weightsAround(at, size, { mode, shrink, cubic, excludeOutside }));
  return {
    sources: rows.map((row) => row.map(([place]) => place)),
    weights: rows.map((row) => row.map(([, weight]) => weight)),
  };
}

/** Adds a change of size along a dimension; images need one for rows and one for columns. If `resize` has the method, it is faster. */
export function resizeAxis(g: GraphBuilder, x: Tensor, axis: number, options: ResizeAxisOptions): Tensor {
  checkOptions('resizeAxis', options, OPTIONS);
  return take(g, x, { axis, ...resizePlaces(x.shape[axis], options) }, options.name);
}
