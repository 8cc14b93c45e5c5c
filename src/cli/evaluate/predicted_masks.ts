/** `raybox evaluate --predicted-masks`: masks from a file against the masks of `--masks`, without weights and perhaps without a data set. */
import { basename, join, resolve } from 'node:path';
import { counted, InputError } from '../../errors.js';
import { maskEvaluationCsv } from '../../evaluate/evaluation_csv.js';
import { maskPairsCsv } from '../../evaluate/masks/csv.js';
import { type MaskResult, maskScorer, predictedMasks } from '../../evaluate/masks/scores.js';
import { type MaskTruth, maskTruth } from '../../evaluate/masks/truth.js';
import { nameHint } from '../../evaluate/name_hints.js';
import { masksPage } from '../../evaluate/page/masks.js';
import { loadPlots } from '../../evaluate/page/plots.js';
import { stemOf } from '../../formats/data_sets/image_list.js';
import { listed } from '../../formats/data_sets/label_names.js';
import type { ShapeFile } from '../../formats/masks/shapes.js';
import { type Dataset, openDataset } from '../../node/dataset.js';
import { withFolder } from '../../node/lock.js';
import { writeWhole } from '../../node/text_files.js';
import type { Command } from '../../node/vendor/commander.js';
import type { Warning } from '../../warnings.js';
import { print, UsageError } from '../terminal.js';
import {
  findingsOf,
  joinMasks,
  type MaskOptions,
  type MaskTarget,
  markedSizes,
  readMaskFiles,
  readPredictedMasks,
} from './mask_options.js';
import { classesOf, maskSummary, patientsOf } from './mask_scorers.js';
import { readNames, splitOf } from './split.js';

interface Options extends MaskOptions {
  data?: string;
  out: string;
  test?: string;
  classes?: string;
  bootstrap: number;
  seed: number;
  html: boolean;
  pictures?: boolean;
  cocoIndex?: string;
}

/** The options that say something about predicted masks. All others would have no effect. */
const OF_MASKS = new Set([
  ...['data', 'out', 'test', 'classes', 'bootstrap', 'seed', 'html', 'pictures'],
  ...['masks', 'predictedMasks', 'maskFrame', 'maskLabels', 'cocoIndex'],
]);

/** `raybox evaluate --predicted-masks`. */
export async function evaluateMasks(options: Options, command: Command): Promise<void> {
  const { predictedMasks: path, masks, out, html, pictures, bootstrap: replicates, seed, data: folder } = options;
  if (path === undefined || masks === undefined)
    throw new UsageError('--predicted-masks are scored against --masks: name both');
  const unused = command.options.find(
    (option) => !OF_MASKS.has(option.attributeName()) && command.getOptionValueSource(option.attributeName()) === 'cli',
  );
  if (unused) throw new UsageError(`${unused.long} has no effect on --predicted-masks`);
  if (pictures && !html) throw new UsageError('--pictures are of the page of results: leave out --no-html');
  if (html) await loadPlots();
  const warnings: Warning[] = [];
  const files = await readMaskFiles(options, warnings);
  const predicted = await readPredictedMasks(path, options.cocoIndex);
  const data = folder === undefined ? undefined : await openDataset(folder);
  for (const warning of data?.warnings ?? []) warnings.push(warning);
  const results = await scored(files, { source: basename(path), file: predicted }, data, options, warnings);
  const level = 0.95;
  const result = {
    ...{ warnings: [...warnings, ...results.flatMap((each) => each.warnings)], level, replicates, seed },
    masks: results.map(({ evaluation }) => evaluation),
  };
  await withFolder(out, async () => {
    await writeWhole(join(out, 'evaluation.json'), `${JSON.stringify(result, null, 1)}\n`);
    await writeWhole(join(out, 'evaluation.csv'), maskEvaluationCsv(result.masks));
    await writeWhole(join(out, 'masks.csv'), maskPairsCsv(results));
    if (!html) return;
    const against = masks.map((file) => basename(file)).join(', ');
    const subtitle = `${basename(path)} against ${against}${folder === undefined ? '' : ` on ${basename(resolve(folder))}`}`;
    await writeWhole(join(out, 'evaluation.html'), await masksPage(result, { title: 'raybox evaluation', subtitle }));
  });
  const notes = result.warnings.map(({ message }) => `note: ${message}\n`).join('');
  await print(`${notes}${notes ? '\n' : ''}${maskSummary(result.masks)}\n`);
  if (!pictures) return;
  const { writePagePictures } = await import('../../node/browser/page_pictures.js');
  await writePagePictures(join(out, 'evaluation.html'), out);
}

async function scored(
  files: ReadonlyMap<string, ShapeFile>,
  predicted: { source: string; file: ShapeFile },
  data: Dataset | undefined,
  options: Options,
  warnings: Warning[],
): Promise<MaskResult[]> {
  const target = await targetOf(files, predicted.file, data, options);
  const patientOf = patientsIn(target.images, data, warnings);
  const test = await testImages(target.images, data, options.test, warnings);
  const { maskFrame, maskLabels = {} } = options;
  const known = new Set(findingsOf(predicted.file));
  const isKnown = (name: string) => known.has(name);
  const ofTruth = new Set([...files.values()].flatMap(findingsOf));
  // A renamed finding may be one of the truth, of the predictions or of both.
  const [truthLabels, labels] = [(name: string) => ofTruth.has(name), isKnown].map((has) =>
    Object.fromEntries(Object.entries(maskLabels).filter(([from]) => has(from))),
  );
  const unused = Object.keys(maskLabels).find((name) => !Object.hasOwn(truthLabels, name) && !isKnown(name));
  if (unused !== undefined) {
    throw new InputError(`--mask-labels: no file has masks of ${unused}`, {
      expected: [...ofTruth, ...known].join(', '),
    });
  }
  const truths = joinMasks(files, target, { maskFrame, maskLabels: truthLabels }, warnings);
  const joined = maskTruth(predicted.file, { source: predicted.source, ...target, labels, frame: maskFrame });
  for (const warning of joined.warnings) warnings.push(warning);
  return truths.map((truth) => {
    const scorer = maskScorer(truth, { predictions: 'masks', labels: joined.truth.labels, test, patientOf });
    refuseMissing(truth, joined.truth);
    for (const [image, byLabel] of predictedMasks(joined.truth)) scorer.addMasks(image, byLabel);
    return scorer.finish({ replicates: options.bootstrap, seed: options.seed });
  });
}

/** Names of the images to score; undefined for all. Without a data set there is no list but that of the option. */
async function testImages(
  images: readonly string[],
  data: Dataset | undefined,
  option: string | undefined,
  warnings: Warning[],
): Promise<readonly string[] | undefined> {
  if (!data && (option === undefined || option === 'all')) return undefined;
  const { test } = data
    ? await splitOf(option === undefined ? {} : { test: option }, data, warnings)
    : { test: await readNames(option as string, warnings) };
  // Files of masks give names without endings. Those of a data set are compared with them.
  const byStem = new Map(images.map((image) => [stemOf(image), image]));
  const named = test?.map((name) => (data ? name : (byStem.get(stemOf(name)) ?? name)));
  const known = new Map(images.map((image) => [image, image]));
  const unknown = (named ?? []).filter((name) => !known.has(name));
  if (unknown.length > 0) {
    const hint = data && nameHint(unknown, known);
    const message = `${counted(unknown.length, 'name')} of the test list not among the images: ${listed(unknown, 3)}.`;
    warnings.push({ code: 'ignored-data', message: hint ? `${message} ${hint}` : message });
  }
  return named;
}

/** The images and classes of the data set, or without one those of the truth. */
async function targetOf(
  files: ReadonlyMap<string, ShapeFile>,
  predicted: ShapeFile,
  data: Dataset | undefined,
  { classes: asked, maskLabels = {} }: Options,
): Promise<MaskTarget> {
  if (data) {
    const sizeOf = await markedSizes([...files.values(), predicted], data);
    return { images: data.table.images, classes: classesOf(data.table.classes, asked), sizeOf };
  }
  const stems = new Map<string, string>();
  for (const { images } of files.values()) {
    for (const { image } of images) {
      const stem = stemOf(image);
      if (!stems.has(stem)) stems.set(stem, image);
    }
  }
  const named = [...files.values()].flatMap(findingsOf);
  const all = new Set(named.map((name) => (Object.hasOwn(maskLabels, name) ? maskLabels[name] : name)));
  return { images: [...stems.values()], classes: classesOf([...all], asked), sizeOf: () => undefined };
}

/** Names of images in which the patient's number is: those of CheXpert and of ChestX-ray14. */
const PATIENT_IN_NAME = [/^(patient\d+)_study\d+_view\d+/i, /^(\d{8})_\d{3}(?:\.|$)/];

/** Who the patients are: as the data set says, or without one as the names of images say. */
function patientsIn(
  images: readonly string[],
  data: Dataset | undefined,
  warnings: Warning[],
): (image: string) => string {
  if (data) {
    const patients = patientsOf(data);
    return (image) => patients.get(image) ?? image;
  }
  const pattern = PATIENT_IN_NAME.find((each) => images.every((image) => each.test(image)));
  const message = pattern
    ? `Patients were taken from the names of images: ${images[0]} is of ${pattern.exec(images[0])?.[1]}. --data names a data set that says who they are.`
    : 'Nothing says who the patients are, so each image counts as one of its own: intervals are too narrow if patients have several. --data names a data set that says it.';
  warnings.push({ code: 'assumed-data', message });
  return (image) => pattern?.exec(image)?.[1] ?? image;
}

/** @throws InputError if a finding that the file has masks of, and that the truth says something about, is missing in one of its images */
function refuseMissing(truth: MaskTruth, predicted: MaskTruth): void {
  for (const [image, { read }] of predicted.images) {
    const missing = predicted.labels.find((label) => truth.images.get(image)?.read.has(label) && !read.has(label));
    if (missing === undefined) continue;
    throw new InputError(`${predicted.source}: ${image} has no mask of ${missing}, which other images have`, {
      expected: 'a mask of each finding in each image; an empty one where it was not found',
      given: [...read].join(', '),
    });
  }
}
