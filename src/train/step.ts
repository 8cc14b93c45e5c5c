/**
 * The training step of a network as one plan: forward, loss, backward and update. Nothing is compiled or allocated from step to
 * step; what changes are images, labels and a handful of numbers.
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

/** What a training step is made of. */
export interface TrainerOptions {
  /** The network: its description, or a function, whose operations must all have gradients. */
  architecture: NetworkDescription | NetworkFunction;
  /** Images of a micro-batch. */
  batch: number;
  /** Height and width of the images. */
  size: number | readonly [height: number, width: number];
  /** Default 3. */
  channels?: number;
  loss: Loss;
  optimizer: Optimizer;
  /** `frozen`: the statistics that came with the weights. `train`: the micro-batch's, which running ones follow. */
  batchNorm: 'frozen' | 'train';
  /** Values to start from, by torch's names. Default: random ones from the seed. */
  weights?: WeightSource;
  /** Default 0. */
  seed?: number;
  /** Rates, and what is frozen; the first that matches a parameter's name counts. */
  parts?: readonly Part[];
  /** Largest norm of all gradients together. Default: none. */
  clipNorm?: number;
  /**
   * Micro-batches to an update, over which gradients are averaged (losses are sums, each over its own micro-batch: its own β, its own
   * batch statistics; so k micro-batches are not one batch of k times the size). Default 1.
   */
  accumulate?: number;
  /**
   * Bytes on the GPU that a step may take. Where that is less than it would, activations are dropped in the forward pass and computed
   * again in the backward, to the same bits. Default: as much as the GPU has.
   */
  memory?: number;
  /** Picks among the kernels that can run a node. Default: the first. */
  choose?: ChooseVariant;
}

/** Numbers in NHWC order, or a function that fills the buffer itself, with dispatches of its own for example. */
export type Images = ArrayLike<number> | ((location: Location) => void | Promise<void>);

/** Numbers of a step are not finite, so it has updated nothing. */
export class NotFiniteError extends InputError {
  constructor(
    /** Which: an image, the loss, or the gradient of a parameter. */
    readonly what: string,
  ) {
    super(`${what} is not finite`);
  }
}

export interface StepOptions {
  learningRate: number;
}

/** A training step that is ready to run, again and again. */
export interface Trainer {
  /**
   * Trains on one micro-batch; every `accumulate`th call updates the parameters.
   * @param images [batch, height, width, channels].
   * @param labels [batch, classes]: 1, 0, or below 0 where unknown.
   * @returns the loss before the update. Steps run in the order of the calls; the next may be asked for before the loss is there,
   * so that the GPU need not wait for it.
   * @throws NotFiniteError where images, loss or gradients hold a NaN or an infinity. The update that the step belongs to has changed
   * no parameter then; steps asked for since have run.
   */
  step(images: Images, labels: ArrayLike<number>, options: StepOptions): Promise<number>;
  /** Updates so far, which Adam's correction counts by. To be set when a run is resumed. */
  updates: number;
  /** Shapes of everything that outlives a step: parameters and, as `name#velocity` and the like, the optimizer's memory. */
  readonly states: ReadonlyMap<string, readonly number[]>;
  /** Values of a state in dense order, once all steps asked for have run. */
  read(name: string): Promise<Float32Array>;
  write(name: string, values: ArrayLike<number>): Promise<void>;
  /** The buffer of a parameter, for a plan that scores the network as it trains. It belongs to the trainer. */
  buffer(name: string): GPUBuffer;
  /** Bytes on the GPU and work of a step. */
  readonly memory: Plan['memory'];
  readonly flops: number;
  /** Share of that work that is done again because activations did not fit. */
  readonly recomputed: number;
  /** GPU time of each dispatch, or undefined without timestamps. Takes steps: for measurements, not for training. */
  profile(): Promise<DispatchTime[] | undefined>;
  close(): void;
}

/**
 * Makes a trainer.
 * @throws InputError where options contradict each other, or the step does not fit on the adapter.
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

  // Every state lies in the plan that binds it first.
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
    // The copy is submitted here, behind the step; it is waited for outside the turn.
    return { value: readRanges(gpu, results) };
  }

  function lossOf([lossBytes, haltBytes, updateBytes]: readonly ArrayBuffer[]): number {
    const [value] = decodeTensor(loss, lossBytes);
    // A flag counts from the end: the last thing that is watched is 1.
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
