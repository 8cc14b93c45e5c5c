/**
 * Poolings and heatmap methods side by side: a network for each pooling, all trained alike on the same images with the same seed, and their
 * heatmaps by each method. bench/README.md explains it.
 *
 *   npm run methods -- --data DIR --masks FILE... --out DIR [--poolings lse,pcam] [--methods cam,layer-cam] [what raybox train takes]
 *
 * Images of test patients are scored: how well they are ranked, and how well heatmaps and boxes agree with radiologists' marks. Each step
 * leaves a file in `--out`, and the same command again does the missing steps.
 */
import { join } from 'node:path';
import { Command } from 'commander';
import { patientsOf } from '../../../src/cli/evaluate/mask_scorers.js';
import { evaluateWeights } from '../../../src/cli/evaluate/weights.js';
import { duration, nameList, say, UsageError, wholeNumber } from '../../../src/cli/terminal.js';
import { addTrainingOptions } from '../../../src/cli/train/add_options.js';
import type { TrainingOptions } from '../../../src/cli/train/options.js';
import type { MaskTruth } from '../../../src/evaluate/masks/truth.js';
import { HEATMAP_METHODS, type HeatmapMethod } from '../../../src/formats/weights/heatmap_methods.js';
import { POOLINGS, type Pooling } from '../../../src/formats/weights/poolings.js';
import { type Gpu, openGpu } from '../../../src/gpu/device.js';
import { type Dataset, openDataset } from '../../../src/node/dataset.js';
import { writeWhole } from '../../../src/node/text_files.js';
import { type Fold, patientFolds } from '../real_images/folds.js';
import { runStudy } from '../study_program.js';
import { keepStudy, resultOf, trainFold, writeJson } from '../training_runs.js';
import { localizeMarked, readTruths, type TruthFiles } from '../weights/real_truth.js';
import { scoreTruth, type TruthScore } from '../weights/truth_scores.js';
import { methodsSummary, type PoolingResult } from './summary.js';

interface Options extends TrainingOptions, TruthFiles {
  data: string;
  out: string;
  poolings: string[];
  methods: string[];
  thresholdImages: number;
  bootstrap: number;
}

/** One of five parts of the patients is for testing, and 15 % of the other images are for choosing the epoch. */
const PARTS = { folds: 5, share: 0.15 };
/** Options that say how fast the work is done, but do not change its results; and those that are compared by their contents. */
const NO_SETTINGS = [
  ...['adapter', 'threads', 'cache', 'imageCache', 'activationCache', 'memory', 'checkpointMinutes', 'out'],
  ...['poolings', 'methods'],
];

interface Work {
  options: Options;
  data: Dataset;
  fold: Fold;
  truths: readonly MaskTruth[];
  /** All networks use one device, so that kernels are compiled only once. */
  gpu: Gpu;
  signal: AbortSignal;
}

export async function compareMethods(options: Options, signal: AbortSignal): Promise<string> {
  const { out, seed, poolings, methods, bootstrap: replicates } = options;
  if (options.pooling !== undefined) throw new UsageError('--pooling: --poolings says which');
  const chosen = {
    poolings: some('--poolings', poolings, POOLINGS),
    methods: some('--methods', methods, HEATMAP_METHODS),
  };
  const settings = Object.entries(options).filter(([name]) => !NO_SETTINGS.includes(name));
  await keepStudy(join(out, 'study.json'), Object.fromEntries(settings));
  const data = await openDataset(options.data);
  const images = new Set((data.trainValidation ?? data.table.images).filter((image) => data.paths.has(image)));
  const [fold] = patientFolds(data.table, images, { ...PARTS, seed });
  const truths = (await readTruths(options, data, images, [])).map((truth) => smaller(truth, fold, options));
  const gpu = await openGpu(options.adapter ? { adapter: options.adapter } : {});
  const results: PoolingResult[] = [];
  try {
    for (const pooling of chosen.poolings)
      results.push(await doPooling(pooling, chosen.methods, { options, data, fold, truths, gpu, signal }));
  } finally {
    gpu.close();
  }
  await writeJson(join(out, 'methods.json'), { ...chosen, images: fold.test.length, replicates, results });
  const markdown = methodsSummary(results);
  await writeWhole(join(out, 'methods.md'), markdown);
  return markdown;
}

function some<T extends string>(option: string, given: readonly string[], known: readonly T[]): T[] {
  const unknown = given.find((name) => !(known as readonly string[]).includes(name));
  if (unknown !== undefined) throw new UsageError(`${option}: there is no ${unknown}; there are ${known.join(', ')}`);
  return given as T[];
}

/** The marks of test images, and those of as many training images as thresholds and median boxes are to be fitted on. */
function smaller(truth: MaskTruth, { train, test }: Fold, { thresholdImages }: Options): MaskTruth {
  const marked = (image: string) => (truth.images.get(image)?.regions.size ?? 0) > 0;
  const kept = new Set([...train.filter(marked).slice(0, thresholdImages), ...test.filter(marked)]);
  return { ...truth, images: new Map([...truth.images].filter(([image]) => kept.has(image))) };
}

/** Trains the network of a pooling, scores how it ranks the test images, and scores its heatmaps by each method. */
async function doPooling(pooling: Pooling, methods: readonly HeatmapMethod[], work: Work): Promise<PoolingResult> {
  const { options, data, truths, fold, gpu, signal } = work;
  const { out, seed, bootstrap: replicates } = options;
  const own = join(out, pooling);
  const weights = join(own, 'training', 'best.safetensors');
  const trained = await resultOf(join(own, 'trained.json'), () => train(pooling, own, work));
  say(`${pooling}: trained in ${duration(trained.seconds * 1000)}, best epoch ${trained.bestEpoch}`);
  const auc = await resultOf(join(own, 'auc.json'), async (folder) => {
    const { meanAuc: value, meanAucInterval } = await evaluateWeights(weights, data, {
      ...{ out: folder, html: false, replicates, seed, classes: options.classes, batch: options.batch },
      ...{ device: gpu.device, signal, test: fold.test },
    });
    return { value, ...meanAucInterval };
  });
  const patients = patientsOf(data);
  const patientOf = (image: string) => patients.get(image) ?? image;
  const scored = { train: fold.train, validation: fold.test, patientOf, seed, replicates };
  const maps: PoolingResult['maps'] = [];
  for (const method of methods) {
    signal.throwIfAborted();
    const scores = await resultOf(join(own, `${method}.json`), async (): Promise<TruthScore[]> => {
      const found = await localizeMarked(weights, data, truths, { heatmapMethod: method, device: gpu.device, signal });
      return truths.flatMap((truth) => scoreTruth(truth, found, scored));
    });
    maps.push({ method, scores });
    say(`${pooling}, ${method}: scored`);
  }
  return { pooling, ...trained, auc, maps };
}

async function train(pooling: Pooling, folder: string, { options, fold, gpu, signal }: Work) {
  const started = performance.now();
  const { best } = await trainFold(
    { ...options, pooling },
    { data: options.data, fold, folder, gpu, signal, command: `npm run methods (${pooling})` },
  );
  return { bestEpoch: best.epoch, seconds: (performance.now() - started) / 1000 };
}

const program = addTrainingOptions(
  new Command('methods')
    .description('poolings and heatmap methods side by side; further options are those of raybox train')
    .requiredOption('--data <dir>', 'data set in the ChestX-ray8/14 layout; images of its test list are not used')
    .requiredOption('--masks <file...>', 'masks, polygons or boxes of radiologists; each source is a truth of its own')
    .option('--mask-frame <pixels>', 'side of the square that they refer to', wholeNumber(1, 65_535), 1024)
    .option('--lung-opacity <class>', 'the class that "Lung Opacity" is scored as')
    .requiredOption('--out <dir>', 'folder of runs and results')
    .option('--poolings <kinds>', 'a network for each of these', nameList, [...POOLINGS])
    .option('--methods <kinds>', 'heatmaps by each of these', nameList, [...HEATMAP_METHODS])
    .option(
      '--threshold-images <n>',
      'marked training images of each source to fit thresholds on',
      wholeNumber(1, 1e6),
      200,
    )
    .option('--bootstrap <draws>', 'bootstrap draws of patients', wholeNumber(0, 100_000), 1000),
);

await runStudy(import.meta.url, program, compareMethods);
