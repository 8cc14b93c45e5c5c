/**
 * The layers that imported networks are made of, added to a graph for values of any order of dimensions. Nothing here knows a file
 * format: a translator says which dimension is what.
 */
import { InputError } from '../errors.js';
import type { TensorData } from '../formats/weights/checkpoint.js';
import type { GraphBuilder } from '../graph/ir/graph.js';
import { channelCount, type Tensor } from '../graph/ir/tensor.js';
import { permute } from '../ops/general/permute.js';
import { reshape } from '../ops/general/reshape.js';
import { forward as batchNorm } from '../ops/layers/batch_norm.js';
import { channelShuffle } from '../ops/layers/channel_shuffle.js';
import { countOf } from './plain.js';
import { type Axis, type Dims, isWhole, type Run, reshaped, sameRuns, shapeOf, sizeOf, whole } from './views.js';

/** A value of the network: a tensor [n, h, w, c] of the graph, and how the value lies in it. */
export interface Value {
  readonly tensor: Tensor;
  readonly dims: Dims;
  /** A factor and a summand for each channel that have not been applied yet. So several of them can be merged into one. */
  readonly affine?: Affine;
}

export interface Affine {
  /** The name of the layer that it comes from. */
  readonly name: string;
  readonly factor: Float64Array;
  readonly summand: Float64Array;
}

/** Where layers are added, and what has been made of the file's weights so far. */
export interface Kit {
  readonly g: GraphBuilder;
  readonly weights: Weights;
  /** The layer that is being added, for messages and names. */
  readonly name: string;
  /** Set if images are a dimension of the values like any other. Otherwise a value belongs to one image, and the graph adds the dimension. */
  readonly ownImages?: boolean;
}

/** Weights in the order of the graph's parameters, shared between all graphs that are built from one file. */
export type Weights = Map<string, TensorData & { readonly change: string; readonly source: object }>;

const LONGEST_NAME = 160;

/**
 * A parameter of the graph.
 * @param name the name of the weights in the file. It may get a number, because names need not be unique in a file, and because weights that
 *   two layers read in different orders are two parameters.
 * @param change a word for the way in which the numbers are computed from the source
 * @param source the object that the numbers are computed from. For the same source and change they are computed only once.
 */
export function parameter(
  { g, weights }: Kit,
  name: string,
  change: string,
  source: object,
  shape: readonly number[],
  make: () => ArrayLike<number>,
): Tensor {
  const base = name.length <= LONGEST_NAME ? name || 'weights' : `${name.slice(0, LONGEST_NAME)}…`;
  let made: Float32Array | undefined;
  for (let i = 1; ; i++) {
    const own = i === 1 ? base : `${base} (${i})`;
    const known = weights.get(own);
    if (known && known.source === source && known.change === change && known.shape.join() === shape.join())
      return g.parameter(own, shape);
    made ??= sized(float32(make()), name, shape);
    if (!known) weights.set(own, { shape: [...shape], data: made, change, source });
    if (!known || (known.shape.join() === shape.join() && isSame(known.data, made))) return g.parameter(own, shape);
  }
}

function sized(numbers: Float32Array, name: string, shape: readonly number[]): Float32Array {
  if (numbers.length === countOf(shape)) return numbers;
  throw new InputError(`the weights ${name} have another number of elements`, {
    expected: shape.join('×'),
    given: `${numbers.length} numbers`,
  });
}

const float32 = (numbers: ArrayLike<number>) =>
  numbers instanceof Float32Array ? numbers : Float32Array.from(numbers);

function isSame(a: Float32Array, b: Float32Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}

/** Thrown for a layer that cannot be translated. It is caught where the layer's name and operator are known, which are added to the message. */
export class Unsupported extends Error {
  constructor(
    message: string,
    readonly hint?: string,
  ) {
    super(message);
  }
}

/** For each axis of a map, the dimension of a value that it is. An axis without a dimension has the size 1. */
export interface Order {
  /** Only where values have images of their own. */
  readonly n?: number;
  readonly c: number;
  readonly h?: number;
  readonly w?: number;
}

export const sizesOf = ({ tensor: { shape } }: Pick<Value, 'tensor'>) => ({
  ...{ n: shape[0], h: shape[1], w: shape[2], c: shape[3] },
});

/** The order of ONNX's maps, [images, channels, rows, columns]. */
export const mapsOf = ({ ownImages }: Pick<Kit, 'ownImages'>): Order => ({
  ...{ c: 1, h: 2, w: 3 },
  ...(ownImages ? { n: 0 } : {}),
});
export const shapeOfValue = ({ dims }: Value) => shapeOf(dims);

/** A tensor [n, h, w, c] as a value of `rank` dimensions in this order. */
export function asValue(tensor: Tensor, order: Order, rank: number): Value {
  const [n, h, w, c] = tensor.shape;
  const dims: (readonly Run[])[] = Array.from({ length: rank }, () => []);
  if (order.n !== undefined) dims[order.n] = whole('n', n);
  dims[order.c] = whole('c', c);
  if (order.h !== undefined) dims[order.h] = whole('h', h);
  if (order.w !== undefined) dims[order.w] = whole('w', w);
  return { tensor, dims };
}

/**
 * The value as a map [n, h, w, c] whose axes are the dimensions of `order`. Usually it is one already. Channels that were shuffled in groups
 * are moved back by one operation, and any other order by several.
 * @throws Unsupported if a dimension that is not an axis is larger than 1
 */
export function asMap(kit: Kit, value: Value, order: Order): Tensor {
  const { dims } = value;
  const { tensor } = settled(kit, value);
  const sizes = sizesOf(value);
  const of = (dimension: number | undefined) => (dimension === undefined ? [] : (dims[dimension] ?? []));
  const others = dims.some((runs, i) => runs.length > 0 && ![order.n, order.c, order.h, order.w].includes(i));
  if (others) throw new Unsupported(`a value of ${shapeOf(dims).join('×')} is no map`);
  const imagesFit = !kit.ownImages || isWhole(of(order.n), 'n', sizes.n);
  if (imagesFit && isWhole(of(order.h), 'h', sizes.h) && isWhole(of(order.w), 'w', sizes.w)) {
    const channels = of(order.c);
    if (isWhole(channels, 'c', sizes.c)) return tensor;
    const groups = shuffledGroups(channels, sizes.c);
    if (groups !== undefined) return channelShuffle(kit.g, tensor, groups, `${kit.name}/channel_shuffle`);
  }
  const known = [order.n, order.c, order.h, order.w].filter((one) => one !== undefined).sort((a, b) => a - b);
  const sizesOfMap = known.map((dimension) => sizeOf(of(dimension)));
  // The graph's dimension of images comes before a value's own dimensions.
  const ahead = kit.ownImages ? [] : [0];
  const places = [...(kit.ownImages ? [order.n] : []), order.h, order.w, order.c].map((one) =>
    one === undefined ? undefined : known.indexOf(one) + ahead.length,
  );
  // An axis that is not a dimension of the value has the size 1, and is put after the others.
  const missing = places.filter((place) => place === undefined).map(() => 1);
  let next = known.length + ahead.length;
  const from = places.map((place) => place ?? next++);
  const listed = reshape(kit.g, asDense(kit, value), [...ahead, ...sizesOfMap, ...missing], `${kit.name}/map`);
  return permute(kit.g, listed, [...ahead, ...from], 'nhwc4', `${kit.name}/map`);
}

/** The value as a dense tensor [n, …]: the graph's images, then the value's own dimensions. With `ownImages` n is 1. */
export function asDense(kit: Kit, value: Value): Tensor {
  const { tensor, dims } = settled(kit, value);
  const runs = dims.flat();
  const bySlowest = (axis: Axis) => runs.filter((run) => run.axis === axis).sort((a, b) => b.step - a.step);
  const factors = (['n', 'h', 'w', 'c'] as const).flatMap(bySlowest);
  const name = `${kit.name}/dense`;
  const pixels = permute(kit.g, tensor, [0, 1, 2, 3], 'dense', name);
  const apart = reshape(kit.g, pixels, [kit.ownImages ? 1 : 0, ...factors.map(({ size }) => size)], name);
  const moved = permute(kit.g, apart, [0, ...runs.map((run) => 1 + factors.indexOf(run))], 'dense', name);
  return reshape(kit.g, moved, [0, ...shapeOf(dims)], name);
}

/** A dense tensor [n, …] as a value of all its dimensions except the first. */
export function fromDense(kit: Kit, tensor: Tensor): Value {
  const shape = tensor.shape.slice(1);
  if (kit.ownImages && shape.length === 4) {
    const list = reshape(kit.g, tensor, shape, `${kit.name}/value`);
    return asValue(permute(kit.g, list, [0, 2, 3, 1], 'nhwc4', `${kit.name}/value`), mapsOf(kit), 4);
  }
  // With four dimensions, rows and columns come after images and channels. For any other rank the last dimension is taken as channels.
  const [c, h, w] =
    shape.length === 4 && shape[0] === 1 ? shape.slice(1) : [shape.at(-1) ?? 1, 1, countOf(shape.slice(0, -1))];
  const isMap = shape.length === 4 && shape[0] === 1;
  const listed = reshape(kit.g, tensor, isMap ? [0, c, h, w] : [0, h, w, c], `${kit.name}/value`);
  const map = permute(kit.g, listed, isMap ? [0, 2, 3, 1] : [0, 1, 2, 3], 'nhwc4', `${kit.name}/value`);
  if (isMap) return asValue(map, { c: 1, h: 2, w: 3 }, 4);
  return { tensor: map, dims: reshaped([whole('h', h), whole('w', w), whole('c', c)], shape)! };
}

/** The number of groups if the channels have been shuffled: seen as a table with a row for each group, and read column by column. */
function shuffledGroups(runs: readonly Run[], channels: number): number | undefined {
  if (runs.length !== 2) return undefined;
  const [inner, outer] = runs;
  const expected: Run[] = [
    { axis: 'c', size: channels / outer.size, step: 1 },
    { axis: 'c', size: outer.size, step: channels / outer.size },
  ];
  return sameRuns([inner, outer], expected) ? outer.size : undefined;
}

/** The value after its pending factors and summands (`affine`) have been applied. */
export function settled(kit: Kit, value: Value): Value {
  const { affine, ...rest } = value;
  return affine ? { ...rest, tensor: applyAffine(kit, value.tensor, affine) } : rest;
}

/** Constants that repeat one number, by graph. They are shared, because the number of constants in a graph is limited. */
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

/** Results of `applyAffine`, since several layers may read the same value. */
const applied = new WeakMap<Affine, Tensor>();

/** The tensor with the value's numbers; undefined if its pending factors were merged into those of a later layer. */
export const finishedTensor = ({ tensor, affine }: Value): Tensor | undefined =>
  affine ? applied.get(affine) : tensor;

/** Adds a batch norm with mean 0 and variance 1, because batch norms are fused into the weights of convolutions. */
function applyAffine(kit: Kit, tensor: Tensor, affine: Affine): Tensor {
  const known = applied.get(affine);
  if (known) return known;
  const { name, factor, summand } = affine;
  const channels = channelCount(tensor);
  const vector = (of: string, values: Float64Array) =>
    parameter(kit, `${name}.${of}`, 'affine', affine, [channels], () => Float32Array.from(values));
  const statistics = [filledWith(kit.g, channels, 0), filledWith(kit.g, channels, 1)] as const;
  const inputs = [tensor, vector('factor', factor), vector('summand', summand), ...statistics] as const;
  const result = kit.g.apply(batchNorm, inputs, { epsilon: 0 }, name);
  applied.set(affine, result);
  return result;
}
