/** What a graph takes on the GPU, known before anything is allocated; and the graph that keeps to a limit. */
import { InputError } from '../../errors.js';
import { alignUp, mebibytes } from '../../gpu/buffers.js';
import { debug } from '../../gpu/debug.js';
import type { Graph } from '../ir/graph.js';
import type { Traits } from '../ir/operation.js';
import { byteSize, type Tensor } from '../ir/tensor.js';
import { recomputations } from '../passes/recompute.js';
import { hasOwnBuffer, packArenas } from './arenas.js';
import { type ChooseVariant, lower } from './lower.js';

export interface MemoryOptions {
  traits: Traits;
  choose?: ChooseVariant | undefined;
  /** Longest buffer (maxBufferSize). */
  maxBufferBytes?: number;
  /** Tensors that lie in buffers of somebody else. */
  external?: ReadonlySet<Tensor>;
}

/** Bytes that a plan of a graph as it is, without fusion, will allocate. Params and read-back come on top. */
export function memoryOf(graph: Graph, options: MemoryOptions): number {
  const { traits, choose, maxBufferBytes, external } = options;
  const { steps, constantSteps } = lower(graph, traits, choose);
  const folded = new Set(constantSteps.flatMap(({ node }) => node.outputs));
  const bound = steps.flatMap(({ bindings }) => bindings.flatMap(({ tensor }) => tensor ?? []));
  const own = (tensor: Tensor) => folded.has(tensor) || hasOwnBuffer(graph, tensor) || Boolean(external?.has(tensor));
  const kept = [...new Set([...bound, ...graph.outputs])].filter((tensor) => own(tensor) && !external?.has(tensor));
  const { sizes } = packArenas(steps, (tensor) => !own(tensor), { maxBytes: maxBufferBytes });
  return [...kept.map((tensor) => alignUp(byteSize(tensor))), ...sizes].reduce((sum, bytes) => sum + bytes, 0);
}

/**
 * The graph, or the way to recompute its activations that takes the least work of those that keep to a limit.
 * @param graph fused.
 * @param turn the loss, where the forward pass ends.
 * @param limit bytes, as `memoryOf` counts them.
 * @throws InputError where there is no such way, with the least that is possible.
 */
export function fitMemory(graph: Graph, turn: Tensor, limit: number, options: MemoryOptions): Graph {
  const before = memoryOf(graph, options);
  if (before <= limit) return graph;
  let least = before;
  // What did not fit hardly does so with more at its fullest moment; to lay out a large graph takes a while.
  let bound = Number.POSITIVE_INFINITY;
  for (const { graph: changed, flops, peakBytes } of recomputations(graph, turn)) {
    if (peakBytes >= Math.min(bound, limit)) continue;
    const bytes = memoryOf(changed, options);
    if (bytes <= limit) {
      const figures = `${mebibytes(bytes)} instead of ${mebibytes(before)} for ${(flops / 1e9).toFixed(2)} GFLOP`;
      debug(1, `activations are dropped and recomputed: ${figures}`);
      return changed;
    }
    bound = peakBytes;
    least = Math.min(least, bytes);
  }
  throw new InputError('a training step does not fit into the memory that it may take', {
    expected: `at least ${mebibytes(least)}, with activations recomputed`,
    given: mebibytes(limit),
    hint: 'use a smaller batch (with more of them to an update) or image',
  });
}
