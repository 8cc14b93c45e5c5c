/**
 * Backward pass of a choice between two tensors: each gets the gradient where it was chosen, summed over the dimensions along which it was
 * repeated.
 */
import type { Gradient } from '../../graph/ir/operation.js';
import { sumTo, zeroFor } from './sum_to.js';
import { type WhereInputs, where } from './where.js';

export const gradient: Gradient<object, WhereInputs> = (g, { inputs: [condition, a, b], outputs: [y] }, [dy]) => {
  const zero = zeroFor(g, y);
  const name = `${y.name}/gradient`;
  return [
    undefined,
    sumTo(g, where(g, condition, dy, zero, `${name}.a`), a),
    sumTo(g, where(g, condition, zero, dy, `${name}.b`), b),
  ];
};
