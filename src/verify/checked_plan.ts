/** Makes plans whose runs are checked if the user asks for it. */
import { InputError } from '../errors.js';
import { validating } from '../gpu/debug.js';
import type { Gpu } from '../gpu/device.js';
import { checkGpu } from '../gpu/given.js';
import type { Graph } from '../graph/ir/graph.js';
import { createPlan } from '../graph/plan/plan.js';
import type { Plan, PlanOptions } from '../graph/plan/types.js';

/**
 * Makes a graph ready on a device: fuses and lowers it, packs its weights, allocates its memory, compiles its kernels. With `VALIDATE=1`
 * each run is compared with float64, operation by operation.
 * @throws InputError for arguments that are no device and no graph, naming a tensor that exceeds the adapter's limits, or a weight that is missing.
 */
export async function createCheckedPlan(gpu: Gpu, graph: Graph, options: PlanOptions = {}): Promise<Plan> {
  checkGpu('createPlan', gpu);
  if (!Array.isArray(graph?.outputs))
    throw new InputError('createPlan: the second argument is no graph', {
      expected: 'what finish of createGraph gives',
    });
  if (!validating()) return createPlan(gpu, graph, options);
  return createPlan(gpu, graph, {
    // All tensors are read after a run, so they must not share memory.
    separate: { guard: 0 },
    ...options,
    // The references are only loaded if they are needed, because most pages never use them.
    watchRuns: async (...run) => (await import('./validate.js')).startValidation(...run),
  });
}
