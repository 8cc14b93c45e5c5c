/** A training run that is under way: it is opened, saved as a checkpoint, and closed here. */
import { InputError } from '../errors.js';
import { describe, type Gpu } from '../gpu/device.js';
import { type Choices, createChoices } from '../graph/plan/choices.js';
import { describeGraph, networkFrom } from '../nets/written/graphs.js';
import { checkRequiredOptions } from '../options.js';
import { type Activations, openActivations, refuseOtherAugmentation, tasksOf } from './activations.js';
import { checkResume, otherKernels, type TrainingCheckpoint, type TrainingState } from './checkpoint.js';
import { fingerprintOf, updatesPerEpoch } from './data.js';
import { type Feed, feedActivations, feedImages } from './feed.js';
import { type SplitNetwork, splitNetwork } from './frozen_layers.js';
import { type Keeper, TRAIN_OPTIONS, type TrainOptions, type TrainProgress } from './options.js';
import { createPace, type Pace } from './pace.js';
import type { Schedule } from './schedules.js';
import { createScorer, type Scorer } from './score.js';
import { checkSettings, lossOf, optimizerOf, scheduleOf, type TrainSettings } from './settings.js';
import { createTrainer, type Trainer } from './step.js';
import { statisticsOf } from './step_graph.js';
import type { TrainerOptions } from './trainer_options.js';
import { readStates, restoreStates } from './trainer_states.js';

export interface Run {
  readonly options: TrainOptions;
  readonly settings: TrainSettings;
  readonly keeper: Keeper;
  /** What a checkpoint says besides the state, so that no other run is resumed from it. */
  readonly identity: Pick<TrainingCheckpoint, 'settings' | 'data' | 'adapter'>;
  /** Images of an update. */
  readonly perUpdate: number;
  /** Updates of an epoch. */
  readonly steps: number;
  readonly schedule: Schedule;
  /** How far the run has come. It changes with each update. */
  readonly state: TrainingState;
  readonly choices: Choices;
  readonly trainer: Trainer;
  readonly feed: Feed;
  readonly scorer: Scorer;
  readonly pace: Pace;
  /** The update that the GPU works at. The trainer must not be closed before it has ended. */
  underWay: Promise<unknown>;
  /** The name of the last checkpoint, for messages. */
  lastCheckpoint: string;
  /** When it was written, as `performance.now` counts. */
  savedAt: number;
  close(): Promise<void>;
}

/** @throws InputError if settings, data and checkpoint do not fit each other, or if the training does not fit on the adapter. */
export async function openRun(options: TrainOptions): Promise<Run> {
  checkRequiredOptions('train', options, TRAIN_OPTIONS, ['gpu', 'settings', 'data', 'images']);
  const { gpu, data, resume, keeper = {}, signal } = options;
  const settings = withNetwork(options);
  checkSettings(settings);
  if (settings.activations === 'f16' && !options.activations) {
    throw new InputError('this run rounds activations of frozen layers to f16, and nothing keeps them', {
      hint: 'say where they are kept (--activation-cache DIR)',
    });
  }
  const { batch, accumulate, epochs } = settings;
  const perUpdate = batch * accumulate;
  const steps = updatesPerEpoch(data, perUpdate);
  const schedule = scheduleOf(settings, steps);
  const identity = { settings, data: fingerprintOf(data), adapter: describe(gpu.info) };
  if (resume) {
    const warning = checkResume(resume, identity);
    if (warning) keeper.warn?.(warning);
  }
  const state = structuredClone(resume?.state) ?? { epoch: 0, step: 0, lossSum: 0, history: [] };
  signal?.throwIfAborted();

  const choices = createChoices(resume?.kernels);
  const machine = await openMachine(gpu, options, settings, choices);
  const run: Run = {
    ...{ options, settings, keeper, identity, perUpdate, steps, schedule, state, choices, ...machine },
    pace: createPace({ steps, epochs, perUpdate, validation: data.validation.length }),
    underWay: Promise.resolve(),
    lastCheckpoint: resume ? (options.resumedFrom ?? 'the one it was resumed from') : 'none',
    savedAt: performance.now(),
    async close() {
      await run.underWay;
      await machine.close();
    },
  };
  try {
    const other = resume && otherKernels(resume, choices);
    if (other) keeper.warn?.(other);
  } catch (error) {
    await run.close();
    throw error;
  }
  run.trainer.updates = state.epoch * steps + state.step;
  run.savedAt = performance.now();
  return run;
}

/** The settings, with the description of the caller's own network if there is one. */
function withNetwork({ settings, network }: TrainOptions): TrainSettings {
  const isComplete = 'architecture' in settings && settings.architecture !== undefined;
  if (isComplete !== (network === undefined)) {
    throw new InputError('training: it is not clear which network is to be trained', {
      expected: 'either settings.architecture or network',
      given: isComplete ? 'both' : 'neither',
    });
  }
  if (!network) return settings as TrainSettings;
  const { size, channels } = settings.input;
  return { ...settings, architecture: describeGraph(network, { height: size, width: size, channels }) };
}

/** Makes what works on the GPU: the training step, its input, and the validation. Continues from the checkpoint if there is one. */
async function openMachine(gpu: Gpu, options: TrainOptions, settings: TrainSettings, choices: Choices) {
  const split = options.activations && splitOf(settings);
  const trainer = await createTrainer(gpu, trainerOptionsOf(options, settings, choices));
  if (trainer.recomputed > 0) {
    const share = (100 * trainer.recomputed).toFixed(1);
    options.keeper?.warn?.(
      `activations do not fit into memory and are computed again: ${share} % of the work of a step`,
    );
  }
  let feed: Feed | undefined;
  let scorer: Scorer | undefined;
  const close = async () => {
    scorer?.close();
    await feed?.close();
    trainer.close();
  };
  try {
    if (options.resume) await restoreStates(trainer, options.resume.tensors);
    feed = split
      ? feedActivations(settings, split.scored, await prepared(gpu, options, settings, split.trained, trainer, choices))
      : feedImages(gpu, settings, options.images);
    scorer = await createScorer(gpu, settings, trainer, feed, choices.choose);
    return { trainer, feed, scorer, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * The network in its frozen and its trained part, as it is trained and as it is scored. Both have the same border, since only batch norms that
 * come after it differ.
 * @throws InputError if activations of the frozen part cannot be kept
 */
function splitOf({ architecture, batch, input, parts, batchNorm, augmentation }: TrainSettings) {
  refuseOtherAugmentation(augmentation);
  const { size, channels } = input;
  const split = (like: Parameters<typeof splitNetwork>[3]) =>
    splitNetwork(networkFrom(architecture), [batch, size, size, channels], parts, like);
  return { trained: split(statisticsOf(batchNorm, parts)), scored: split({}) };
}

/** The activations of all images of the run. */
async function prepared(
  gpu: Gpu,
  { activations: keeper, images, data, signal, onProgress }: TrainOptions,
  settings: TrainSettings,
  split: SplitNetwork,
  trainer: Trainer,
  { choose }: Choices,
): Promise<Activations> {
  const { input, augmentation, activations: type = 'f32', epochs } = settings;
  const tasks = tasksOf(data.train, data.validation, augmentation);
  const opened = await openActivations(gpu, {
    ...{ split, input, type, images, choose, keeper: keeper as NonNullable<typeof keeper>, most: tasks.length },
    weights: (name) => trainer.read(name),
  });
  try {
    await opened.prepare(tasks, {
      signal,
      onProgress: (done, rate) =>
        onProgress?.({
          ...{ phase: 'preparing', epoch: 1, epochs, done, total: tasks.length, loss: Number.NaN, rate },
          secondsLeft: Number.NaN,
        }),
    });
    return opened;
  } catch (error) {
    await opened.close();
    throw error;
  }
}

function trainerOptionsOf(
  { weights, memory, activations }: TrainOptions,
  settings: TrainSettings,
  { choose }: Choices,
): TrainerOptions {
  const { architecture, batch, accumulate, seed, parts, batchNorm, clipNorm, averageDecay, input } = settings;
  return {
    ...{ architecture, batch, accumulate, seed, parts, batchNorm, choose },
    ...{ size: input.size, channels: input.channels },
    loss: lossOf(settings.loss),
    optimizer: optimizerOf(settings.optimizer),
    ...(averageDecay === undefined ? {} : { averageDecay }),
    ...(activations ? { skipsFrozen: true } : {}),
    ...(weights ? { weights } : {}),
    ...(clipNorm === undefined ? {} : { clipNorm }),
    ...(memory === undefined ? {} : { memory }),
  };
}

/** Keeps a checkpoint. @throws InputError if a number in it is not finite */
export async function save(run: Run): Promise<void> {
  const { keeper, trainer, state, choices } = run;
  run.savedAt = performance.now();
  if (!keeper.checkpoint) return;
  const tensors = await readStates(trainer);
  for (const [name, { data: values }] of tensors) {
    if (!values.every(Number.isFinite)) throw diverged(run, `${name} is not finite`);
  }
  run.lastCheckpoint = await keeper.checkpoint({
    ...{ ...run.identity, state: structuredClone(state), tensors },
    kernels: choices.made(),
  });
  run.savedAt = performance.now();
}

/** The error of a run whose numbers are no longer finite. */
export function diverged({ state, lastCheckpoint }: Run, what: string, given?: string): InputError {
  return new InputError(`${what} at step ${state.step + 1} of epoch ${state.epoch + 1}`, {
    given,
    hint: `lower the learning rate or limit the gradients' norm; last good checkpoint: ${lastCheckpoint}`,
  });
}

/** Tells the caller how far the run has come. */
export function tell(
  { options, state, settings: { epochs }, pace }: Run,
  { phase, done, total, loss }: Pick<TrainProgress, 'phase' | 'done' | 'total' | 'loss'>,
): void {
  options.onProgress?.({
    ...{ phase, epoch: state.epoch + 1, epochs, done, total, loss, rate: pace.rate },
    secondsLeft: pace.secondsLeft(state, phase === 'validating' ? done : 0),
  });
}
