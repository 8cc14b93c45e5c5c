/** Activations, and sums and products of values with each other and with constants. */
import { channelCount, type Tensor } from '../graph/ir/tensor.js';
import { activationOf } from '../ops/layers/activation.js';
import type { Activation } from '../ops/layers/activations.js';
import { sum } from '../ops/layers/add.js';
import { mul } from '../ops/layers/mul.js';
import {
  type Affine,
  asMap,
  asValue,
  type Kit,
  settled,
  shapeOfValue,
  sizesOf,
  Unsupported,
  type Value,
} from './kit.js';
import { orderOf } from './map_order.js';
import type { Constant } from './plain.js';
import { type Dims, sameDims, sizeOf } from './views.js';

/** Applies an activation to every number. */
export function activate(kit: Kit, value: Value, activation: Activation): Value {
  const { tensor, dims } = settled(kit, value);
  return { tensor: activationOf(kit.g, tensor, activation, kit.name), dims };
}

/** Applies a factor and a summand, each one number or a constant that varies along channels at most. */
export function scaleAndShift(
  { name }: Kit,
  value: Value,
  factor: Constant | number,
  summand: Constant | number,
): Value {
  const ranks = [factor, summand].map((one) => (typeof one === 'number' ? 0 : one.shape.length));
  const rank = Math.max(value.dims.length, ...ranks);
  const dims: Dims = [...Array.from({ length: rank - value.dims.length }, () => []), ...value.dims];
  const channels = channelCount(value.tensor);
  const own: Affine = {
    name,
    factor: byChannel(factor, dims, channels),
    summand: byChannel(summand, dims, channels),
  };
  return { tensor: value.tensor, dims, affine: value.affine ? both(value.affine, own) : own };
}

const both = (first: Affine, second: Affine): Affine => ({
  name: second.name,
  factor: first.factor.map((factor, i) => factor * second.factor[i]),
  summand: first.summand.map((summand, i) => summand * second.factor[i] + second.summand[i]),
});

/** The number of a constant that each channel gets. */
function byChannel(constant: Constant | number, dims: Dims, channels: number): Float64Array {
  if (typeof constant === 'number') return new Float64Array(channels).fill(constant);
  const { shape } = constant;
  const values = constant.values();
  const own = shape.map((size, i) => ({ size, runs: dims[dims.length - shape.length + i] }));
  if (own.some(({ size, runs }) => size !== 1 && size !== sizeOf(runs)))
    throw new Unsupported(`a constant of ${shape.join('×')} is larger than the value that it is combined with`);
  if (own.some(({ size, runs }) => size > 1 && runs.some(({ axis }) => axis !== 'c')))
    throw new Unsupported('a constant that varies along rows or columns');
  return Float64Array.from({ length: channels }, (_, channel) => {
    let at = 0;
    for (const { size, runs } of own) {
      if (size === 1) continue;
      for (const run of runs) at = at * run.size + (Math.floor(channel / run.step) % run.size);
    }
    return values[at];
  });
}

/** Adds the sum of two values of one shape. */
export function add(kit: Kit, a: Value, b: Value): Value {
  const { tensors, dims } = aligned(kit, a, b);
  return { tensor: sum(kit.g, ...tensors, kit.name), dims };
}

/** Adds the product of two values, of one shape or one of them with one number for each channel. */
export function multiply(kit: Kit, a: Value, b: Value): Value {
  const [[ah, aw], [bh, bw]] = [a, b].map((value) => [sizesOf(value).h, sizesOf(value).w]);
  if (sizesOf(a).n !== sizesOf(b).n) throw new Unsupported('it combines values of different numbers of images');
  if (ah === bh && aw === bw) {
    const { tensors, dims } = aligned(kit, a, b);
    return { tensor: mul(kit.g, ...tensors, kit.name), dims };
  }
  const [map, gate] = ah * aw >= bh * bw ? [a, b] : [b, a];
  const dimension = map.dims.findIndex((runs) => runs.some(({ axis }) => axis === 'c'));
  if (map.dims.length !== gate.dims.length || dimension < 0)
    throw new Unsupported(`values of ${shapeOfValue(a).join('×')} and ${shapeOfValue(b).join('×')}`);
  const order = orderOf(map, dimension);
  const tensors = [asMap(kit, map, order), asMap(kit, gate, order)] as const;
  const [, height, width, channels] = tensors[1].shape;
  if (height !== 1 || width !== 1 || channels !== tensors[0].shape[3])
    throw new Unsupported(`values of ${shapeOfValue(a).join('×')} and ${shapeOfValue(b).join('×')}`);
  return asValue(mul(kit.g, ...tensors, kit.name), order, map.dims.length);
}

/** Two values whose numbers lie at the same places. */
function aligned(kit: Kit, a: Value, b: Value): { tensors: [Tensor, Tensor]; dims: Dims } {
  if (shapeOfValue(a).join() !== shapeOfValue(b).join())
    throw new Unsupported(`values of ${shapeOfValue(a).join('×')} and ${shapeOfValue(b).join('×')}`);
  const [first, second] = [settled(kit, a), settled(kit, b)];
  const alike = first.tensor.shape.join() === second.tensor.shape.join() && sameDims(a.dims, b.dims);
  if (alike) return { tensors: [first.tensor, second.tensor], dims: a.dims };
  const dimension = [a, b].flatMap(({ dims }) =>
    dims.flatMap((runs, i) => (runs.some(({ axis }) => axis === 'c') ? [i] : [])),
  )[0];
  const order = orderOf(a, dimension ?? 1);
  const tensors: [Tensor, Tensor] = [asMap(kit, first, order), asMap(kit, second, order)];
  return { tensors, dims: asValue(tensors[0], order, a.dims.length).dims };
}
