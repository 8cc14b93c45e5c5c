/**
 * `raybox reproduce`: all steps of the paper in one command. Reports are mined for labels, a network is trained on these, and its
 * probabilities and boxes are scored. It works on phantoms, which it draws first, or on a data set that has labels already.
 */

import { existsSync } from 'node:fs';
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../errors.js';
import { labelsOf, readDataEntry, readImageList } from '../formats/data_sets/chestxray.js';
import { CHEST_XRAY8_LABELS, type ImageTable } from '../formats/data_sets/image_table.js';
import { parseJson } from '../formats/json.js';
import { openDataset } from '../node/dataset.js';
import { withFolder } from '../node/lock.js';
import { readText, writeWhole } from '../node/text_files.js';
import type { Command } from '../node/vendor/commander.js';
import { DEFAULT_AUGMENTATION } from '../train/augmentation.js';
import { adapterOption } from './adapter_option.js';
import { mine } from './mine/mine.js';
import { writePhantoms } from './phantom/files.js';
import { duration, interruptible, print, say, startProgress, table, wholeNumber } from './terminal.js';
import { LISTS } from './train/data.js';
import { beginRun, resumeRun } from './train/run.js';
import type { RunOutcome } from './train/run_types.js';
import { backboneOf } from './weights_options.js';

interface Options {
  phantom: number;
  data?: string;
  out: string;
  seed: number;
  size: number;
  epochs: number;
  backbone?: string;
  init?: string;
  adapter?: string;
  threads?: number;
}

/**
 * The heatmap of this backbone has a cell for each 4 × 4 pixels of the image, so that small findings can be separated from their
 * neighbours.
 */
const SMALL_BACKBONE = {
  family: 'vgg' as const,
  layers: [16, 'M' as const, 32, 'M' as const, 64, 64],
  batchNorm: true,
};

/** The label file as it was drawn, before reports were mined. */
const DRAWN_LABELS = 'drawn_labels.csv';
const LABEL_FILE = 'Data_Entry_2017.csv';

async function reproduce(options: Options, signal: AbortSignal): Promise<string> {
  const { out, data = join(out, 'data') } = options;
  const started = performance.now();
  const steps: (readonly [string, string])[] = [];
  let since = started;
  const done = (step: string) => {
    steps.push([step, duration(performance.now() - since)]);
    since = performance.now();
  };
  await keepOptions(options);
  if (options.data === undefined) {
    await draw(data, options, signal);
    done('phantoms drawn');
    await mineLabels(data, signal);
    done('reports mined');
  }
  const outcome = await trainOn(data, options, signal);
  done('network trained');
  const scores = await score(data, outcome, options, signal);
  done('network scored');
  say(table([['step', 'time'], ...steps, ['in all', duration(performance.now() - started)]]));
  return scores;
}

const trainingFolder = (out: string) => join(out, 'training');

/** Where the options of a run are kept that decide its results and that no later run may change. */
const OPTIONS_FILE = 'options.json';

/** @throws InputError if a training has begun with other options, which would be continued as if it had these */
async function keepOptions({ out, seed, size, backbone, init }: Options): Promise<void> {
  const file = join(out, OPTIONS_FILE);
  const now = { seed, size, backbone, init };
  if (!existsSync(join(trainingFolder(out), 'config.json'))) return writeWhole(file, `${JSON.stringify(now)}\n`);
  if (!existsSync(file)) return; // an earlier version of raybox has begun
  const before = (parseJson(await readText(file), file) ?? {}) as Record<string, unknown>;
  const other = Object.entries(now).find(([name, value]) => before[name] !== value);
  if (!other) return;
  const text = (value: unknown) => (value === undefined ? 'not given' : String(value));
  throw new InputError(`${out} was begun with other options: --${other[0]} differs`, {
    expected: text(before[other[0]]),
    given: text(other[1]),
    hint: 'give the options of that time, or another --out',
  });
}

/** Draws the data set, unless an earlier run of the same command has done so. */
async function draw(folder: string, { phantom: count, seed }: Options, signal: AbortSignal): Promise<void> {
  const drawing = { count, seed, size: 128, preset: 'demo' as const, boxes: 'test' as const };
  if (existsSync(join(folder, 'phantoms.json'))) {
    const file = join(folder, 'phantoms.json');
    const before = (parseJson(await readText(file), file) ?? {}) as Record<string, unknown>;
    const other = Object.entries(drawing).find(([name, value]) => before[name] !== value);
    if (!other) return say(`${folder}: drawn already`);
    throw new InputError(`${folder} holds other phantoms: ${other[0]} differs`, {
      expected: String(other[1]),
      given: String(before[other[0]]),
      hint: 'give the options that they were drawn with, or another --out',
    });
  }
  const progress = startProgress('drawing', count, 'images');
  try {
    await writePhantoms({ ...drawing, out: folder, signal, onProgress: progress.update });
  } finally {
    progress.stop();
  }
}

/** Replaces the labels that were drawn by those that are mined from the reports, and prints how often both agree. */
async function mineLabels(folder: string, signal: AbortSignal): Promise<void> {
  const [labels, drawn] = [join(folder, LABEL_FILE), join(folder, DRAWN_LABELS)];
  if (!existsSync(drawn)) {
    const mined = join(folder, 'mined_labels.csv');
    await mine([join(folder, 'reports')], {
      out: mined,
      suffix: '.png',
      onProblem: ({ message }) => say(message),
      signal,
    });
    await rename(labels, drawn);
    await rename(mined, labels);
  } else if (!existsSync(labels)) {
    await rename(join(folder, 'mined_labels.csv'), labels); // the earlier run was interrupted between the two renames
  }
  const read = async (path: string) => readDataEntry(await readText(path), { source: path });
  const { agreed, onlyMined, onlyDrawn } = compare(await read(labels), await read(drawn));
  const f1 = (2 * agreed) / (2 * agreed + onlyMined + onlyDrawn);
  say(
    `labels mined from reports: ${agreed} as drawn, ${onlyMined} too many, ${onlyDrawn} missed (F1 ${f1.toFixed(3)}); ` +
      'the reports are from our own templates, so this says nothing about real ones',
  );
}

function compare(mined: ImageTable, drawn: ImageTable) {
  const rowOf = new Map(mined.images.map((image, row) => [image, row]));
  const counts = { agreed: 0, onlyMined: 0, onlyDrawn: 0 };
  for (const [row, image] of drawn.images.entries()) {
    const other = rowOf.get(image);
    const found = new Set(other === undefined ? [] : labelsOf(mined, other));
    for (const label of CHEST_XRAY8_LABELS) {
      const isDrawn = labelsOf(drawn, row).includes(label);
      if (isDrawn && found.has(label)) counts.agreed++;
      else if (isDrawn) counts.onlyDrawn++;
      else if (found.has(label)) counts.onlyMined++;
    }
  }
  return counts;
}

async function trainOn(data: string, options: Options, signal: AbortSignal): Promise<RunOutcome> {
  const { seed, epochs, adapter, threads, size, init } = options;
  const fallback = init === undefined ? SMALL_BACKBONE : undefined;
  const backbone = options.backbone === undefined ? fallback : backboneOf(options.backbone);
  const out = trainingFolder(options.out);
  const machine = { adapter, threads, signal };
  if (existsSync(join(out, 'config.json'))) return resumeRun({ out, data, epochs, ...machine });
  return beginRun({
    ...{ out, size, backbone, init, ...machine },
    command: `raybox ${process.argv.slice(2).join(' ')}`,
    data: { folder: data, classes: CHEST_XRAY8_LABELS, seed },
    heatmapScaling: 'relu',
    trainingData:
      options.data === undefined ? `${options.phantom} raybox phantoms, preset demo, seed ${seed}` : undefined,
    license: options.data === undefined ? 'MIT' : 'unknown',
    settings: {
      ...{ epochs, seed, batch: 16, accumulate: 1, patience: 0, parts: [], batchNorm: 'train' },
      loss: { kind: 'w-cel' },
      optimizer: { kind: 'adamw', weightDecay: 1e-4 },
      learningRate: 3e-3,
      schedule: { kind: 'cosine' },
      augmentation: DEFAULT_AUGMENTATION,
    },
  });
}

async function score(folder: string, { weights }: RunOutcome, options: Options, signal: AbortSignal): Promise<string> {
  const { evaluateWeights } = await import('./evaluate/weights.js');
  const data = await openDataset(folder);
  const list = async (name: string) => {
    const path = join(trainingFolder(options.out), name);
    return readImageList(await readFile(path, 'utf8'), path);
  };
  const out = join(options.out, 'evaluation');
  const { overall, meanAuc, localization } = await evaluateWeights(weights, data, {
    ...{ out, signal, cases: 8, replicates: 1000, seed: options.seed, batch: 16 },
    // The engine that has trained is the one whose results are reproduced.
    ...{ backend: 'webgpu', ...(options.adapter ? { adapter: options.adapter } : {}) },
    classes: CHEST_XRAY8_LABELS,
    validation: await list(LISTS.validation),
    test: await list(LISTS.test),
    subtitle: `the chain of the paper on ${options.data ?? `${options.phantom} phantoms`}`,
  });
  const figure = (value: number | undefined) => (Number.isFinite(value) ? (value as number).toFixed(3) : '–');
  const scores = localization?.known.scores ?? [];
  const rows = overall.map(({ label, positives, auc }) => {
    const local = scores.find((each) => each.label === label);
    return [
      label,
      positives,
      figure(auc),
      local?.truthBoxes ?? 0,
      figure(local?.figures[0].accuracy),
      figure(local?.meanIou),
    ];
  });
  const head = ['', 'with', 'AUC', 'boxes', 'IoBB > 0.1', 'mean IoU'];
  const text = table([head, ...rows]);
  return `${text}mean AUC ${figure(meanAuc)} on the test images; the page of results: ${join(out, 'evaluation.html')}\n`;
}

/** Adds `raybox reproduce`. If it was interrupted, the same command continues. */
export function addReproduceCommand(program: Command): void {
  program
    .command('reproduce')
    .description('the whole paper: draw phantoms, mine their reports, train on the labels, evaluate')
    .requiredOption('--out <dir>', 'folder for data, training and evaluation')
    .option('--phantom <n>', 'phantoms to draw', wholeNumber(50, 1_000_000), 1500)
    .option('--data <dir>', 'use this data set in the ChestX-ray8/14 layout, which has labels, instead of phantoms')
    .option('--seed <n>', 'seed of drawing, split and training', wholeNumber(0, 2 ** 32 - 1), 0)
    .option('--size <pixels>', 'width and height of the network’s input', wholeNumber(16, 8192), 64)
    .option('--epochs <n>', 'passes through all training images', wholeNumber(1, 1e6), 12)
    .option('--backbone <name>', 'default: a small one with a heatmap of a quarter of the image’s width and height')
    .option('--init <weights>', 'weights to start from')
    .option('--threads <n>', 'threads that decode images', wholeNumber(1, 256))
    .addOption(adapterOption())
    .action(async (options: Options) => {
      await print(await interruptible((signal) => withFolder(options.out, () => reproduce(options, signal))));
    });
}
