/**
 * Memory for time: activations that the backward pass needs are dropped, and computed again when it comes to them (Chen et al. 2016,
 * "Training deep nets with sublinear memory cost"). What runs again is the same kernel on the same numbers, so the result is the same
 * to the bit. Taken after fusion, so that dropping does not change what merges with what.
 */

import { createTensor, type Graph, type Node, rootOf, updatesOf } from '../ir/graph.js';
import { byteSize, elementCount, type Tensor } from '../ir/tensor.js';

/** A way to run a graph in less memory. */
export interface Recomputation {
  readonly graph: Graph;
  /** What is computed again. */
  readonly flops: number;
  /** Bytes of temporaries at the fullest moment. Packing and scratch memory come on top. */
  readonly peakBytes: number;
}

/**
 * Ways to run a graph in less memory, the least work first. The forward pass is cut into segments where few bytes cross; what crosses
 * is kept. Of the early segments, which would be kept longest, everything else is dropped; of the others nothing, or only what
 * is cheap to have again: norms, activations, sums.
 * @param graph fused.
 * @param turn the loss: what comes up to it is the forward pass, what comes behind the backward.
 */
export function recomputations(graph: Graph, turn: Tensor): Recomputation[] {
  const length = graph.nodes.findIndex(({ outputs }) => outputs.includes(turn)) + 1;
  const roots = rootsOf(graph, length);
  const found: Recomputation[] = [];
  const seen = new Set<string>();
  for (const count of [1, 2, 3, 4, 6, 8, 12, 16, 24, 32]) {
    const cuts = cutsOf(roots, length, count);
    const segmentOf = (node: number) => cuts.findIndex((cut) => node <= cut);
    const inside = roots.filter((root) => root.droppable && segmentOf(root.first) === segmentOf(root.lastForward));
    for (let whole = 0; whole < cuts.length; whole++) {
      for (const cheap of [false, true]) {
        const own = inside.filter((root) => segmentOf(root.first) < whole || (cheap && root.isCheap));
        const key = own.map(({ tensor }) => tensor.id).join();
        if (own.length === 0 || seen.has(key)) continue;
        seen.add(key);
        const changed = recompute(graph, turn, new Set(own.map(({ tensor }) => tensor)));
        found.push({
          graph: changed,
          flops: work(changed) - work(graph),
          peakBytes: peakBytes(changed),
        });
      }
    }
  }
  return found.sort((a, b) => a.flops - b.flops || a.peakBytes - b.peakBytes);
}

/**
 * The graph in which the backward pass does not read the dropped tensors, but copies that are computed just before they are needed first.
 * @param graph fused.
 * @param dropped temporaries that have memory of their own, written in the forward pass by nodes that update no state. What lies in
 *   them goes with them.
 */
export function recompute(graph: Graph, turn: Tensor, dropped: ReadonlySet<Tensor>): Graph {
  const length = graph.nodes.findIndex(({ outputs }) => outputs.includes(turn)) + 1;
  const nodes = graph.nodes.slice(0, length);
  const producer = new Map(nodes.flatMap((node) => node.outputs.map((tensor) => [tensor, node] as const)));
  const slices = new Map(graph.slices);
  const copies = new Map<Tensor, Tensor>();
  const done = new Set<Node>();

  function copyOf(tensor: Tensor): Tensor {
    const known = copies.get(tensor);
    if (known) return known;
    const copy = createTensor(`${tensor.name}/again`, 'temporary', tensor);
    copies.set(tensor, copy);
    const slice = graph.slices.get(tensor);
    if (slice) slices.set(copy, { of: copyOf(slice.of), offset: slice.offset });
    return copy;
  }

  function again(tensor: Tensor): Tensor {
    if (!dropped.has(rootOf(graph.slices, tensor).of)) return tensor;
    const node = producer.get(tensor)!;
    if (!done.has(node)) {
      done.add(node);
      const inputs = node.inputs.map((input) => input && again(input));
      nodes.push({ ...node, inputs, outputs: node.outputs.map(copyOf), again: true });
    }
    return copyOf(tensor);
  }

  for (const node of graph.nodes.slice(length)) {
    const inputs = node.inputs.map((tensor) => tensor && again(tensor));
    nodes.push({ ...node, inputs });
  }
  return { ...graph, nodes, slices };
}

/** A tensor with memory of its own that the forward pass writes, and the nodes, by their places, that have to do with it. */
interface Root {
  readonly tensor: Tensor;
  readonly bytes: number;
  readonly first: number;
  lastForward: number;
  /** Whether the backward pass reads it. */
  isNeeded: boolean;
  droppable: boolean;
  isCheap: boolean;
}

/** Norms, activations and sums take up to this for an element, a 3×3 pooling 9, a convolution of 3×3 over few channels 18 and more. */
const CHEAP_FLOPS = 9;

function rootsOf(graph: Graph, length: number): Root[] {
  const roots = new Map<Tensor, Root>();
  const root = (tensor: Tensor) => rootOf(graph.slices, tensor).of;
  const fixed = new Set(graph.outputs.map(root));
  for (const [index, node] of graph.nodes.entries()) {
    for (const tensor of node.outputs) {
      const own = root(tensor);
      if (index < length && !roots.has(own)) {
        const [bytes, droppable] = [byteSize(own), !fixed.has(own)];
        const place = { first: index, lastForward: index, isNeeded: false, droppable, isCheap: true };
        roots.set(own, { tensor: own, bytes, ...place });
      }
      const known = roots.get(own);
      if (!known) continue;
      // A second output would be written again too, into memory that nobody asked for; a state would be updated twice.
      if (index >= length || node.outputs.length > 1 || updatesOf(node).length > 0) known.droppable = false;
      if (node.operation.flops(node) > CHEAP_FLOPS * elementCount(tensor)) known.isCheap = false;
    }
    for (const tensor of [...node.inputs, ...node.outputs]) {
      const known = tensor && roots.get(root(tensor));
      if (!known) continue;
      if (index < length) known.lastForward = index;
      else known.isNeeded = true;
    }
  }
  return [...roots.values()];
}

/**
 * Cuts the forward pass into segments that would keep about equally many bytes for the backward pass, each cut moved by up to half a
 * segment to where the fewest bytes cross. @returns the last node of each segment.
 */
function cutsOf(roots: readonly Root[], length: number, count: number): number[] {
  const crossing = new Float64Array(length);
  const kept = new Float64Array(length);
  for (const { bytes, first, lastForward, isNeeded } of roots) {
    for (let node = first; node < lastForward; node++) crossing[node] += bytes;
    if (isNeeded) for (let node = first; node < length; node++) kept[node] += bytes;
  }
  const segment = kept[length - 1] / count;
  const cuts: number[] = [];
  for (let ideal = segment; cuts.length < count - 1; ideal += segment) {
    let best = -1;
    for (let node = (cuts[cuts.length - 1] ?? -1) + 1; node < length - 1; node++) {
      if (kept[node] < ideal - segment / 2 || kept[node] >= ideal + segment / 2) continue;
      if (best < 0 || crossing[node] < crossing[best]) best = node;
    }
    if (best < 0) break;
    cuts.push(best);
  }
  return [...cuts, length - 1];
}

const work = (graph: Graph) => graph.nodes.reduce((sum, node) => sum + node.operation.flops(node), 0);

/** Bytes of temporaries at the fullest moment of a graph. */
export function peakBytes({ nodes, outputs, slices }: Graph): number {
  const own = new Set(outputs);
  const lives = new Map<Tensor, { first: number; last: number }>();
  for (const [index, node] of nodes.entries()) {
    for (const tensor of [...node.inputs, ...node.outputs]) {
      const root = tensor && rootOf(slices, tensor).of;
      if (root?.kind !== 'temporary' || own.has(root)) continue;
      const life = lives.get(root);
      if (life) life.last = index;
      else lives.set(root, { first: index, last: index });
    }
  }
  const change = new Float64Array(nodes.length + 1);
  for (const [tensor, { first, last }] of lives) {
    change[first] += byteSize(tensor);
    change[last + 1] -= byteSize(tensor);
  }
  let now = 0;
  let most = 0;
  for (const by of change) {
    now += by;
    most = Math.max(most, now);
  }
  return most;
}
