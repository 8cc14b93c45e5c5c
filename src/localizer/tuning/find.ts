/** Finds what was measured of a network's kernels on this adapter, and measures if that was asked for. */
import { platform } from '#gpu';
import { describe, type Gpu } from '../../gpu/device.js';
import type { Graph } from '../../graph/ir/graph.js';
import { fuse } from '../../graph/passes/fuse.js';
import { traitsOf } from '../../graph/plan/lower.js';
import { createPlan } from '../../graph/plan/plan.js';
import type { PlanOptions } from '../../graph/plan/types.js';
import type { SessionOptions } from '../session/session.js';
import type { Spec } from '../session/stage.js';
import { networkGraph } from '../session/stages.js';
import type { Tuning } from './types.js';

/** What is known of the network's kernels by measurement. The code is loaded on demand, because few users have measured. */
export async function tuningOf(
  gpu: Gpu,
  spec: Spec,
  { tune = platform.environment('RAYBOX_TUNE') || undefined, signal, onProgress }: TuningRequest,
): Promise<Tuning | undefined> {
  if (tune === false || tune === 'false') return undefined;
  const texts = await platform.tuned?.(Boolean(tune)).catch((error: Error) => error);
  if (!texts && !tune) return undefined;
  const { openTuning } = await import('./tuning.js');
  return openTuning(texts, tune, { ...benchOf(gpu, spec), signal, onProgress });
}

/** What tuning needs of the device and of the network. */
const benchOf = (gpu: Gpu, spec: Spec) => ({
  adapter: describe(gpu.info),
  host: platform.version(),
  traits: traitsOf(gpu),
  timestamps: gpu.features.has('timestamp-query'),
  processorTime: gpu.software ? platform.processorTime : undefined,
  createPlan: (graph: Graph, options: PlanOptions) => createPlan(gpu, graph, options),
  graphOf: (batch: number) => fuse(networkGraph(spec, batch).graph),
});

type TuningRequest = Omit<SessionOptions, 'tune'> & { tune?: SessionOptions['tune'] | string };
