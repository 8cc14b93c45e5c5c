/**
 * Makes a shorter graph that computes the same:
 * 1. It merges pairs of nodes. The operations know what they can be merged with (`absorb`, `absorbInput`); this pass finds the pairs.
 * 2. It removes the copies of concatenations and slices, by letting tensors share memory.
 */
import { debug } from '../../gpu/debug.js';
import { type Graph, type Node, nameOf, prune, rootOf, type Slice } from '../ir/graph.js';
import { groupCount, type Tensor } from '../ir/tensor.js';

export function fuse(graph: Graph): Graph {
  return viewSlices(sliceConcats(prune(mergePairs(graph))));
}

function mergePairs(graph: Graph): Graph {
  const producer = producers(graph.nodes);
  const uses = useCounts(graph.nodes, graph.outputs);
  const merged: Node[] = [];
  // Each node is merged with earlier ones as often as possible, since the result of a merge can often be merged again.
  for (const node of graph.nodes) {
    let group: readonly Node[] = [node];
    for (let own = node; ; own = group[group.length - 1]) {
      const merge = mergeWithInput(own, producer, uses);
      const at = merge ? merged.lastIndexOf(merge.previous) : -1;
      if (!merge || at < 0) break;
      const { previous, replacement } = merge;
      // The replacement takes the place of the later node, where all of its inputs have been computed. Its last node gets the outputs of
      // the later node, so that nodes which read them need no change.
      const last = { ...replacement[replacement.length - 1], outputs: node.outputs };
      group = [...group.slice(0, -1), ...replacement.slice(0, -1), last];
      merged.splice(at, 1);
      recount(uses, [own, previous], -1);
      recount(uses, [...replacement.slice(0, -1), last], 1);
    }
    for (const one of group) for (const tensor of one.outputs) producer.set(tensor, one);
    merged.push(...group);
  }
  return { ...graph, nodes: merged };
}

function recount(uses: Map<Tensor, number>, nodes: readonly Node[], step: 1 | -1): void {
  for (const node of nodes)
    for (const tensor of node.inputs) if (tensor) uses.set(tensor, (uses.get(tensor) ?? 0) + step);
}

interface Merge {
  previous: Node;
  replacement: readonly Node[];
}

function mergeWithInput(node: Node, producer: Map<Tensor, Node>, uses: Map<Tensor, number>): Merge | undefined {
  for (const tensor of node.inputs) {
    const previous = tensor && producer.get(tensor);
    if (!previous || uses.get(tensor) !== 1 || previous.outputs.length !== 1) continue;
    const replacement = previous.operation.absorb?.(previous, node) ?? node.operation.absorbInput?.(node, previous);
    if (!replacement) continue;
    debug(3, `fused ${previous.operation.name} ${nameOf(previous)} with ${node.operation.name} ${nameOf(node)}`);
    return { previous, replacement };
  }
  return undefined;
}

function producers(nodes: readonly Node[]): Map<Tensor, Node> {
  return new Map(nodes.flatMap((node) => node.outputs.map((tensor) => [tensor, node] as const)));
}

function useCounts(nodes: readonly Node[], outputs: readonly Tensor[]): Map<Tensor, number> {
  const uses = new Map<Tensor, number>();
  for (const tensor of [...nodes.flatMap((node) => node.inputs), ...outputs]) {
    if (tensor) uses.set(tensor, (uses.get(tensor) ?? 0) + 1);
  }
  return uses;
}

/**
 * Makes the inputs of concatenations slices of the output, so that the nodes which compute them write into the output directly. An input
 * keeps memory of its own if
 * - it is an output of the graph, which the caller reads by itself;
 * - no node of this graph computes it (an input of the graph, a weight);
 * - it is already a slice of another tensor;
 * - it is given more than once, since one tensor cannot lie at two places of the output;
 * - a node would read and write the same buffer in one dispatch, which WebGPU refuses. That is either the node which computes the
 *   input, or a concatenation which copies it.
 */
function sliceConcats(graph: Graph): Graph {
  const producer = producers(graph.nodes);
  const slices = new Map<Tensor, Slice>(graph.slices);
  for (const node of graph.nodes) {
    if (!node.operation.joinsInputs) continue;
    let offset = 0;
    for (const tensor of node.inputs) {
      if (!tensor) continue;
      const once = node.inputs.indexOf(tensor) === node.inputs.lastIndexOf(tensor);
      if (once && producer.has(tensor) && !slices.has(tensor) && !graph.outputs.includes(tensor)) {
        slices.set(tensor, { of: node.outputs[0], offset });
      }
      offset += groupCount(tensor);
    }
  }
  const root = (tensor: Tensor | undefined) => tensor && rootOf(slices, tensor).of;
  for (const { operation, inputs, outputs } of graph.nodes) {
    if (operation.joinsInputs) {
      const copied = inputs.filter((tensor) => tensor && slices.get(tensor)?.of !== outputs[0]);
      for (const tensor of copied) if (root(tensor) === root(outputs[0])) slices.delete(tensor!);
      continue;
    }
    const read = new Set(inputs.map(root));
    for (const tensor of outputs) if (read.has(root(tensor))) slices.delete(tensor);
  }
  return { ...graph, slices };
}

/**
 * Lets slices lie in the memory of the tensor that they are cut from. A slice keeps memory of its own if
 * - it is an output of the graph, which the caller reads by itself;
 * - it already lies in the output of a concatenation;
 * - a node would read the slice and write the tensor that it is cut from in one dispatch, which WebGPU refuses.
 */
function viewSlices(graph: Graph): Graph {
  const slices = new Map<Tensor, Slice>(graph.slices);
  for (const { operation, inputs, outputs, attributes } of graph.nodes) {
    if (!operation.cutsAt || slices.has(outputs[0]) || graph.outputs.includes(outputs[0])) continue;
    slices.set(outputs[0], { of: inputs[0]!, offset: operation.cutsAt(attributes) });
    const root = rootOf(slices, outputs[0]).of;
    const writesBehind = (node: Node) =>
      node.inputs.includes(outputs[0]) && node.outputs.some((tensor) => rootOf(slices, tensor).of === root);
    if (graph.nodes.some((node) => !node.operation.cutsAt && writesBehind(node))) slices.delete(outputs[0]);
  }
  return { ...graph, slices };
}
