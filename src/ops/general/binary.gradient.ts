/**
 * Backward pass of functions of two tensors: the gradient with respect to each of them, summed over the dimensions along which it was
 * repeated. This file compiles only if every kind has a row.
 */
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Gradient } from '../../graph/ir/operation.js';
import type { Tensor } from '../../graph/ir/tensor.js';
import { type BinaryAttributes, type BinaryInputs, binary } from './binary.js';
import { compare } from './compare.js';
import { sumTo, zeroFor } from './sum_to.js';
import { unary } from './unary.js';
import { where } from './where.js';

/** The gradients with respect to both tensors, still in the shape of the result. */
type Slopes = (g: GraphBuilder, dy: Tensor, a: Tensor, b: Tensor, y: Tensor) => readonly [Tensor, Tensor];

const times = (g: GraphBuilder, a: Tensor, b: Tensor) => binary(g, a, b, 'mul');
const over = (g: GraphBuilder, a: Tensor, b: Tensor) => binary(g, a, b, 'div');
const negative = (g: GraphBuilder, x: Tensor) => unary(g, x, { kind: 'neg' });

/** The gradient of `max` and `min`: the chosen number gets all of it, and two equal numbers get half each. */
const shareOf = (g: GraphBuilder, dy: Tensor, chosen: Tensor, other: Tensor) => {
  const half = unary(g, compare(g, chosen, other, 'equal'), { kind: 'line', a: 0.5, b: 0 });
  const wins = binary(g, compare(g, chosen, other, 'greater'), half, 'add');
  return times(g, dy, wins);
};

const SLOPES: Readonly<Record<BinaryAttributes['kind'], Slopes>> = {
  add: (_, dy) => [dy, dy],
  sub: (g, dy) => [dy, negative(g, dy)],
  mul: (g, dy, a, b) => [times(g, dy, b), times(g, dy, a)],
  div: (g, dy, _, b, y) => [over(g, dy, b), negative(g, over(g, times(g, dy, y), b))],
  pow: (g, dy, a, b, y) => {
    const less = binary(g, a, unary(g, b, { kind: 'line', a: 1, b: -1 }), 'pow');
    // The limit of y · log a at 0 is 0.
    const log = where(g, compare(g, y, zeroFor(g, y), 'equal'), zeroFor(g, y), unary(g, a, { kind: 'log' }));
    return [times(g, dy, times(g, b, less)), times(g, dy, times(g, y, log))];
  },
  min: (g, dy, a, b) => [shareOf(g, dy, b, a), shareOf(g, dy, a, b)],
  max: (g, dy, a, b) => [shareOf(g, dy, a, b), shareOf(g, dy, b, a)],
  prelu: (g, dy, a, b) => {
    const isPositive = compare(g, a, zeroFor(g, a), 'greater');
    return [where(g, isPositive, dy, times(g, dy, b)), where(g, isPositive, zeroFor(g, dy), times(g, dy, a))];
  },
  mod: (g, dy, a, b) => [dy, negative(g, times(g, dy, unary(g, over(g, a, b), { kind: 'floor' })))],
  fmod: (g, dy, a, b) => [dy, negative(g, times(g, dy, unary(g, over(g, a, b), { kind: 'trunc' })))],
};

export const gradient: Gradient<BinaryAttributes, BinaryInputs> = (g, { inputs, outputs: [y], attributes }, [dy]) => {
  const slopes = SLOPES[attributes.kind](g, dy, ...inputs, y);
  return inputs.map((input, at) => sumTo(g, slopes[at], input));
};
