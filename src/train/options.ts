/** What a training run is given, and what it gives. */
import type { Gpu } from '../gpu/device.js';
import type { WeightSource } from '../graph/plan/types.js';
import type { NetworkFunction } from '../nets/outputs.js';
import { optionKinds } from '../options.js';
import type { ActivationKeeper } from './activations.js';
import type { EpochRecord, TrainingCheckpoint } from './checkpoint.js';
import type { TrainingData } from './data.js';
import type { ImageSource } from './input.js';
import type { TrainSettings } from './settings.js';

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
  /** `preparing`: activations of frozen layers are computed. */
  phase: 'preparing' | 'training' | 'validating';
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
  /**
   * Keeps what the frozen first layers compute for each image and, if the augmentation mirrors, its mirror image. Epochs then compute only the
   * layers after them. With f32, the default, results are the same to the bit. The first layers must be frozen, with batch norms that do not
   * follow the batch, and the augmentation may only mirror. Default: nothing is kept.
   */
  activations?: ActivationKeeper;
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

/** The options of `train`, with the kinds of their values. */
export const TRAIN_OPTIONS = optionKinds<TrainOptions>({
  gpu: 'an object',
  settings: 'an object',
  network: 'a function',
  data: 'an object',
  images: 'a function',
  weights: 'a function',
  resume: 'an object',
  resumedFrom: 'a text',
  keeper: 'an object',
  activations: 'an object',
  checkpointMs: 'a number',
  memory: 'a number of bytes, 0 or more',
  trainingData: 'a text',
  license: 'a text',
  signal: 'an AbortSignal',
  onProgress: 'a function',
});

/** The results of a run, epoch by epoch. */
export interface TrainResult {
  history: readonly EpochRecord[];
  best: EpochRecord;
  /** Whether the run ended before the last epoch because the validation AUC had stopped rising. */
  stoppedEarly: boolean;
}
