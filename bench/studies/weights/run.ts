/**
 * Makes weights by a recipe, from the data set to the scores: trains its members, joins them, calibrates, fits operating thresholds and how
 * heatmaps become boxes, and scores the result once on the test images. bench/README.md explains it.
 *
 *   npm run weights -- --recipe FILE --data DIR --out DIR [--minutes 25] [--boxes FILE] [--box-frame 1024]
 *
 * Each step leaves a file, and the same command again does the missing steps.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { duration, number, say, wholeNumber } from '../../../src/cli/terminal.js';
import { InputError } from '../../../src/errors.js';
import { readText, writeWhole } from '../../../src/node/text_files.js';
import { runStudy } from '../study_program.js';
import { keepStudy, readJson, writeJson } from '../training_runs.js';
import { type FittedBoxes, fitBoxes } from './fit_boxes.js';
import { type Member, parseRecipe, type Recipe } from './recipe.js';

export interface Options {
  recipe: string;
  data: string;
  out: string;
  seed: number;
  minutes?: number;
  boxes?: string;
  boxFrame?: number;
  adapter?: string;
}

const RAYBOX = fileURLToPath(new URL('../../../src/cli/cli.js', import.meta.url));
/** The part of the time that is for training. The rest is for scoring. */
const FOR_TRAINING = 0.85;
/** `raybox evaluate` always scores some images. When it is only to fit, it gets this many training images, whose scores nobody reads. */
const SCORED_WHILE_FITTING = 40;
/** The exit code of a command that was interrupted. */
const INTERRUPTED = 130;

export async function makeWeights(options: Options, signal: AbortSignal): Promise<string> {
  const { out, seed, minutes } = options;
  const recipe = parseRecipe(await readJson(options.recipe), options.recipe);
  await mkdir(out, { recursive: true });
  await keepStudy(join(out, 'recipe.json'), { ...recipe, seed });
  const end = minutes === undefined ? undefined : performance.now() + minutes * 60_000 * FOR_TRAINING;
  for (const [index, member] of recipe.members.entries()) {
    // Time that a member leaves goes to those after it.
    const open = recipe.members.slice(index).reduce((sum, { share }) => sum + share, 0);
    await train(member, end && ((end - performance.now()) * member.share) / open, options, signal);
  }
  const weights = await finish(recipe, options, signal);
  await evaluate(weights, join(out, 'scores'), ['--bootstrap', '1000'], options, signal);
  return `Weights: ${weights}\nScores:  ${join(out, 'scores')}\n`;
}

const adapterOf = (adapter: string | undefined) => (adapter === undefined ? [] : ['--adapter', adapter]);

/** Trains a member, or goes on with it. When its time is over, its best epoch until then counts. */
async function train(
  { name, train: words, startsFrom }: Member,
  milliseconds: number | undefined,
  { data, out, seed, adapter }: Options,
  signal: AbortSignal,
): Promise<void> {
  const folder = join(out, name);
  if (existsSync(join(folder, 'done'))) return;
  const begun = existsSync(join(folder, 'config.json'));
  const start = startsFrom === undefined ? [] : ['--init', join(out, startsFrom, 'best.safetensors')];
  const what = begun ? ['--resume'] : ['--seed', String(seed), ...start, ...words];
  const time = milliseconds === undefined ? '' : `, at most ${duration(Math.max(0, milliseconds))}`;
  say(`${name}: ${begun ? 'training goes on' : 'training'}${time}`);
  await raybox(['train', '--data', data, '--out', folder, ...what, ...adapterOf(adapter)], signal, milliseconds);
  if (!existsSync(join(folder, 'best.safetensors')))
    throw new InputError(`${name}: the time was over before its first epoch`, {
      hint: 'give it a larger share, or more --minutes',
    });
  await writeJson(join(folder, 'done'), { name });
}

/**
 * Joins the members, calibrates them on the validation images, fits operating thresholds there, and how heatmaps become boxes on training
 * images with boxes. Gives the path of the weights.
 */
async function finish(
  { ensemble, mirror, specificity, metadata }: Recipe,
  options: Options,
  signal: AbortSignal,
): Promise<string> {
  const { out } = options;
  const done = join(out, 'weights.safetensors');
  if (existsSync(done)) return done;
  const [joined, calibrated] = [join(out, 'joined.safetensors'), join(out, 'calibrated.safetensors')];
  // A step that was broken off is done again from its beginning.
  for (const file of [joined, calibrated]) await rm(file, { force: true });
  const best = ensemble.map((name) => join(out, name, 'best.safetensors'));
  const plain = ensemble.length === 1 && !mirror;
  const first = plain ? best[0] : joined;
  if (!plain)
    await raybox(['ensemble', ...best, '--out', joined, '--dtype', 'f32', ...(mirror ? ['--mirror'] : [])], signal);

  // What is fitted on the validation images is not scored on them, and the test images are scored only once, at the end.
  const run = join(out, ensemble[0]);
  const trained = (await readText(join(run, 'train.txt'))).split('\n').slice(0, SCORED_WHILE_FITTING);
  const some = join(out, 'some_training_images.txt');
  await writeWhole(some, `${trained.join('\n')}\n`);
  const fit = ['--validation', join(run, 'validation.txt'), '--test', some, '--bootstrap', '0', '--no-html'];
  await evaluate(first, join(out, 'calibration'), fit, options, signal);
  const scaling = await usableScaling(out);
  const meta = ['--metadata', JSON.stringify(metadata)];
  await raybox(['convert', first, ...scaling, ...meta, '--out', calibrated], signal);
  const rule = specificity === undefined ? [] : ['--specificity', String(specificity)];
  await evaluate(
    calibrated,
    join(out, 'thresholds'),
    [...fit, ...rule, '--store-operating-thresholds'],
    options,
    signal,
  );
  const boxes = await fittedBoxes(calibrated, run, options, signal);
  await raybox(['convert', calibrated, ...boxes, '--out', done], signal);
  return done;
}

/** The fitted heat thresholds, `minRegion`, `heatmapBorder` and `boxRules` as an option of `raybox convert`; nothing if there are no boxes to fit them on. */
async function fittedBoxes(
  weights: string,
  run: string,
  { data, out, boxes, boxFrame, adapter }: Options,
  signal: AbortSignal,
): Promise<string[]> {
  if (boxes === undefined) return [];
  const path = join(out, 'boxes.json');
  if (!existsSync(path))
    await writeJson(path, await fitBoxes({ weights, data, boxes, boxFrame, run, adapter, signal }));
  const { chosen, byClass } = await readJson<FittedBoxes>(path);
  const { heatThresholds, minRegion, heatmapBorder } = chosen;
  const border = heatmapBorder > 0 ? { heatmapBorder } : {};
  const rules = Object.keys(byClass.rules).length > 0 ? { boxRules: byClass.rules } : {};
  return ['--metadata', JSON.stringify({ heatThresholds, minRegion, ...border, ...rules })];
}

/** The calibration as an option of `raybox convert`, without the classes that are ranked no better than by chance: their slope is not above 0. */
async function usableScaling(out: string): Promise<string[]> {
  const { scaling } = await readJson<{ scaling: Record<string, { slope: number }> }>(
    join(out, 'calibration', 'evaluation.json'),
  );
  const usable = Object.entries(scaling).filter(([, { slope }]) => slope > 0);
  const others = Object.keys(scaling).filter((name) => !usable.some(([one]) => one === name));
  if (others.length > 0) say(`not calibrated, as they are ranked no better than by chance: ${others.join(', ')}`);
  if (usable.length === 0) return [];
  const path = join(out, 'scaling.json');
  await writeJson(path, Object.fromEntries(usable));
  return ['--scaling', path];
}

async function evaluate(
  weights: string,
  folder: string,
  words: readonly string[],
  { data, adapter, boxFrame }: Options,
  signal: AbortSignal,
): Promise<void> {
  if (existsSync(join(folder, 'evaluation.json'))) return;
  const frame = boxFrame === undefined ? [] : ['--box-frame', String(boxFrame)];
  const where = ['--data', data, '--weights', weights, '--out', folder];
  await raybox(['evaluate', ...where, '--batch', '16', ...frame, ...adapterOf(adapter), ...words], signal);
}

/**
 * Runs a command of raybox. Its output is shown.
 * @param milliseconds when they are over, the command is interrupted as by Ctrl-C, so that it keeps what it has
 * @throws Error if it fails
 */
async function raybox(words: readonly string[], signal: AbortSignal, milliseconds?: number): Promise<void> {
  signal.throwIfAborted();
  const child = spawn(process.execPath, [RAYBOX, ...words], { stdio: ['ignore', 'inherit', 'inherit'] });
  let isTimeOver = false;
  const stop = () => child.kill('SIGINT');
  const timer =
    milliseconds === undefined
      ? undefined
      : setTimeout(() => {
          isTimeOver = true;
          stop();
        }, milliseconds);
  signal.addEventListener('abort', stop);
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('exit', resolve));
  clearTimeout(timer);
  signal.removeEventListener('abort', stop);
  signal.throwIfAborted();
  if (code !== 0 && !(isTimeOver && code === INTERRUPTED))
    throw new Error(`raybox ${words[0]} ended with code ${code}`);
}

const program = new Command('weights')
  .description('make weights by a recipe: train, join, calibrate, fit thresholds, score')
  .requiredOption('--recipe <file>', 'JSON: the networks to train, and which of them become one')
  .requiredOption('--data <dir>', 'data set in the ChestX-ray8/14 layout')
  .requiredOption('--out <dir>', 'folder of the runs, the weights and the scores')
  .option('--seed <n>', 'seed of the split, the order and the random weights', wholeNumber(0, 2 ** 32 - 1), 0)
  .option('--minutes <n>', 'time for everything; each network gets its share of it', number(0))
  .option(
    '--boxes <file>',
    'truth boxes of training images, on which heat thresholds, minRegion and heatmapBorder are fitted',
  )
  .option('--box-frame <pixels>', 'side of the square that the truth boxes refer to', wholeNumber(1, 65_535))
  .option('--adapter <name>', 'part of an adapter’s name, or swiftshader');

await runStudy(import.meta.url, program, makeWeights);
