/** Computes how much GPU memory a graph takes before anything is allocated, and changes a graph to keep within a limit. */
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
  /** The largest size of a buffer (maxBufferSize). */
  maxBufferBytes?: number;
  /** Tensors that lie in buffers of the caller's, which do not count. */
  external?: ReadonlySet<Tensor>;
}

/** Bytes that a plan of a graph will allocate if it is not fused further. Params and read-back buffers are not counted. */
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
 * Makes a graph keep within a limit of memory. If it does not already, activations are dropped and computed again, in the way that takes
 * the least additional work.
 * @param graph a fused graph.
 * @param loss the tensor that the forward pass ends with.
 * @param limit bytes, as `memoryOf` counts them.
 * @throws InputError with the least memory that is possible, if that exceeds the limit.
 */
export function fitMemory(graph: Graph, loss: Tensor, limit: number, options: MemoryOptions): Graph {
  const before = memoryOf(graph, options);
  if (before <= limit) return graph;
  let least = before;
  // `memoryOf` takes a while for a large graph. So a way is skipped if its peak is no lower than that of a way that did not fit.
  let bound = Number.POSITIVE_INFINITY;
  for (const { graph: changed, flops, peakBytes } of recomputations(graph, loss)) {
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
    hint: 'use a smaller batch (and more batches for each update) or a smaller image',
  });
}
