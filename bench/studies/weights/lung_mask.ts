/**
 * Makes the region of `lungMask` again from boxes of radiologists, and measures what it does to the boxes of a network. src/localizer/README.md
 * has the table.
 *
 *   node dist/bench/studies/weights/lung_mask.js --weights FILE --data DIR --reads reads.csv --boxes other_boxes.csv --out DIR
 *
 * Images of the data set's test list are not used. Measured with a region that was made from other patients.
 */
import { join } from 'node:path';
import { Command } from 'commander';
import { adapterOption, backendOption, runOptions } from '../../../src/cli/adapter_option.js';
import { startProgress, wholeNumber } from '../../../src/cli/terminal.js';
import { InputError } from '../../../src/errors.js';
import { scaledBox } from '../../../src/evaluate/box_frame.js';
import { labelNames } from '../../../src/formats/data_sets/label_names.js';
import type { LoadOptions } from '../../../src/localizer/load_options.js';
import { load } from '../../../src/localizer/localizer.js';
import { isOutside, LUNG_REGION } from '../../../src/localizer/lung_region.js';
import { type Dataset, openDataset } from '../../../src/node/dataset.js';
import { writeWhole } from '../../../src/node/text_files.js';
import { openImageThreads } from '../../../src/node/threads/image_threads.js';
import { markdownTable } from '../../markdown.js';
import { readsOf } from '../real_images/label_noise.js';
import { rowsOf } from '../rows.js';
import { runStudy } from '../study_program.js';
import { keepStudy, resultOf, writeJson } from '../training_runs.js';
import { type MarkedImage, measureRegion, type PlacedBox, type RegionMeasure, regionOf } from './lung_region.js';

interface Options {
  weights: string;
  data: string;
  reads: string;
  boxes: string;
  boxFrame: number;
  source: string;
  leaveOut: string[];
  out: string;
  parts: number;
  bootstrap: number;
  seed: number;
  adapter?: string;
  backend?: LoadOptions['backend'];
}

/** Boxes of a network in an image, as `MarkedImage` has them. */
type Localized = Record<string, MarkedImage['boxes']>;

async function studyLungMask(options: Options, signal: AbortSignal): Promise<string> {
  const { out, source, parts, bootstrap: replicates, seed } = options;
  const data = await openDataset(options.data);
  await keepStudy(join(out, 'study.json'), { weights: options.weights, data: options.data, source });
  const usable = new Set((data.trainValidation ?? data.table.images).filter((image) => data.paths.has(image)));
  const read = [...readsOf(await rowsOf(options.reads), source).keys()].filter((image) => usable.has(image));
  const marks = await marksOf(options);
  const { classes, found } = await resultOf(join(out, 'found.json'), () => localizeAll(read, data, options, signal));
  const names = labelNames(classes);
  const named = (one: PlacedBox) => ({ ...one, label: names.match(one.label) ?? one.label });
  const patients = new Map(data.table.images.map((image, row) => [image, data.table.patients[row]]));
  const images = read.map((image): MarkedImage => {
    const own = (marks.get(source)?.get(image) ?? []).map(named);
    return { patient: patients.get(image) ?? image, marks: own, boxes: found[image] };
  });
  const marked = images.flatMap((image) => image.marks);
  const scored = classes.filter((name) => marked.some(({ label }) => label === name));
  const measure = measureRegion(images, scored, { parts, replicates, seed });
  const region = regionOf(marked.map(({ box }) => box));
  const others = [...marks].flatMap(([name, byImage]) => {
    const boxes = [...byImage].flatMap(([image, own]) => (name !== source && usable.has(image) ? own : []));
    const outside = boxes.filter(({ box }) => isOutside(box, { width: 1, height: 1 }, region)).length;
    return boxes.length > 0 ? [{ source: name, boxes: boxes.length, outside: outside / boxes.length }] : [];
  });
  await writeJson(join(out, 'lung_mask.json'), { region, measure, classes: scored, others });
  const markdown = summary(measure, scored, region, others);
  await writeWhole(join(out, 'lung_mask.md'), markdown);
  return markdown;
}

/** The boxes of radiologists by their source and image, without findings that are left out. */
async function marksOf({ boxes: path, boxFrame, leaveOut }: Options): Promise<Map<string, Map<string, PlacedBox[]>>> {
  const sources = new Map<string, Map<string, PlacedBox[]>>();
  for (const { image, source, label, ...sides } of await rowsOf(path)) {
    if (leaveOut.includes(label)) continue;
    const [x, y, width, height] = [sides.x, sides.y, sides.w, sides.h].map(Number);
    if (![x, y, width, height].every(Number.isFinite))
      throw new InputError(`${path}: a row of ${image} has no box`, { expected: 'columns image,source,label,x,y,w,h' });
    const byImage = sources.get(source) ?? new Map<string, PlacedBox[]>();
    const own = byImage.get(image) ?? [];
    own.push({ label, box: scaledBox({ x, y, width, height }, 1 / boxFrame, 1 / boxFrame) });
    sources.set(source, byImage.set(image, own));
  }
  return sources;
}

/** Localizes the images. Boxes are those that `localize` gives without `lungMask`. */
async function localizeAll(
  images: readonly string[],
  { paths }: Dataset,
  options: Options,
  signal: AbortSignal,
): Promise<{ classes: readonly string[]; found: Localized }> {
  const localizer = await load(options.weights, { signal, ...runOptions(options) });
  const threads = openImageThreads();
  const progress = startProgress('boxes', images.length, 'images');
  const { operatingThresholds: thresholds = {} } = localizer.metadata;
  const found: Localized = {};
  try {
    const results = localizer.localizeAll(
      images.map((image) => () => threads.run('read', [paths.get(image) as string, {}])),
      { classes: localizer.classes, batch: 16, signal },
    );
    for await (const { index, width, height, findings, probabilities } of results) {
      found[images[index]] = findings.map(({ label, box }) => ({
        ...{ label, box: scaledBox(box, 1 / width, 1 / height) },
        isFound: probabilities[label] >= (thresholds[label] ?? 0.5),
      }));
      progress.update(index + 1);
    }
    return { classes: localizer.classes, found };
  } finally {
    progress.stop();
    await threads.close();
    await localizer.close();
  }
}

function summary(
  { images, patients, marks, marksOutside, effects }: RegionMeasure,
  classes: readonly string[],
  region: readonly string[],
  others: readonly { source: string; boxes: number; outside: number }[],
): string {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const decimals = (value: number) => value.toFixed(3).replace(/^(-?)0/, '$1');
  const titles = { known: 'of findings that the image has', found: 'of findings above their threshold' };
  const table = markdownTable(
    ['', 'boxes', 'right', 'boxes of radiologists that are hit', 'F1', 'gain of F1 (95 %, by patient)'],
    effects.flatMap(({ findings, all, inside, gain }) =>
      [all, inside].map(({ boxes, right, hit, f1 }, at) => [
        ...[at === 0 ? titles[findings] : 'without those outside', boxes.toLocaleString('en')],
        ...[percent(right), percent(hit), decimals(f1)],
        at === 0 ? '' : `${decimals(gain.low)} to ${decimals(gain.high)}`,
      ]),
    ),
  );
  const same = region.join() === LUNG_REGION.join() ? 'the region of raybox' : 'another region than that of raybox';
  const lines = [
    `${images} images of ${patients} patients, ${marks} boxes of radiologists, ${classes.length} classes. Outside are ${percent(marksOutside)} of them.`,
    ...others.map(
      ({ source, boxes, outside }) =>
        `Of ${boxes} boxes of ${source}, ${percent(outside)} are outside of the region of all.`,
    ),
    `From all boxes comes ${same}:`,
  ];
  return `${table}\n${lines.join('\n')}\n\n${region.map((row) => `    ${row}`).join('\n')}\n`;
}

const program = new Command('lung-mask')
  .description('boxes outside of lungs and heart: makes the region again, and measures it')
  .requiredOption('--weights <file>', 'weights whose boxes are measured')
  .requiredOption('--data <dir>', 'data set in the ChestX-ray8/14 layout')
  .requiredOption('--reads <file>', 'which images were read: image, source, read')
  .requiredOption('--boxes <file>', 'boxes of radiologists: image, source, label, x, y, w, h')
  .option('--box-frame <pixels>', 'side of the square that the boxes refer to', wholeNumber(1, 65_535), 1024)
  .option('--source <name>', 'whose boxes make the region', 'ChestX-Det')
  .option('--leave-out <labels...>', 'findings that lie outside of lungs and heart', ['Fracture'])
  .requiredOption('--out <dir>', 'folder of results')
  .option('--parts <n>', 'parts of the patients: the region of each is made from the others', wholeNumber(2, 1000), 5)
  .option('--bootstrap <draws>', 'bootstrap draws of patients', wholeNumber(0, 100_000), 1000)
  .option('--seed <n>', 'seed of the bootstrap', wholeNumber(0, 2 ** 32 - 1), 0)
  .addOption(backendOption())
  .addOption(adapterOption());

await runStudy(import.meta.url, program, studyLungMask);
