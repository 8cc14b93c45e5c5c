/** Predictions from files, and their evaluation as files: JSON, CSV and one HTML page. */
import { join } from 'node:path';
import { InputError } from '../errors.js';
import { pickCases } from '../evaluate/cases.js';
import { type EvaluationOptions, type EvaluationResult, evaluate } from '../evaluate/evaluate.js';
import { reportCsv } from '../evaluate/report_csv.js';
import { type CasePicture, reportHtml } from '../evaluate/report_html.js';
import { loadPlots } from '../evaluate/report_plots.js';
import { parseJson, readCoco } from '../formats/coco.js';
import type { Prediction } from '../formats/findings.js';
import { predictionCsvReader, predictionLineReader } from '../formats/predictions.js';
import type { Dataset } from './dataset.js';
import { checkImage } from './dataset_check.js';
import { readText, readTextPieces, writeWhole } from './text_files.js';
import { pictureUrl } from './thumbnail.js';

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
