/** Plans whose runs are checked where the user asks for it. */
import { validating } from '../gpu/debug.js';
import type { Gpu } from '../gpu/device.js';
import type { Graph } from '../graph/ir/graph.js';
import { createPlan, type Plan, type PlanOptions } from '../graph/plan/plan.js';

/**
 * Makes a graph ready on a device: fuses and lowers it, packs its weights, allocates its memory, compiles its kernels. With
 * `VALIDATE=1` each run is held against float64, operation by operation.
 * @throws InputError naming the tensor that exceeds the adapter's limits, or the weight that is missing
 */
export function createCheckedPlan(gpu: Gpu, graph: Graph, options: PlanOptions = {}): Promise<Plan> {
  if (!validating()) return createPlan(gpu, graph, options);
  return createPlan(gpu, graph, {
    // To be looked at after a run, tensors must not have overwritten one another.
    separate: { guard: 0 },
    ...options,
    // Loaded only on request, so that a page which only infers does not load the references.
    watchRuns: async (...run) => (await import('./validate.js')).startValidation(...run),
  });
}
