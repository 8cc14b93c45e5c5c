/**
 * How well weights rank images that differ from those they were trained on, for a model card: by the source of the images, at larger size, and
 * with the noise of a smaller dose. bench/README.md explains it.
 *
 *   node dist/bench/studies/weights/shifts.js --weights FILE --data DIR --list validation.txt [--larger DIR] [--groups FILE] --out DIR
 *
 * Each condition is a file in `--out`, and the same command again does the missing ones.
 */
import { join } from 'node:path';
import { Command } from 'commander';
import { adapterOption, backendOption, runOptions } from '../../../src/cli/adapter_option.js';
import { startProgress, wholeNumber } from '../../../src/cli/terminal.js';
import { findColumns, readCsv } from '../../../src/formats/csv.js';
import { readImageList } from '../../../src/formats/data_sets/chestxray.js';
import { stemOf } from '../../../src/formats/data_sets/image_list.js';
import { type ImageTable, labelsOf } from '../../../src/formats/data_sets/image_table.js';
import type { Prediction } from '../../../src/formats/findings.js';
import type { Image } from '../../../src/formats/images/pixels.js';
import type { LoadOptions } from '../../../src/localizer/load_options.js';
import { load } from '../../../src/localizer/localizer.js';
import { openDataset } from '../../../src/node/dataset.js';
import { readText, writeWhole } from '../../../src/node/text_files.js';
import { openImageThreads } from '../../../src/node/threads/image_threads.js';
import { fnv1a, seededRandom } from '../../../src/random.js';
import { markdownTable } from '../../markdown.js';
import { armScores, aucDifferences, type Estimate, type FoldResult } from '../real_images/scores.js';
import { runStudy } from '../study_program.js';
import { keepStudy, resultOf, writeJson } from '../training_runs.js';
import { DOSES, withDose } from './dose.js';

interface Options {
  weights: string;
  data: string;
  list: string;
  larger?: string;
  groups?: string;
  out: string;
  seed: number;
  bootstrap: number;
  adapter?: string;
  backend?: LoadOptions['backend'];
}

/** Some images as they are scored in one condition, and what they are compared with. */
interface Condition {
  name: string;
  predictions: Prediction[];
  /** The same images in the condition of training. */
  reference?: Prediction[];
}

async function scoreShifts(options: Options, signal: AbortSignal): Promise<string> {
  const { out, list, seed, bootstrap: replicates } = options;
  await keepStudy(join(out, 'study.json'), { weights: options.weights, data: options.data, list, seed });
  const { table, paths } = await openDataset(options.data);
  const listed = new Set(readImageList(await readText(list), list));
  const images = table.images.filter((image) => listed.has(image) && paths.has(image));
  const run = (name: string, files: ReadonlyMap<string, string>, change?: (image: Image, name: string) => Image) =>
    resultOf(join(out, `${name}.json`), () => classify(name, files, options, signal, change));
  const own = new Map(images.map((image) => [image, paths.get(image) as string]));
  const whole = await run('as-trained', own);
  const conditions: Condition[] = [{ name: 'as trained', predictions: whole }];
  for (const [source, members] of await sourcesOf(options.groups)) {
    conditions.push({ name: `source ${source}`, predictions: whole.filter(({ image }) => members.has(stemOf(image))) });
  }
  const same = (some: readonly Prediction[]) => {
    const known = new Map(whole.map((each) => [each.image, each]));
    return some.map(({ image }) => known.get(image) as Prediction);
  };
  if (options.larger !== undefined) {
    const larger = await openDataset(options.larger);
    const byStem = new Map([...larger.paths].map(([image, path]) => [stemOf(image), path]));
    const both = images.flatMap((image): [string, string][] => {
      const path = byStem.get(stemOf(image));
      return path === undefined ? [] : [[image, path]];
    });
    const predictions = await run('larger', new Map(both));
    conditions.push({ name: 'larger files', predictions, reference: same(predictions) });
  }
  for (const dose of DOSES) {
    const predictions = await run(`dose-${dose}`, own, (image, name) =>
      withDose(image, 1 / dose, seededRandom(fnv1a(`${seed} ${dose} ${name}`))),
    );
    conditions.push({ name: `1/${dose} of the dose`, predictions, reference: same(predictions) });
  }
  const scores = conditions.map((each) => scoreOf(table, each, { seed, replicates }));
  const within = withinSources(table, conditions);
  await writeJson(join(out, 'shifts.json'), { scores, within });
  const markdown = `${shiftTable(scores)}\n\nWithin sources: ${within.toFixed(3)}\n`;
  await writeWhole(join(out, 'shifts.md'), markdown);
  return markdown;
}

/** Stems of image names by source. */
async function sourcesOf(path: string | undefined): Promise<Map<string, Set<string>>> {
  const sources = new Map<string, Set<string>>();
  if (path === undefined) return sources;
  let columns: { image: number; source: number } | undefined;
  const onRow = (fields: string[]) => {
    if (!columns) {
      columns = findColumns(fields, { image: ['image'], source: ['source'] }, { source: path });
      return;
    }
    const source = fields[columns.source];
    const known = sources.get(source) ?? new Set();
    sources.set(source, known.add(stemOf(fields[columns.image])));
  };
  readCsv(await readText(path), onRow, { source: path });
  return new Map([...sources].sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function classify(
  name: string,
  files: ReadonlyMap<string, string>,
  { weights, adapter, backend }: Options,
  signal: AbortSignal,
  change: (image: Image, name: string) => Image = (image) => image,
): Promise<Prediction[]> {
  const images = [...files.keys()];
  const localizer = await load(weights, { signal, ...runOptions({ adapter, backend }) });
  const threads = openImageThreads();
  const progress = startProgress(name, images.length, 'images');
  const predictions: Prediction[] = [];
  try {
    const read = async (image: string) => change(await threads.run('read', [files.get(image) as string, {}]), image);
    const results = localizer.localizeAll(
      images.map((image) => () => read(image)),
      { boxes: false, batch: 16, signal },
    );
    for await (const { index, logits } of results) {
      predictions.push({ image: images[index], logits });
      progress.update(index + 1);
    }
  } finally {
    progress.stop();
    await threads.close();
    await localizer.close();
  }
  return predictions;
}

/** A class is scored if so many images have it, and as many do not. */
const ENOUGH = 10;

function scoredClasses(table: ImageTable, predictions: readonly Prediction[]): string[] {
  const rowOf = new Map(table.images.map((image, row) => [image, row]));
  const labels = predictions.map(({ image }) => labelsOf(table, rowOf.get(image) as number));
  return table.classes.filter((label) => {
    const having = labels.filter((some) => some.includes(label)).length;
    return having >= ENOUGH && predictions.length - having >= ENOUGH;
  });
}

interface ShiftScore {
  name: string;
  images: number;
  classes: string[];
  /** Undefined if no class has enough images. */
  meanAuc?: Estimate;
  /** Compared with the same images in the condition of training. */
  difference?: Estimate;
}

function scoreOf(
  table: ImageTable,
  { name, predictions, reference }: Condition,
  options: { seed: number; replicates: number },
): ShiftScore {
  const classes = scoredClasses(table, predictions);
  if (classes.length === 0) return { name, images: predictions.length, classes };
  const { meanAuc } = armScores(table, [asFold(predictions)], classes, options);
  const difference = reference && aucDifferences(table, predictions, reference, classes, options).mean;
  return { name, images: predictions.length, classes, meanAuc, ...(difference && { difference }) };
}

const asFold = (predictions: Prediction[]): FoldResult => ({ bestEpoch: 0, seconds: 0, predictions });

/** The mean AUC over pairs of images of the same source. */
function withinSources(table: ImageTable, conditions: readonly Condition[]): number {
  const [{ predictions }] = conditions;
  const sources = conditions.filter(({ name }) => name.startsWith('source '));
  const folds = (sources.length > 0 ? sources : conditions.slice(0, 1)).map((each) => asFold(each.predictions));
  return armScores(table, folds, scoredClasses(table, predictions), { replicates: 0, seed: 0 }).withinFolds;
}

function shiftTable(scores: readonly ShiftScore[]): string {
  const digits = (value: number) => value.toFixed(3).replace(/^(-?)0/, '$1');
  const text = ({ value, low, high }: Estimate) => `${digits(value)} (${digits(low)} to ${digits(high)})`;
  const rows = scores.map(({ name, images, classes, meanAuc, difference }) => [
    ...[name, `${images}`, `${classes.length}`, meanAuc ? text(meanAuc) : '–'],
    difference ? text(difference) : '',
  ]);
  return markdownTable(['condition', 'images', 'classes', 'mean AUC (95 %)', 'difference (95 %)'], rows);
}

const program = new Command('shifts')
  .description('how well weights rank images of another source, size and dose')
  .requiredOption('--weights <file>', 'the weights')
  .requiredOption('--data <dir>', 'data set in the ChestX-ray8/14 layout, as the weights were trained on')
  .requiredOption('--list <file>', 'names of the images that are scored')
  .option('--larger <dir>', 'data set with larger files of some of these images')
  .option('--groups <file>', 'table with the columns image and source')
  .requiredOption('--out <dir>', 'folder of results')
  .option('--seed <n>', 'seed of the noise and the bootstrap', wholeNumber(0, 2 ** 32 - 1), 0)
  .option('--bootstrap <draws>', 'bootstrap draws of patients', wholeNumber(0, 100_000), 1000)
  .addOption(backendOption())
  .addOption(adapterOption());

await runStudy(import.meta.url, program, scoreShifts);
