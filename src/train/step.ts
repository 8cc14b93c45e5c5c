/**
 * The training step of a network as one plan: forward pass, loss, backward pass and update. Nothing is compiled or allocated from step to
 * step; only images, labels and a few numbers are written.
 */

import { InputError } from '../errors.js';
import { readRanges } from '../gpu/buffers.js';
import type { Gpu } from '../gpu/device.js';
import { decodeTensor, elementCount, type Tensor } from '../graph/ir/tensor.js';
import type { WeightSource } from '../graph/plan/constants.js';
import type { ChooseVariant } from '../graph/plan/lower.js';
import type { DispatchTime, Plan } from '../graph/plan/plan.js';
import type { Location } from '../graph/plan/record.js';
import type { NetworkDescription } from '../nets/architecture.js';
import type { NetworkFunction } from '../nets/outputs.js';
import { createCheckedPlan } from '../verify/checked_plan.js';
import { initialWeights } from './initial.js';
import type { Loss } from './losses.js';
import type { Optimizer, Part } from './optimizers.js';
import { buildStep, statesOf } from './step_graph.js';
import { createStepPlan } from './step_plan.js';

/** What a training step needs. */
export interface TrainerOptions {
  /** The network: its description, or a function that builds it. All of its operations must have gradients. */
  architecture: NetworkDescription | NetworkFunction;
  /** Images of a micro-batch. */
  batch: number;
  /** Height and width of the images. */
  size: number | readonly [height: number, width: number];
  /** Default 3. */
  channels?: number;
  loss: Loss;
  optimizer: Optimizer;
  /**
   * `frozen`: batch norms use the statistics that come with the weights. `train`: they use those of the micro-batch, and update the running
   * statistics by them.
   */
  batchNorm: 'frozen' | 'train';
  /** Weights to start from, by PyTorch's names. Default: random ones from the seed. */
  weights?: WeightSource;
  /** Default 0. */
  seed?: number;
  /** Learning rates, and what is frozen. For each parameter the first part that matches its name is used. */
  parts?: readonly Part[];
  /** Limit of the norm of all gradients together. Default: none. */
  clipNorm?: number;
  /**
   * Micro-batches for each update, over which gradients are averaged. Each micro-batch has its own β and its own batch statistics, so the
   * result is not the same as with one batch of all their images. Default 1.
   */
  accumulate?: number;
  /**
   * Bytes on the GPU that a step may take. If it would take more, activations are dropped in the forward pass and computed again in the
   * backward pass, with the same bits. Default: as much as the GPU has.
   */
  memory?: number;
  /** Picks one of the kernels that can run a node. Default: the first. */
  choose?: ChooseVariant;
}

/** Numbers in NHWC order, or a function that fills the trainer's buffer itself, for example with dispatches of its own. */
export type Images = ArrayLike<number> | ((location: Location) => void | Promise<void>);

/** Thrown if numbers of a step are not finite. The step has then updated nothing. */
export class NotFiniteError extends InputError {
  constructor(
    /** What is not finite: an image, the loss, or the gradient of a parameter. */
    readonly what: string,
  ) {
    super(`${what} is not finite`);
  }
}

export interface StepOptions {
  learningRate: number;
}

/** A training step that is ready to run. */
export interface Trainer {
  /**
   * Trains on one micro-batch; every `accumulate`th call updates the parameters.
   * @param images [batch, height, width, channels].
   * @param labels [batch, classes]: 1, 0, or below 0 where unknown.
   * @returns the loss before the update. Steps run in the order of the calls. The next step may be started before the promise of this one
   *   resolves, so that the GPU does not have to wait.
   * @throws NotFiniteError if images, loss or gradients contain a NaN or an infinity. The update that the step belongs to has then changed
   *   no parameter, but steps started since have run.
   */
  step(images: Images, labels: ArrayLike<number>, options: StepOptions): Promise<number>;
  /** The number of updates so far, on which Adam's bias correction depends. It has to be set when a run is resumed. */
  updates: number;
  /** Shapes of all that is kept from step to step: parameters, and the optimizer's states by names such as `name#velocity`. */
  readonly states: ReadonlyMap<string, readonly number[]>;
  /** The values of a state in dense order, after all steps that have been started. */
  read(name: string): Promise<Float32Array>;
  write(name: string, values: ArrayLike<number>): Promise<void>;
  /** The buffer of a parameter, for a plan that scores the network during training. It belongs to the trainer. */
  buffer(name: string): GPUBuffer;
  /** Bytes on the GPU. */
  readonly memory: Plan['memory'];
  /** Floating-point operations of a step. */
  readonly flops: number;
  /** Share of those operations that recompute activations for which there was no memory. */
  readonly recomputed: number;
  /** GPU time of each dispatch; undefined without timestamps. It runs training steps, so it is for measurements only. */
  profile(): Promise<DispatchTime[] | undefined>;
  close(): void;
}

/**
 * Makes a trainer.
 * @throws InputError if options contradict each other, or if the step does not fit on the adapter.
 */
export async function createTrainer(gpu: Gpu, options: TrainerOptions): Promise<Trainer> {
  const { accumulate = 1, weights = initialWeights(options.seed ?? 0) } = options;
  if (!(Number.isInteger(accumulate) && accumulate >= 1)) {
    throw new InputError('micro-batches to an update', { expected: 'an integer ≥ 1', given: String(accumulate) });
  }
  const built = buildStep(options, accumulate > 1);
  const { image, labels, loss, halt, hyper, share, states, forward, update } = built;
  const read = new Set(update && statesOf(update.graph, states));
  const shared = statesOf(forward, states).filter((tensor) => read.has(tensor));
  const { memory: limit, choose } = options;
  const planned = await createStepPlan(gpu, forward, loss, { update: update?.graph, shared, limit, choose });
  const { plan, recomputed } = planned;
  let updatePlan: Plan | undefined;
  try {
    if (update) {
      const external = new Map(shared.map((tensor) => [tensor, plan.locate(tensor).buffer]));
      updatePlan = await createCheckedPlan(gpu, update.graph, { external });
    }
    for (const [name, tensor] of built.parameters) locationOf(tensor).write(await weights(name, tensor.shape));
  } catch (error) {
    updatePlan?.close();
    plan.close();
    throw error;
  }

  // The buffer of a state belongs to the step's plan if that reads or writes it, and to the update's plan otherwise.
  function locationOf(tensor: Tensor) {
    const owner = updatePlan && !isBound(plan, tensor) ? updatePlan : plan;
    return { owner, write: (values: ArrayLike<number>) => owner.write(tensor, values) };
  }

  let tail: Promise<unknown> = Promise.resolve();
  let micro = 0;
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = tail.then(work);
    tail = turn.catch(() => {});
    return turn;
  };
  const stateNamed = (name: string): Tensor => {
    const tensor = states.get(name);
    if (!tensor) throw new InputError(`the training has no state ${name}`);
    return tensor;
  };

  async function submit(images: Images, labelValues: ArrayLike<number>, learningRate: number) {
    const numbers = options.optimizer.hyper(trainer.updates + 1, learningRate);
    if (typeof images === 'function') await images(plan.locate(image));
    else plan.write(image, images);
    plan.write(labels, labelValues);
    if (share) plan.write(share, [micro === 0 ? 0 : 1, 1 / accumulate]);
    (updatePlan ?? plan).write(hyper, numbers);
    await plan.run();
    const results = [plan.locate(loss), plan.locate(halt)];
    micro = (micro + 1) % accumulate;
    if (micro === 0) {
      if (update && updatePlan) {
        await updatePlan.run();
        results.push(updatePlan.locate(update.halt));
      }
      trainer.updates++;
    }
    // Reading the results back is submitted here, after the step. The promise is wrapped in an object so that `inTurn` does not wait for
    // it, and the next step can begin.
    return { value: readRanges(gpu, results) };
  }

  function lossOf([lossBytes, haltBytes, updateBytes]: readonly ArrayBuffer[]): number {
    const [value] = decodeTensor(loss, lossBytes);
    // The flag is 0 if all numbers are finite. Otherwise it is the place of what is not finite, counted from the end of `watched`: 1 is the
    // last.
    for (const bytes of [haltBytes, updateBytes]) {
      const [flag] = bytes ? new Uint32Array(bytes) : [0];
      if (flag === 0) continue;
      const what = built.watched[built.watched.length - flag];
      throw new NotFiniteError(what === 'the loss' ? `the loss (${value})` : what);
    }
    return value;
  }

  const trainer: Trainer = {
    updates: 0,
    states: new Map([...states].map(([name, { shape }]) => [name, shape])),
    memory: {
      constants: plan.memory.constants + (updatePlan?.memory.constants ?? 0),
      arenas: plan.memory.arenas + (updatePlan?.memory.arenas ?? 0),
      tensors: plan.memory.tensors + (updatePlan?.memory.tensors ?? 0),
    },
    flops: plan.flops + (updatePlan?.flops ?? 0) / accumulate,
    recomputed,
    async step(images, labelValues, { learningRate }) {
      if (!(Number.isFinite(learningRate) && learningRate >= 0)) {
        throw new InputError('learning rate', { expected: 'a number ≥ 0', given: String(learningRate) });
      }
      for (const [tensor, values] of [[image, images] as const, [labels, labelValues] as const]) {
        if (typeof values === 'function' || values.length === elementCount(tensor)) continue;
        throw new InputError(`${tensor.name} of a step`, {
          expected: `${elementCount(tensor)} values for [${tensor.shape.join(', ')}]`,
          given: String(values.length),
        });
      }
      const { value } = await inTurn(() => submit(images, labelValues, learningRate));
      return lossOf(await value);
    },
    read: (name) => {
      const tensor = stateNamed(name);
      return inTurn(() => locationOf(tensor).owner.read(tensor) as Promise<Float32Array>);
    },
    write: (name, values) => {
      const tensor = stateNamed(name);
      return inTurn(async () => locationOf(tensor).write(values));
    },
    buffer: (name) => locationOf(stateNamed(name)).owner.locate(stateNamed(name)).buffer,
    profile: () => inTurn(() => plan.profile()),
    close() {
      updatePlan?.close();
      plan.close();
    },
  };
  return trainer;
}

const isBound = (plan: Plan, tensor: Tensor) =>
  plan.steps.some(({ bindings }) => bindings.some((binding) => binding.tensor === tensor));
