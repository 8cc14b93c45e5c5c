/** Sums, means, extremes and norms of a tensor of any rank over any of its dimensions. */
import { InputError } from '../../errors.js';
import { reduce as kernel } from '../../generated/kernels/reduce.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Case, CaseInput, Operation, Reference } from '../../graph/ir/operation.js';
import { describeShape, elementCount, product, type Tensor } from '../../graph/ir/tensor.js';
import { plain } from './elementwise.js';
import { checkWalked, dispatchWalk, stepOf, walkIndices, walkTable } from './walk.js';

interface ReduceRow {
  /** Its number in kernels/general/reduce.wgsl. */
  readonly code: number;
  value(x: Float64Array): number;
}

const add = (x: Float64Array) => x.reduce((a, b) => a + b, 0);

/** The logarithm of a sum of exponentials, without overflow. */
function logSumExp(x: Float64Array): number {
  const peak = x.reduce((a, b) => Math.max(a, b));
  return Number.isFinite(peak) ? peak + Math.log(add(x.map((value) => Math.exp(value - peak)))) : peak;
}

export const REDUCTIONS: Readonly<Record<ReduceAttributes['kind'], ReduceRow>> = {
  sum: { code: 1, value: add },
  mean: { code: 2, value: (x) => add(x) / x.length },
  max: { code: 3, value: (x) => x.reduce((a, b) => Math.max(a, b)) },
  min: { code: 4, value: (x) => x.reduce((a, b) => Math.min(a, b)) },
  prod: { code: 5, value: (x) => x.reduce((a, b) => a * b, 1) },
  l1: { code: 6, value: (x) => add(x.map(Math.abs)) },
  l2: { code: 7, value: (x) => Math.sqrt(add(x.map((value) => value * value))) },
  log_sum: { code: 8, value: (x) => Math.log(add(x)) },
  log_sum_exp: { code: 9, value: logSumExp },
  sum_square: { code: 10, value: (x) => add(x.map((value) => value * value)) },
};

/** Which dimensions are merged, and how. */
export interface ReduceAttributes {
  /** `l1` sums absolute values, `l2` is the root of the sum of squares, `log_sum` and `log_sum_exp` are logarithms of sums. */
  kind: 'sum' | 'mean' | 'max' | 'min' | 'prod' | 'l1' | 'l2' | 'log_sum' | 'log_sum_exp' | 'sum_square';
  /** The dimensions that are merged, counted from 0. */
  axes: readonly number[];
  /** Whether they remain, each with size 1. */
  keepDims: boolean;
}

const INPUTS = ['x'] as const;
export type ReduceInputs = typeof INPUTS;

/** x: dense, or nhwc4 without holes. y: nhwc4 if x is and the dimensions remain, else dense f32. */
export const forward: Operation<ReduceAttributes, typeof INPUTS> = {
  name: 'reduce',
  inputs: INPUTS,
  infer([x], { kind, axes, keepDims }) {
    checkWalked(`${kind} of`, x);
    checkAxes(axes, x);
    const shape = x.shape.flatMap((size, d) => (axes.includes(d) ? (keepDims ? [1] : []) : [size]));
    const map = x.layout === 'nhwc4' && keepDims;
    return [{ shape, layout: map ? 'nhwc4' : 'dense', type: map ? x.type : 'f32' }];
  },
  flops: ({ inputs: [x] }) => elementCount(x),
  lower({ inputs: [x], outputs: [y], attributes: { kind, axes, keepDims } }, context) {
    const view = context.read(x);
    const sizes = axes.map((axis) => x.shape[axis]);
    const terms = product(sizes);
    const reduced = walkTable(sizes, [axes.map((axis) => stepOf(x, view, axis))]);
    const rowLanes = terms <= 16 ? 1 : 64;
    dispatchWalk(context, y, {
      kernel,
      constants: { ROW_LANES: rowLanes },
      inputs: { x: { tensor: x, along: keptAlong(x, axes, keepDims) } },
      whole: [reduced],
      params: { code: REDUCTIONS[kind].code, terms, reduced_rank: reduced.shape[0] },
      threads: rowLanes,
    });
  },
};

/** @throws InputError unless these are dimensions of the tensor, each once. */
export function checkAxes(axes: readonly number[], x: Tensor): void {
  const known = axes.every((axis) => Number.isInteger(axis) && axis >= 0 && axis < x.shape.length);
  if (known && new Set(axes).size === axes.length) return;
  throw new InputError('axes', { expected: `dimensions of ${describeShape(x)}, each once`, given: axes.join(', ') });
}

const keptAlong = (x: Tensor, axes: readonly number[], keepDims: boolean) =>
  x.shape.flatMap((_, d) => (axes.includes(d) ? (keepDims ? [undefined] : []) : [d]));

/**
 * Adds a reduction over some dimensions.
 * @param options.keepDims whether the dimensions remain, each with size 1. Default true.
 */
export function reduce(
  g: GraphBuilder,
  x: Tensor,
  options: Omit<ReduceAttributes, 'keepDims'> & { keepDims?: boolean; name?: string },
): Tensor {
  const { kind, axes, keepDims = true, name } = options;
  return g.apply(forward, plain(g, [x]), { kind, axes: [...axes].sort((a, b) => a - b), keepDims }, name);
}

export const reference: Reference<ReduceAttributes, typeof INPUTS> = (
  [x],
  { inputs: [given], outputs, attributes },
) => {
  const { kind, axes, keepDims } = attributes;
  const firsts = walkIndices(outputs[0].shape, { tensor: given, along: keptAlong(given, axes, keepDims) });
  const sizes = axes.map((axis) => given.shape[axis]);
  const others = walkIndices(sizes, { tensor: given, along: axes });
  const { value } = REDUCTIONS[kind];
  return [Float64Array.from(firsts, (first) => value(Float64Array.from(others, (other) => x[first + other])))];
};

const dense = (shape: readonly number[], fill?: CaseInput['fill']): CaseInput[] => [
  { shape, layout: 'dense', ...(fill ? { fill } : {}) },
];
const kinds = Object.keys(REDUCTIONS) as ReduceAttributes['kind'][];
const fillOf = (kind: string) => (kind === 'log_sum' || kind === 'prod' ? { fill: 'positive' as const } : {});

export const cases = (): Case<ReduceAttributes>[] => [
  ...kinds.flatMap((kind) => [
    { inputs: [{ shape: [2, 3, 5, 7], ...fillOf(kind) }], attributes: { kind, axes: [1, 2], keepDims: true } },
    { inputs: [{ shape: [2, 1, 5, 133], ...fillOf(kind) }], attributes: { kind, axes: [3], keepDims: false } },
  ]),
  ...(
    [
      [[], []],
      [[3], []],
      [[5], [0]],
      [
        [2, 3, 141],
        [0, 2],
      ],
      [
        [2, 3, 4, 5, 2, 3],
        [1, 3, 5],
      ],
      [
        [2, 3, 1, 5],
        [0, 1, 2, 3],
      ],
    ] as const
  ).flatMap(([shape, axes]) => [
    { inputs: dense(shape, 'positive'), attributes: { kind: 'mean' as const, axes, keepDims: false } },
    { inputs: dense(shape), attributes: { kind: 'max' as const, axes, keepDims: true } },
  ]),
  { inputs: [{ shape: [2, 3, 4, 6] }], attributes: { kind: 'mean', axes: [3], keepDims: true } },
  { inputs: [{ shape: [3, 2, 2, 9] }], attributes: { kind: 'sum', axes: [0, 3], keepDims: true } },
  // Where exp overflows; many numbers whose sum cancels.
  {
    inputs: dense([4, 33], (i) => (i % 33) * 40 - 700),
    attributes: { kind: 'log_sum_exp', axes: [1], keepDims: true },
  },
  { inputs: dense([2, 5000], (i) => 1000 + (i % 13)), attributes: { kind: 'sum', axes: [1], keepDims: false } },
  // Rows in which all numbers are infinite.
  ...([-Infinity, Infinity] as const).map((number) => ({
    inputs: dense([3, 70], (i: number) => (i < 140 ? number : i)),
    attributes: { kind: number < 0 ? ('max' as const) : ('min' as const), axes: [1], keepDims: false },
    exact: true,
  })),
];
