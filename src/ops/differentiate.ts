/** Differentiation of graphs by the gradients of raybox's own operations and of those that others have registered. */
import type { GraphBuilder } from '../graph/ir/graph.js';
import type { AnyGradient, Gradient, InputNames } from '../graph/ir/operation.js';
import type { Tensor } from '../graph/ir/tensor.js';
import { differentiate } from '../graph/passes/gradient.js';
import { all } from './generated/gradient.js';
import { sum } from './layers/add.js';

const known = new Map<string, AnyGradient>(Object.entries(all) as unknown as [string, AnyGradient][]);

/** Makes the gradient of an operation from outside known. */
export function registerGradient<A extends object, N extends InputNames, O extends readonly (Tensor | undefined)[]>(
  operation: string,
  gradient: Gradient<A, N, O>,
): void {
  known.set(operation, gradient as unknown as AnyGradient);
}

/**
 * Adds the gradients of `loss` by each tensor of `of`; those that `loss` does not depend on are missing from the answer.
 * @param loss one element, or with a seed any number.
 * @param seed the gradient of what is wanted by `loss`, of its shape. Default: 1.
 * @throws InputError naming an operation on the way that has no gradient.
 */
export function gradients(g: GraphBuilder, loss: Tensor, of: readonly Tensor[], seed?: Tensor): Map<Tensor, Tensor> {
  return differentiate(g, loss, of, { gradientOf: (operation) => known.get(operation), sum }, seed);
}
