/**
 * The training loop: epochs in seeded orders, validation after each, and checkpoints from which a run continues with the same bits. It
 * reads and writes no files: images come from an `ImageSource`, and results go to a `Keeper`.
 */
import { InputError } from '../errors.js';
import { formatWeightsMetadata } from '../formats/weights.js';
import { describe, type Gpu } from '../gpu/device.js';
import { createChoices } from '../graph/plan/choices.js';
import type { WeightSource } from '../graph/plan/constants.js';
import { describeGraph } from '../nets/graphs.js';
import type { NetworkFunction } from '../nets/outputs.js';
import { drawViews } from './augmentation.js';
import {
  bestEpoch,
  checkResume,
  type EpochRecord,
  otherKernels,
  type TrainingCheckpoint,
  type TrainingState,
} from './checkpoint.js';
import { epochOrder, fingerprintOf, labelsOf, type TrainingData, updatesPerEpoch } from './data.js';
import { createBatchInput, type ImageSource, joinImages } from './input.js';
import { createPace } from './pace.js';
import { prefetch } from './prefetch.js';
import { createScorer, type Scores, scoresOf } from './score.js';
import { checkSettings, lossOf, optimizerOf, scheduleOf, type TrainSettings, weightsMetadataOf } from './settings.js';
import { createTrainer, NotFiniteError } from './step.js';
import { readStates, restoreStates, writeWeights } from './trainer_states.js';

/** Receives the results of a run. Each promise is awaited before the run continues. */
export interface Keeper {
  /** Keeps a checkpoint, completely or not at all. @returns its name, for messages. */
  checkpoint?(checkpoint: TrainingCheckpoint): Promise<string>;
  /** Called after each epoch that is the best so far, with its weights as a raybox weights file. */
  best?(weights: Uint8Array, record: EpochRecord): Promise<void>;
  /** Called after each epoch. */
  epoch?(history: readonly EpochRecord[], seconds: number): Promise<void>;
  /** Called after each update. */
  update?(update: { epoch: number; step: number; loss: number; learningRate: number }): void;
  /** Called with a message that is not an error. */
  warn?(message: string): void;
}

/** How far a run has come. */
export interface TrainProgress {
  phase: 'training' | 'validating';
  /** Counted from 1. */
  epoch: number;
  epochs: number;
  /** Images done in this phase of the epoch. */
  done: number;
  /** All images of this phase of the epoch. */
  total: number;
  /** Mean loss of the images of the last update; NaN before the first. */
  loss: number;
  /** Images trained on per second. */
  rate: number;
  /** Expected time until all epochs are done; NaN before the first update. */
  secondsLeft: number;
}

/** What `train` needs: a device, settings, data, and a receiver of the results. */
export interface TrainOptions {
  gpu: Gpu;
  /** Without `architecture` if `network` is given. */
  settings: TrainSettings | Omit<TrainSettings, 'architecture'>;
  /**
   * A network of the caller's own, for the size and channels of the settings' input. Checkpoints and weights files store it as a graph. So
   * all of its operations must be ones that a file can store (see `describeGraph`), and each must have a gradient.
   */
  network?: NetworkFunction;
  data: TrainingData;
  images: ImageSource;
  /** Weights to start from, by PyTorch's names. Default: random ones from the seed. */
  weights?: WeightSource;
  /** A checkpoint to continue from. */
  resume?: TrainingCheckpoint;
  /** The name of that checkpoint, for messages. */
  resumedFrom?: string;
  keeper?: Keeper;
  /** Milliseconds after which another checkpoint is written within an epoch. Default: 10 minutes. */
  checkpointMs?: number;
  /** Bytes on the GPU that a step may take; see `TrainerOptions`. */
  memory?: number;
  /** The weights file says by these what it was trained on and under what terms it may be used. */
  trainingData?: string;
  license?: string;
  /** Ends the run after the current update, with a checkpoint. */
  signal?: AbortSignal;
  onProgress?: (progress: TrainProgress) => void;
}

/** The results of a run, epoch by epoch. */
export interface TrainResult {
  history: readonly EpochRecord[];
  best: EpochRecord;
  /** Whether the run ended before the last epoch because the validation AUC had stopped rising. */
  stoppedEarly: boolean;
}

const CHECKPOINT_MS = 600_000;

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

/**
 * Trains a network.
 * @throws InputError
 *   - before anything runs, if settings, data and checkpoint do not fit each other;
 *   - if images, losses or gradients are not finite, naming the step, the images of the batch and the last checkpoint;
 *   - if an image cannot be read, after writing a checkpoint.
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const { gpu, data, images, resume, keeper = {}, checkpointMs = CHECKPOINT_MS, signal, onProgress } = options;
  const settings = withNetwork(options);
  checkSettings(settings);
  const { architecture, batch, accumulate, epochs, seed, input: inputSettings, augmentation, patience } = settings;
  const perUpdate = batch * accumulate;
  const steps = updatesPerEpoch(data, perUpdate);
  const schedule = scheduleOf(settings, steps);
  const identity = { settings, data: fingerprintOf(data), adapter: describe(gpu.info) };
  if (resume) {
    const warning = checkResume(resume, identity);
    if (warning) keeper.warn?.(warning);
  }
  const state: TrainingState = structuredClone(resume?.state) ?? {
    epoch: 0,
    step: 0,
    lossSum: 0,
    history: [],
  };
  signal?.throwIfAborted();

  const choices = createChoices(resume?.kernels);
  const trainer = await createTrainer(gpu, {
    ...{ architecture, batch, accumulate, seed, parts: settings.parts, batchNorm: settings.batchNorm },
    ...{ size: inputSettings.size, channels: inputSettings.channels },
    choose: choices.choose,
    loss: lossOf(settings.loss),
    optimizer: optimizerOf(settings.optimizer),
    ...(options.weights ? { weights: options.weights } : {}),
    ...(settings.clipNorm === undefined ? {} : { clipNorm: settings.clipNorm }),
    ...(options.memory === undefined ? {} : { memory: options.memory }),
  });
  if (trainer.recomputed > 0) {
    const share = (100 * trainer.recomputed).toFixed(1);
    keeper.warn?.(`activations do not fit into memory and are computed again: ${share} % of the work of a step`);
  }
  const input = createBatchInput(gpu, inputSettings, batch);
  let closeScorer = () => {};
  let underWay: Promise<unknown> = Promise.resolve();
  try {
    const scorer = await createScorer(gpu, settings, trainer, choices.choose);
    closeScorer = scorer.close;
    const other = resume && otherKernels(resume, choices);
    if (other) keeper.warn?.(other);
    if (resume) await restoreStates(trainer, resume.tensors);
    trainer.updates = state.epoch * steps + state.step;
    let lastCheckpoint = resume ? (options.resumedFrom ?? 'the one it was resumed from') : 'none';
    let savedAt = performance.now();
    const pace = createPace({ steps, epochs, perUpdate, validation: data.validation.length });

    const tell = (phase: TrainProgress['phase'], done: number, total: number, loss: number) =>
      onProgress?.({
        ...{ phase, epoch: state.epoch + 1, epochs, done, total, loss, rate: pace.rate },
        secondsLeft: pace.secondsLeft(state, phase === 'validating' ? done : 0),
      });
    const diverged = (what: string, given?: string) =>
      new InputError(`${what} at step ${state.step + 1} of epoch ${state.epoch + 1}`, {
        given,
        hint: `lower the learning rate or limit the gradients' norm; last good checkpoint: ${lastCheckpoint}`,
      });
    const save = async () => {
      savedAt = performance.now();
      if (!keeper.checkpoint) return;
      const tensors = await readStates(trainer);
      for (const [name, { data: values }] of tensors) {
        if (!values.every(Number.isFinite)) throw diverged(`${name} is not finite`);
      }
      lastCheckpoint = await keeper.checkpoint({
        ...{ ...identity, state: structuredClone(state), tensors },
        kernels: choices.made(),
      });
      savedAt = performance.now();
    };

    async function trainEpoch(): Promise<void> {
      const order = epochOrder(data.train, seed, state.epoch);
      const rowsOf = (step: number) => order.subarray(step * perUpdate, (step + 1) * perUpdate);
      const load = (step: number) => Promise.all(Array.from(rowsOf(step), images));
      const todo = Array.from({ length: steps - state.step }, (_, i) => state.step + i);
      const updates = prefetch(todo, load, Math.max(2, Math.ceil(32 / perUpdate)));
      let lap = performance.now();

      /** Submits an update to the GPU. The returned function waits for it and records its loss. */
      function begin(step: number, loaded: readonly Uint16Array[]): () => Promise<void> {
        const learningRate = settings.learningRate * schedule(state.epoch * steps + step);
        const losses = Array.from({ length: accumulate }, (_, micro) => {
          const first = step * perUpdate + micro * batch;
          const stored = joinImages(loaded.slice(micro * batch, (micro + 1) * batch), inputSettings.size);
          const views = drawViews(augmentation, inputSettings.size, { seed, epoch: state.epoch, first, count: batch });
          const labels = labelsOf(data, order.subarray(first, first + batch));
          return trainer.step(input.of(stored, views), labels, { learningRate });
        });
        const all = Promise.allSettled(losses);
        // It is awaited after the next update has been submitted. `underWay` keeps the trainer from being closed while it runs.
        underWay = all;
        return async () => {
          const values = lossesOf(await all, rowsOf(step));
          for (const value of values) state.lossSum += value;
          state.step = step + 1;
          const now = performance.now();
          pace.trained(now - lap);
          lap = now;
          const loss = values.reduce((sum, value) => sum + value, 0) / perUpdate;
          keeper.update?.({ epoch: state.epoch + 1, step: state.step, loss, learningRate });
          tell('training', state.step * perUpdate, steps * perUpdate, loss);
        };
      }

      // The GPU computes one update while the images of the next are prepared.
      let finish = async () => {};
      for (;;) {
        if (signal?.aborted || performance.now() - savedAt >= checkpointMs) {
          await finish();
          finish = async () => {};
          await save();
          signal?.throwIfAborted();
          lap = performance.now();
        }
        // An update only begins once all of its images have been loaded. So if one cannot be read, the state is that after the update
        // before, and the run can be resumed from it.
        const next = await updates.next().catch(async (error) => {
          await finish();
          await save();
          throw error;
        });
        if (next.done) return finish();
        const previous = finish;
        finish = begin(...next.value);
        await previous();
      }
    }

    const lossesOf = (results: readonly PromiseSettledResult<number>[], rows: Int32Array) =>
      results.map((result, micro) => {
        if (result.status === 'fulfilled') return result.value;
        if (!(result.reason instanceof NotFiniteError)) throw result.reason;
        const files = Array.from(rows.subarray(micro * batch, (micro + 1) * batch), (row) => data.images[row]);
        throw diverged(result.reason.message, `the batch ${files.join(', ')}`);
      });

    async function validate(): Promise<Scores> {
      const started = performance.now();
      const total = data.validation.length;
      const loss = state.lossSum / (steps * perUpdate);
      const onProgress = (done: number) => tell('validating', done, total, loss);
      const logits = await scorer.run(data.validation, images, { signal, onProgress }).catch(async (error) => {
        // The checkpoint has every update of the epoch, so a resumed run begins with this validation.
        await save();
        throw error;
      });
      pace.validated(performance.now() - started);
      if (!logits.every(Number.isFinite)) throw diverged('what the network puts out is not finite');
      return scoresOf(data, logits);
    }

    const waitedFor = () => {
      const best = bestEpoch(state.history);
      return best ? state.epoch - best.epoch : 0;
    };
    const isOver = () => state.epoch >= epochs || (patience > 0 && waitedFor() >= patience);
    while (!isOver()) {
      const started = performance.now();
      await trainEpoch();
      const { auc, meanAuc, operatingThresholds } = await validate();
      const record = { epoch: state.epoch + 1, loss: state.lossSum / (steps * perUpdate), auc, meanAuc };
      const history = [...state.history, record];
      // The weights are written before the checkpoint: if the run is killed in between, a resumed run repeats the end of the epoch and
      // writes the same weights again. In the other order they would be missing.
      if (bestEpoch(history) === record) {
        const { trainingData = 'unknown', license = 'unknown' } = options;
        const metadata = weightsMetadataOf(settings, { trainingData, license, operatingThresholds });
        await keeper.best?.(await writeWeights(trainer, formatWeightsMetadata(metadata)), record);
      }
      Object.assign(state, { epoch: state.epoch + 1, step: 0, lossSum: 0, history });
      await save();
      await keeper.epoch?.(history, (performance.now() - started) / 1000);
    }
    const best = bestEpoch(state.history) as EpochRecord;
    return { history: state.history, best, stoppedEarly: state.epoch < epochs };
  } finally {
    await underWay;
    closeScorer();
    input.close();
    trainer.close();
  }
}
