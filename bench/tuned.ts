/** Measures which kernels are fastest for a graph, and leaves what users have kept of tuning alone. */
import type { Gpu } from '../src/gpu/device.js';
import type { Graph } from '../src/graph/ir/graph.js';
import { fuse } from '../src/graph/passes/fuse.js';
import { traitsOf } from '../src/graph/plan/lower.js';
import { createPlan } from '../src/graph/plan/plan.js';
import type { PlanOptions } from '../src/graph/plan/types.js';
import {
  createTunedChoices,
  type Measured,
  type MeasuredWorks,
  type TunedChoices,
} from '../src/graph/tuning/choose.js';
import { tuneWorks } from '../src/graph/tuning/tune.js';
import { type Work, worksOf } from '../src/graph/tuning/works.js';
import { processorClock } from './measure.js';

/** What is known of a device. Networks share works, so what one of them has measured serves the others. */
const known = new Map<string, Map<string, Measured>>();

export interface TunedGraph extends TunedChoices {
  /** The works of the graph for which there is a choice. */
  readonly works: readonly Work[];
  readonly measured: MeasuredWorks;
}

/**
 * Measures the works of a graph for which there is a choice of kernels, the most expensive first.
 * @param graph as it was built, before operations are fused
 * @param seconds no measurement is begun after this time
 */
export async function tuneGraph(gpu: Gpu, graph: Graph, seconds: number): Promise<TunedGraph> {
  const bench = {
    createPlan: (one: Graph, options: PlanOptions) => createPlan(gpu, one, options),
    timestamps: gpu.features.has('timestamp-query'),
    processorTime: gpu.software ? processorClock() : undefined,
  };
  const traits = traitsOf(gpu);
  const device = JSON.stringify([gpu.info.vendor, gpu.info.device, gpu.info.description, traits]);
  const measured = known.get(device) ?? new Map<string, Measured>();
  known.set(device, measured);
  const works = worksOf(fuse(graph), traits);
  await tuneWorks(bench, works, measured, measured, { seconds });
  return { works, measured, ...createTunedChoices(measured, traits) };
}
