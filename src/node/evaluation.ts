/** Predictions from files, and their evaluation as files: JSON, CSV and one HTML page. */
import { join } from 'node:path';
import { InputError } from '../errors.js';
import { type CaseInput, pickCases } from '../evaluate/cases.js';
import { type EvaluationOptions, type EvaluationResult, evaluate } from '../evaluate/evaluate.js';
import { reportCsv } from '../evaluate/report_csv.js';
import { type CasePicture, reportHtml } from '../evaluate/report_html.js';
import { loadPlots } from '../evaluate/report_plots.js';
import { parseJson, readCoco } from '../formats/coco.js';
import type { Prediction } from '../formats/findings.js';
import type { LabeledBox } from '../formats/image_table.js';
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
  /**
   * Side in pixels of the square frame that truth boxes are given in, where it is not that of the image files: 1024 for
   * published boxes on images that were made smaller.
   */
  boxFrame?: number;
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
  const boxes = boxesInImages(all, data.boxes, options.boxFrame);
  const input = { table: data.table, boxes, predictions: all };

  const result = evaluate(input, options);
  await writeWhole(join(out, 'evaluation.json'), `${JSON.stringify(result, null, 1)}\n`);
  await writeWhole(join(out, 'evaluation.csv'), reportCsv(result));
  if (html) {
    const cases = await casePictures(input, data.paths, result, options, caseCount);
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

/**
 * Truth boxes in pixels of their images.
 *
 * @throws InputError where a box lies outside its image: it belongs to another frame, and no score would mean anything
 */
function boxesInImages(predictions: readonly Prediction[], boxes: readonly LabeledBox[], frame?: number): LabeledBox[] {
  const sizes = new Map(predictions.map(({ image, width, height }) => [image, { width, height }]));
  return boxes.map((each) => {
    const { width, height } = sizes.get(each.image) ?? {};
    if (!width || !height) return each;
    const [right, down] = frame ? [width / frame, height / frame] : [1, 1];
    const { box } = each;
    const scaled = { x: box.x * right, y: box.y * down, width: box.width * right, height: box.height * down };
    if (scaled.x + scaled.width / 2 > width || scaled.y + scaled.height / 2 > height) {
      throw new InputError(`a box of ${each.label} lies outside ${each.image}`, {
        expected: `pixels of an image of ${width}×${height}`,
        given: [scaled.x, scaled.y, scaled.width, scaled.height].map((side) => side.toFixed(1)).join(', '),
        hint: 'published boxes on images that were made smaller need the frame of 1024 (--box-frame 1024)',
      });
    }
    return { ...each, box: scaled };
  });
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
