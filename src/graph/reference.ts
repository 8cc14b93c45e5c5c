/** The float64 truth of a whole graph: each node by its operation's plain loops on the CPU. */
import { InputError } from '../errors.js';
import { all } from '../generated/reference.js';
import type { Graph } from './graph.js';
import type { Reference } from './operation.js';
import type { Tensor } from './tensor.js';

const references = new Map<string, Reference>(Object.entries(all) as unknown as [string, Reference][]);

/** Makes the reference of an operation from outside known. */
export function registerReference(operation: string, reference: Reference): void {
  references.set(operation, reference);
}

/**
 * Computes every tensor of a graph.
 * @param values dense logical values of the graph's sources.
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
      const own = known.get(tensor);
      if (!own) throw new InputError(`no value for ${tensor.name}`);
      return own;
    });
    const results = reference(inputs, node);
    for (const [index, tensor] of node.outputs.entries()) known.set(tensor, results[index]);
  }
  return known;
}
