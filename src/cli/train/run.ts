/** Begins or resumes a training run that has a folder. */

import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { InputError } from '../../errors.js';
import type { DecodeOptions } from '../../formats/images/pixels.js';
import { poolingNumbers } from '../../formats/weights/poolings.js';
import { describe, type Gpu, openGpu } from '../../gpu/device.js';
import type { WeightSource } from '../../graph/plan/types.js';
import { layersOfHead } from '../../nets/architecture.js';
import { type ImageStore, openImageStore } from '../../node/caches/image_store.js';
import { openPixelRecord } from '../../node/caches/pixel_record.js';
import { checkSettings, familyOf, type TrainSettings } from '../../train/settings.js';
import { type Start, startOf } from '../../train/start.js';
import { decodeOptions } from '../image_options.js';
import { packageFacts } from '../package_facts.js';
import { say } from '../terminal.js';
import { LISTS, openTrainingData, writeLists } from './data.js';
import { readInit } from './init.js';
import { createRunFolder, openRunFolder, type RunFolder, refuseUsedFolder } from './run_folder.js';
import type { BeginOptions, ResumeOptions, RunConfig, RunMachine, RunOutcome } from './run_types.js';
import { carryOut, decodedOf } from './work.js';

/** Begins a run. @throws InputError before the folder is made, if data, weights, settings or adapter cannot be used */
export async function beginRun(options: BeginOptions): Promise<RunOutcome> {
  const { out, data: source, init } = options;
  const checkpoint = await readInit(options);
  const { backbone, size, columns, channels, transition, pooling, r, metadata, prefix, ignore } = options;
  const start = startOf({
    ...{ backbone, size, columns, channels, transition, pooling, r, metadata, prefix, ignore },
    ...poolingNumbers(options),
    ...{ classes: source.classes, seed: options.settings.seed, init: checkpoint },
  });
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
      // Nothing has been learnt yet, so the folder would only be in the way when the user tries again. If the user has interrupted the run,
      // the folder is kept, because the run can be resumed.
      if (!begun && !options.signal?.aborted) await rm(out, { recursive: true, force: true });
      throw error;
    } finally {
      await folder.close();
    }
  });
}

/** The settings of a run, with the network that it starts from. */
function settingsOf({ architecture, input, heatmapScaling }: Start, options: BeginOptions): TrainSettings {
  return {
    architecture,
    classes: options.data.classes,
    input,
    heatmapScaling: options.heatmapScaling ?? heatmapScaling,
    ...options.settings,
    // The name `head` stands for the layers of the head, whatever their names are.
    parts: options.settings.parts.flatMap((part) =>
      part.match === 'head' ? layersOfHead(architecture.head).map((match) => ({ ...part, match })) : [part],
    ),
  };
}

/** The configuration that is stored with a run. */
const configOf = (settings: TrainSettings, options: BeginOptions): RunConfig => ({
  raybox: packageFacts().version,
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

/** Opens the device and the store of images for `work`, and closes them when it ends. */
async function withMachine<T>(
  { input }: TrainSettings,
  data: DecodeOptions,
  { adapter, gpu: given, threads, cacheBytes, imageCache }: RunMachine,
  work: (gpu: Gpu, store: ImageStore) => Promise<T>,
): Promise<T> {
  const gpu = given ?? (await openGpu(adapter ? { adapter } : {}));
  try {
    const store = await openImageStore({ ...input, decode: decodeOptions(data), threads, cacheBytes, imageCache });
    try {
      return await work(gpu, store);
    } finally {
      await store.close();
    }
  } finally {
    if (!given) gpu.close();
  }
}

/** Continues the run in a folder from its newest checkpoint. A run without a checkpoint begins again. */
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
      ...{ pooling: architecture.head.pooling, ...poolingNumbers(architecture.head) },
      transition: architecture.head.transition?.channels ?? 0,
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
    // If a run was killed while it began, the lists may be missing. The data is then split again.
    const isSplit = folder.resume !== undefined || Object.values(lists).every(existsSync);
    const run = await openTrainingData(data ?? config.data.folder, {
      ...config.data,
      ...(isSplit ? { lists } : {}),
      store,
      signal: machine.signal,
    });
    if (!isSplit) await writeLists(out, run);
    const pixels = await openPixelRecord(out, decodedOf(run, store), { accept, isNew: !folder.resume });
    // Options that are given now also hold when the run is resumed the next time.
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
