/** The work of a training run, between the store that decodes its images and the folder that keeps what comes of it. */
import { basename, join, resolve } from 'node:path';
import { describe, type Gpu } from '../gpu/device.js';
import type { WeightSource } from '../graph/plan/constants.js';
import type { ImageStore } from '../node/image_store.js';
import type { PixelRecord } from '../node/pixel_record.js';
import type { EpochRecord } from '../train/checkpoint.js';
import { fingerprintOf } from '../train/data.js';
import { fitPrediction } from '../train/fit_prediction.js';
import { initialWeights } from '../train/initial.js';
import { train } from '../train/loop.js';
import { modelCard } from '../train/model_card.js';
import type { Keeper } from '../train/options.js';
import { featureFile } from './feature_file.js';
import { BEST, type RunFolder } from './run_folder.js';
import { loadCurves } from './train_curves.js';
import { startTrainDisplay } from './train_progress.js';
import type { RunConfig, RunMachine, RunOutcome } from './train_run.js';
import type { RunData } from './training_data.js';

/** Hashes of the images that have been decoded, by name. */
export function decodedOf({ data, dataset }: RunData, store: ImageStore): Map<string, string> {
  const names = [...data.train, ...data.validation].map((row) => data.images[row]);
  return new Map(
    names.flatMap((name) => {
      const hash = store.hashOf(dataset.paths.get(name) as string);
      return hash === undefined ? [] : [[name, hash] as const];
    }),
  );
}

export interface Work extends RunMachine {
  pixels: PixelRecord;
  weights?: WeightSource;
  fresh?: readonly string[];
  onBegun?: () => void;
}

/** Trains in a folder that is open, to the best weights, and keeps there what is to be known. */
export async function carryOut(
  gpu: Gpu,
  store: ImageStore,
  folder: RunFolder<RunConfig>,
  run: RunData,
  work: Work,
): Promise<RunOutcome> {
  const { config } = folder;
  const { settings, trainingData, license } = config;
  const { weights, fresh = [], onBegun, signal, checkpointMs, memory = config.memory, pixels } = work;
  const { data, counts, dataset } = run;
  const display = startTrainDisplay();
  const warn = (message: string) => {
    display.note(`raybox: ${message}`);
    folder.log({ event: 'warning', message });
  };
  for (const warning of [...run.warnings, ...pixels.warnings]) warn(warning);
  const drawCurves = await loadCurves().catch((error: Error) => {
    warn(`no curves are drawn: ${error.message}`);
    return undefined;
  });
  const updatesPerEpoch = Math.floor(data.train.length / (settings.batch * settings.accumulate));
  const losses = folder.entries.filter(({ event }) => event === 'update').map(({ loss }) => loss as number);
  const drawHistory = async (history: readonly EpochRecord[]) => {
    const title = `Training ${basename(resolve(folder.path))}`;
    if (drawCurves && history.length > 0) {
      await folder.write('curves.html', drawCurves({ title, history, losses, updatesPerEpoch }));
    }
  };
  const images = async (row: number) => {
    const [name, path] = [data.images[row], dataset.paths.get(data.images[row]) as string];
    const image = await store.read(path);
    const changed = pixels.see(name, store.hashOf(path) as string);
    if (changed) warn(changed);
    return image;
  };
  const keeper: Keeper = {
    async checkpoint(checkpoint) {
      const path = await folder.checkpoint(checkpoint);
      const { epoch, step } = checkpoint.state;
      folder.log({ event: 'checkpoint', epoch: epoch + 1, step, path });
      return path;
    },
    async best(bytes, best) {
      await folder.write(BEST, bytes);
      const card = modelCard({
        ...{ settings, counts, best, trainingData, license },
        images: { train: data.train.length, validation: data.validation.length },
        command: config.command,
        ...(config.init === undefined ? {} : { init: { from: basename(config.init), fresh } }),
        ...{ adapter: describe(gpu.info), version: config.raybox },
      });
      await folder.write('best.md', card);
    },
    async epoch(history, seconds) {
      const record = history[history.length - 1];
      folder.log({ event: 'epoch', ...record, seconds });
      display.epoch(record, seconds);
      await drawHistory(history);
    },
    update(update) {
      onBegun?.();
      losses.push(update.loss);
      folder.log({ event: 'update', ...update });
    },
    warn,
  };
  try {
    // The run may have been killed before it could draw them.
    await drawHistory(folder.resume?.state.history ?? []);
    const common = { gpu, settings, data, images, keeper, trainingData, license, signal, onProgress: display.update };
    // Another adapter rounds differently: its features begin anew.
    const file = featureFile(folder.path, `${fingerprintOf(data)} ${describe(gpu.info)}`);
    const append = (values: Float32Array) => {
      onBegun?.();
      return file.append(values);
    };
    const start = weights ?? initialWeights(settings.seed);
    const result = settings.ridge
      ? await fitPrediction({ ...common, kept: { read: file.read, append }, weights: start })
      : await train({
          ...{ ...common, checkpointMs, weights, memory },
          resume: folder.resume,
          resumedFrom: folder.resumedFrom,
        });
    await file.remove();
    folder.log({
      event: 'end',
      epochs: result.history.length,
      best: result.best.epoch,
      stoppedEarly: result.stoppedEarly,
    });
    return { ...result, weights: join(folder.path, BEST), run };
  } finally {
    // Of images for which there was no room at the beginning.
    for (const line of store.warnings()) if (!run.warnings.includes(line)) warn(line);
    display.stop();
  }
}
