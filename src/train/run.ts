/** A training run that is under way: it is opened, saved as a checkpoint, and closed here. */
import { InputError } from '../errors.js';
import { describe, type Gpu } from '../gpu/device.js';
import { type Choices, createChoices } from '../graph/plan/choices.js';
import { describeGraph } from '../nets/written/graphs.js';
import { checkResume, otherKernels, type TrainingCheckpoint, type TrainingState } from './checkpoint.js';
import { fingerprintOf, updatesPerEpoch } from './data.js';
import { type BatchInput, createBatchInput } from './input.js';
import type { Keeper, TrainOptions, TrainProgress } from './options.js';
import { createPace, type Pace } from './pace.js';
import type { Schedule } from './schedules.js';
import { createScorer, type Scorer } from './score.js';
import { checkSettings, lossOf, optimizerOf, scheduleOf, type TrainSettings } from './settings.js';
import { createTrainer, type Trainer } from './step.js';
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
  readonly input: BatchInput;
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
  const { gpu, data, resume, keeper = {}, signal } = options;
  const settings = withNetwork(options);
  checkSettings(settings);
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
      machine.close();
    },
  };
  try {
    const other = resume && otherKernels(resume, choices);
    if (other) keeper.warn?.(other);
    if (resume) await restoreStates(run.trainer, resume.tensors);
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

/** Makes what works on the GPU: the training step, its input, and the validation. */
async function openMachine(gpu: Gpu, options: TrainOptions, settings: TrainSettings, choices: Choices) {
  const trainer = await createTrainer(gpu, trainerOptionsOf(options, settings, choices));
  if (trainer.recomputed > 0) {
    const share = (100 * trainer.recomputed).toFixed(1);
    options.keeper?.warn?.(
      `activations do not fit into memory and are computed again: ${share} % of the work of a step`,
    );
  }
  const input = createBatchInput(gpu, settings.input, settings.batch);
  let scorer: Scorer | undefined;
  const close = () => {
    scorer?.close();
    input.close();
    trainer.close();
  };
  try {
    scorer = await createScorer(gpu, settings, trainer, choices.choose);
    return { trainer, input, scorer, close };
  } catch (error) {
    close();
    throw error;
  }
}

function trainerOptionsOf(
  { weights, memory }: TrainOptions,
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
