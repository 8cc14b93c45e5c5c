/** Carries out a training run: it reads images from the store and writes results into the folder. */
import { basename, join, resolve } from 'node:path';
import { describe, type Gpu } from '../../gpu/device.js';
import type { WeightSource } from '../../graph/plan/types.js';
import { activationCache } from '../../node/caches/activation_cache.js';
import type { ImageStore } from '../../node/caches/image_store.js';
import type { PixelRecord } from '../../node/caches/pixel_record.js';
import type { EpochRecord } from '../../train/checkpoint.js';
import { fingerprintOf } from '../../train/data.js';
import { fitPrediction } from '../../train/fit_prediction.js';
import { initialWeights } from '../../train/initial.js';
import type { ImageSource } from '../../train/input.js';
import { train } from '../../train/loop.js';
import { modelCard } from '../../train/model_card.js';
import type { Keeper, TrainOptions, TrainResult } from '../../train/options.js';
import { loadCurves } from './curves.js';
import type { RunData } from './data.js';
import { featureFile } from './feature_file.js';
import { startTrainDisplay, type TrainDisplay } from './progress.js';
import { BEST, type RunFolder } from './run_folder.js';
import type { RunConfig, RunMachine, RunOutcome } from './run_types.js';

/** The hashes of all images that have been decoded, by the names of the images. */
export function decodedOf({ data, dataset }: RunData, store: ImageStore): Map<string, string> {
  const names = [...data.train, ...data.validation].map((row) => data.images[row]);
  return new Map(
    names.flatMap((name) => {
      const hash = store.hashOf(dataset.paths.get(name) as string);
      return hash === undefined ? [] : [[name, hash] as const];
    }),
  );
}

/** What a run works with, whether it begins or goes on. */
export interface Work extends RunMachine {
  pixels: PixelRecord;
  weights?: WeightSource;
  fresh?: readonly string[];
  onBegun?: () => void;
}

/** Trains, and keeps weights, checkpoints, log and curves in the folder, which is open. */
export async function carryOut(
  gpu: Gpu,
  store: ImageStore,
  folder: RunFolder<RunConfig>,
  run: RunData,
  work: Work,
): Promise<RunOutcome> {
  const display = startTrainDisplay();
  const warn = (message: string) => {
    display.note(`raybox: ${message}`);
    folder.log({ event: 'warning', message });
  };
  for (const warning of [...run.warnings, ...work.pixels.warnings]) warn(warning);
  const curves = await openCurves(folder, run, warn);
  const keeper: Keeper = { ...keeperOf(gpu, folder, run, work, display, curves), warn };
  try {
    // If the run was killed, it may not have drawn the curves of its last epoch.
    await curves.draw(folder.resume?.state.history ?? []);
    const images = imageSource(store, run, work.pixels, warn);
    const result = await learn(gpu, folder, work, { data: run.data, images, keeper, onProgress: display.update });
    folder.log({
      event: 'end',
      epochs: result.history.length,
      best: result.best.epoch,
      stoppedEarly: result.stoppedEarly,
    });
    return { ...result, weights: join(folder.path, BEST), run };
  } finally {
    // These are warnings of images that were not decoded before the training, because there was no room to keep them.
    for (const line of store.warnings()) if (!run.warnings.includes(line)) warn(line);
    display.stop();
  }
}

/** The file with the curves of a run: the losses of all updates, and the results of the epochs. */
interface CurvesFile {
  addLoss(loss: number): void;
  draw(history: readonly EpochRecord[]): Promise<void>;
}

/** If the plotting libraries, which are optional, are not installed, it warns, and no file is written. */
async function openCurves(
  { config: { settings }, entries, path, write }: RunFolder<RunConfig>,
  { data }: RunData,
  warn: (message: string) => void,
): Promise<CurvesFile> {
  const drawn = await loadCurves().catch((error: Error) => {
    warn(`no curves are drawn: ${error.message}`);
    return undefined;
  });
  const title = `Training ${basename(resolve(path))}`;
  const updatesPerEpoch = Math.floor(data.train.length / (settings.batch * settings.accumulate));
  const losses = entries.filter(({ event }) => event === 'update').map(({ loss }) => loss as number);
  return {
    addLoss: (loss) => losses.push(loss),
    async draw(history) {
      if (drawn && history.length > 0) await write('curves.html', drawn({ title, history, losses, updatesPerEpoch }));
    },
  };
}

/** Reads images by their rows, and warns of those that have other pixels than when the run began. */
const imageSource =
  (store: ImageStore, { data, dataset }: RunData, pixels: PixelRecord, warn: (message: string) => void): ImageSource =>
  async (row) => {
    const [name, path] = [data.images[row], dataset.paths.get(data.images[row]) as string];
    const image = await store.read(path);
    const changed = pixels.see(name, store.hashOf(path) as string);
    if (changed) warn(changed);
    return image;
  };

/** Writes checkpoints, the best weights with their model card, the log and the curves into the folder. */
function keeperOf(
  gpu: Gpu,
  folder: RunFolder<RunConfig>,
  { data, counts }: RunData,
  { fresh = [], onBegun }: Work,
  display: TrainDisplay,
  curves: CurvesFile,
): Keeper {
  const { settings, trainingData, license, command, init, raybox } = folder.config;
  return {
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
        command,
        ...(init === undefined ? {} : { init: { from: basename(init), fresh } }),
        ...{ adapter: describe(gpu.info), version: raybox },
      });
      await folder.write('best.md', card);
    },
    async epoch(history, seconds) {
      const record = history[history.length - 1];
      folder.log({ event: 'epoch', ...record, seconds });
      display.epoch(record, seconds);
      await curves.draw(history);
    },
    update(update) {
      onBegun?.();
      curves.addLoss(update.loss);
      folder.log({ event: 'update', ...update });
    },
  };
}

/** Trains in epochs, or, with `ridge`, solves the prediction layer in closed form. */
async function learn(
  gpu: Gpu,
  folder: RunFolder<RunConfig>,
  { weights, onBegun, signal, checkpointMs, activationCache: cache, memory = folder.config.memory }: Work,
  parts: Pick<TrainOptions, 'data' | 'images' | 'keeper' | 'onProgress'>,
): Promise<TrainResult> {
  const { settings, trainingData, license } = folder.config;
  const common = { gpu, settings, trainingData, license, signal, ...parts };
  // Features of another adapter are not used, because it rounds differently.
  const file = featureFile(folder.path, `${fingerprintOf(parts.data)} ${describe(gpu.info)}`);
  const append = (values: Float32Array) => {
    onBegun?.();
    return file.append(values);
  };
  const { resume, resumedFrom } = folder;
  const result = settings.ridge
    ? await fitPrediction({
        ...common,
        kept: { read: file.read, append },
        weights: weights ?? initialWeights(settings.seed),
      })
    : await train({
        ...{ ...common, checkpointMs, weights, memory, resume, resumedFrom },
        ...(cache === undefined ? {} : { activations: activationCache(cache) }),
      });
  await file.remove();
  return result;
}
