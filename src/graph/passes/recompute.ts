/**
 * Saves memory at the cost of time: activations that the backward pass needs are dropped after the forward pass, and computed again when
 * the backward pass reaches them (Chen et al. 2016, "Training deep nets with sublinear memory cost"). The same kernels run again on the
 * same numbers, so the result is the same to the bit. This happens after fusion, so that the choice of what to drop does not change which
 * nodes are merged.
 */

import { createTensor, type Graph, type Node, rootOf, updatesOf } from '../ir/graph.js';
import { byteSize, elementCount, type Tensor } from '../ir/tensor.js';

/** A way to run a graph in less memory. */
export interface Recomputation {
  readonly graph: Graph;
  /** Floating-point operations of the nodes that are computed again. */
  readonly flops: number;
  /** The most bytes that temporaries take at any one time. Gaps between them and scratch memory are not counted. */
  readonly peakBytes: number;
}

/** Numbers of segments to try. Larger ones are further apart, because neighbouring numbers give nearly the same cuts. */
const SEGMENT_COUNTS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32];

/**
 * Ways to run a graph in less memory, those with the least additional work first. The forward pass is cut into segments, at places where
 * few bytes are handed from one segment to the next. Those bytes are kept. What happens to everything else depends on the segment's place:
 * - In the first segments everything is dropped, because it would have to be kept for the longest time. The ways differ in how many
 *   segments these are.
 * - In the others either nothing is dropped, or only what is cheap to compute: norms, activation functions, sums.
 * @param graph a fused graph.
 * @param loss the tensor that the forward pass ends with. All later nodes are the backward pass.
 */
export function recomputations(graph: Graph, loss: Tensor): Recomputation[] {
  const length = graph.nodes.findIndex(({ outputs }) => outputs.includes(loss)) + 1;
  const roots = rootsOf(graph, length);
  const found: Recomputation[] = [];
  const seen = new Set<string>();
  for (const count of SEGMENT_COUNTS) {
    const cuts = cutsOf(roots, length, count);
    const segmentOf = (node: number) => cuts.findIndex((cut) => node <= cut);
    const inside = roots.filter((root) => root.droppable && segmentOf(root.first) === segmentOf(root.lastForward));
    for (let whole = 0; whole < cuts.length; whole++) {
      for (const cheap of [false, true]) {
        const own = inside.filter((root) => segmentOf(root.first) < whole || (cheap && root.isCheap));
        const key = own.map(({ tensor }) => tensor.id).join();
        if (own.length === 0 || seen.has(key)) continue;
        seen.add(key);
        const changed = recompute(graph, loss, new Set(own.map(({ tensor }) => tensor)));
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
 * Changes the backward pass to read copies of the dropped tensors, each of which is computed just before it is first needed.
 * @param graph a fused graph.
 * @param loss the tensor that the forward pass ends with.
 * @param dropped temporaries that have memory of their own and are written in the forward pass, by nodes that update no state. Slices of
 *   them are dropped too.
 */
export function recompute(graph: Graph, loss: Tensor, dropped: ReadonlySet<Tensor>): Graph {
  const length = graph.nodes.findIndex(({ outputs }) => outputs.includes(loss)) + 1;
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

/**
 * A tensor that has memory of its own and is written in the forward pass. Reading or writing a slice of it counts as reading or writing it.
 * Nodes are given by their places in the graph.
 */
interface Root {
  readonly tensor: Tensor;
  readonly bytes: number;
  /** The first node that writes it. */
  readonly first: number;
  /** The last node of the forward pass that reads or writes it. */
  lastForward: number;
  /** Whether the backward pass reads it. */
  isNeeded: boolean;
  droppable: boolean;
  isCheap: boolean;
}

/**
 * A tensor is cheap to compute again if it takes at most this many floating-point operations per element. That includes norms, activation
 * functions, sums and a 3×3 pooling (9), and excludes convolutions (a 3×3 convolution takes 18 for each input channel).
 */
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
      // A node with several outputs would write all of them again, those that are still in memory included. A node that updates a state
      // would update it twice.
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
 * Cuts the forward pass into segments that would each keep about the same number of bytes for the backward pass. Each cut is then moved, by
 * up to half a segment, to the place where the fewest bytes are handed over.
 * @returns the last node of each segment.
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

/** The most bytes that the temporaries of a graph take at any one time. */
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
