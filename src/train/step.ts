/**
 * The training step of a network as one plan: forward pass, loss, backward pass and update. Nothing is compiled or allocated from step to
 * step; only images, labels and a few numbers are written.
 */

import { InputError } from '../errors.js';
import { readRanges } from '../gpu/buffers.js';
import type { Gpu } from '../gpu/device.js';
import { decodeTensor, elementCount, type Tensor } from '../graph/ir/tensor.js';
import type { Location } from '../graph/plan/record.js';
import type { DispatchTime, Plan } from '../graph/plan/types.js';
import { createQueue } from '../localizer/session/queue.js';
import { checkOptions, optionKinds } from '../options.js';
import { initialWeights } from './initial.js';
import type { Optimizer } from './optimizers.js';
import { averageOf, buildStep, type StepGraphs } from './step_graph.js';
import { createStepPlans, type StepPlans } from './step_plan.js';
import { checkTrainer, type TrainerOptions } from './trainer_options.js';

/**
 * Numbers in NHWC order, or a function that fills the trainer's buffer itself, for example with dispatches of its own. Only a trainer that
 * skips frozen layers can have several buffers.
 */
export type Images = ArrayLike<number> | ((...locations: Location[]) => void | Promise<void>);

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

const STEP_OPTIONS = optionKinds<StepOptions>({ learningRate: 'a number' });

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
  /**
   * The number of updates so far, on which Adam's bias correction depends. It has to be set when a run is resumed. If a step ends with a
   * NotFiniteError, its update does not count. The number is right as soon as the promise of that step has been rejected.
   */
  updates: number;
  /** Shapes of all that is kept from step to step: parameters, and the optimizer's states by names such as `name#velocity`. */
  readonly states: ReadonlyMap<string, readonly number[]>;
  /** The values of a state in dense order, after all steps that have been started. */
  read(name: string): Promise<Float32Array>;
  write(name: string, values: ArrayLike<number>): Promise<void>;
  /**
   * The state that a parameter is scored with and saved as: its moving average if `averageDecay` keeps one, otherwise itself.
   * @param name the parameter's name
   */
  savedAs(name: string): string;
  /** The buffer of a state, for a plan that scores the network during training. It belongs to the trainer. */
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

/** A training step that runs: its graphs and plans, and how many steps and updates it has made. */
interface Running {
  readonly gpu: Gpu;
  readonly graphs: StepGraphs;
  readonly plans: StepPlans;
  readonly optimizer: Optimizer;
  /** Micro-batches of an update. */
  readonly accumulate: number;
  /** Micro-batches of the current update that have been submitted. */
  micro: number;
  /** Updates that have been submitted. */
  updates: number;
}

/**
 * Makes a trainer.
 * @throws InputError if options contradict each other, or if the step does not fit on the adapter.
 */
export async function createTrainer(gpu: Gpu, options: TrainerOptions): Promise<Trainer> {
  checkTrainer(gpu, options);
  const { accumulate = 1, optimizer, weights = initialWeights(options.seed ?? 0) } = options;
  if (!(Number.isInteger(accumulate) && accumulate >= 1)) {
    throw new InputError('micro-batches to an update', { expected: 'an integer ≥ 1', given: String(accumulate) });
  }
  const graphs = buildStep(options, accumulate > 1);
  const skipped = new Map<string, Float32Array>();
  for (const [name, { shape }] of graphs.skipped) skipped.set(name, Float32Array.from(await weights(name, shape)));
  const plans = await createStepPlans(gpu, graphs, weights, options);
  const running: Running = { gpu, graphs, plans, optimizer, accumulate, micro: 0, updates: 0 };
  const queue = createQueue();
  const stateNamed = (name: string): Tensor => {
    const tensor = graphs.states.get(name);
    if (!tensor) throw new InputError(`the training has no state ${name}`);
    return tensor;
  };
  let isClosed = false;
  return {
    get updates() {
      return running.updates;
    },
    set updates(count) {
      if (!Number.isSafeInteger(count) || count < 0)
        throw new InputError('updates of a trainer', { expected: 'a whole number from 0 on', given: String(count) });
      running.updates = count;
    },
    states: new Map([...graphs.states, ...graphs.skipped].map(([name, { shape }]) => [name, shape])),
    memory: memoryOf(plans),
    flops: plans.step.flops + (plans.update?.flops ?? 0) / accumulate,
    recomputed: plans.recomputed,
    async step(images, labels, options) {
      if (isClosed) throw new InputError('the trainer was closed', { hint: 'create another one' });
      checkOptions('step', options ?? null, STEP_OPTIONS);
      const { learningRate } = options;
      checkStep(graphs, images, labels, learningRate);
      const { results, isUpdate } = await queue.push(() => submit(running, images, labels, learningRate));
      const found = await results;
      if (isUpdate && flagOf(found.at(-1)) !== 0) running.updates--;
      return lossOf(graphs, found);
    },
    read: async (name) => {
      const kept = skipped.get(name);
      if (kept) return kept.slice();
      const tensor = stateNamed(name);
      return queue.push(() => plans.ownerOf(tensor).read(tensor) as Promise<Float32Array>);
    },
    write: async (name, values) => {
      const kept = skipped.get(name);
      if (kept) return kept.set(values);
      const tensor = stateNamed(name);
      return queue.push(async () => plans.ownerOf(tensor).write(tensor, values));
    },
    savedAs: (name) => (graphs.averages?.kept.has(name) ? averageOf(name) : name),
    buffer: (name) => plans.ownerOf(stateNamed(name)).locate(stateNamed(name)).buffer,
    profile: () => queue.push(() => plans.step.profile()),
    close() {
      isClosed = true;
      plans.close();
    },
  };
}

/** @throws InputError if arguments of a step are wrong. */
function checkStep(
  { inputs, labels: labelInput }: StepGraphs,
  images: Images,
  labels: ArrayLike<number>,
  learningRate: number,
): void {
  if (!(Number.isFinite(learningRate) && learningRate >= 0)) {
    throw new InputError('learning rate', { expected: 'a number ≥ 0', given: String(learningRate) });
  }
  if (typeof images !== 'function' && inputs.length > 1) {
    throw new InputError('this step has several inputs', { expected: 'a function that fills their buffers' });
  }
  for (const [tensor, values] of [[inputs[0], images] as const, [labelInput, labels] as const]) {
    if (typeof values === 'function' || values.length === elementCount(tensor)) continue;
    throw new InputError(`${tensor.name} of a step`, {
      expected: `${elementCount(tensor)} values for [${tensor.shape.join(', ')}]`,
      given: String(values.length),
    });
  }
  for (let at = 0; at < labels.length; at++) {
    const label = labels[at];
    if (label === 0 || label === 1 || label < 0) continue;
    throw new InputError(`label ${at} of a step`, { expected: '1, 0, or below 0 where unknown', given: String(label) });
  }
}

/**
 * Submits a micro-batch to the GPU, and the update after the last one of those that belong to it. Reading the results back is submitted
 * too. Its promise is in an object, so that the queue does not wait for it and the next step can begin.
 */
async function submit(
  running: Running,
  images: Images,
  labelValues: ArrayLike<number>,
  learningRate: number,
): Promise<{ results: Promise<ArrayBuffer[]>; isUpdate: boolean }> {
  const { gpu, graphs, plans, accumulate } = running;
  const { inputs, labels, share, hyper, loss, halt, update, averages } = graphs;
  const { step } = plans;
  const numbers = running.optimizer.hyper(running.updates + 1, learningRate);
  if (typeof images === 'function') await images(...inputs.map((input) => step.locate(input)));
  else step.write(inputs[0], images);
  step.write(labels, labelValues);
  if (share) step.write(share, [running.micro === 0 ? 0 : 1, 1 / accumulate]);
  (plans.update ?? step).write(hyper, numbers);
  await step.run();
  const places = [step.locate(loss), step.locate(halt)];
  running.micro = (running.micro + 1) % accumulate;
  if (running.micro === 0) {
    if (update && plans.update) {
      await plans.update.run();
      places.push(plans.update.locate(update.halt));
    }
    if (averages && plans.averages) {
      plans.averages.write(averages.shares, averages.sharesAfter(running.updates));
      await plans.averages.run();
    }
    running.updates++;
  }
  return { results: readRanges(gpu, places), isUpdate: running.micro === 0 };
}

/** The value of a flag `halt`, whose bytes may be missing. The last flag that is read with an update is the one that the update depends on. */
const flagOf = (bytes: ArrayBuffer | undefined): number => (bytes ? new Uint32Array(bytes)[0] : 0);

/**
 * The loss of a step.
 * @param results the bytes of the loss and of the flags `halt`. A flag is 0 if all numbers are finite. Otherwise it is the place of what is
 *   not finite, counted from the end of `watched`: 1 is the last.
 * @throws NotFiniteError if a flag is set
 */
function lossOf({ loss, watched }: StepGraphs, [lossBytes, haltBytes, updateBytes]: readonly ArrayBuffer[]): number {
  const [value] = decodeTensor(loss, lossBytes);
  for (const bytes of [haltBytes, updateBytes]) {
    const flag = flagOf(bytes);
    if (flag === 0) continue;
    const what = watched[watched.length - flag];
    throw new NotFiniteError(what === 'the loss' ? `the loss (${value})` : what);
  }
  return value;
}

function memoryOf({ step, update, averages }: StepPlans): Plan['memory'] {
  const all = [step, update, averages].flatMap((plan) => plan?.memory ?? []);
  const sum = (kind: keyof Plan['memory']) => all.reduce((bytes, memory) => bytes + memory[kind], 0);
  return { constants: sum('constants'), arenas: sum('arenas'), tensors: sum('tensors') };
}
