/** Reads predictions from files, and writes their evaluation as files: JSON, CSV and an HTML page. */
import { join } from 'node:path';
import { InputError } from '../../errors.js';
import { areCorners, type CornersOf, type Whose } from '../../evaluate/box_corners.js';
import { type EvaluationResult, evaluate } from '../../evaluate/evaluate.js';
import { evaluationCsv } from '../../evaluate/evaluation_csv.js';
import { scoreFor } from '../../evaluate/localize.js';
import { maskPairsCsv } from '../../evaluate/masks/csv.js';
import type { MaskResult, MaskScorer } from '../../evaluate/masks/scores.js';
import { matchPredictions } from '../../evaluate/match.js';
import { EVALUATION_OPTIONS, type EvaluationOptions } from '../../evaluate/options.js';
import { type CaseInput, pickCases } from '../../evaluate/page/cases.js';
import { type CasePicture, evaluationPage } from '../../evaluate/page/evaluation.js';
import { loadPlots } from '../../evaluate/page/plots.js';
import { readCoco } from '../../formats/data_sets/coco.js';
import type { Prediction } from '../../formats/findings.js';
import { own, parseJson } from '../../formats/json.js';
import { predictionLineReader } from '../../formats/predictions/prediction_lines.js';
import { predictionCsvReader } from '../../formats/predictions/predictions_csv.js';
import { boxesInImages, checkPlaces, inFilePixels, sizesOf, withSizes } from '../../node/box_checks.js';
import type { Dataset } from '../../node/dataset.js';
import { pictureUrl } from '../../node/images/thumbnail.js';
import { withFolder } from '../../node/lock.js';
import { readText, readTextPieces, writeWhole } from '../../node/text_files.js';
import type { OnWarning } from '../../warnings.js';

/** A COCO file is read into memory as a whole, so larger files are refused. */
const MAX_JSON_BYTES = 400 << 20;

/** How a file of predictions is read. */
export interface PredictionFileOptions {
  classes: readonly string[];
  /** Whether the numbers of a CSV file are logits and not probabilities. */
  logits?: boolean;
  /**
   * A COCO annotation file with the names of images and classes. It is needed if the predictions are an array of COCO results, which only
   * has ids.
   */
  cocoIndex?: string;
  /** Whether boxes of four numbers are two corners. Default: as the file says; if it does not say it, a corner with width and height. */
  corners?: boolean | undefined;
  /** Called with a warning for each thing that was matched, assumed or not used. */
  onWarning?: OnWarning;
}

/**
 * Reads predictions. The ending of the file decides the format: `.csv`, `.jsonl` or `.ndjson`; all others are read as COCO. A file without
 * predictions is refused.
 */
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

/** How predictions are scored, and where the results are written. */
export interface WriteEvaluationOptions extends EvaluationOptions {
  /** The folder for `evaluation.json`, `evaluation.csv` and `evaluation.html`. */
  out: string;
  html?: boolean;
  /** How many of the best cases get pictures, and as many of the worst. */
  cases?: number;
  /**
   * Side in pixels of the square that the truth boxes refer to, if it is not that of the image files. For example, it is 1024 for the
   * published boxes if the images have been made smaller.
   */
  boxFrame?: number;
  /** Whose boxes were read as two corners, if the user has said so. Otherwise boxes that look like corners are refused. */
  corners?: CornersOf | undefined;
  /** Scorers of masks and polygons, which have been given the heatmaps when all predictions are there. */
  masks?: readonly MaskScorer[] | undefined;
  /** The line below the title of the page. */
  subtitle?: string;
}

/**
 * Evaluates predictions, and writes the scores and their page. The predictions come from files, or one by one from a network. Each file is
 * written under a temporary name and then renamed.
 * @throws InputError as `evaluate` does, and if another process writes into the folder
 */
export async function writeEvaluation(
  predictions: Iterable<Prediction> | AsyncIterable<Prediction>,
  data: Dataset,
  options: WriteEvaluationOptions,
): Promise<EvaluationResult> {
  // If the packages for plots are missing, this fails before the work and not after it.
  if (options.html ?? true) await loadPlots();
  // A network writes its predictions into the folder while it works. Predictions from files are scored first, so that no folder is made for
  // files that are refused.
  if (Symbol.asyncIterator in predictions) {
    return withFolder(options.out, async () => writeFiles(await score(predictions, data, options), data, options));
  }
  const scored = await score(predictions, data, options);
  return withFolder(options.out, () => writeFiles(scored, data, options));
}

interface ScoredInput {
  /** What was scored. Labels have the names of the data set, and boxes are in pixels of their images. */
  input: CaseInput;
  result: EvaluationResult;
  masks?: MaskResult[];
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
  const ofScores = Object.entries(options).filter(([name]) => Object.hasOwn(EVALUATION_OPTIONS, name));
  const chosen: EvaluationOptions = Object.fromEntries(ofScores);
  const result = evaluate(input, { ...chosen, warnings: [...warnings, ...scaled, ...placed.warnings, ...places] });
  if (!options.masks) return { input, result };
  const masks = scoreMasks(options.masks, result, all);
  const ofMasks = { warnings: [...result.warnings, ...masks.flatMap((each) => each.warnings)] };
  return { input, result: { ...result, ...ofMasks, masks: masks.map(({ evaluation }) => evaluation) }, masks };
}

/** What the scorers of masks found. A finding counts as predicted where its score reaches the operating threshold. */
function scoreMasks(
  scorers: readonly MaskScorer[],
  { level, replicates, seed, operatingThresholds }: EvaluationResult,
  predictions: readonly Prediction[],
): MaskResult[] {
  const byImage = new Map(predictions.map((prediction) => [prediction.image, prediction]));
  const isPositive = (image: string, label: string) => {
    const prediction = byImage.get(image);
    const threshold = own(operatingThresholds, label)?.value;
    return prediction !== undefined && threshold !== undefined && scoreFor(prediction, label) >= threshold;
  };
  return scorers.map((scorer) => scorer.finish({ level, replicates, seed, isPositive }));
}

async function writeFiles(
  { input, result, masks }: ScoredInput,
  data: Dataset,
  options: WriteEvaluationOptions,
): Promise<EvaluationResult> {
  const { out, html = true, cases: caseCount = 6, subtitle = '' } = options;
  await writeWhole(join(out, 'evaluation.json'), `${JSON.stringify(result, null, 1)}\n`);
  await writeWhole(join(out, 'evaluation.csv'), evaluationCsv(result));
  if (masks) await writeWhole(join(out, 'masks.csv'), maskPairsCsv(masks));
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
