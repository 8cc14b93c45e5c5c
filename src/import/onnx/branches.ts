/** Branches (`If`): which of the two is taken, and what a branch reads from outside. Only the branch that is taken is translated. */
import { InputError } from '../../errors.js';
import { Unsupported } from '../kit.js';
import { graphsIn, type PlainGraph, type PlainNode } from '../plain.js';
import { type Call, isValue, operand, own } from './call.js';

const HINT =
  'export the model for one size of input, or without the branch; onnxsim model.onnx folded.onnx (a Python package) removes a branch whose condition is always the same';

/** The branch that a constant condition chooses. @throws Unsupported for a condition that the network computes */
export function branchOf(call: Call): PlainGraph {
  const condition = operand(call, 0);
  if (isValue(condition))
    throw new Unsupported(
      'its condition is computed from the image, and raybox runs the same operations for every image',
      HINT,
    );
  const name = trueOrFalse(condition.count, condition.values()) ? 'then_branch' : 'else_branch';
  const branch = own(call.node, name);
  if (typeof branch !== 'object' || !('graph' in branch)) throw new InputError(`it has no ${name}`);
  const { graph } = branch;
  if (graph.inputs.length > 0) throw new InputError(`its ${name} has inputs`);
  if (graph.outputs.length !== call.node.outputs.length)
    throw new InputError(`its ${name} has another number of outputs`, {
      expected: `${call.node.outputs.length}`,
      given: `${graph.outputs.length}`,
    });
  return graph;
}

function trueOrFalse(count: number, values: ArrayLike<number>): boolean {
  if (count === 1) return values[0] !== 0;
  throw new InputError('its condition is not one truth value', { given: `${count} numbers` });
}

const known = new WeakMap<PlainGraph, ReadonlySet<string>>();

/** The names that a graph, or a graph within it, reads and does not define. */
export function readFromOutside(graph: PlainGraph): ReadonlySet<string> {
  const found = known.get(graph);
  if (found) return found;
  const { nodes, constants, outputs } = graph;
  const defined = new Set([...constants.keys(), ...nodes.flatMap((node) => node.outputs)]);
  const names = [...nodes.flatMap(readBy), ...outputs.map(({ name }) => name)];
  const outside = new Set(names.filter((name) => name !== '' && !defined.has(name)));
  known.set(graph, outside);
  return outside;
}

/** The names of the values that a node reads: its inputs, and what its branches read from outside. */
export const readBy = (node: PlainNode): string[] => [
  ...node.inputs,
  ...graphsIn(node).flatMap((graph) => [...readFromOutside(graph)]),
];
