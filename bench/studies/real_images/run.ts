/**
 * Cross-validation by patient on a data set of real images, from several initial weights. bench/README.md explains it.
 *
 *   npm run cross-validate -- --arm NAME --data DIR --boxed DIR --out DIR [--folds 5] [--poolings lse,pcam] [what raybox train takes]
 *
 * An arm is a choice of initial weights and training options. Each finished fold is a file, and the same command again does the missing ones.
 * The summary shows all arms of `--out` side by side.
 */
import { existsSync } from 'node:fs';
import { copyFile, readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { Command } from 'commander';
import { readPredictions } from '../../../src/cli/evaluate/files.js';
import { evaluateWeights } from '../../../src/cli/evaluate/weights.js';
import { duration, nameList, say, UsageError, wholeNumber } from '../../../src/cli/terminal.js';
import { addTrainingOptions } from '../../../src/cli/train/add_options.js';
import type { TrainingOptions } from '../../../src/cli/train/options.js';
import { InputError } from '../../../src/errors.js';
import { POOLINGS, type Pooling } from '../../../src/formats/weights/poolings.js';
import { type Gpu, openGpu } from '../../../src/gpu/device.js';
import { type Dataset, openDataset } from '../../../src/node/dataset.js';
import { writeWhole } from '../../../src/node/text_files.js';
import { runStudy } from '../study_program.js';
import { keepStudy, readJson, resultOf, trainFold, writeJson } from '../training_runs.js';
import { type Fold, patientFolds, refuseSharedPatients } from './folds.js';
import type { FoldResult } from './scores.js';
import { type Arm, crossValidationSummary } from './summary.js';

export interface Options extends TrainingOptions {
  arm: string;
  data: string;
  boxed?: string;
  boxFrame?: number;
  out: string;
  folds: number;
  reference?: string;
  bootstrap: number;
  /** An arm for each of these poolings, all else equal. */
  poolings?: string[];
}

/** Share of the images outside of the test part that are for validation. A data set of a few hundred images cannot spare more. */
const VALIDATION = 0.15;

/** Options that change how fast an arm is trained, but not its results. */
const MACHINE = ['adapter', 'threads', 'cache', 'imageCache', 'activationCache', 'memory', 'checkpointMinutes'];
/** Options that do not belong to a single arm. */
const STUDY = ['arm', 'data', 'boxed', 'boxFrame', 'out', 'folds', 'reference', 'bootstrap', 'classes', 'seed'];

/** Does the arm or, with `poolings`, an arm for each of them, which is called by the arm's name and the pooling's. */
export async function crossValidateAll({ poolings, ...options }: Options, signal: AbortSignal): Promise<string> {
  if (!poolings) return crossValidate(options, signal);
  if (options.pooling !== undefined) throw new UsageError('--pooling: --poolings says which');
  const unknown = poolings.find((name) => !(POOLINGS as readonly string[]).includes(name));
  if (unknown !== undefined || poolings.length === 0)
    throw new InputError(`--poolings: there is no ${unknown}`, { expected: POOLINGS.join(', ') });
  let summary = '';
  for (const [at, pooling] of poolings.entries()) {
    const { reference, ...others } = { ...options, pooling: pooling as Pooling, arm: `${options.arm}-${pooling}` };
    // The reference may be an arm that is not done before the last one.
    const isLast = at === poolings.length - 1 && reference !== undefined;
    summary = await crossValidate(isLast ? { ...others, reference } : others, signal);
  }
  return summary;
}

/** Trains the missing folds of an arm, and writes the summary of all complete arms. */
async function crossValidate(options: Options, signal: AbortSignal): Promise<string> {
  const { arm, out, folds: count, seed, classes } = options;
  for (const name of ['trainList', 'validationList', 'testList', 'test'] as const) {
    if (options[name] !== undefined) throw new UsageError(`--${dashed(name)}: the folds decide on that`);
  }
  if (!/^[\w.+-]+$/.test(arm)) throw new UsageError('--arm: letters, digits and . + - _');
  const data = await openDataset(options.data);
  const boxed =
    options.boxed === undefined ? undefined : await openDataset(options.boxed, {}).then((set) => checkBoxed(set, data));
  const withBoxes = new Set(data.boxes.map(({ image }) => image));
  const images = new Set(data.table.images.filter((image) => data.paths.has(image) && !withBoxes.has(image)));
  const share = options.validation ?? VALIDATION;
  const folds = patientFolds(data.table, images, { folds: count, share, seed });

  const study = { data: basename(resolve(options.data)), images: images.size, classes, folds: count, seed, share };
  const boxFolder = options.boxed === undefined ? undefined : basename(resolve(options.boxed));
  await keepStudy(join(out, 'study.json'), { ...study, boxed: boxFolder, boxFrame: options.boxFrame });
  const own = Object.entries(options).filter(([name]) => ![...MACHINE, ...STUDY].includes(name));
  await keepStudy(join(out, arm, 'arm.json'), Object.fromEntries(own));

  let gpu: Gpu | undefined;
  try {
    for (const [k, fold] of folds.entries()) {
      signal.throwIfAborted();
      const path = foldPath(out, arm, k);
      if (existsSync(path)) continue;
      const { train, validation, test } = fold;
      const name = `${arm}, fold ${k + 1} of ${count}`;
      say(`${name}: ${train.length} to train, ${validation.length} to validate, ${test.length} to test`);
      gpu ??= await openGpu(options.adapter ? { adapter: options.adapter } : {});
      const work = { options, data, boxed, gpu };
      const { seconds } = await resultOf(path, (folder) => runFold(fold, k, folder, work, signal));
      say(`${name}: ${duration(seconds * 1000)}`);
    }
  } finally {
    gpu?.close();
  }
  const arms = await wholeArms(out, count);
  const { markdown, json } = crossValidationSummary(data.table, arms, {
    ...{ classes, folds: count, images: images.size, reference: options.reference },
    ...{ replicates: options.bootstrap, seed },
  });
  await writeJson(join(out, 'cross_validation.json'), json);
  await writeWhole(join(out, 'cross_validation.md'), markdown);
  return markdown;
}

const dashed = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

const foldPath = (out: string, arm: string, k: number) => join(out, arm, `fold-${k + 1}.json`);

function checkBoxed(boxed: Dataset, data: Dataset): Dataset {
  if (boxed.boxes.length === 0) throw new InputError(`${boxed.folder} has no boxes`);
  refuseSharedPatients(data.table, boxed.table);
  return boxed;
}

interface Work {
  options: Options;
  data: Dataset;
  boxed: Dataset | undefined;
  /** All folds use one device, so that kernels are compiled only once. */
  gpu: Gpu;
}

async function runFold(
  fold: Fold,
  k: number,
  folder: string,
  { options, data, boxed, gpu }: Work,
  signal: AbortSignal,
): Promise<FoldResult> {
  const started = performance.now();
  const outcome = await trainFold(options, {
    ...{ data: options.data, fold, folder, gpu, signal },
    command: `npm run cross-validate (${options.arm}, fold ${k + 1} of ${options.folds})`,
  });
  const { classes, batch, seed } = options;
  const score = (name: string, set: Dataset, test: readonly string[], boxFrame?: number) =>
    evaluateWeights(outcome.weights, set, {
      ...{ out: join(folder, name), html: false, replicates: 0, seed, classes, batch, device: gpu.device },
      ...{ signal, boxFrame },
      test: [...test],
    });
  await score('test', data, fold.test);
  const predicted = await readPredictions(join(folder, 'test', 'predictions.jsonl'), { classes });
  const boxImages = [...new Set(boxed?.boxes.map(({ image }) => image))];
  const found = boxed && (await score('boxed', boxed, boxImages, options.boxFrame)).localization?.known;
  await copyFile(outcome.weights, foldPath(options.out, options.arm, k).replace(/json$/, 'safetensors'));
  return {
    bestEpoch: outcome.best.epoch,
    seconds: (performance.now() - started) / 1000,
    predictions: predicted.map(({ image, logits }) => ({ image, logits })),
    ...(found ? { boxes: { network: found.scores, medianBox: found.medianBox, randomMap: found.randomMap } } : {}),
  };
}

/** The arms of which all folds are finished, sorted by name. */
async function wholeArms(out: string, folds: number): Promise<Arm[]> {
  const paths = (name: string) => Array.from({ length: folds }, (_, k) => foldPath(out, name, k));
  const entries = (await readdir(out, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const names = entries.map(({ name }) => name).sort();
  const whole = names.filter((name) => paths(name).every((path) => existsSync(path)));
  return Promise.all(
    whole.map(async (name) => ({
      name,
      folds: await Promise.all(paths(name).map((path) => readJson<FoldResult>(path))),
    })),
  );
}

const program = addTrainingOptions(
  new Command('cross-validate')
    .description('cross-validation by patient; further options are those of raybox train')
    .requiredOption('--arm <name>', 'name of this choice of initial weights and training options')
    .requiredOption('--data <dir>', 'data set in the ChestX-ray8/14 layout')
    .option('--boxed <dir>', 'images of other patients with boxes, to score boxes on')
    .option('--box-frame <pixels>', 'side of the frame of their boxes; default: the image', wholeNumber(1, 65_535))
    .requiredOption('--out <dir>', 'folder of results, one for all arms')
    .option('--folds <n>', 'number of folds, over which patients are distributed', wholeNumber(2, 1000), 5)
    .option('--reference <arm>', 'the arm that the others are compared with; default: the first by name')
    .option('--poolings <kinds>', 'an arm for each of these poolings, all else equal: lse,pcam,top-k', nameList)
    .option('--bootstrap <draws>', 'bootstrap draws of patients', wholeNumber(0, 100_000), 2000),
);

await runStudy(import.meta.url, program, crossValidateAll);
