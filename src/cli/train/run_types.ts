/** What a training run with a folder is given, and what it gives. */
import type { PoolingNumbers } from '../../formats/weights/poolings.js';
import type { WeightsMetadata } from '../../formats/weights/weights.js';
import type { Gpu } from '../../gpu/device.js';
import type { Head } from '../../nets/architecture.js';
import type { Backbone } from '../../nets/backbone.js';
import type { TrainResult } from '../../train/options.js';
import type { TrainSettings } from '../../train/settings.js';
import type { RunData, TrainingDataOptions } from './data.js';
import type { InitSource } from './init.js';

/** The configuration that is stored with a run. It is enough to begin the run again. */
export interface RunConfig extends InitSource {
  raybox: string;
  /** The command line as it was typed. */
  command: string;
  data: Omit<TrainingDataOptions, 'store' | 'signal'> & { folder: string };
  /** Beginnings of the names of tensors in the weights to start from that are not read. */
  ignore?: readonly string[];
  /** What the user has said about the input of those weights. */
  metadata?: Partial<WeightsMetadata>;
  settings: TrainSettings;
  trainingData: string;
  license: string;
  /** Bytes on the GPU that a step may take, if the user has said so. */
  memory?: number;
  /** Part of the adapter's name, if the user has said so. */
  adapter?: string;
  /** Milliseconds between checkpoints within an epoch, if the user has said so. */
  checkpointMs?: number;
}

/** How the machine is used. Only the adapter changes the result. */
export interface RunMachine {
  /** Part of an adapter's name. It is stored with the run. The adapter is opened unless `gpu` is given. */
  adapter?: string;
  /** An open device, which stays open. If several runs of a process share it, only the first one compiles the kernels. */
  gpu?: Gpu;
  threads?: number;
  /** Memory for decoded images. */
  cacheBytes?: number;
  /** A folder that keeps decoded images. */
  imageCache?: string;
  /** A folder that keeps activations of frozen layers. */
  activationCache?: string;
  checkpointMs?: number;
  /** Bytes on the GPU that a step may take. Default: as much as the GPU has. */
  memory?: number;
  signal?: AbortSignal;
}

/** What a new run is begun with. */
export interface BeginOptions extends RunMachine, InitSource, PoolingNumbers {
  out: string;
  command: string;
  data: RunConfig['data'];
  ignore?: readonly string[];
  metadata?: Partial<WeightsMetadata>;
  backbone?: string | Backbone;
  size: number;
  channels?: 1 | 3;
  columns?: readonly number[];
  transition?: number;
  pooling?: Head['pooling'];
  r?: number;
  settings: Omit<TrainSettings, 'architecture' | 'classes' | 'input' | 'heatmapScaling'>;
  heatmapScaling?: TrainSettings['heatmapScaling'];
  trainingData?: string;
  license?: string;
}

/** What a finished run gives. */
export interface RunOutcome extends TrainResult {
  /** Path of the best weights. */
  weights: string;
  run: RunData;
}

/** What may change when an interrupted run goes on. */
export interface ResumeOptions extends RunMachine {
  out: string;
  /** The folder of the data set, if it has been moved. */
  data?: string;
  epochs?: number;
  patience?: number;
  /** Whether the run continues even if images have other pixels than when it began. */
  acceptChangedImages?: boolean;
}
