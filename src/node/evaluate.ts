/** `raybox evaluate`: predictions from anywhere against a data set, as JSON, CSV and one HTML file. */
import { basename, join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { InputError } from '../errors.js';
import { pickCases } from '../evaluate/cases.js';
import { type EvaluationOptions, type EvaluationResult, evaluate } from '../evaluate/evaluate.js';
import { reportCsv } from '../evaluate/report_csv.js';
import { type CasePicture, reportHtml } from '../evaluate/report_html.js';
import { loadPlots } from '../evaluate/report_plots.js';
import { readImageList } from '../formats/chestxray.js';
import { splitByPatient } from '../formats/chestxray_splits.js';
import { parseJson, readCoco } from '../formats/coco.js';
import type { Prediction } from '../formats/findings.js';
import { CHEST_XRAY8_LABELS, CHEST_XRAY14_LABELS } from '../formats/image_table.js';
import { mergePredictions, predictionCsvReader, predictionLineReader } from '../formats/predictions.js';
import { type Dataset, openDataset, TEST_FILE } from './dataset.js';
import { checkImage } from './dataset_check.js';
import { readText, readTextPieces, writeWhole } from './text_files.js';
import { pictureUrl } from './thumbnail.js';
import { storeThresholds } from './weights_thresholds.js';

/** Files of COCO results are parsed as a whole, so they are bounded. */
const MAX_JSON_BYTES = 400 << 20;

export interface PredictionFileOptions {
  classes: readonly string[];
  /** Numbers of a CSV are logits. */
  logits?: boolean;
  /** COCO annotation file that gives the ids of a bare array of results their names. */
  cocoIndex?: string;
}

/** Reads predictions by the file's ending: `.csv`, `.jsonl` or `.ndjson`, else `.json` as COCO. */
export async function readPredictions(path: string, options: PredictionFileOptions): Promise<Prediction[]> {
  if (/\.json$/i.test(path)) {
    const json = async (file: string) => parseJson(await readText(file, MAX_JSON_BYTES), file);
    const index = options.cocoIndex === undefined ? undefined : await json(options.cocoIndex);
    return readCoco(await json(path), { source: path, index });
  }
  if (!/\.(csv|jsonl|ndjson)$/i.test(path)) {
    throw new InputError(`${path}: unknown kind of predictions`, { expected: '.csv, .jsonl, .coco.json or .json' });
  }
  const reader = /\.csv$/i.test(path)
    ? predictionCsvReader({ source: path, classes: options.classes, logits: options.logits })
    : predictionLineReader({ source: path });
  await readTextPieces(path, reader.write);
  reader.end();
  return reader.predictions();
}

export interface WriteEvaluationOptions extends EvaluationOptions {
  /** Folder of `evaluation.json`, `.csv` and `.html`. */
  out: string;
  html?: boolean;
  /** Best and as many worst cases with pictures. */
  cases?: number;
  /** Said under the report's title. */
  subtitle?: string;
}

/**
 * Evaluates predictions as they come, from files or from a network that is still at work, and writes the report.
 * Each file is written beside its place and renamed.
 */
export async function writeEvaluation(
  predictions: Iterable<Prediction> | AsyncIterable<Prediction>,
  data: Dataset,
  options: WriteEvaluationOptions,
): Promise<EvaluationResult> {
  const { out, html = true, cases: caseCount = 6, subtitle = '' } = options;
  // Said before the work and not after it, where the packages are missing.
  if (html) await loadPlots();
  const all: Prediction[] = [];
  for await (const prediction of predictions) all.push(prediction);
  await addSizes(all, data);

  const result = evaluate({ table: data.table, boxes: data.boxes, predictions: all }, options);
  await writeWhole(join(out, 'evaluation.json'), `${JSON.stringify(result, null, 1)}\n`);
  await writeWhole(join(out, 'evaluation.csv'), reportCsv(result));
  if (html) {
    const cases = await casePictures(all, data, result, options, caseCount);
    await writeWhole(
      join(out, 'evaluation.html'),
      await reportHtml(result, { title: 'raybox evaluation', subtitle, cases }),
    );
  }
  return result;
}

/** Gives boxed images whose predictions do not say it their size: the random baseline draws into it. */
async function addSizes(predictions: Prediction[], { boxes, paths }: Dataset): Promise<void> {
  const boxed = new Set(boxes.map(({ image }) => image));
  for (const prediction of predictions) {
    const path = paths.get(prediction.image);
    if (prediction.width || !path || !boxed.has(prediction.image)) continue;
    const size = await checkImage(path).catch(() => undefined);
    if (size) Object.assign(prediction, { width: size.width, height: size.height });
  }
}

async function casePictures(
  predictions: Prediction[],
  data: Dataset,
  result: EvaluationResult,
  options: EvaluationOptions,
  count: number,
): Promise<CasePicture[]> {
  const hidden = new Set(options.validation ?? []);
  const shown = options.test && new Set(options.test);
  const scored = predictions.filter(({ image }) => !hidden.has(image) && (!shown || shown.has(image)));
  const picked = pickCases(
    { table: data.table, boxes: data.boxes, predictions: scored },
    { classes: result.classes, count, localized: result.localization !== undefined },
  );
  const pictures: CasePicture[] = [];
  for (const each of picked) {
    const path = data.paths.get(each.image);
    const picture = path && (await pictureUrl(path).catch(() => undefined));
    if (picture) pictures.push({ ...each, picture: picture.url, width: picture.width, height: picture.height });
  }
  return pictures;
}

interface CommandOptions {
  data: string;
  predictions: string[];
  out: string;
  boxes?: string;
  logits?: boolean;
  cocoIndex?: string;
  classes?: string;
  validation?: string;
  test?: string;
  split?: number;
  thresholds?: string;
  sensitivity?: number;
  scaling: 'platt' | 'temperature';
  bootstrap: number;
  seed: number;
  cases: number;
  html: boolean;
  storeThresholds?: string;
}

const numberOption =
  (low: number, high: number, whole = true) =>
  (text: string) => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= low && value <= high) || (whole && !Number.isInteger(value))) {
      throw new InvalidArgumentError(`Expected a ${whole ? 'whole ' : ''}number from ${low} to ${high}.`);
    }
    return value;
  };

/** Adds `raybox evaluate`. */
export function addEvaluateCommand(program: Command): void {
  program
    .command('evaluate')
    .description('score predictions against a data set: ROC, calibration, localization as the paper scores it')
    .requiredOption('--data <dir>', 'data set in the ChestX-ray8/14 layout')
    .requiredOption('--predictions <file...>', '.csv (a column per class, or a row per box), .jsonl, .coco.json')
    .requiredOption('--out <dir>', 'folder for evaluation.json, evaluation.csv and evaluation.html')
    .option('--boxes <file>', 'truth boxes; default: BBox_List_2017.csv of the data set')
    .option('--logits', 'the numbers of a .csv are logits')
    .option('--coco-index <file>', 'COCO annotation file that names the ids of a bare list of results')
    .option('--classes <names>', '8, 14, or names separated by commas; default: what the predictions score')
    .option('--validation <list>', 'file of image names to fit thresholds and calibration on')
    .option('--test <list>', 'file of image names to score, or "all"; default: test_list.txt of the data set, else all')
    .option('--split <seed>', "validation and test of raybox's own split by patient", numberOption(0, 2 ** 32))
    .option('--thresholds <file>', 'JSON of operating thresholds by class, instead of fitting them')
    .option(
      '--sensitivity <share>',
      "fit thresholds to this sensitivity instead of Youden's index",
      numberOption(0, 1, false),
    )
    .addOption(new Option('--scaling <kind>', 'calibration to fit').choices(['platt', 'temperature']).default('platt'))
    .option('--bootstrap <draws>', 'draws of the bootstrap', numberOption(0, 100_000), 1000)
    .option('--seed <number>', 'seed of the bootstrap and the random baseline', numberOption(0, 2 ** 32), 0)
    .option('--cases <count>', 'best, and as many worst, cases with pictures', numberOption(0, 100), 6)
    .option('--no-html', 'leave out the HTML report')
    .option('--store-thresholds <weights>', 'write the fitted thresholds into this safetensors file of weights')
    .action(runCommand);
}

async function runCommand(options: CommandOptions): Promise<void> {
  const data = await openDataset(options.data, { boxes: options.boxes });
  const { cocoIndex, logits } = options;
  const read = options.predictions.map((path) =>
    readPredictions(path, { classes: data.table.classes, logits, cocoIndex }),
  );
  const predictions = mergePredictions(...(await Promise.all(read)));
  const { sensitivity, scaling, bootstrap: replicates, seed, cases, html, out } = options;
  const result = await writeEvaluation(predictions, data, {
    ...(await splitOf(options, data)),
    out,
    cases,
    html,
    replicates,
    seed,
    scaling,
    classes: classesIn(options.classes),
    thresholds: options.thresholds === undefined ? undefined : await readThresholds(options.thresholds),
    rule: sensitivity === undefined ? { rule: 'youden' } : { rule: 'sensitivity', target: sensitivity },
    subtitle: `${options.predictions.map((path) => basename(path)).join(', ')} against ${basename(data.folder)}`,
  });
  if (options.storeThresholds !== undefined) {
    const fitted = Object.entries(result.thresholds).filter(([, { source }]) => source === 'validation');
    if (fitted.length === 0) throw new InputError('No threshold was fitted', { hint: 'Give --validation or --split.' });
    await storeThresholds(
      options.storeThresholds,
      Object.fromEntries(fitted.map(([label, { value }]) => [label, value])),
    );
  }
  process.stdout.write(`${summary(result)}\n`);
}

async function splitOf(options: CommandOptions, data: Dataset): Promise<{ validation?: string[]; test?: string[] }> {
  const list = async (path: string) => readImageList(await readText(path), path);
  if (options.split !== undefined) {
    const split = splitByPatient(data.table, { seed: options.split, boxed: data.boxes.map(({ image }) => image) });
    const names = (rows: Int32Array) => Array.from(rows, (row) => data.table.images[row]);
    return { validation: names(split.validation), test: names(split.test) };
  }
  const validation = options.validation === undefined ? undefined : await list(options.validation);
  if (options.test === 'all' || (options.test === undefined && !data.test)) return { validation };
  if (options.test !== undefined) return { validation, test: await list(options.test) };
  process.stderr.write(`Scoring the images of ${TEST_FILE} only; --test all scores every one that is predicted.\n`);
  return { validation, test: data.test };
}

function classesIn(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  if (text === '8') return CHEST_XRAY8_LABELS;
  if (text === '14') return CHEST_XRAY14_LABELS;
  return text.split(',').map((name) => name.trim());
}

async function readThresholds(path: string): Promise<Record<string, number>> {
  const parsed = parseJson(await readText(path), path);
  const entries = typeof parsed === 'object' && parsed !== null ? Object.entries(parsed) : [];
  if (entries.length === 0 || !entries.every(([, value]) => typeof value === 'number' && value >= 0 && value <= 1)) {
    throw new InputError(`${path} gives no thresholds`, { expected: 'an object of a probability by class' });
  }
  return Object.fromEntries(entries);
}

/** What is worth a look on the terminal; the files have the rest. */
function summary({
  overall,
  meanAuc,
  localization,
  images,
  patients,
  unknownImages,
  unpredictedImages,
}: EvaluationResult) {
  const lines = [`${images} images of ${patients} patients`];
  if (unknownImages > 0) lines.push(`${unknownImages} predicted images are not in the label file and were ignored`);
  if (unpredictedImages > 0) lines.push(`${unpredictedImages} images to score have no prediction`);
  const cells = (...texts: string[]) =>
    texts[0].padEnd(20) +
    texts
      .slice(1)
      .map((text) => text.padStart(12))
      .join('');
  const figure = (value: number | undefined) => (value === undefined || Number.isNaN(value) ? '–' : value.toFixed(3));
  const all = localization?.known.scores;
  lines.push('', cells('', 'with', 'AUC', ...(all ? ['boxes', 'IoBB > 0.1', 'mean IoU'] : [])));
  for (const { label, positives, auc } of overall) {
    const boxes = all?.find((score) => score.label === label);
    const local = boxes ? [`${boxes.truthBoxes}`, figure(boxes.figures[0].accuracy), figure(boxes.meanIou)] : [];
    lines.push(cells(label, `${positives}`, figure(auc), ...local));
  }
  const last = all?.at(-1);
  const sum = last ? [`${last.truthBoxes}`, figure(last.figures[0].accuracy), figure(last.meanIou)] : [];
  lines.push(cells('All', '', figure(meanAuc), ...sum));
  return lines.join('\n');
}
