/** Differentiation of graphs. It uses the gradients of raybox's own operations and of operations that callers have registered. */
import type { GraphBuilder } from '../graph/ir/graph.js';
import type { AnyGradient, Gradient, InputNames, Operation } from '../graph/ir/operation.js';
import type { Tensor } from '../graph/ir/tensor.js';
import { differentiate } from '../graph/passes/gradient.js';
import { all } from './generated/gradient.js';
import { sum } from './layers/add.js';

const own = new Map(Object.values(all) as unknown as [Operation, AnyGradient][]);
const registered = new Map<string, AnyGradient>();

/** Registers the gradient of an operation that is not part of raybox. */
export function registerGradient<A extends object, N extends InputNames, O extends readonly (Tensor | undefined)[]>(
  operation: string,
  gradient: Gradient<A, N, O>,
): void {
  registered.set(operation, gradient as unknown as AnyGradient);
}

/**
 * Adds the gradients of `loss` by each tensor of `of`. Tensors that `loss` does not depend on have no entry in the result.
 * @param loss a tensor of one element or, with a seed, of any shape.
 * @param seed the gradient of the final quantity by `loss`, of the same shape as `loss`. Default: 1.
 * @throws InputError with the name of an operation that needs a gradient and has none.
 */
export function gradients(g: GraphBuilder, loss: Tensor, of: readonly Tensor[], seed?: Tensor): Map<Tensor, Tensor> {
  const gradientOf = (operation: Operation) => registered.get(operation.name) ?? own.get(operation);
  return differentiate(g, loss, of, { gradientOf, sum }, seed);
}
