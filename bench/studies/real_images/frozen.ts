/**
 * What frozen features of real images show by ridge regression: how the AUC grows with the number of images, what pre-training and resolution
 * are worth, and how mined labels compare with radiologists' reads. bench/README.md explains it.
 *
 *   npm run frozen-features -- --data DIR --out DIR --imagenet FILE [--larger DIR] [--reads FILE] [--adjudicated FILE]
 *
 * Only images of the data set's train_val_list.txt are used. Features and results are files in `--out`; the same command again does what is
 * missing.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { say, startProgress, wholeNumber } from '../../../src/cli/terminal.js';
import { InputError } from '../../../src/errors.js';
import { stemOf } from '../../../src/formats/data_sets/image_list.js';
import { CHEST_XRAY8_LABELS, labelsOf } from '../../../src/formats/data_sets/image_table.js';
import { type Dataset, openDataset } from '../../../src/node/dataset.js';
import { writeWhole } from '../../../src/node/text_files.js';
import { rowsOf } from '../rows.js';
import { runStudy } from '../study_program.js';
import { keepStudy, resultOf, writeJson } from '../training_runs.js';
import { type FeatureSet, featuresOf } from './features.js';
import { type FrozenResults, frozenSummary } from './frozen_summary.js';
import {
  type Agreement,
  adjudicatedOf,
  agreementOf,
  COMPARISONS,
  type ReadImage,
  type Reads,
  readsOf,
} from './label_noise.js';
import { columnsOf, headOf, inPatientOrder, labelled, sidesOf } from './labelled_features.js';
import { type CurvePoint, drawImages, type LabelledFeatures, ridgeLogits, scoreCurve } from './learning_curve.js';

export interface Options {
  data: string;
  /** The same images, or some of them, in files of more pixels. */
  larger?: string;
  out: string;
  imagenet: string;
  phantoms: string;
  reads?: string;
  adjudicated?: string;
  validation: number;
  draws: number;
  modules: number;
  bootstrap: number;
  seed: number;
}

/** The input that SqueezeNet's ImageNet weights expect (Caffe's convention). */
const CAFFE = {
  mean: [0.40784, 0.45882, 0.48235],
  std: [0.0039216, 0.0039216, 0.0039216],
  channelOrder: 'bgr' as const,
};
const COLUMNS = [6, 7, 8, 9];
/** Channels of the outputs of these modules. */
const COLUMN_WIDTHS = [384, 384, 512, 512];
/** Numbers of training images in the learning curve, beside all that there are. */
const SIZES = [500, 1000, 2000, 4000];
/** Images that ChestX-ray14 has, and those that it has for training. */
const MORE = [86_524, 112_120];
/** The number of training images for comparisons of features, of which each is one fit. */
const COMPARED = 2000;
const PENALTIES = [3e3, 1e4, 3e4];
const FOLDS = 3;
const NOISE_FOLDS = 5;

export async function studyFrozen(options: Options, signal: AbortSignal): Promise<string> {
  const { out, seed, validation } = options;
  await mkdir(out, { recursive: true });
  const data = await openDataset(options.data);
  const images = inPatientOrder(data, seed);
  await keepStudy(join(out, 'study.json'), {
    images: images.length,
    validation,
    seed,
    draws: options.draws,
    modules: options.modules,
  });
  const imagenet: FeatureSet = {
    ...{ name: 'imagenet-128', size: 128, init: options.imagenet, channels: 3, columns: COLUMNS, metadata: CAFFE },
  };
  const compute = async (set: FeatureSet, from: Dataset, some: readonly string[]) => {
    const progress = startProgress(set.name, some.length, 'images');
    try {
      const folder = join(out, 'features');
      await mkdir(folder, { recursive: true });
      return await featuresOf(set, from, some, { out: folder, signal, onProgress: progress.update });
    } finally {
      progress.stop();
    }
  };
  // This needs no features, so that it is there first.
  const unscored = await compareReads(data, images, options);
  await writeWhole(join(out, 'agreement.md'), frozenSummary({ noise: unscored }));
  const whole = await compute(imagenet, data, images);
  const all = labelled(data, images, whole.values, 2 * whole.channels);
  const last = (modules: number) => {
    const width = COLUMN_WIDTHS.slice(-modules).reduce((sum, one) => sum + one, 0);
    return columnsOf(all, [[whole.channels - width, whole.channels]]);
  };
  const studied = last(options.modules);
  const results: FrozenResults = {};
  const noise = await resultOf(join(out, 'noise.json'), () => labelNoise(studied, data, images, options));
  results.noise = noise;
  results.curve = await resultOf(join(out, 'curve.json'), async () => learningCurve(studied, options, signal));
  const some = images.slice(0, validation + COMPARED);
  const compared = async (name: string, make: () => Promise<LabelledFeatures>, train = COMPARED, held = validation) =>
    resultOf(join(out, `compared-${name}.json`), async () => {
      const features = await make();
      const rows = Array.from({ length: held + train }, (_, row) => row);
      const [test, fit] = [rows.slice(0, held), rows.slice(held)];
      const logits = ridgeLogits(features, fit, test, { penalties: PENALTIES, folds: FOLDS, seed });
      return { images: train, name, width: features.width, ...aucOf(features, test, logits, options) };
    });
  const subset = (features: LabelledFeatures) => headOf(features, some.length);
  const ofSet = (set: FeatureSet) => async () => {
    const { values, channels } = await compute(set, data, some);
    return columnsOf(labelled(data, some, values, 2 * channels), [[0, channels]]);
  };
  results.features = [
    await compared('imagenet, last module', async () => subset(last(1))),
    await compared('imagenet, last two modules', async () => subset(last(2))),
    await compared('imagenet, last four modules', async () => subset(last(4))),
    await compared('phantoms (phantom8)', ofSet({ name: 'phantom8-128', size: 128, init: options.phantoms })),
    await compared(
      'random weights, last four modules',
      ofSet({ name: 'random-128', size: 128, backbone: 'squeezenet1_0', channels: 3, columns: COLUMNS }),
    ),
  ];
  if (options.larger !== undefined) {
    const larger = await largerFiles(options.larger, images);
    results.sizes = await resultOf(join(out, 'sizes.json'), async () => {
      const both = [...larger.paths.keys()];
      const score = async (from: Dataset, size: number) => {
        const { values, channels } = await compute({ ...imagenet, name: `imagenet-${size}`, size }, from, both);
        const means = columnsOf(labelled(data, both, values, 2 * channels), [[0, channels]]);
        const { test, rest } = sidesOf(means, Math.round(both.length / FOLDS));
        const logits = ridgeLogits(means, rest, test, { penalties: PENALTIES, folds: FOLDS, seed });
        return { images: rest.length, width: channels, ...aucOf(means, test, logits, options) };
      };
      return [
        { name: 'files of 128², network at 128²', ...(await score(data, 128)) },
        { name: 'files of 128² enlarged, network at 256²', ...(await score(data, 256)) },
        { name: 'larger files, network at 256²', ...(await score(larger, 256)) },
      ];
    });
  }
  const summary = frozenSummary(results);
  await writeJson(join(out, 'frozen_features.json'), results);
  await writeWhole(join(out, 'frozen_features.md'), summary);
  return summary;
}

/** The larger files of some images, by the names of the images: a PNG may have become a JPEG. @throws InputError if there is none */
async function largerFiles(folder: string, images: readonly string[]): Promise<Dataset> {
  const data = await openDataset(folder);
  const files = new Map([...data.paths].map(([name, path]) => [stemOf(name), path]));
  const paths = images.flatMap((image): [string, string][] => {
    const path = files.get(stemOf(image));
    return path === undefined ? [] : [[image, path]];
  });
  if (paths.length === 0)
    throw new InputError(`--larger ${folder} has none of the images`, {
      expected: images[0],
      given: [...files.keys()][0],
    });
  return { ...data, paths: new Map(paths) };
}

async function learningCurve(features: LabelledFeatures, options: Options, signal: AbortSignal) {
  const { seed, draws, bootstrap: replicates } = options;
  const { test, rest } = sidesOf(features, options.validation);
  const points: CurvePoint[] = [];
  for (const images of [...SIZES.filter((size) => size < rest.length), rest.length]) {
    const found: Float32Array[] = [];
    for (let draw = 0; draw < (images === rest.length ? 1 : draws); draw++) {
      signal.throwIfAborted();
      const fit = drawImages(rest, features.patients, images, seed + 1000 * (draw + 1));
      found.push(ridgeLogits(features, fit, test, { penalties: PENALTIES, folds: FOLDS, seed }));
      say(`${images} images, draw ${draw + 1}`);
    }
    points.push({ images, draws: found });
  }
  const held = {
    classes: features.classes,
    patients: test.map((row) => features.patients[row]),
    labels: Uint8Array.from(test.flatMap((row) => [...labelRow(features, row)])),
  };
  return { ...scoreCurve(points, held, { more: MORE, replicates, seed }), test: test.length };
}

const labelRow = ({ labels, classes }: LabelledFeatures, row: number) =>
  labels.subarray(row * classes.length, (row + 1) * classes.length);

function aucOf(features: LabelledFeatures, test: readonly number[], logits: Float32Array, options: Options) {
  const held = {
    patients: test.map((row) => features.patients[row]),
    labels: Uint8Array.from(test.flatMap((row) => [...labelRow(features, row)])),
  };
  const { replicates, seed } = { replicates: options.bootstrap, seed: options.seed };
  const score = (classes: readonly string[]) => {
    const places = classes.map((name) => features.classes.indexOf(name));
    const pick = (values: ArrayLike<number>) =>
      test.flatMap((_, i) => places.map((place) => values[i * features.classes.length + place]));
    const only = { classes, patients: held.patients, labels: Uint8Array.from(pick(held.labels)) };
    const points = [{ images: 1, draws: [Float32Array.from(pick(logits))] }];
    return scoreCurve(points, only, { more: [], replicates, seed }).points[0].auc;
  };
  return { fourteen: score(features.classes), eight: score(CHEST_XRAY8_LABELS) };
}

/** Scores every image by a regression that has not seen its patient, and compares mined labels and scores with the reads. */
async function labelNoise(features: LabelledFeatures, data: Dataset, images: readonly string[], options: Options) {
  const { seed } = options;
  const order = [...new Set(features.patients)];
  const foldOf = new Map(order.map((patient, i) => [patient, i % NOISE_FOLDS]));
  const logits = new Map<string, Record<string, number>>();
  for (let fold = 0; fold < NOISE_FOLDS; fold++) {
    const rows = features.patients.map((patient, row) => ({ row, own: foldOf.get(patient) === fold }));
    const [test, fit] = [true, false].map((own) => rows.filter((one) => one.own === own).map(({ row }) => row));
    const found = ridgeLogits(features, fit, test, { penalties: PENALTIES.slice(1, 2), folds: FOLDS, seed });
    for (const [i, row] of test.entries()) {
      const own = features.classes.map((name, c) => [name, found[i * features.classes.length + c]] as const);
      logits.set(images[row], Object.fromEntries(own));
    }
    say(`scored fold ${fold + 1} of ${NOISE_FOLDS}`);
  }
  return compareReads(data, images, options, logits);
}

/** Compares mined labels, and scores if there are some, with the reads of these images. */
async function compareReads(
  { table }: Dataset,
  images: readonly string[],
  options: Options,
  logits?: ReadonlyMap<string, Record<string, number>>,
): Promise<Agreement[]> {
  const { bootstrap: replicates, seed } = options;
  const own = new Set(images);
  const rowOf = new Map(table.images.map((image, row) => [image, row]));
  const reads = await allReads(options);
  return COMPARISONS.filter(({ reader }) => reads[reader]).map((comparison) => {
    const some = [...(reads[comparison.reader] as Reads)].filter(([image]) => own.has(image));
    const read = some.map(([image, findings]): ReadImage => {
      const row = rowOf.get(image) as number;
      const score = logits?.get(image);
      const known = { patient: table.patients[row], read: findings, mined: labelsOf(table, row) };
      return score ? { ...known, logits: score } : known;
    });
    return agreementOf(comparison, read, { replicates, seed });
  });
}

async function allReads({ reads, adjudicated }: Options): Promise<Partial<Record<string, Reads>>> {
  const rows = reads === undefined ? undefined : await rowsOf(reads);
  return {
    ...(rows ? { 'ChestX-Det': readsOf(rows, 'ChestX-Det'), RSNA: readsOf(rows, 'RSNA') } : {}),
    ...(adjudicated === undefined ? {} : { adjudicated: adjudicatedOf(await rowsOf(adjudicated)) }),
  };
}

const program = new Command('frozen-features')
  .requiredOption('--data <dir>', 'data set in the ChestX-ray8/14 layout, images at 128×128 or larger')
  .option('--larger <dir>', 'some of the images in files of more pixels, 256×256 or larger')
  .requiredOption('--out <dir>', 'folder of features and results')
  .requiredOption('--imagenet <file>', 'SqueezeNet v1.0 with weights of ImageNet in Caffe’s convention')
  .option('--phantoms <file>', 'weights that were trained on phantoms', 'weights/phantom8.safetensors')
  .option('--reads <file>', 'reads.csv: image, source, read')
  .option('--adjudicated <file>', 'adjudicated labels: YES and NO in a column for each finding')
  .option('--validation <n>', 'images to validate on, of patients of their own', wholeNumber(100, 1e6), 1188)
  .option('--draws <n>', 'draws of training images for each point of the curve', wholeNumber(1, 100), 4)
  .option(
    '--modules <n>',
    'last modules whose means are the features of the curve and of the reads',
    wholeNumber(1, 4),
    4,
  )
  .option('--bootstrap <draws>', 'bootstrap draws of patients', wholeNumber(0, 100_000), 1000)
  .option('--seed <n>', 'seed of patients, draws and folds', wholeNumber(0, 2 ** 32), 1);

await runStudy(import.meta.url, program, studyFrozen);
