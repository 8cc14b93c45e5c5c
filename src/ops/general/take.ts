/**
 * One operation for everything that is done along one dimension: gather, slice with any step, flip, repeat, pad, and resample. Each place of
 * the result is one number of the input along that dimension, or a weighted sum of several. All of these are linear, so one gradient is
 * enough.
 */
import { InputError } from '../../errors.js';
import { take as kernel } from '../../generated/kernels/take.js';
import { createTensor, type GraphBuilder } from '../../graph/ir/graph.js';
import type { Case, Gradient, Operation, Reference } from '../../graph/ir/operation.js';
import { describeShape, elementCount, product, type Tensor } from '../../graph/ir/tensor.js';
import { plain } from './elementwise.js';
import { checkAxes } from './reduce.js';
import { checkWalked, dispatchWalk, paddedShape, stepOf } from './walk.js';

/** What each place along a dimension is computed from. */
export interface TakeAttributes {
  axis: number;
  /** For each place of the result, the places of x that are added up. */
  sources: readonly (readonly number[])[];
  /** A factor for each of these places. Default: 1. */
  weights?: readonly (readonly number[])[];
  /** The value of a place of the result for which no place of x is listed. Default: 0. */
  value?: number;
}

const INPUTS = ['x'] as const;

/** x: dense, or nhwc4 without holes. y: the same with another size along the axis. */
export const forward: Operation<TakeAttributes, typeof INPUTS> = {
  name: 'take',
  inputs: INPUTS,
  infer([x], { axis, sources, weights, value = 0 }) {
    checkWalked('taking from', x);
    checkAxes([axis], x);
    const size = x.shape[axis];
    const isPlace = (place: number) => Number.isInteger(place) && place >= 0 && place < size;
    if (sources.length === 0 || !sources.every((places) => places.every(isPlace))) {
      throw new InputError('places', {
        expected: `at least one place in the result, and sources from 0 … ${size - 1} along dimension ${axis} of ${describeShape(x)}`,
        given: sources.length === 0 ? 'none' : String(sources.flat().find((place) => !isPlace(place))),
      });
    }
    const fits =
      weights === undefined || weights.map((own) => own.length).join() === sources.map((own) => own.length).join();
    if (!fits || Number.isNaN(value) || !(weights ?? []).every((own) => own.every(Number.isFinite))) {
      throw new InputError('weights', {
        expected: 'a finite one for each place that is taken, and a value that is a number',
      });
    }
    return [{ shape: x.shape.with(axis, sources.length), layout: x.layout, type: x.type }];
  },
  flops: ({ outputs: [y], attributes: { sources, weights } }) =>
    weights ? (2 * elementCount(y) * sources.flat().length) / sources.length : 0,
  lower({ inputs: [x], outputs: [y], attributes }, context) {
    const { axis, sources, weights, value = 0 } = attributes;
    const flat = sources.flat();
    const factors = weights ? weights.flat() : flat.map(() => 1);
    const starts = [0];
    for (const own of sources) starts.push(starts[starts.length - 1] + own.length);
    const table = Uint32Array.from([...starts, ...flat, ...new Uint32Array(Float32Array.from(factors).buffer)]);
    const sizes = paddedShape(y);
    dispatchWalk(context, y, {
      kernel,
      inputs: { x: { tensor: x, along: x.shape.map((_, d) => (d === axis ? undefined : d)) } },
      whole: [
        createTensor(`${y.name}/places`, 'constant', { shape: [table.length], layout: 'dense', type: 'u32' }, table),
      ],
      params: {
        inner: product(sizes.slice(axis + 1)),
        size: sizes[axis],
        step: stepOf(x, context.read(x), axis),
        sources: starts.length,
        weights: starts.length + flat.length,
        value,
      },
    });
  },
};

/** Adds sums of places along a dimension. */
export function take(g: GraphBuilder, x: Tensor, attributes: TakeAttributes, name?: string): Tensor {
  return g.apply(forward, plain(g, [x]), attributes, name);
}

/** Adds the elements at some places along a dimension, in that order. */
export const gather = (g: GraphBuilder, x: Tensor, axis: number, places: readonly number[], name?: string): Tensor =>
  take(g, x, { axis, sources: places.map((place) => [place]) }, name);

export const reference: Reference<TakeAttributes, typeof INPUTS> = (
  [x],
  { inputs: [given], outputs: [y], attributes },
) => {
  const { axis, sources, weights, value = 0 } = attributes;
  const inner = product(given.shape.slice(axis + 1));
  const size = given.shape[axis];
  const result = new Float64Array(elementCount(y));
  for (let at = 0; at < result.length; at++) {
    const place = Math.floor(at / inner) % sources.length;
    const first = Math.floor(at / (inner * sources.length)) * size * inner + (at % inner);
    const own = sources[place];
    result[at] = own.reduce(
      (sum, from, k) => sum + (weights?.[place][k] ?? 1) * x[first + from * inner],
      own.length ? 0 : value,
    );
  }
  return [result];
};

/** Each place of x gets the gradients of all places of the result that it was added to, times the same factors. */
export const gradient: Gradient<TakeAttributes, typeof INPUTS> = (
  g,
  { inputs: [x], outputs: [y], attributes },
  [dy],
) => {
  const { axis, sources, weights } = attributes;
  const back = Array.from({ length: x.shape[axis] }, () => [] as number[]);
  const factors = back.map(() => [] as number[]);
  for (const [place, own] of sources.entries()) {
    for (const [k, from] of own.entries()) {
      back[from].push(place);
      factors[from].push(weights?.[place][k] ?? 1);
    }
  }
  return [take(g, dy, { axis, sources: back, ...(weights ? { weights: factors } : {}) }, `${y.name}/gradient`)];
};

const one = (places: readonly number[]) => places.map((place) => [place]);

export const cases = (): Case<TakeAttributes>[] => [
  { inputs: [{ shape: [1], layout: 'dense' }], attributes: { axis: 0, sources: one([0]) } },
  { inputs: [{ shape: [2, 3, 5, 7] }], attributes: { axis: 1, sources: one([2, 0]) } },
  { inputs: [{ shape: [2, 3, 5, 7] }], attributes: { axis: 2, sources: [[], [4], [3], [], [0]], value: -1.5 } },
  { inputs: [{ shape: [2, 3, 5, 7] }], attributes: { axis: 3, sources: one([6, 6, 1, 0, 3, 2, 5, 5, 4]) } },
  { inputs: [{ shape: [3, 2, 2, 8] }], attributes: { axis: 0, sources: one([1, 1, 2, 0, 0]) } },
  { inputs: [{ shape: [2, 133, 3], layout: 'dense' }], attributes: { axis: 1, sources: one([132, 5, 5, 0]) } },
  { inputs: [{ shape: [2, 1, 2, 3, 2, 5], layout: 'dense' }], attributes: { axis: 3, sources: [[1], [0], []] } },
  {
    inputs: [{ shape: [1, 141, 3, 5] }],
    attributes: {
      axis: 1,
      sources: [[0, 140, 7], [3], [], [2, 2]],
      weights: [[0.5, -1, 2], [0.25], [], [1, 3]],
      value: 9,
    },
  },
];
