/** Operations other than layers: functions of any values, reductions and cuts along any dimension, products of matrices. */
import type { Tensor } from '../graph/ir/tensor.js';
import { argExtreme } from '../ops/general/arg_extreme.js';
import { type BinaryAttributes, binary } from '../ops/general/binary.js';
import { type CompareAttributes, compare as comparison } from '../ops/general/compare.js';
import { expand } from '../ops/general/expand.js';
import type { UnaryFunction } from '../ops/general/functions.js';
import { join } from '../ops/general/join.js';
import { matmul } from '../ops/general/matmul.js';
import { lpNormalise, normaliseOver, softmaxOver } from '../ops/general/over_axes.js';
import { permute } from '../ops/general/permute.js';
import { type ReduceAttributes, reduce } from '../ops/general/reduce.js';
import { gather, type TakeAttributes, take } from '../ops/general/take.js';
import { unary } from '../ops/general/unary.js';
import { where } from '../ops/general/where.js';
import { pad } from '../ops/layers/pad.js';
import type { Sides } from '../ops/windows.js';
import { broadcastShape, transpose } from './arrays.js';
import {
  asDense,
  asMap,
  asValue,
  fromDense,
  type Kit,
  type Order,
  parameter,
  settled,
  Unsupported,
  type Value,
} from './kit.js';
import type { Named } from './layers.js';
import { type Dims, shapeOf } from './views.js';

/** Applies a function of one number to every number. */
export function apply(kit: Kit, value: Value, of: UnaryFunction): Value {
  const { tensor, dims } = settled(kit, value);
  return { tensor: unary(kit.g, tensor, of, kit.name), dims };
}

const isValue = (one: Value | Named): one is Value => 'tensor' in one;
const shapeOfEither = (one: Value | Named) => (isValue(one) ? shapeOf(one.dims) : one.constant.shape);

/**
 * An order of axes in which all of the values are maps. A value may have size 1 in a dimension in which others are larger.
 * @param needed dimensions that have to be axes even if their size is 1
 */
function orderFor(
  { ownImages }: Kit,
  rank: number,
  values: readonly Dims[],
  shape: readonly number[],
  needed: readonly number[] = [],
): Order {
  const dimensions = shape.flatMap((size, i) => (size > 1 || needed.includes(i) ? [i] : []));
  if (dimensions.length > (ownImages ? 4 : 3) || rank === 0)
    throw new Unsupported(`a value of ${shape.join('×')} is no map`);
  const found: { n?: number; c?: number; h?: number; w?: number } = {};
  const isFree = (dimension: number) => !Object.values(found).includes(dimension);
  for (const axis of ['n', 'c', 'h', 'w'] as const) {
    const own = dimensions.find((i) => isFree(i) && values.some((dims) => dims[i]?.[0]?.axis === axis));
    if (own !== undefined) found[axis] = own;
  }
  for (const dimension of dimensions.filter(isFree)) {
    const axis = (['w', 'h', 'c', 'n'] as const).find((one) => found[one] === undefined)!;
    found[axis] = dimension;
  }
  if (found.c !== undefined) return { ...found, c: found.c };
  const spare = Array.from({ length: rank }, (_, i) => i).find((i) => i > 0 && isFree(i));
  if (spare !== undefined || isFree(0)) return { ...found, c: spare ?? 0 };
  // No dimension is left for the channels, so the last one is moved there.
  const { n, h, w } = found;
  const kept = Object.entries({ n, h, w }).filter(([, own]) => own !== undefined && own !== rank - 1);
  return { ...Object.fromEntries(kept), c: rank - 1 };
}

const padded = (dims: Dims, rank: number): Dims => [...Array.from({ length: rank - dims.length }, () => []), ...dims];

/** Adds a function of two values, or of a value and a constant, whose shapes are broadcast to one. */
export const combine = (kit: Kit, a: Value | Named, b: Value | Named, kind: BinaryAttributes['kind']): Value =>
  elementwise(kit, [a, b], ([x, y]) => binary(kit.g, x, y, kind, kit.name));

/** Adds a comparison of two values, which gives 1 and 0. */
export const compare = (kit: Kit, a: Value | Named, b: Value | Named, kind: CompareAttributes['kind']): Value =>
  elementwise(kit, [a, b], ([x, y]) => comparison(kit.g, x, y, kind, kit.name));

/** Adds the choice of one of two values where a condition holds, of the other elsewhere. */
export const choose = (kit: Kit, condition: Value | Named, a: Value | Named, b: Value | Named): Value =>
  elementwise(kit, [condition, a, b], ([x, y, z]) => where(kit.g, x, y, z, kit.name));

const listed = (one: Value | Named): Value | Named =>
  isValue(one) ? { ...one, dims: [[]] } : { ...one, constant: { ...one.constant, shape: [1] } };

function elementwise(kit: Kit, all: readonly (Value | Named)[], add: (maps: readonly Tensor[]) => Tensor): Value {
  const shape = broadcastShape(...all.map(shapeOfEither));
  // A map has channels, so a single number is computed as a list with one element.
  if (shape.length === 0) return { ...elementwise(kit, all.map(listed), add), dims: [] };
  const rank = shape.length;
  const values = all.filter(isValue).map(({ dims }) => padded(dims, rank));
  const order = orderFor(kit, rank, values, shape);
  const mapOf = (one: Value | Named): Tensor =>
    isValue(one) ? asMap(kit, { ...one, dims: padded(one.dims, rank) }, order) : constantMap(kit, one, order, rank);
  return asValue(add(all.map(mapOf)), order, rank);
}

/** A constant as a dense tensor [n, h, w, c]. */
function constantMap(kit: Kit, { name, constant }: Named, order: Order, rank: number): Tensor {
  const shape = [...new Array<number>(rank - constant.shape.length).fill(1), ...constant.shape];
  const axes = [order.n, order.h, order.w, order.c];
  const sizes = axes.map((axis) => (axis === undefined ? 1 : shape[axis]));
  const known = axes.filter((axis) => axis !== undefined);
  const rest = shape.map((_, i) => i).filter((i) => !known.includes(i));
  const moved = () => transpose({ ...constant, shape, values: constant.values }, [...rest, ...known]).values();
  return parameter(kit, name, `map ${axes.join()} of ${rank}`, constant, sizes, moved);
}

/** The place in [n, h, w, c] of the axis that a dimension is. */
const placeOf = (order: Order, dimension: number) =>
  dimension === order.c
    ? 3
    : dimension === order.h
      ? 1
      : dimension === order.w
        ? 2
        : dimension === order.n
          ? 0
          : undefined;

/** A value as a map, with the axes of some of its dimensions. */
function along(kit: Kit, value: Value, dimensions: readonly number[]) {
  const rank = value.dims.length;
  const order = orderFor(kit, rank, [value.dims], shapeOf(value.dims), dimensions);
  const axes = dimensions.map((dimension) => placeOf(order, dimension)!);
  return { map: asMap(kit, value, order), axes, back: (tensor: Tensor) => asValue(tensor, order, rank) };
}

/** Reduces some dimensions, which keep the size 1. */
export function reduceOver(
  kit: Kit,
  value: Value,
  dimensions: readonly number[],
  kind: ReduceAttributes['kind'],
): Value {
  const own = dimensions.filter((dimension) => value.dims[dimension].length > 0);
  if (own.length === 0 && ['sum', 'mean', 'max', 'min', 'prod'].includes(kind)) return value;
  if (value.dims.length === 0) return { ...reduceOver(kit, { ...value, dims: [[]] }, [0], kind), dims: [] };
  const { map, axes, back } = along(kit, value, own);
  return back(reduce(kit.g, map, { kind, axes, name: kit.name }));
}

export function softmaxAlong(kit: Kit, value: Value, dimension: number): Value {
  const { map, axes, back } = along(kit, value, [dimension]);
  return back(softmaxOver(kit.g, map, axes[0], kit.name));
}

/** Adds (x − mean) / √(variance + ε), with mean and variance over some dimensions. */
export function standardise(kit: Kit, value: Value, dimensions: readonly number[], epsilon: number): Value {
  const own = dimensions.filter((dimension) => value.dims[dimension].length > 0);
  const { map, axes, back } = along(kit, value, own.length > 0 ? own : dimensions.slice(-1));
  return back(normaliseOver(kit.g, map, { axes, epsilon, name: kit.name }));
}

/** Places of a dimension, in the given order. */
export function pick(kit: Kit, value: Value, dimension: number, places: readonly number[]): Value {
  const { map, axes, back } = along(kit, value, [dimension]);
  return back(gather(kit.g, map, axes[0], places, kit.name));
}

/** What each place along a dimension takes: places of the value, with weights. */
export function takeAlong(kit: Kit, value: Value, dimension: number, places: Omit<TakeAttributes, 'axis'>): Value {
  const { map, axes, back } = along(kit, value, [dimension]);
  return back(take(kit.g, map, { axis: axes[0], ...places }, kit.name));
}

/** The place of the largest or smallest number along a dimension. The dimension keeps the size 1. */
export function extremeAlong(kit: Kit, value: Value, dimension: number, kind: 'max' | 'min', last: boolean): Value {
  const { map, axes, back } = along(kit, value, [dimension]);
  const found = argExtreme(kit.g, map, { kind, axis: axes[0], last, name: kit.name });
  return back(permute(kit.g, found, [0, 1, 2, 3], 'nhwc4', `${kit.name}/map`));
}

/** Adds the value with its numbers repeated along dimensions of size 1, and along new ones before the first. */
export function repeatTo(kit: Kit, value: Value, shape: readonly number[]): Value {
  const rank = shape.length;
  const dims = padded(value.dims, rank);
  const order = orderFor(kit, rank, [dims], shape);
  const sizes = [order.n, order.h, order.w, order.c].map((one) => (one === undefined ? 1 : shape[one]));
  return asValue(expand(kit.g, asMap(kit, { ...value, dims }, order), sizes, kit.name), order, rank);
}

/** Adds x divided by its p-norm along a dimension, which is 0 where the norm is 0. */
export function lpNormalised(kit: Kit, value: Value, dimension: number, p: 1 | 2): Value {
  const { map, axes, back } = along(kit, value, [dimension]);
  return back(lpNormalise(kit.g, map, { axis: axes[0], p, least: 1e-30, name: kit.name }));
}

/** Joins values, and constants among them, along any dimension. */
export function joinAlong(kit: Kit, values: readonly (Value | Named)[], dimension: number): Value {
  const shapes = values.map(shapeOfEither);
  const rank = shapes[0].length;
  const all = values.filter(isValue).map(({ dims }) => dims);
  const shape = broadcastShape(...shapes.map((one) => one.map((size, i) => (i === dimension ? 2 : size))));
  const order = orderFor(kit, rank, all, shape, [dimension]);
  const axis = placeOf(order, dimension)!;
  const own = values.map((one) => (isValue(one) ? asMap(kit, one, order) : undefined));
  const some = own.find((map) => map !== undefined)!;
  const maps = values.map(
    (one, i) => own[i] ?? forEachImage(kit, constantMap(kit, one as Named, order, rank), some, axis),
  );
  return asValue(join(kit.g, maps, axis, kit.name), order, rank);
}

/**
 * A constant as a map that all images have. The number of images may not be among the attributes of an operation, so a map of the network, of
 * which no number is taken, says how many there are.
 */
function forEachImage({ g, name, ownImages }: Kit, constant: Tensor, map: Tensor, axis: number): Tensor {
  const own = `${name}/constant`;
  if (ownImages) return permute(g, constant, [0, 1, 2, 3], 'nhwc4', own);
  const spec = { shape: [1], layout: 'dense', type: 'f32' } as const;
  return where(g, g.constant(own, spec, Float32Array.of(1)), constant, gather(g, map, axis, [0], own), own);
}

/** Pads a map with a number; negative sides crop it. */
export function padMap(kit: Kit, value: Value, order: Order, padding: Sides, number: number): Value {
  const map = pad(kit.g, asMap(kit, value, order), padding, { value: number, name: kit.name });
  return asValue(map, order, value.dims.length);
}

const without = (value: Value, dimension: number): Value => ({ ...value, dims: value.dims.toSpliced(dimension, 1) });

/** Adds the product of two matrices, or of stacks of them. At most one of them is a constant. */
export function product(kit: Kit, a: Value | Named, b: Value | Named): Value {
  const ranks = [a, b].map((one) => shapeOfEither(one).length);
  if (ranks.includes(0)) throw new Unsupported('a product with a single number');
  // A vector counts as a row on the left side of the product, and as a column on the right side.
  if (ranks[0] === 1) return without(product(kit, withDimension(a, 0), b), -2);
  if (ranks[1] === 1) return without(product(kit, a, withDimension(b, 1)), -1);
  const rank = Math.max(...ranks);
  const [left, right] = [a, b].map((one) =>
    isValue(one) ? asDense(kit, { ...one, dims: padded(one.dims, rank) }) : denseConstant(kit, one, rank),
  );
  return fromDense(kit, matmul(kit.g, left, right, kit.name));
}

const withDimension = (one: Value | Named, at: number): Value | Named =>
  isValue(one)
    ? { ...one, dims: one.dims.toSpliced(at, 0, []) }
    : {
        ...one,
        constant: { ...one.constant, shape: one.constant.shape.toSpliced(at, 0, 1), values: one.constant.values },
      };

/** A constant as a dense tensor [1, …] that all images share. */
function denseConstant(kit: Kit, { name, constant }: Named, rank: number): Tensor {
  const shape = [1, ...new Array<number>(rank - constant.shape.length).fill(1), ...constant.shape];
  return parameter(kit, name, `dense of ${rank}`, constant, shape, constant.values);
}
