/**
 * Localization of weights on what radiologists marked, for a model card: each source of truth by itself, beside the median box of its findings
 * and a random map. bench/README.md explains it.
 *
 *   node dist/bench/studies/weights/real_truth.js --weights FILE --data DIR --run DIR --masks FILE... --box-frame 1024 --out DIR
 *
 * Images of the run's `validation.txt` are scored. Thresholds of heatmaps and the median boxes come from the images of its `train.txt`, which
 * are of other patients. The network runs once, and its boxes and heatmaps stay in `--out`.
 */
import { join } from 'node:path';
import { Command } from 'commander';
import { adapterOption, backendOption, runOptions } from '../../../src/cli/adapter_option.js';
import { joinMasks, markedSizes, readMaskFiles } from '../../../src/cli/evaluate/mask_options.js';
import { patientsOf } from '../../../src/cli/evaluate/mask_scorers.js';
import { startProgress, wholeNumber } from '../../../src/cli/terminal.js';
import { InputError } from '../../../src/errors.js';
import { scaledBox } from '../../../src/evaluate/box_frame.js';
import type { MaskTruth } from '../../../src/evaluate/masks/truth.js';
import { readImageList } from '../../../src/formats/data_sets/chestxray.js';
import type { Box } from '../../../src/formats/findings.js';
import type { Shape, ShapeFile } from '../../../src/formats/masks/shapes.js';
import type { LoadOptions } from '../../../src/localizer/load_options.js';
import { load } from '../../../src/localizer/localizer.js';
import { type Dataset, openDataset } from '../../../src/node/dataset.js';
import { readText, writeWhole } from '../../../src/node/text_files.js';
import { openImageThreads } from '../../../src/node/threads/image_threads.js';
import type { Warning } from '../../../src/warnings.js';
import { runStudy } from '../study_program.js';
import { keepStudy, resultOf, writeJson } from '../training_runs.js';
import { type Found, scoreTruth, type TruthScore, truthTable } from './truth_scores.js';

/** Files with marks of radiologists. */
export interface TruthFiles {
  masks: string[];
  /** Side of the square that the marks refer to. */
  maskFrame: number;
  /** The class that marks of "Lung Opacity" are scored as. */
  lungOpacity?: string;
}

interface Options extends TruthFiles {
  weights: string;
  data: string;
  run: string;
  out: string;
  seed: number;
  bootstrap: number;
  adapter?: string;
  backend?: LoadOptions['backend'];
}

async function scoreRealTruth(options: Options, signal: AbortSignal): Promise<string> {
  const { out, run, seed, bootstrap: replicates } = options;
  const list = async (name: string) => readImageList(await readText(join(run, name)), name);
  const [train, validation] = [await list('train.txt'), await list('validation.txt')];
  const data = await openDataset(options.data);
  const warnings: Warning[] = [];
  const truths = await readTruths(options, data, new Set([...train, ...validation]), warnings);
  const sources = truths.map(({ source }) => source);
  await keepStudy(join(out, 'study.json'), { weights: options.weights, data: options.data, sources });
  const found = await resultOf(join(out, 'found.json'), () =>
    localizeMarked(options.weights, data, truths, { signal, ...runOptions(options) }),
  );
  const patients = patientsOf(data);
  const patientOf = (image: string) => patients.get(image) ?? image;
  const scores: TruthScore[] = truths.flatMap((truth) =>
    scoreTruth(truth, found, { train, validation, patientOf, seed, replicates }),
  );
  await writeJson(join(out, 'real_truth.json'), { scores, warnings: warnings.map(({ message }) => message) });
  const markdown = truthTable(scores);
  await writeWhole(join(out, 'real_truth.md'), markdown);
  return markdown;
}

/** What was marked in images of the run, by source. */
export async function readTruths(
  { masks, maskFrame, lungOpacity }: TruthFiles,
  data: Dataset,
  used: ReadonlySet<string>,
  warnings: Warning[],
): Promise<MaskTruth[]> {
  const files = await readMaskFiles({ masks }, warnings);
  const images = data.table.images.filter((image) => used.has(image) && data.paths.has(image));
  const target = { images, classes: data.table.classes, sizeOf: await markedSizes(files.values(), data) };
  const maskLabels: Record<string, string> = lungOpacity === undefined ? {} : { 'Lung Opacity': lungOpacity };
  const smaller = new Map([...files].map(([source, file]) => [source, inSquare(file, maskFrame)]));
  return joinMasks(smaller, target, { maskFrame: SIDE, maskLabels }, warnings);
}

/** Side of the square in which everything is compared: about that of the maps and images. At the size of the marks it would take hours. */
const SIDE = 128;

/** Boxes and polygons in pixels of that square. */
function inSquare(file: ShapeFile, frame: number): ShapeFile {
  const by = SIDE / frame;
  const scaled = (shape: Shape): Shape => {
    if ('box' in shape) return { box: scaledBox(shape.box, by, by) };
    if ('mask' in shape) throw new InputError('run lengths are not made smaller', { expected: 'boxes or polygons' });
    return { polygons: shape.polygons.map((polygon) => polygon.map((each) => each * by)) };
  };
  const images = file.images.map(({ width: _, height: __, ...image }) => ({
    ...image,
    marks: image.marks.map(({ label, shape }) => ({ label, shape: scaled(shape) })),
  }));
  return { ...file, images };
}

/** The boxes and heatmaps of the findings that are marked in each image. */
export async function localizeMarked(
  weights: string,
  data: Dataset,
  truths: readonly MaskTruth[],
  options: LoadOptions & { signal: AbortSignal },
): Promise<Found[]> {
  const { signal } = options;
  const marked = new Map<string, Set<string>>();
  for (const { images } of truths) {
    for (const [image, { regions }] of images) {
      if (regions.size > 0) marked.set(image, new Set([...(marked.get(image) ?? []), ...regions.keys()]));
    }
  }
  const images = [...marked.keys()];
  const localizer = await load(weights, options);
  const threads = openImageThreads();
  const progress = startProgress('marked images', images.length, 'images');
  const found: Found[] = [];
  try {
    const results = localizer.localizeAll(
      images.map((image) => () => threads.run('read', [data.paths.get(image) as string, {}])),
      { classes: localizer.classes, heatmaps: 'raw', batch: 16, signal },
    );
    for await (const { index, width, height, findings, heatmaps = {} } of results) {
      const labels = marked.get(images[index]) as Set<string>;
      const boxes: { label: string; box: Box }[] = findings.filter(({ label }) => labels.has(label));
      const heat = Object.entries(heatmaps).filter(([label]) => labels.has(label));
      found.push({
        ...{ image: images[index], width, height },
        boxes: boxes.map(({ label, box }) => ({ label, box })),
        heatmaps: heat.map(([label, map]) => ({ label, width: map.width, height: map.height, data: [...map.data] })),
      });
      progress.update(index + 1);
    }
  } finally {
    progress.stop();
    await threads.close();
    await localizer.close();
  }
  return found;
}

const program = new Command('real-truth')
  .description('localization of weights on marks of radiologists, beside baselines')
  .requiredOption('--weights <file>', 'weights whose images are stretched to their input')
  .requiredOption('--data <dir>', 'data set in the ChestX-ray8/14 layout')
  .requiredOption('--run <dir>', 'folder with train.txt and validation.txt of the weights')
  .requiredOption('--masks <file...>', 'masks, polygons or boxes; each source is a truth of its own')
  .option('--mask-frame <pixels>', 'side of the square that they refer to', wholeNumber(1, 65_535), 1024)
  .option('--lung-opacity <class>', 'the class that "Lung Opacity" is scored as')
  .requiredOption('--out <dir>', 'folder of results')
  .option('--seed <n>', 'seed of the random maps and the bootstrap', wholeNumber(0, 2 ** 32 - 1), 0)
  .option('--bootstrap <draws>', 'bootstrap draws of patients', wholeNumber(0, 100_000), 1000)
  .addOption(backendOption())
  .addOption(adapterOption());

await runStudy(import.meta.url, program, scoreRealTruth);
