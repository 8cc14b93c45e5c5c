/** Predictions from files, and their evaluation as files: JSON, CSV and one HTML page. */
import { join } from 'node:path';
import { InputError } from '../errors.js';
import { areCorners, type CornersOf, type Whose } from '../evaluate/box_corners.js';
import { type CaseInput, pickCases } from '../evaluate/cases.js';
import { type EvaluationOptions, type EvaluationResult, evaluate } from '../evaluate/evaluate.js';
import { evaluationCsv } from '../evaluate/evaluation_csv.js';
import { type CasePicture, evaluationPage } from '../evaluate/evaluation_page.js';
import { matchPredictions } from '../evaluate/match.js';
import { loadPlots } from '../evaluate/page_plots.js';
import { readCoco } from '../formats/coco.js';
import type { Prediction } from '../formats/findings.js';
import { parseJson } from '../formats/json.js';
import { predictionLineReader } from '../formats/prediction_lines.js';
import { predictionCsvReader } from '../formats/predictions_csv.js';
import { boxesInImages, checkPlaces, inFilePixels, sizesOf, withSizes } from '../node/box_checks.js';
import type { Dataset } from '../node/dataset.js';
import { withFolder } from '../node/lock.js';
import { readText, readTextPieces, writeWhole } from '../node/text_files.js';
import { pictureUrl } from '../node/thumbnail.js';
import type { OnWarning } from '../warnings.js';

/** Files of COCO results are parsed as a whole, so they are bounded. */
const MAX_JSON_BYTES = 400 << 20;

export interface PredictionFileOptions {
  classes: readonly string[];
  /** Numbers of a CSV are logits. */
  logits?: boolean;
  /** COCO annotation file that gives the ids of a bare array of results their names. */
  cocoIndex?: string;
  /** Whether boxes of four numbers are two corners. Default: as the file calls them, else a corner, width and height. */
  corners?: boolean | undefined;
  /** Told what of the file was matched, assumed or not used. */
  onWarning?: OnWarning;
}

/** Reads predictions by the file's ending: `.csv`, `.jsonl` or `.ndjson`, else `.json` as COCO. One without any is said. */
export async function readPredictions(path: string, options: PredictionFileOptions): Promise<Prediction[]> {
  const isCoco = /\.json$/i.test(path);
  const predictions = isCoco ? await readCocoFile(path, options) : await readLines(path, options);
  if (predictions.length === 0) {
    const expected = isCoco ? '"images" and "annotations", or a list of results' : 'a row for each image or box';
    options.onWarning?.({ code: 'missing-data', message: `${path} holds no predictions: expected ${expected}.` });
  }
  return predictions;
}

async function readCocoFile(path: string, { cocoIndex, ...options }: PredictionFileOptions): Promise<Prediction[]> {
  const json = async (file: string) => parseJson(await readText(file, MAX_JSON_BYTES), file);
  const index = cocoIndex === undefined ? undefined : await json(cocoIndex);
  return readCoco(await json(path), { ...options, source: path, index });
}

async function readLines(path: string, options: PredictionFileOptions): Promise<Prediction[]> {
  if (!/\.(csv|jsonl|ndjson)$/i.test(path)) {
    throw new InputError(`${path}: unknown kind of predictions`, { expected: '.csv, .jsonl, .coco.json or .json' });
  }
  const read = /\.csv$/i.test(path) ? predictionCsvReader : predictionLineReader;
  const reader = read({ ...options, source: path });
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
  /**
   * Side in pixels of the square frame that truth boxes are given in, where it is not that of the image files: 1024 for
   * published boxes on images that were made smaller.
   */
  boxFrame?: number;
  /** Whose boxes were read as two corners, where that was said. Where it was not, boxes that look like corners are refused. */
  corners?: CornersOf | undefined;
  /** Said under the page's title. */
  subtitle?: string;
}

/**
 * Evaluates predictions as they come, from files or from a network that is still at work, and writes the scores and their page.
 * Each file is written beside its place and renamed.
 * @throws InputError also where another process writes into the folder
 */
export async function writeEvaluation(
  predictions: Iterable<Prediction> | AsyncIterable<Prediction>,
  data: Dataset,
  options: WriteEvaluationOptions,
): Promise<EvaluationResult> {
  // Said before the work and not after it, where the packages are missing.
  if (options.html ?? true) await loadPlots();
  // A network may write what it predicts into the folder while it works. Predictions from files are scored before a folder is made.
  if (Symbol.asyncIterator in predictions) {
    return withFolder(options.out, async () => writeFiles(await score(predictions, data, options), data, options));
  }
  const scored = await score(predictions, data, options);
  return withFolder(options.out, () => writeFiles(scored, data, options));
}

interface ScoredInput {
  /** What was scored: labels matched, boxes in pixels of their images. */
  input: CaseInput;
  result: EvaluationResult;
}

async function score(
  predictions: Iterable<Prediction> | AsyncIterable<Prediction>,
  data: Dataset,
  options: WriteEvaluationOptions,
): Promise<ScoredInput> {
  const given: Prediction[] = [];
  for await (const prediction of predictions) given.push(prediction);
  const { boxes, table } = data;
  const matched = matchPredictions(given, table.classes);
  const sized = await withSizes(matched.predictions, data);
  const isFormKnown = (whose: Whose) => areCorners(options.corners, whose) !== undefined;
  const places = checkPlaces(sized, isFormKnown('predictions'));
  const { predictions: all, warnings: scaled } = inFilePixels(sized);
  const truth = { frame: options.boxFrame, isFormKnown: isFormKnown('truth') };
  const placed = boxesInImages(boxes, sizesOf(all), truth);
  const input = { table, boxes: placed.boxes, predictions: all };
  const warnings = [...data.warnings, ...(options.warnings ?? []), ...matched.warnings];
  const result = evaluate(input, { ...options, warnings: [...warnings, ...scaled, ...placed.warnings, ...places] });
  return { input, result };
}

async function writeFiles(
  { input, result }: ScoredInput,
  data: Dataset,
  options: WriteEvaluationOptions,
): Promise<EvaluationResult> {
  const { out, html = true, cases: caseCount = 6, subtitle = '' } = options;
  await writeWhole(join(out, 'evaluation.json'), `${JSON.stringify(result, null, 1)}\n`);
  await writeWhole(join(out, 'evaluation.csv'), evaluationCsv(result));
  if (html) {
    const cases = await casePictures(input, data.paths, result, options, caseCount);
    await writeWhole(
      join(out, 'evaluation.html'),
      await evaluationPage(result, { title: 'raybox evaluation', subtitle, cases }),
    );
  }
  return result;
}

async function casePictures(
  { predictions, ...rest }: CaseInput,
  paths: ReadonlyMap<string, string>,
  result: EvaluationResult,
  options: EvaluationOptions,
  count: number,
): Promise<CasePicture[]> {
  const hidden = new Set(options.validation ?? []);
  const shown = options.test && new Set(options.test);
  const scored = predictions.filter(({ image }) => !hidden.has(image) && (!shown || shown.has(image)));
  const picked = pickCases(
    { ...rest, predictions: scored },
    { classes: result.classes, count, localized: result.localization !== undefined },
  );
  const pictures: CasePicture[] = [];
  for (const each of picked) {
    const path = paths.get(each.image);
    const picture = path && (await pictureUrl(path).catch(() => undefined));
    if (picture) pictures.push({ ...each, picture: picture.url, width: picture.width, height: picture.height });
  }
  return pictures;
}
