/** The training runs of a study. Each is done only once, even if the study is interrupted, and writes one JSON file. */
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beginOptions, machineOf, type TrainingOptions } from '../../src/cli/train/options.js';
import { beginRun, resumeRun } from '../../src/cli/train/run.js';
import type { BeginOptions, RunOutcome } from '../../src/cli/train/run_types.js';
import { InputError } from '../../src/errors.js';
import { parseJson } from '../../src/formats/json.js';
import type { Gpu } from '../../src/gpu/device.js';
import { readText, writeWhole } from '../../src/node/text_files.js';
import type { Fold } from './real_images/folds.js';

export const readJson = async <T>(path: string): Promise<T> => parseJson(await readText(path), path) as T;

export const writeJson = (path: string, content: unknown): Promise<void> =>
  writeWhole(path, `${JSON.stringify(content, null, 1)}\n`);

/**
 * Writes the settings that all runs of a study share, or compares them with those that were written before.
 * @throws InputError naming the first setting that differs, because results of different settings must not be in one table.
 */
export async function keepStudy(path: string, study: Readonly<Record<string, unknown>>): Promise<void> {
  if (!existsSync(path)) return writeJson(path, study);
  const before = await readJson<Record<string, unknown>>(path);
  const text = (value: unknown) => JSON.stringify(value) ?? 'nothing';
  const other = [...new Set([...Object.keys(study), ...Object.keys(before)])].find(
    (name) => text(before[name]) !== text(study[name]),
  );
  if (other === undefined) return;
  throw new InputError(`${path} belongs to another study: ${other} differs`, {
    expected: text(before[other]),
    given: text(study[other]),
    hint: 'give the options that it was begun with, or another --out',
  });
}

/** Trains in the run folder `out`, or continues an interrupted run there. */
export async function trainOnce(options: BeginOptions): Promise<RunOutcome> {
  const { out, adapter, gpu, threads, imageCache, activationCache, signal, data } = options;
  if (!existsSync(join(out, 'config.json'))) return beginRun(options);
  return resumeRun({ out, data: data.folder, adapter, gpu, threads, imageCache, activationCache, signal });
}

/** How to train on one fold. */
interface FoldTraining {
  readonly data: string;
  readonly fold: Fold;
  /** Where the lists of images and the run go. */
  readonly folder: string;
  /** What the run says it was made with. */
  readonly command: string;
  readonly gpu: Gpu;
  readonly signal: AbortSignal;
}

/** Trains a network on the images of a fold, which choose its epoch as well. */
export async function trainFold(
  options: TrainingOptions,
  { data, fold, folder, command, gpu, signal }: FoldTraining,
): Promise<RunOutcome> {
  const lists = { train: '', validation: '', test: '' };
  for (const part of ['train', 'validation', 'test'] as const) {
    lists[part] = join(folder, `${part}.txt`);
    await writeWhole(lists[part], fold[part].map((image) => `${image}\n`).join(''));
  }
  const begin = await beginOptions(options, data, join(folder, 'training'));
  return trainOnce({
    ...{ ...begin, ...machineOf(options), gpu, signal, command },
    data: { ...begin.data, validation: undefined, lists },
  });
}

/** The result from a file, or if there is none, the result of `work`, which is then written there. `work` gets a folder that is deleted afterwards. */
export async function resultOf<T>(path: string, work: (folder: string) => Promise<T>): Promise<T> {
  if (existsSync(path)) return readJson<T>(path);
  const folder = path.replace(/\.json$/, '.part');
  await mkdir(folder, { recursive: true });
  const result = await work(folder);
  await writeJson(path, result);
  await rm(folder, { recursive: true, force: true });
  return result;
}
