/** Predictions from files, and their evaluation as files: JSON, CSV and one HTML page. */
import { join } from 'node:path';
import { counted, InputError } from '../errors.js';
import { type CaseInput, pickCases } from '../evaluate/cases.js';
import { type EvaluationOptions, type EvaluationResult, evaluate } from '../evaluate/evaluate.js';
import { matchPredictions } from '../evaluate/match.js';
import { reportCsv } from '../evaluate/report_csv.js';
import { type CasePicture, reportHtml } from '../evaluate/report_html.js';
import { loadPlots } from '../evaluate/report_plots.js';
import { parseJson, readCoco } from '../formats/coco.js';
import type { Box, Prediction } from '../formats/findings.js';
import type { LabeledBox } from '../formats/image_table.js';
import { predictionLineReader } from '../formats/predictions.js';
import { predictionCsvReader } from '../formats/predictions_csv.js';
import type { OnWarning, Warning } from '../warnings.js';
import { boxInImage, isCentred, isInside, likelyBoxFrame, type Size } from './box_frame.js';
import type { Dataset } from './dataset.js';
import { checkImage } from './dataset_check.js';
import { withFolder } from './lock.js';
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
  /** Told what of the file was matched, assumed or not used. */
  onWarning?: OnWarning;
}

/** Reads predictions by the file's ending: `.csv`, `.jsonl` or `.ndjson`, else `.json` as COCO. */
export async function readPredictions(path: string, options: PredictionFileOptions): Promise<Prediction[]> {
  const { classes, logits, onWarning } = options;
  if (/\.json$/i.test(path)) {
    const json = async (file: string) => parseJson(await readText(file, MAX_JSON_BYTES), file);
    const index = options.cocoIndex === undefined ? undefined : await json(options.cocoIndex);
    return readCoco(await json(path), { source: path, index, onWarning });
  }
  if (!/\.(csv|jsonl|ndjson)$/i.test(path)) {
    throw new InputError(`${path}: unknown kind of predictions`, { expected: '.csv, .jsonl, .coco.json or .json' });
  }
  const reader = /\.csv$/i.test(path)
    ? predictionCsvReader({ source: path, classes, logits, onWarning })
    : predictionLineReader({ source: path, onWarning });
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
  const matched = matchPredictions(given, data.table.classes);
  const { predictions: all, warnings: sizes } = await withSizes(matched.predictions, data);
  const placed = boxesInImages(all, data.boxes, options.boxFrame);
  const input = { table: data.table, boxes: placed.boxes, predictions: all };
  const warnings = [...data.warnings, ...(options.warnings ?? []), ...matched.warnings];

  const result = evaluate(input, {
    ...options,
    warnings: [...warnings, ...sizes, ...placed.warnings, ...checkPlaces(all)],
  });
  return { input, result };
}

async function writeFiles(
  { input, result }: ScoredInput,
  data: Dataset,
  options: WriteEvaluationOptions,
): Promise<EvaluationResult> {
  const { out, html = true, cases: caseCount = 6, subtitle = '' } = options;
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

/**
 * Images with boxes get the size of their file where the predictions do not say it. What predictions say holds, since
 * they may have been made on larger copies of the images, but a size that the file of an image with truth boxes does not
 * have is told: the boxes may not be in one frame.
 */
async function withSizes(
  predictions: readonly Prediction[],
  { boxes, paths }: Dataset,
): Promise<{ predictions: Prediction[]; warnings: Warning[] }> {
  const boxed = new Set(boxes.map(({ image }) => image));
  const sized: Prediction[] = [];
  const different: string[] = [];
  for (const prediction of predictions) {
    const path = paths.get(prediction.image);
    const wanted = boxed.has(prediction.image) || (!prediction.width && prediction.findings?.length);
    const size = path && wanted ? await checkImage(path).catch(() => undefined) : undefined;
    const said = sizeOf(prediction);
    if (size && said && (size.width !== said.width || size.height !== said.height)) {
      different.push(`${prediction.image}, ${said.width}×${said.height} for ${size.width}×${size.height}`);
    }
    sized.push(size && !said ? { ...prediction, width: size.width, height: size.height } : prediction);
  }
  const message = `Predictions give ${counted(different.length, 'image')} with boxes another size than their files have; the first: ${different[0]}. Predicted and truth boxes were compared in pixels of the size that the predictions give.`;
  return { predictions: sized, warnings: different.length > 0 ? [{ code: 'assumed-data', message }] : [] };
}

const sizeOf = ({ width, height }: Prediction): Size | undefined => (width && height ? { width, height } : undefined);

/**
 * Truth boxes in pixels of their images.
 *
 * @throws InputError where a box's centre is outside its image: it belongs to another frame, and no score would mean anything
 */
function boxesInImages(
  predictions: readonly Prediction[],
  boxes: readonly LabeledBox[],
  frame?: number,
): { boxes: LabeledBox[]; warnings: Warning[] } {
  const sizes = sizesOf(predictions);
  const leaving = new Set<string>();
  const placed = boxes.map((each) => {
    const size = sizes.get(each.image);
    if (!size) return each;
    const box = boxInImage(each.box, size, frame);
    if (!isCentred(box, size)) {
      const likely = frame === undefined ? likelyBoxFrame(boxes, sizes) : undefined;
      throw new InputError(`a box of ${each.label} lies outside ${each.image}`, {
        expected: `pixels of an image of ${size.width}×${size.height}`,
        given: sidesOf(box),
        hint:
          likely === undefined
            ? 'published boxes on images that were made smaller need the frame of 1024 (--box-frame 1024)'
            : `the boxes seem to be in a frame of ${likely}: --box-frame ${likely}`,
      });
    }
    if (!isInside(box, size)) leaving.add(each.image);
    return { ...each, box };
  });
  return { boxes: placed, warnings: reaching(leaving.size, 'truth', [...leaving][0]) };
}

/**
 * Whether predicted boxes can be in pixels of their images.
 *
 * @throws InputError where a box's centre is outside its image, or all boxes are fractions of their images
 */
function checkPlaces(predictions: readonly Prediction[]): Warning[] {
  const found = predictions.flatMap(({ image, findings = [] }) =>
    findings.map(({ label, box }) => ({ image, label, box })),
  );
  if (found.length > 0 && found.every(({ box }) => box.x + box.width <= 1 && box.y + box.height <= 1)) {
    throw new InputError('no predicted box reaches beyond the first pixel of its image', {
      expected: 'boxes in pixels of the image file',
      given: `${found[0]!.image}: ${Object.values(found[0]!.box).join(', ')}`,
      hint: 'boxes in fractions of the image must be multiplied by its width and height',
    });
  }
  const sizes = sizesOf(predictions);
  const leaving = new Set<string>();
  for (const { image, label, box } of found) {
    const size = sizes.get(image);
    if (!size) continue;
    if (!isCentred(box, size)) {
      const likely = likelyBoxFrame(found, sizes);
      const scale = 'and of the truth boxes --box-frame says their frame';
      throw new InputError(`a predicted box of ${label} lies outside ${image}`, {
        expected: `pixels of an image of ${size.width}×${size.height}`,
        given: sidesOf(box),
        hint:
          likely === undefined
            ? `predicted boxes count in pixels of the image file, or of the width and height that the predictions give; ${scale} (--box-frame 1024 for published ones)`
            : `the predicted boxes seem to be in a frame of ${likely}: give "width": ${likely}, "height": ${likely} beside them (JSON lines, COCO), or scale them; ${scale} (--box-frame ${likely})`,
      });
    }
    if (!isInside(box, size)) leaving.add(image);
  }
  return [...reaching(leaving.size, 'predicted', [...leaving][0]), ...crowded(found, sizes)];
}

/** In so many images, boxes of a network or a person do not all lie in one corner. */
const ENOUGH_IMAGES = 10;

/** Boxes in pixels of smaller copies are inside the images, and all near their first corner. */
function crowded(found: readonly { image: string; box: Box }[], sizes: ReadonlyMap<string, Size>): Warning[] {
  const placed = found.filter(({ image }) => sizes.has(image));
  const isNear = ({ image, box }: { image: string; box: Box }) => {
    const { width, height } = sizes.get(image)!;
    return box.x + box.width <= width / 2 && box.y + box.height <= height / 2;
  };
  if (new Set(placed.map(({ image }) => image)).size < ENOUGH_IMAGES || !placed.every(isNear)) return [];
  const most = placed.reduce((extent, { box }) => Math.max(extent, box.x + box.width, box.y + box.height), 0);
  const message = `All ${placed.length} predicted boxes lie in the first quarter of their images, within ${Math.ceil(most)} pixels: are they in pixels of smaller copies? They were scored as they are.`;
  return [{ code: 'assumed-data', message }];
}

/** @param images how many have a box that passes an edge */
function reaching(images: number, kind: string, first: string | undefined): Warning[] {
  if (images === 0) return [];
  const message = `${counted(images, 'image')} ${images === 1 ? 'has' : 'have'} ${kind} boxes that reach beyond an edge; the first: ${first}. They were scored as they are.`;
  return [{ code: 'assumed-data', message }];
}

function sizesOf(predictions: readonly Prediction[]): Map<string, Size> {
  return new Map(
    predictions.flatMap((prediction) => {
      const size = sizeOf(prediction);
      return size ? [[prediction.image, size] as const] : [];
    }),
  );
}

const sidesOf = ({ x, y, width, height }: Box) => [x, y, width, height].map((side) => side.toFixed(1)).join(', ');

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
