/**
 * The layers that imported networks are made of, added to a graph for values of any order of dimensions. Nothing here knows a file
 * format: a translator says which dimension is what.
 */
import type { TensorData } from '../formats/checkpoint.js';
import type { GraphBuilder } from '../graph/ir/graph.js';
import { channelCount, type Tensor } from '../graph/ir/tensor.js';

import { forward as batchNorm } from '../ops/layers/batch_norm.js';
import { channelShuffle } from '../ops/layers/channel_shuffle.js';
import { type Dims, isWhole, type Run, sameRuns, shapeOf, whole } from './views.js';

/** A value of the network: a tensor [n, h, w, c] of the graph, and how the value lies in it. */
export interface Value {
  readonly tensor: Tensor;
  readonly dims: Dims;
  /** A factor and a summand for each channel that are still to be applied: several of them become one. */
  readonly affine?: Affine;
}

export interface Affine {
  readonly factor: Float64Array;
  readonly summand: Float64Array;
}

/** Where layers are added, and what has been made of the file's weights so far. */
export interface Kit {
  readonly g: GraphBuilder;
  readonly weights: Weights;
  /** The layer that is being added, for messages and names. */
  readonly name: string;
}

/** Weights as the graph's parameters read them, shared between all graphs that are built of one file. */
export type Weights = Map<string, TensorData & { readonly madeBy: string }>;

const LONGEST_NAME = 160;

/**
 * A parameter of the graph.
 * @param name what the file calls the weights
 * @param change what is done to them, in a word: weights that two layers read in two orders are two parameters
 */
export function parameter(
  { g, weights }: Kit,
  name: string,
  change: string,
  shape: readonly number[],
  make: () => ArrayLike<number>,
): Tensor {
  const madeBy = `${change} ${shape.join('×')} of ${name}`;
  const base = name.length <= LONGEST_NAME ? name || 'weights' : `${name.slice(0, LONGEST_NAME - 12)}…${weights.size}`;
  for (let i = 1; ; i++) {
    const own = i === 1 ? base : `${base} (${i})`;
    const known = weights.get(own);
    if (known && known.madeBy !== madeBy) continue;
    if (!known) {
      const made = make();
      weights.set(own, {
        shape: [...shape],
        data: made instanceof Float32Array ? made : Float32Array.from(made),
        madeBy,
      });
    }
    return g.parameter(own, shape);
  }
}

/** What a translator refuses about a layer. It is caught where the layer's name and operator are known. */
export class Unsupported extends Error {
  constructor(
    message: string,
    readonly hint?: string,
  ) {
    super(message);
  }
}

/** Which dimension of a value is which axis of a map. A dimension that is left out is not there: its axis has one place. */
export interface Order {
  readonly c: number;
  readonly h?: number;
  readonly w?: number;
}

export const sizesOf = ({ tensor: { shape } }: Pick<Value, 'tensor'>) => ({ h: shape[1], w: shape[2], c: shape[3] });
export const shapeOfValue = ({ dims }: Value) => shapeOf(dims);

/** A tensor [n, h, w, c] as a value of `rank` dimensions in this order. */
export function asValue(tensor: Tensor, order: Order, rank: number): Value {
  const [, h, w, c] = tensor.shape;
  const dims: (readonly Run[])[] = Array.from({ length: rank }, () => []);
  dims[order.c] = whole('c', c);
  if (order.h !== undefined) dims[order.h] = whole('h', h);
  if (order.w !== undefined) dims[order.w] = whole('w', w);
  return { tensor, dims };
}

/**
 * The value as a map [n, h, w, c] whose axes are the dimensions of `order`. Channels that were exchanged in groups are moved into place.
 * @throws Unsupported for another order that would take moving numbers about
 */
export function asMap(kit: Kit, value: Value, order: Order): Tensor {
  const { dims } = value;
  const { tensor } = settled(kit, value);
  const sizes = sizesOf(value);
  const of = (dimension: number | undefined) => (dimension === undefined ? [] : dims[dimension]);
  const others = dims.some((runs, i) => runs.length > 0 && ![order.c, order.h, order.w].includes(i));
  if (!others && isWhole(of(order.h), 'h', sizes.h) && isWhole(of(order.w), 'w', sizes.w)) {
    const channels = of(order.c);
    if (isWhole(channels, 'c', sizes.c)) return tensor;
    const groups = shuffledGroups(channels, sizes.c);
    if (groups !== undefined) return channelShuffle(kit.g, tensor, groups, `${kit.name}/channel_shuffle`);
  }
  throw new Unsupported(`it needs numbers in another order than they are in (${describeDims(dims)})`);
}

/** The number of groups if channels are those of a table with a row for each group, read column by column. */
function shuffledGroups(runs: readonly Run[], channels: number): number | undefined {
  if (runs.length !== 2) return undefined;
  const [inner, outer] = runs;
  const expected: Run[] = [
    { axis: 'c', size: channels / outer.size, step: 1 },
    { axis: 'c', size: outer.size, step: channels / outer.size },
  ];
  return sameRuns([inner, outer], expected) ? outer.size : undefined;
}

const describeDims = (dims: Dims) =>
  dims.map((runs) => runs.map(({ axis, size }) => `${axis}${size}`).join('·') || '1').join(' × ');

/** The value without anything that is still to be applied. */
export function settled(kit: Kit, value: Value): Value {
  const { affine, ...rest } = value;
  return affine ? { ...rest, tensor: applyAffine(kit, value.tensor, affine) } : rest;
}

/** Constants of one number, by graph: a graph may have a limited number of constants. */
const filled = new WeakMap<GraphBuilder, Map<string, Tensor>>();

function filledWith(g: GraphBuilder, channels: number, value: number): Tensor {
  const known = filled.get(g) ?? new Map<string, Tensor>();
  filled.set(g, known);
  const key = `${value}s of ${channels} channels`;
  const tensor =
    known.get(key) ??
    g.constant(key, { shape: [channels], layout: 'dense', type: 'f32' }, new Float32Array(channels).fill(value));
  known.set(key, tensor);
  return tensor;
}

/** A batch norm of mean 0 and variance 1, because that is what a convolution takes into its weights. */
function applyAffine(kit: Kit, tensor: Tensor, { factor, summand }: Affine): Tensor {
  const channels = channelCount(tensor);
  const vector = (of: string, values: Float64Array) =>
    parameter(kit, `${kit.name}.${of}`, 'affine', [channels], () => Float32Array.from(values));
  const statistics = [filledWith(kit.g, channels, 0), filledWith(kit.g, channels, 1)] as const;
  const inputs = [tensor, vector('factor', factor), vector('summand', summand), ...statistics] as const;
  return kit.g.apply(batchNorm, inputs, { epsilon: 0 }, kit.name);
}
