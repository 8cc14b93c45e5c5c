/** Runs two weights files on the same images, and compares their probabilities. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../errors.js';
import { labelsOf } from '../../formats/data_sets/image_table.js';
import { labelNames } from '../../formats/data_sets/label_names.js';
import type { DecodeOptions } from '../../formats/images/pixels.js';
import type { LoadOptions } from '../../localizer/load_options.js';
import { load } from '../../localizer/localizer.js';
import { findImages, LABEL_FILES, openDataset } from '../../node/dataset.js';
import { openImageThreads } from '../../node/threads/image_threads.js';
import { runOptions } from '../adapter_option.js';
import { readNames } from '../evaluate/split.js';
import { decodeOptions } from '../image_options.js';
import { naming, say, startProgress } from '../terminal.js';
import { type Agreement, agreementOf } from './agreement.js';

/** The options that say which images are used, and what runs the networks. */
export interface ComparisonOptions extends DecodeOptions {
  data: string;
  list?: string;
  batch?: number;
  threads?: number;
  adapter?: string;
  backend?: LoadOptions['backend'];
}

/** Images to compare on. */
export interface Images {
  names: readonly string[];
  paths: ReadonlyMap<string, string>;
  /** The labels of an image; undefined if the folder has no label file. */
  labels?: (name: string, label: string) => boolean;
  /** The classes of the data set. */
  classes?: readonly string[];
}

/** How far two weights files are apart on images. */
export interface Comparison {
  images: number;
  /** Images that could not be read. */
  failed: number;
  classes: readonly Agreement[];
}

/** The options of `load` for each of the two files. */
export interface Compared {
  weights: string;
  options: LoadOptions;
}

/**
 * Compares the probabilities of weights files of the same network, each with those of the first.
 * @throws InputError if no image can be read
 */
export async function compareOnImages(
  before: Compared,
  others: readonly Compared[],
  images: Images,
  options: ComparisonOptions,
  signal: AbortSignal,
): Promise<Comparison[]> {
  const first = await predict(before, images, options, signal);
  const found: Comparison[] = [];
  for (const after of others)
    found.push(comparisonOf(first, await predict(after, images, options, signal), images, options));
  return found;
}

type Predicted = Awaited<ReturnType<typeof predict>>;

function comparisonOf(first: Predicted, second: Predicted, images: Images, options: ComparisonOptions): Comparison {
  const used = images.names.filter((name) => first.results.has(name) && second.results.has(name));
  if (used.length === 0) throw new InputError(`${options.data}: no image could be read`);
  const names = images.classes && labelNames(images.classes);
  const classes = first.classes.map((label, place) => {
    const known = names?.match(label);
    const numbers = (results: ReadonlyMap<string, Float64Array>) =>
      Float64Array.from(used, (name) => results.get(name)![place]);
    return agreementOf({
      label,
      before: numbers(first.results),
      after: numbers(second.results),
      truth: known === undefined ? undefined : Uint8Array.from(used, (name) => Number(images.labels!(name, known))),
      operatingThreshold: first.operatingThresholds[label] ?? 0.5,
    });
  });
  return { images: used.length, failed: images.names.length - used.length, classes };
}

/**
 * The images of a data set without those to test on, or those of a list, or all in a folder without a label file.
 * @throws InputError if there is none of them
 */
export async function imagesOf({ data, list }: ComparisonOptions): Promise<Images> {
  if (!existsSync(data)) throw new InputError(`${data}: there is no such folder`);
  const wanted = list === undefined ? undefined : await readNames(list, []);
  const isDataset = LABEL_FILES.some((name) => existsSync(join(data, name)));
  const dataset = isDataset ? await openDataset(data) : undefined;
  const paths = dataset?.paths ?? (await findImages(data));
  const tested = new Set(dataset?.test ?? []);
  const all = wanted ?? (dataset ? dataset.table.images.filter((name) => !tested.has(name)) : [...paths.keys()]);
  const names = [...new Set(all)].filter((name) => paths.has(name));
  if (names.length === 0)
    throw new InputError(`${data} has none of the images to compare on`, {
      expected: wanted ? `the images of ${list}` : 'images beside the label file, or in a folder images',
    });
  if (wanted && names.length < new Set(wanted).size)
    say(`raybox: ${new Set(wanted).size - names.length} of the images of ${list} are not in ${data}`);
  if (!dataset) return { names, paths };
  const { table } = dataset;
  const rows = new Map(table.images.map((name, row) => [name, row]));
  const labels = (name: string, label: string) => {
    const row = rows.get(name);
    if (row === undefined) throw new InputError(`${list}: ${name} is not in the label file`);
    return labelsOf(table, row).includes(label);
  };
  return { names, paths, labels, classes: table.classes };
}

async function predict(
  { weights, options: given }: Compared,
  { names, paths }: Images,
  options: ComparisonOptions,
  signal: AbortSignal,
) {
  const localizer = await load(weights, { ...runOptions(options), ...given, signal }).catch(naming(weights));
  const { classes, metadata } = localizer;
  const progress = startProgress(weights, names.length, 'images');
  const threads = openImageThreads(options.threads);
  const results = new Map<string, Float64Array>();
  let done = 0;
  try {
    const read = names.map((name) => () => threads.run('read', [paths.get(name)!, decodeOptions(options)]));
    const localized = localizer.localizeAll(read, {
      ...{ boxes: false, batch: options.batch, signal },
      ...decodeOptions(options),
      onError(error, index) {
        progress.note(`raybox: ${names[index]}: ${error.message}`);
        progress.update(++done);
      },
    });
    for await (const { index, probabilities } of localized) {
      results.set(
        names[index],
        Float64Array.from(classes, (label) => probabilities[label]),
      );
      progress.update(++done);
    }
  } finally {
    progress.stop();
    await threads.close();
    await localizer.close();
  }
  return { classes, results, operatingThresholds: metadata.operatingThresholds ?? {} };
}
