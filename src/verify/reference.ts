/** Computes a whole graph in float64 on the CPU, each node by the reference of its operation. */
import { InputError } from '../errors.js';
import { type Graph, updatesOf } from '../graph/ir/graph.js';
import type { InputNames, Reference } from '../graph/ir/operation.js';
import type { Tensor } from '../graph/ir/tensor.js';
import { all } from '../ops/generated/reference.js';

const references = new Map<string, Reference>(Object.entries(all) as unknown as [string, Reference][]);

/** Registers the reference of an operation of the caller's own. */
export function registerReference<A extends object, N extends InputNames>(
  operation: string,
  reference: Reference<A, N>,
): void {
  references.set(operation, reference as unknown as Reference);
}

/**
 * Computes every tensor of a graph. Updated states have their new values in the result.
 * @param values values of the graph's inputs, parameters and states in dense order. Constants that have their content need none.
 */
export function evaluateReference(graph: Graph, values: ReadonlyMap<Tensor, Float64Array>): Map<Tensor, Float64Array> {
  const known = new Map(values);
  for (const node of graph.nodes) {
    const reference = references.get(node.operation.name);
    if (!reference)
      throw new InputError(`operation ${node.operation.name} has no reference`, {
        hint: 'registerReference() adds one',
      });
    const inputs = node.inputs.map((tensor) => {
      if (!tensor) return undefined;
      const own = known.get(tensor) ?? (tensor.data && Float64Array.from(tensor.data));
      if (!own) throw new InputError(`no value for ${tensor.name}`);
      return own;
    });
    const results = reference(inputs, node);
    for (const [index, tensor] of [...node.outputs, ...updatesOf(node)].entries()) known.set(tensor, results[index]);
  }
  return known;
}

/** Normalised mean square error: Σ (a − b)² / Σ b². NaN if one of the two has a NaN or an infinity that the other does not have. */
export function normalisedError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let error = 0;
  let power = 0;
  for (let i = 0; i < expected.length; i++) {
    if (!Number.isFinite(actual[i]) || !Number.isFinite(expected[i])) {
      if (Object.is(actual[i], expected[i])) continue;
      return Number.NaN;
    }
    error += (actual[i] - expected[i]) ** 2;
    power += expected[i] ** 2;
  }
  return power > 0 ? error / power : error;
}
