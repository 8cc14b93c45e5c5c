/** A training run with a folder: begun, or gone on with, to the best weights and what is to be known about them. */

import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { InputError } from '../errors.js';
import type { DecodeOptions } from '../formats/pixels.js';
import type { WeightsMetadata } from '../formats/weights.js';
import { describe, type Gpu, openGpu } from '../gpu/device.js';
import type { WeightSource } from '../graph/plan/constants.js';
import type { Head } from '../nets/architecture.js';
import type { Backbone } from '../nets/backbone.js';
import { type ImageStore, openImageStore } from '../node/image_store.js';
import { openPixelRecord } from '../node/pixel_record.js';
import type { TrainResult } from '../train/options.js';
import { checkSettings, familyOf, type TrainSettings } from '../train/settings.js';
import { type Start, startOf } from '../train/start.js';
import { decodeOptions } from './image_options.js';
import { createRunFolder, openRunFolder, type RunFolder, refuseUsedFolder } from './run_folder.js';
import { say } from './terminal.js';
import { type InitSource, readInit } from './train_init.js';
import { carryOut, decodedOf } from './train_work.js';
import { LISTS, openTrainingData, type RunData, type TrainingDataOptions, writeLists } from './training_data.js';

/** What is written down with a run: enough to begin it again. */
export interface RunConfig extends InitSource {
  raybox: string;
  /** As it was typed. */
  command: string;
  data: Omit<TrainingDataOptions, 'store' | 'signal'> & { folder: string };
  /** What of the weights to start from takes no part. */
  ignore?: readonly string[];
  /** What was said of the input beside what those weights say. */
  metadata?: Partial<WeightsMetadata>;
  settings: TrainSettings;
  trainingData: string;
  license: string;
  /** Bytes on the GPU that a step may take, where it was said. */
  memory?: number;
  /** Part of the adapter's name, where it was said. */
  adapter?: string;
  /** Milliseconds between checkpoints within an epoch, where they were said. */
  checkpointMs?: number;
}

/** How the machine works; nothing of it changes the result, but for the adapter. */
export interface RunMachine {
  /** Part of an adapter's name. It is written down with the run, and opened unless `gpu` is given. */
  adapter?: string;
  /** An open device to work on, which stays open: of several runs in one process, only the first then compiles its kernels. */
  gpu?: Gpu;
  threads?: number;
  cacheBytes?: number;
  checkpointMs?: number;
  /** Bytes on the GPU that a step may take. Default: what it has. */
  memory?: number;
  signal?: AbortSignal;
}

export interface BeginOptions extends RunMachine, InitSource {
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

export interface RunOutcome extends TrainResult {
  /** Path of the best weights. */
  weights: string;
  run: RunData;
}

/** @throws InputError before the folder is made where data, weights, settings or adapter will not do. */
export async function beginRun(options: BeginOptions): Promise<RunOutcome> {
  const { out, data: source, init } = options;
  const checkpoint = await readInit(options);
  const start = startOf({ ...options, classes: source.classes, seed: options.settings.seed, init: checkpoint });
  for (const { message } of start.warnings) say(`raybox: ${init}: ${message}`);
  const settings = settingsOf(start, options);
  checkSettings(settings);
  await refuseUsedFolder(out);
  return withMachine(settings, source, options, async (gpu, store) => {
    const run = await openTrainingData(source.folder, { ...source, store, signal: options.signal });
    const folder = await createRunFolder(out, configOf(settings, options));
    let begun = false;
    try {
      await writeLists(out, run);
      const pixels = await openPixelRecord(out, decodedOf(run, store), { accept: false, isNew: true });
      const { command, raybox } = folder.config;
      folder.log({ event: 'start', adapter: describe(gpu.info), command, version: raybox });
      const onBegun = () => {
        begun = true;
      };
      const { weights, fresh } = start;
      return await carryOut(gpu, store, folder, run, { ...options, weights, fresh, onBegun, pixels });
    } catch (error) {
      // Nothing was learnt: the folder would only be in the way of the next attempt. Who stopped it may go on with it.
      if (!begun && !options.signal?.aborted) await rm(out, { recursive: true, force: true });
      throw error;
    } finally {
      await folder.close();
    }
  });
}

/** The settings of a run, with the network that it starts from. */
function settingsOf({ architecture, input, heatmapScaling }: Start, options: BeginOptions): TrainSettings {
  const { transition, prediction = 'head.prediction' } = architecture.head;
  const layersOfHead = [...(transition ? ['head.transition'] : []), prediction];
  return {
    architecture,
    classes: options.data.classes,
    input,
    heatmapScaling: options.heatmapScaling ?? heatmapScaling,
    ...options.settings,
    // What is said of the head is meant for its layers, whatever they are called.
    parts: options.settings.parts.flatMap((part) =>
      part.match === 'head' ? layersOfHead.map((match) => ({ ...part, match })) : [part],
    ),
  };
}

/** What is written down with a run. */
const configOf = (settings: TrainSettings, options: BeginOptions): RunConfig => ({
  raybox: version(),
  command: options.command,
  data: options.data,
  init: options.init,
  initCache: options.initCache,
  initIntegrity: options.initIntegrity,
  prefix: options.prefix,
  ignore: options.ignore,
  metadata: options.metadata,
  settings,
  trainingData: options.trainingData ?? basename(resolve(options.data.folder)),
  license: options.license ?? 'unknown',
  memory: options.memory,
  adapter: options.adapter,
  checkpointMs: options.checkpointMs,
});

/** Opens what a run works with, and closes it when the work ends. */
async function withMachine<T>(
  { input }: TrainSettings,
  data: DecodeOptions,
  { adapter, gpu: given, threads, cacheBytes }: RunMachine,
  work: (gpu: Gpu, store: ImageStore) => Promise<T>,
): Promise<T> {
  const gpu = given ?? (await openGpu(adapter ? { adapter } : {}));
  const store = openImageStore({ ...input, decode: decodeOptions(data), threads, cacheBytes });
  try {
    return await work(gpu, store);
  } finally {
    await store.close();
    if (!given) gpu.close();
  }
}

export interface ResumeOptions extends RunMachine {
  out: string;
  /** Where the data set is now. */
  data?: string;
  epochs?: number;
  patience?: number;
  /** Goes on although images have other pixels than when the run began. */
  acceptChangedImages?: boolean;
}

/** Goes on with the run in a folder, from its newest checkpoint; a run that has none begins again. */
export async function resumeRun(options: ResumeOptions): Promise<RunOutcome> {
  const folder = await openRunFolder<RunConfig>(options.out, (message) => say(`raybox: ${message}`));
  try {
    return await goOn(folder, options);
  } finally {
    await folder.close();
  }
}

async function goOn(
  folder: RunFolder<RunConfig>,
  { out, data, epochs, patience, acceptChangedImages: accept = false, ...machine }: ResumeOptions,
): Promise<RunOutcome> {
  if (folder.config.settings.ridge && (epochs !== undefined || patience !== undefined)) {
    throw new InputError('a run with --ridge has no epochs: neither --epochs nor --patience holds for it');
  }
  const settings = {
    ...folder.config.settings,
    ...(epochs === undefined ? {} : { epochs }),
    ...(patience === undefined ? {} : { patience }),
  };
  checkSettings(settings);
  const { checkpointMs = folder.config.checkpointMs } = machine;
  const config = { ...folder.config, settings, ...(checkpointMs === undefined ? {} : { checkpointMs }) };
  const { adapter = config.adapter } = machine;
  let from: { weights?: WeightSource; fresh?: string[] } = {};
  if (!folder.resume && config.init !== undefined) {
    const { input, classes, seed } = settings;
    const architecture = familyOf(settings);
    from = startOf({
      ...{ backbone: architecture.backbone, size: input.size, channels: input.channels, classes, seed },
      ...{ pooling: architecture.head.pooling, transition: architecture.head.transition?.channels ?? 0 },
      init: await readInit(config),
      ...{ metadata: config.metadata, prefix: config.prefix, ignore: config.ignore },
    });
  }
  return withMachine(settings, config.data, { ...machine, adapter }, async (gpu, store) => {
    const lists = {
      train: join(out, LISTS.train),
      validation: join(out, LISTS.validation),
      test: join(out, LISTS.test),
    };
    // A run that was killed while it began may lack them, and splits again.
    const isSplit = folder.resume !== undefined || Object.values(lists).every(existsSync);
    const run = await openTrainingData(data ?? config.data.folder, {
      ...config.data,
      ...(isSplit ? { lists } : {}),
      store,
      signal: machine.signal,
    });
    if (!isSplit) await writeLists(out, run);
    const pixels = await openPixelRecord(out, decodedOf(run, store), { accept, isNew: !folder.resume });
    // What is said now holds for the next time too.
    await folder.configure(config);
    const state = folder.resume?.state;
    folder.log({
      event: 'resume',
      adapter: describe(gpu.info),
      ...(state ? { from: `epoch ${state.epoch}, step ${state.step}` } : {}),
    });
    return carryOut(gpu, store, { ...folder, config }, run, { ...machine, checkpointMs, ...from, pixels });
  });
}

function version(): string {
  return JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')).version;
}
