/**
 * Runs the paper's ablations on phantoms: pooling, loss, backbone and size of the last map; and beside them other methods of pooling. bench/README.md explains them.
 *
 *   npm run ablations -- --data DIR --out DIR [--only pooling,loss] [--seeds 3]
 *
 * Each finished run is a file in `--out`. The same command again does the missing runs and then writes the summary.
 */

import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { adapterOption } from '../../../src/cli/adapter_option.js';
import { evaluateWeights } from '../../../src/cli/evaluate/weights.js';
import { writePhantoms } from '../../../src/cli/phantom/files.js';
import { duration, nameList, say, startProgress, wholeNumber } from '../../../src/cli/terminal.js';
import { LISTS } from '../../../src/cli/train/data.js';
import type { BeginOptions } from '../../../src/cli/train/run_types.js';
import { InputError } from '../../../src/errors.js';
import type { EvaluationResult } from '../../../src/evaluate/evaluate.js';
import { ALL_LABELS } from '../../../src/evaluate/localization.js';
import { mean } from '../../../src/evaluate/roc.js';
import { readImageList } from '../../../src/formats/data_sets/chestxray.js';
import { CHEST_XRAY8_LABELS } from '../../../src/formats/data_sets/image_table.js';
import { poolingNumbers } from '../../../src/formats/weights/poolings.js';
import { readSafetensors, writeSafetensors } from '../../../src/formats/weights/safetensors.js';
import { type Gpu, openGpu } from '../../../src/gpu/device.js';
import { openDataset } from '../../../src/node/dataset.js';
import { readText, writeWhole } from '../../../src/node/text_files.js';
import { PRESETS, type Preset } from '../../../src/phantom/index.js';
import { DEFAULT_AUGMENTATION } from '../../../src/train/augmentation.js';
import type { LossSettings } from '../../../src/train/settings.js';
import { runStudy } from '../study_program.js';
import { keepStudy, resultOf, trainOnce } from '../training_runs.js';
import {
  BLOCKS,
  type Configuration,
  type Cost,
  configurationsOf,
  costOf,
  REFERENCE,
  TRANSITION,
} from './configurations.js';
import { ablationSummary, type Run } from './summary.js';

export interface Options {
  data: string;
  out: string;
  only: string[];
  seeds: number;
  firstSeed: number;
  count: number;
  size: number;
  epochs: number;
  pretrain: number;
  batch: number;
  lr: number;
  preset: Preset;
  adapter?: string;
  threads?: number;
}

/** All runs use one device, so that kernels are compiled only once. */
type OnDevice = Options & { gpu: Gpu };

/** Shares of the phantoms. All phantoms with boxes are for testing. */
const VALIDATION = 0.1;
const TEST = 0.3;
/** Seed of the pretraining. Those of the runs begin at 1. */
const PRETRAINING_SEED = 0;

export async function ablations(options: Options, signal: AbortSignal): Promise<string> {
  const { out, only, seeds, firstSeed, size, epochs } = options;
  const unknown = only.find((name) => !BLOCKS.some((block) => block.name === name));
  if (unknown) throw new InputError(`--only: there is no ${unknown}`, { expected: names.join(', ') });
  const blocks = BLOCKS.filter(({ name }) => only.includes(name));
  const configurations = configurationsOf(blocks);
  const costs = new Map(configurations.map((one): [string, Cost] => [one.id, costOf(one, size)]));
  for (const { id } of configurations) say(`${id}: ${describeCost(costs.get(id) as Cost)}`);
  const { count, pretrain, batch, lr, preset } = options;
  const study = { count, size, pretrain, epochs, batch, lr, preset, style: PRESETS[preset] };
  await keepStudy(join(out, 'study.json'), study);

  const runs: Run[] = [];
  const todo = Array.from({ length: seeds }, (_, i) => firstSeed + i).flatMap((seed) =>
    configurations.map((configuration) => ({ configuration, seed })),
  );
  const pathOf = ({ configuration, seed }: (typeof todo)[number]) =>
    join(out, 'runs', `${configuration.id}-seed-${seed}.json`);
  let missing = todo.filter((one) => !existsSync(pathOf(one))).length;
  say(`${todo.length} runs, ${missing} of them to do`);
  const times: number[] = [];
  let gpu: Gpu | undefined;
  try {
    for (const { configuration, seed } of todo) {
      signal.throwIfAborted();
      const started = performance.now();
      const path = pathOf({ configuration, seed });
      const isNew = !existsSync(path);
      const run = await resultOf(path, async (folder) => {
        gpu ??= await openGpu(options.adapter ? { adapter: options.adapter } : {});
        return runOne(configuration, seed, folder, { ...options, gpu }, signal);
      });
      runs.push(run);
      if (!isNew) continue;
      times.push(performance.now() - started);
      missing--;
      const left = missing === 0 ? '' : `; ${missing} left, about ${duration(missing * mean(times))}`;
      say(`${run.id}, seed ${seed}: mean AUC ${run.meanAuc.toFixed(3)}, ${duration(times[times.length - 1])}${left}`);
    }
  } finally {
    gpu?.close();
  }
  const { markdown, svg } = await ablationSummary(runs, blocks, costs, options);
  await writeWhole(join(out, 'ablations.md'), markdown);
  await writeWhole(join(out, 'ablations.svg'), svg);
  return markdown;
}

export const describeCost = ({ side, megaflops, parameters }: Cost) =>
  `S = ${side}, ${megaflops.toFixed(1)} MFLOP, ${(parameters / 1000).toFixed(0)}k parameters`;

/**
 * Does one run. The seed determines phantoms, split, order, augmentation, and the first weights of layers that networks have in common. These
 * are the same for all configurations.
 */
async function runOne(
  configuration: Configuration,
  seed: number,
  folder: string,
  options: OnDevice,
  signal: AbortSignal,
): Promise<Run> {
  const started = performance.now();
  const { size, batch, adapter, gpu, threads, preset, count } = options;
  const { id, backbone, pooling, r, loss } = configuration;
  const init = options.pretrain > 0 ? await pretrained(configuration, options, signal) : undefined;
  const data = await phantoms(seed, options, signal);
  const outcome = await trainOnce({
    ...{ out: join(folder, 'training'), init, backbone, pooling, r, size, adapter, gpu, threads, signal },
    ...poolingNumbers(configuration),
    transition: TRANSITION,
    command: `npm run ablations (${id}, seed ${seed})`,
    data: { folder: data, classes: CHEST_XRAY8_LABELS, seed, validation: VALIDATION, test: TEST },
    trainingData: `${count} raybox phantoms, preset ${preset}, seed ${seed}`,
    license: 'MIT',
    settings: settingsOf({ ...options, loss, seed }),
  });
  const test = join(folder, 'training', LISTS.test);
  const result = await evaluateWeights(outcome.weights, await openDataset(data), {
    ...{ out: join(folder, 'evaluation'), html: false, replicates: 0, seed, batch, device: gpu.device, signal },
    classes: CHEST_XRAY8_LABELS,
    test: readImageList(await readText(test), test),
  });
  const seconds = (performance.now() - started) / 1000;
  return { id, seed, bestEpoch: outcome.best.epoch, seconds, ...figuresOf(result) };
}

const settingsOf = ({
  epochs,
  batch,
  seed,
  lr,
  loss,
}: Options & { seed: number; loss: LossSettings }): BeginOptions['settings'] => ({
  ...{ epochs, batch, accumulate: 1, seed, patience: 0, parts: [], batchNorm: 'train', loss },
  optimizer: { kind: 'adamw', weightDecay: 1e-4 },
  learningRate: lr,
  schedule: { kind: 'cosine', warmUp: Math.min(0.5, epochs / 4) },
  augmentation: DEFAULT_AUGMENTATION,
});

/**
 * The weights from which every run of a backbone starts, as the paper's runs start from ImageNet weights. They are trained once, on clear
 * phantoms of a seed that no run uses, and without the head. The pooling of this training is LSE with a small r, between average and maximum.
 */
async function pretrained({ backbone }: Configuration, options: OnDevice, signal: AbortSignal): Promise<string> {
  const { id } = configurationsOf(BLOCKS).find((one) => one.backbone === backbone) as Configuration;
  const file = join(options.out, 'backbones', `${id}.safetensors`);
  if (existsSync(file)) return file;
  const { size, adapter, gpu, threads } = options;
  const out = join(options.out, 'backbones', id);
  const data = await phantoms(PRETRAINING_SEED, { ...options, preset: 'demo' }, signal);
  const { weights } = await trainOnce({
    ...{ out, backbone, pooling: 'lse', r: 1, size, adapter, gpu, threads, signal, transition: TRANSITION },
    command: `npm run ablations (backbone of ${id})`,
    data: { folder: data, classes: CHEST_XRAY8_LABELS, seed: PRETRAINING_SEED, validation: VALIDATION, test: 0 },
    settings: settingsOf({ ...options, epochs: options.pretrain, loss: REFERENCE.loss, seed: PRETRAINING_SEED }),
  });
  const { tensors, metadata } = readSafetensors(await readFile(weights));
  const backboneOnly = new Map([...tensors].filter(([name]) => !name.startsWith('head.')));
  await writeWhole(file, writeSafetensors(backboneOnly, metadata));
  await rm(out, { recursive: true, force: true });
  return file;
}

/** Draws the phantoms of a seed, unless they are there. */
async function phantoms(seed: number, { data, count, size, preset }: Options, signal: AbortSignal): Promise<string> {
  const folder = join(data, `${preset}-seed-${seed}`);
  const drawing = { count, seed, size, preset, boxes: 'test' as const };
  if (existsSync(join(folder, 'phantoms.json'))) {
    await keepStudy(join(folder, 'study.json'), { ...drawing, style: PRESETS[preset] });
    return folder;
  }
  const progress = startProgress(`drawing seed ${seed}`, count, 'images');
  try {
    await writePhantoms({ ...drawing, out: folder, signal, onProgress: progress.update });
  } finally {
    progress.stop();
  }
  await keepStudy(join(folder, 'study.json'), { ...drawing, style: PRESETS[preset] });
  return folder;
}

function figuresOf({
  overall,
  meanAuc,
  images,
  localization,
}: EvaluationResult): Omit<Run, 'id' | 'seed' | 'bestEpoch' | 'seconds'> {
  const scores = localization?.known.scores ?? [];
  const diseases = scores.filter(({ label }) => label !== ALL_LABELS);
  const [all] = scores.filter(({ label }) => label === ALL_LABELS);
  return {
    ...{ meanAuc, images, truthBoxes: all?.truthBoxes ?? 0 },
    auc: Object.fromEntries(overall.map(({ label, auc }) => [label, auc])),
    accuracy: (all?.figures ?? []).map(({ measure, threshold, averageFalsePositives }, at) => ({
      ...{ measure, threshold, averageFalsePositives },
      mean: mean(diseases.map(({ figures }) => figures[at].accuracy)),
      of: Object.fromEntries(diseases.map(({ label, figures }) => [label, figures[at].accuracy])),
    })),
  };
}

const names = BLOCKS.map(({ name }) => name);
/** The blocks of the paper, which are done unless others are asked for. */
const OF_THE_PAPER = names.filter((name) => name !== 'methods');

const program = new Command('ablations')
  .description('the paper’s ablations on phantoms; the same command again goes on where it stopped')
  .requiredOption('--data <dir>', 'where the phantoms of each seed are, or are drawn')
  .requiredOption('--out <dir>', 'folder of results')
  .option('--only <blocks>', names.join(','), nameList, OF_THE_PAPER)
  .option('--seeds <n>', 'runs of each configuration', wholeNumber(1, 1000), 3)
  .option('--first-seed <n>', 'the first of these seeds', wholeNumber(1, 2 ** 31), 1)
  .option('--count <n>', 'phantoms of a seed; 60 % train, 10 % validate, 30 % test', wholeNumber(100, 1_000_000), 4000)
  .option('--size <pixels>', 'side of phantoms and of the network’s input', wholeNumber(64, 2048), 64)
  .option('--epochs <n>', 'passes through all training images', wholeNumber(1, 1e6), 3)
  .option(
    '--pretrain <epochs>',
    'passes in which each backbone is first trained on as many clear phantoms; 0 for random weights',
    wholeNumber(0, 1e6),
    6,
  )
  .option('--batch <n>', 'images at a time', wholeNumber(1, 4096), 16)
  .option('--lr <rate>', 'learning rate', Number, 3e-3)
  .addOption(new Option('--preset <name>', 'preset of the phantoms').choices(Object.keys(PRESETS)).default('hard'))
  .addOption(adapterOption())
  .option('--threads <n>', 'threads that decode images', wholeNumber(1, 256));

await runStudy(import.meta.url, program, ablations);
