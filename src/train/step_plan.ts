/** Makes the plans of a training step so that they fit into the memory that they may take, or that the GPU has. */
import { InputError } from '../errors.js';
import { mebibytes, OutOfMemoryError } from '../gpu/buffers.js';
import { debug } from '../gpu/debug.js';
import type { Gpu } from '../gpu/device.js';
import type { Graph } from '../graph/ir/graph.js';
import type { Tensor } from '../graph/ir/tensor.js';
import { fuse } from '../graph/passes/fuse.js';
import { type ChooseVariant, traitsOf } from '../graph/plan/lower.js';
import { fitMemory, type MemoryOptions, memoryOf } from '../graph/plan/memory.js';
import type { Plan, WeightSource } from '../graph/plan/types.js';
import { createCheckedPlan } from '../verify/checked_plan.js';
import { type StepGraphs, statesOf } from './step_graph.js';
import type { TrainerOptions } from './trainer_options.js';

/** A training step, ready on a device. */
export interface StepPlans {
  /** Forward pass, loss and backward pass; without `update`, also the update. */
  readonly step: Plan;
  /** The update, if it is a plan of its own. */
  readonly update: Plan | undefined;
  /** Moves the averages of parameters, if they are kept. It runs after each update. */
  readonly averages: Plan | undefined;
  /** Share of the operations of `step` that recompute activations. */
  readonly recomputed: number;
  /** The plan through which a state is read and written. */
  ownerOf(state: Tensor): Plan;
  close(): void;
}

/** Makes the plans, and writes the weights to start from. */
export async function createStepPlans(
  gpu: Gpu,
  { forward, update, averages, loss, states, parameters }: StepGraphs,
  weights: WeightSource,
  { memory: limit, choose }: Pick<TrainerOptions, 'memory' | 'choose'>,
): Promise<StepPlans> {
  const read = new Set(update && statesOf(update.graph, states));
  const shared = statesOf(forward, states).filter((tensor) => read.has(tensor));
  const fitted = await fitStepPlan(gpu, forward, loss, { update: update?.graph, shared, limit, choose });
  const { plan: step, recomputed } = fitted;
  let updatePlan: Plan | undefined;
  let averagesPlan: Plan | undefined;
  const kept = new Set(averages?.kept.values());
  // The buffer of a state belongs to the step's plan if that reads or writes it, and otherwise to the plan of the averages or the update.
  const ownerOf = (state: Tensor) =>
    averagesPlan && kept.has(state) ? averagesPlan : updatePlan && !isBound(step, state) ? updatePlan : step;
  const close = () => {
    averagesPlan?.close();
    updatePlan?.close();
    step.close();
  };
  try {
    if (update) {
      const external = new Map(shared.map((tensor) => [tensor, step.locate(tensor).buffer]));
      updatePlan = await createCheckedPlan(gpu, update.graph, { external });
    }
    if (averages) {
      const parameters = statesOf(averages.graph, states).filter((tensor) => !kept.has(tensor));
      const external = new Map(parameters.map((tensor) => [tensor, ownerOf(tensor).locate(tensor).buffer]));
      averagesPlan = await createCheckedPlan(gpu, averages.graph, { external });
    }
    for (const [name, tensor] of parameters) ownerOf(tensor).write(tensor, await weights(name, tensor.shape));
  } catch (error) {
    close();
    throw error;
  }
  return { step, update: updatePlan, averages: averagesPlan, recomputed, ownerOf, close };
}

const isBound = (plan: Plan, tensor: Tensor) =>
  plan.steps.some(({ bindings }) => bindings.some((binding) => binding.tensor === tensor));

interface FitOptions {
  /** Bytes for this plan and that of the update together; undefined: what the GPU has. */
  limit: number | undefined;
  /** The graph of the update if it is one of its own. It takes memory too, except for the tensors in `shared`. */
  update: Graph | undefined;
  shared: readonly Tensor[];
  choose?: ChooseVariant | undefined;
}

/** If the GPU is full, nothing says how much memory it has. So the step is tried with these shares of what it would take, one by one. */
const SHARES = [0.8, 0.65, 0.5, 0.35, 0.25, 0.15, 0.1];

/**
 * Makes the plan of a step, with activations recomputed as far as memory demands it.
 * @throws InputError if the step does not fit, even so.
 */
async function fitStepPlan(
  gpu: Gpu,
  source: Graph,
  loss: Tensor,
  { limit, update, shared, choose }: FitOptions,
): Promise<{ plan: Plan; recomputed: number }> {
  if (limit !== undefined && !(limit > 0)) {
    throw new InputError('memory of a training step', { expected: 'bytes above 0', given: String(limit) });
  }
  const graph = fuse(source);
  const options: MemoryOptions = { traits: traitsOf(gpu), choose, maxBufferBytes: gpu.limits.maxBufferSize };
  const make = async (fitted: Graph) => {
    const plan = await createCheckedPlan(gpu, fitted, { unfused: true, ...(choose ? { choose } : {}) });
    const again = plan.steps.reduce((sum, { node, flops }) => sum + (node.again ? flops : 0), 0);
    return { plan, recomputed: again / plan.flops };
  };
  const others = update && limit !== undefined ? memoryOf(fuse(update), { ...options, external: new Set(shared) }) : 0;
  if (limit !== undefined) return make(fitMemory(graph, loss, limit - others, options));
  try {
    return await make(graph);
  } catch (error) {
    if (!(error instanceof OutOfMemoryError)) throw error;
    return makeSmaller(memoryOf(graph, options), error);
  }

  async function makeSmaller(whole: number, full: OutOfMemoryError) {
    debug(1, `a step of ${mebibytes(whole)} does not fit on the GPU`);
    for (const share of SHARES) {
      try {
        return await make(fitMemory(graph, loss, whole * share, options));
      } catch (error) {
        // This InputError is from `fitMemory`: no way of recomputing takes as little as that, so smaller shares need not be tried.
        if (error instanceof InputError && !(error instanceof OutOfMemoryError)) break;
        if (!(error instanceof OutOfMemoryError)) throw error;
      }
    }
    throw full;
  }
}
