/**
 * A shorter graph that computes the same. What merges with what is the operations' own knowledge (`absorb`,
 * `absorbInput`); this pass finds the pairs. Then concatenations lose their copies: inputs become slices of the output.
 */
import { debug } from '../gpu/debug.js';
import { type Graph, type Node, prune, type Slice } from './graph.js';
import { groupCount, type Tensor } from './tensor.js';

/** Name of the operation whose inputs may be written straight into its output. */
const CONCAT = 'concat';

export function fuse(graph: Graph): Graph {
  return sliceConcats(prune(mergePairs(graph)));
}

function mergePairs(graph: Graph): Graph {
  let nodes = [...graph.nodes];
  for (let again = true; again; ) {
    again = false;
    const producer = producers(nodes);
    const uses = useCounts(nodes, graph.outputs);
    for (const node of nodes) {
      const merged = mergeWithInput(node, producer, uses);
      if (!merged) continue;
      nodes = splice(nodes, node, merged.previous, merged.replacement);
      again = true;
      break;
    }
  }
  return { ...graph, nodes };
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
    debug(
      3,
      `fused ${previous.operation.name} ${previous.outputs[0].name} with ${node.operation.name} ${node.outputs[0].name}`,
    );
    return { previous, replacement };
  }
  return undefined;
}

// The replacement stands where the later node stood, so that all of its inputs have been computed. Its last node takes
// over the outputs, so that consumers need no change.
function splice(nodes: readonly Node[], node: Node, previous: Node, replacement: readonly Node[]): Node[] {
  const last = { ...replacement[replacement.length - 1], outputs: node.outputs };
  const group = [...replacement.slice(0, -1), last];
  return nodes.flatMap((other) => (other === previous ? [] : other === node ? group : [other]));
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
 * Makes inputs of concatenations slices of the output. An input keeps a buffer of its own where it is an output of the graph,
 * is nobody's product, is a slice already, or where its producer would read the buffer that it writes.
 */
function sliceConcats(graph: Graph): Graph {
  const producer = producers(graph.nodes);
  const slices = new Map<Tensor, Slice>(graph.slices);
  for (const node of graph.nodes) {
    if (node.operation.name !== CONCAT) continue;
    let offset = 0;
    for (const tensor of node.inputs) {
      if (!tensor) continue;
      if (producer.has(tensor) && !slices.has(tensor) && !graph.outputs.includes(tensor)) {
        slices.set(tensor, { of: node.outputs[0], offset });
      }
      offset += groupCount(tensor);
    }
  }
  for (const node of graph.nodes) {
    if (node.operation.name === CONCAT) continue;
    const read = new Set(node.inputs.map((tensor) => tensor && rootOf(slices, tensor).of));
    for (const tensor of node.outputs) if (read.has(rootOf(slices, tensor).of)) slices.delete(tensor);
  }
  return { ...graph, slices };
}

/** The tensor whose memory a tensor uses, and how far into its pixels. */
export function rootOf(slices: ReadonlyMap<Tensor, Slice>, tensor: Tensor): Slice {
  let of = tensor;
  let offset = 0;
  for (let slice = slices.get(of); slice; slice = slices.get(of)) {
    offset += slice.offset;
    of = slice.of;
  }
  return { of, offset };
}
