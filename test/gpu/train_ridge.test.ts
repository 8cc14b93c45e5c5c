/** The closed form: linear algebra, ridge regression with its cross-validation, and a prediction layer fitted on a frozen network. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readSafetensors } from '../../src/formats/weights/safetensors.js';
import { parseWeightsMetadata } from '../../src/formats/weights/weights.js';
import { openGpu } from '../../src/gpu/device.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import { product } from '../../src/graph/ir/tensor.js';
import { load } from '../../src/index.js';
import { architectureOf } from '../../src/nets/architecture.js';
import { type Backbone, standardBackbone } from '../../src/nets/backbone.js';
import { buildBackbone } from '../../src/nets/index.js';
import { type DISEASES, drawPhantom } from '../../src/phantom/index.js';
import { seededRandom } from '../../src/random.js';
import { NO_AUGMENTATION } from '../../src/train/augmentation.js';
import type { TrainingData } from '../../src/train/data.js';
import { type FitOptions, fitPrediction } from '../../src/train/fit_prediction.js';
import { initialWeights } from '../../src/train/initial.js';
import { cholesky, crossProducts, solveCholesky } from '../../src/train/linear_algebra.js';
import { networkImage } from '../../src/train/network_image.js';
import { fitRidge, type RidgeData } from '../../src/train/ridge.js';
import { familyOf, lossOf, optimizerOf, type TrainSettings } from '../../src/train/settings.js';
import { startOf } from '../../src/train/start.js';
import { createTrainer } from '../../src/train/step.js';

const normal = (random: () => number) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

test('sums of products, and a system solved by its Cholesky factor', () => {
  const random = seededRandom(1);
  const [images, width, classes] = [13, 37, 3];
  const x = Float32Array.from({ length: images * width }, () => normal(random));
  const y = Float32Array.from({ length: images * classes }, () => normal(random));
  const { gram, moments } = crossProducts(x, y, width, classes);
  const near = (value: number, wanted: number, slack: number) =>
    assert.ok(Math.abs(value - wanted) < slack, `${value}`);
  for (let i = 0; i < width; i++) {
    const sumOf = (other: Float32Array, columns: number, j: number) => {
      let sum = 0;
      for (let row = 0; row < images; row++) sum += x[row * width + i] * other[row * columns + j];
      return sum;
    };
    for (let j = 0; j < width; j++) near(gram[i * width + j], sumOf(x, width, j), 1e-12);
    for (let c = 0; c < classes; c++) near(moments[i * classes + c], sumOf(y, classes, c), 1e-12);
  }
  for (let i = 0; i < width; i++) gram[i * width + i] += 2;
  const solution = solveCholesky(cholesky(gram.slice(), width), moments.slice(), width, classes);
  for (let i = 0; i < width; i++) {
    for (let c = 0; c < classes; c++) {
      let sum = 0;
      for (let j = 0; j < width; j++) sum += gram[i * width + j] * solution[j * classes + c];
      near(sum, moments[i * classes + c], 1e-10);
    }
  }
  assert.throws(() => cholesky(Float64Array.of(1, 2, 2, 1), 2), /not positive definite; given -3 at 1/);
});

/** Two features in very different units. The first class depends on both, the second on none, and the third is the same for all images. */
function sample(count: number): RidgeData {
  const random = seededRandom(4);
  const rows = Array.from({ length: count }, () => [100 + 20 * normal(random), 0.001 * normal(random)]);
  const labels = rows.flatMap(([a, b]) => {
    const logit = (a - 100) / 20 + 1000 * b - 1;
    return [random() < 1 / (1 + Math.exp(-logit)) ? 1 : 0];
  });
  const features = Float32Array.from(rows.flatMap(([a, b]) => [a, b, 7]));
  return { features, labels, patients: rows.map((_, i) => i), classes: 1 };
}

test('ridge regression finds the direction in any units, and its probabilities are frequencies', () => {
  const data = sample(4000);
  const { weight, bias, penalties, auc, unlearnt } = fitRidge(data, { penalties: [1, 1e7], folds: 5, seed: 1 });
  // Features of one scale each: 1 in units of 20 and 0.001. The constant feature counts nothing.
  assert.ok(Math.abs(20 * weight[0] - 1) < 0.15 && Math.abs(0.001 * weight[1] - 1) < 0.15, weight.join());
  assert.is(weight[2], 0);
  assert.ok(Math.abs(bias[0] + 100 * weight[0] + 1) < 0.15, bias.join());
  assert.equal(penalties, [auc[0][0] >= auc[1][0] ? 1 : 1e7]);
  assert.equal(unlearnt, []);
  const probabilities = Array.from({ length: 4000 }, (_, i) => {
    const logit = bias[0] + weight[0] * data.features[3 * i] + weight[1] * data.features[3 * i + 1];
    return 1 / (1 + Math.exp(-logit));
  });
  const meanOf = (values: ArrayLike<number>) =>
    Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
  assert.ok(Math.abs(meanOf(probabilities) - meanOf(data.labels)) < 0.01);
});

test('a feature that hardly ever changes gets an enormous weight only where units may differ', () => {
  const random = seededRandom(9);
  const count = 400;
  // The first feature tells the label. The second is 0 but for one image, where it is tiny, as a channel that a single image excites.
  const signal = Array.from({ length: count }, () => normal(random));
  const labels = signal.map((value) => (value + normal(random) > 0 ? 1 : 0));
  const rare = Array.from({ length: count }, (_, i) => (i === 7 ? 1e-4 : 0));
  const data = {
    ...{ features: Float32Array.from(signal.flatMap((value, i) => [value, value ** 2, rare[i]])), labels, classes: 1 },
    patients: signal.map((_, i) => i),
  };
  const options = { penalties: [1], folds: 4, seed: 1 };
  const [free, bounded] = [fitRidge(data, options), fitRidge(data, { ...options, leastDeviation: 0.01 })];
  assert.ok(Math.abs(free.weight[2]) > 100, free.weight.join());
  assert.ok(Math.abs(bounded.weight[2]) < 10, bounded.weight.join());
  assert.ok(Math.abs(free.weight[0] - bounded.weight[0]) < 0.02, `${free.weight[0]} ${bounded.weight[0]}`);
});

test('folds keep a patient’s images together, so that features which only identify patients do not raise the score', () => {
  const random = seededRandom(2);
  // 40 patients with 8 images each. Each patient has a feature of its own, and half of the patients have the label by chance.
  const patients = Array.from({ length: 320 }, (_, i) => Math.floor(i / 8));
  const features = new Float32Array(320 * 40);
  for (const [i, patient] of patients.entries()) features[i * 40 + patient] = 1 + 0.1 * normal(random);
  const ill = Array.from({ length: 40 }, () => (random() < 0.5 ? 1 : 0));
  const labels = patients.map((patient) => ill[patient]);
  const options = { penalties: [1], folds: 4, seed: 1 };
  const auc = (whose: number[]) => fitRidge({ features, labels, patients: whose, classes: 1 }, options).auc[0][0];
  assert.ok(auc(patients.map((_, i) => i)) > 0.95);
  // Chance, by 40 patients.
  assert.ok(auc(patients) < 0.75);
});

test('each class gets the penalty with the best AUC; a class without an AUC gets the one with the best mean', () => {
  // The first class depends on one strong feature. The second depends on many weak ones, so that noise is fitted with a small penalty. No image
  // has the third.
  const random = seededRandom(5);
  const [images, width] = [200, 60];
  const features = Float32Array.from({ length: images * width }, () => normal(random));
  const labels = Array.from({ length: images }, (_, i) => {
    const strong = features[i * width] > 0 ? 1 : 0;
    const weak = features.subarray(i * width + 1, (i + 1) * width).reduce((sum, value) => sum + value, 0) / 8;
    return [strong, weak + normal(random) > 0 ? 1 : 0, 0];
  }).flat();
  const data = { features, labels, patients: Array.from({ length: images }, (_, i) => i), classes: 3 };
  const options = { penalties: [1, 1e3], folds: 4, seed: 1 };
  const { penalties, auc, weight } = fitRidge(data, options);
  assert.ok(auc[0][0] > auc[1][0] && auc[1][1] > auc[0][1], auc.join(' | '));
  assert.ok(Number.isNaN(auc[0][2]) && Number.isNaN(auc[1][2]));
  const mean = ([a, b]: readonly number[]) => (a + b) / 2;
  assert.equal(penalties, [1, 1e3, mean(auc[1]) > mean(auc[0]) ? 1e3 : 1]);
  for (const c of [0, 1]) {
    const alone = fitRidge(
      { ...data, labels: labels.filter((_, i) => i % 3 === c), classes: 1 },
      { ...options, penalties: [penalties[c]] },
    );
    assert.equal(weight.subarray(c * width, (c + 1) * width), alone.weight);
  }
});

test('a class that cannot be learnt gets its share of the images as probability', () => {
  const labels = Array.from({ length: 40 }, (_, i) => (i % 4 === 0 ? 1 : 0));
  const data = { features: new Float32Array(40).fill(3), labels, patients: labels.map((_, i) => i), classes: 1 };
  const { weight, bias, unlearnt } = fitRidge(data, { penalties: [1], folds: 2, seed: 1 });
  assert.equal([...weight], [0]);
  assert.ok(Math.abs(bias[0] - Math.log(1 / 3)) < 1e-6);
  assert.equal(unlearnt, [0]);
});

test('problems that cannot be solved are refused', () => {
  const data = sample(10);
  const fit = (changes: Partial<RidgeData>, penalties = [1], folds = 2) =>
    fitRidge({ ...data, ...changes }, { penalties, folds, seed: 1 });
  assert.throws(() => fit({}, []), /a penalty is wrong/);
  assert.throws(() => fit({}, [0]), /expected numbers above 0; given 0/);
  assert.throws(() => fit({}, [1], 1), /folds do not fit; .*given 1 folds of 10 patients/);
  assert.throws(() => fit({ patients: Array(10).fill(5) }), /given 2 folds of 1 patient$/);
  assert.throws(() => fit({ features: new Float32Array(30).fill(Number.NaN) }), /feature is not finite; given NaN/);
  assert.throws(() => fit({ features: new Float32Array(10 * 8193) }), /expected at most 8192; given 8193/);
});

const gpu = await openGpu();
test.after(() => gpu.close());

const SIZE = 32;
const classes = ['Cardiomegaly', 'Effusion'];
const phantoms = Array.from({ length: 60 }, (_, index) => {
  const prevalence = Object.fromEntries(classes.map((name) => [name, 0.5]));
  return drawPhantom({ seed: 7, index, size: 64, prevalence, distractors: 0, variation: 0.2 });
});
const rows = (from: number, to: number) => Int32Array.from({ length: to - from }, (_, i) => from + i);
const data: TrainingData = {
  classes,
  images: phantoms.map((_, index) => `${index}.png`),
  labels: Uint8Array.from(
    phantoms.flatMap(({ labels }) =>
      classes.map((name) => (labels.includes(name as (typeof DISEASES)[number]) ? 1 : 0)),
    ),
  ),
  patients: phantoms.map((_, index) => index),
  train: rows(0, 45),
  validation: rows(45, 60),
};
const backbone: Backbone = {
  family: 'squeezenet',
  layers: [{ conv: 8, kernel: 3, stride: 2 }, 'M', { fire: [4, 6, 6] }, 'M', { fire: [4, 6, 6] }],
};

function settingsFor(changes: Partial<TrainSettings> = {}): TrainSettings {
  const { architecture, input, heatmapScaling } = startOf({
    ...{ backbone, columns: [2, 3], size: SIZE, classes, transition: 0, pooling: 'average', seed: 5 },
  });
  return {
    ...{ architecture, classes, input, heatmapScaling, epochs: 1, batch: 7, accumulate: 1, learningRate: 1 },
    ridge: { penalties: [1, 100], folds: 3 },
    loss: { kind: 'euclidean' },
    optimizer: { kind: 'sgd' },
    schedule: { kind: 'constant' },
    batchNorm: 'frozen',
    parts: [],
    augmentation: NO_AUGMENTATION,
    seed: 5,
    patience: 0,
    ...changes,
  };
}

async function fit(settings = settingsFor(), with_: Partial<TrainingData> = {}, more: Partial<FitOptions> = {}) {
  const stored = phantoms.map(({ image }) => networkImage(image, SIZE, 'stretch'));
  let weights = new Uint8Array();
  const warnings: string[] = [];
  const result = await fitPrediction({
    ...{ gpu, settings, data: { ...data, ...with_ }, weights: initialWeights(5) },
    images: async (row) => stored[row],
    keeper: {
      async best(bytes) {
        weights = Uint8Array.from(bytes);
      },
      warn: (message) => warnings.push(message),
    },
    ...more,
  });
  return { result, weights, warnings };
}

test('a prediction layer on a frozen network: the weights give the logits that were fitted', async () => {
  const { result, weights, warnings } = await fit();
  assert.match(
    warnings[0],
    /^mean AUC of the cross-validation by penalty: 1: 0\.\d{4}, 100: 0\.\d{4}; chosen by class: \S+ (1|100), /,
  );
  const { metadata, tensors } = readSafetensors(weights);
  const known = parseWeightsMetadata(metadata);
  assert.equal(known.classes, classes);
  assert.equal((architectureOf(known).backbone as { columns?: number[] }).columns, [2, 3]);
  assert.equal(tensors.get('head.prediction.weight')?.shape, [2, 24]);
  const localizer = await load(weights, { device: gpu.device });
  const logits: number[][] = [];
  for (const row of data.validation) logits.push(Object.values((await localizer.classify(phantoms[row].image)).logits));
  await localizer.close();
  for (const [place, label] of classes.entries()) {
    const truth = Array.from(data.validation, (row) => data.labels[row * 2 + place]);
    let [wins, pairs] = [0, 0];
    for (const [i, positive] of truth.entries()) {
      for (const [j, other] of truth.entries()) {
        if (positive !== 1 || other !== 0) continue;
        pairs++;
        wins += logits[i][place] > logits[j][place] ? 1 : 0;
      }
    }
    assert.ok(Math.abs((result.best.auc[label] as number) - wins / pairs) < 1e-9, label);
  }
});

test('an interrupted pass over the images continues where it stopped, to the same bits', async () => {
  const whole = await fit();
  const stop = new AbortController();
  const numbers: number[] = [];
  const kept = {
    read: async () => Float32Array.from(numbers),
    async append(values: Float32Array) {
      numbers.push(...values);
      if (numbers.length >= 21 * 24) stop.abort();
    },
  };
  const broken = await fit(settingsFor(), {}, { kept, signal: stop.signal }).catch((error: Error) => error);
  assert.is((broken as Error).name, 'AbortError');
  assert.is(numbers.length, 21 * 24);
  const read = new Set<number>();
  const images = async (row: number) => {
    read.add(row);
    return networkImage(phantoms[row].image, SIZE, 'stretch');
  };
  const { weights } = await fit(settingsFor(), {}, { kept, images });
  assert.equal(
    [...read].sort((a, b) => a - b),
    [...rows(21, 60)],
  );
  assert.equal(weights, whole.weights);
  numbers.push(1);
  const odd = await fit(settingsFor(), {}, { kept }).catch((error: Error) => error);
  assert.match(
    (odd as Error).message,
    /not those of this run; expected rows of 24 numbers, at most 60; given 1441 numbers/,
  );
});

test('a fit without patients, penalties, or with a transition layer is refused', async () => {
  const refused = async (work: Promise<unknown>, message: RegExp) => {
    const error = await work.then(
      () => undefined,
      (failure: Error) => failure,
    );
    assert.match(error?.message ?? 'nothing was refused', message);
  };
  await refused(fit(settingsFor(), { patients: undefined }), /does not say whose the images are/);
  await refused(fit(settingsFor({ ridge: undefined })), /settings have no penalties/);
  const architecture = familyOf(settingsFor());
  const transition = { channels: 4, kernel: 1, activation: 'relu' } as const;
  const head = { ...architecture.head, transition };
  await refused(
    fit(settingsFor({ architecture: { ...architecture, head } })),
    /ridge regression fits no transition layer/,
  );
});

test('columns are kept, added and refused where a run starts', () => {
  const start = (changes: object) =>
    startOf({ backbone, size: SIZE, classes, seed: 1, ...changes } as Parameters<typeof startOf>[0]);
  const columnsOf = (one: ReturnType<typeof start>) => (one.architecture.backbone as { columns?: number[] }).columns;
  assert.is(columnsOf(start({})), undefined);
  assert.equal(columnsOf(start({ columns: [1, 3] })), [1, 3]);
  assert.equal(columnsOf(start({ backbone: 'squeezenet1_1', columns: [8, 9], size: 64 })), [8, 9]);
  assert.throws(
    () => start({ columns: [4] }),
    /columns are wrong; expected ascending numbers of modules, 1 … 3; given 4/,
  );
  assert.throws(
    () => start({ backbone: 'resnet18', columns: [1] }),
    /only a SqueezeNet or an Inception v3 joins .*given resnet/,
  );
});

test('training starts from a SqueezeNet with Caffe’s names without its classifier, and with all other layers', () => {
  const names = {
    conv: 'conv#',
    squeeze: 'fire#/conv1x1_1',
    expand1x1: 'fire#/conv1x1_2',
    expand3x3: 'fire#/conv3x3_2',
  };
  const caffe = { ...standardBackbone('squeezenet1_1'), names } as Backbone;
  const g = createGraph();
  buildBackbone(g, caffe, g.input('image', [1, 64, 64, 3]));
  const empty = (shape: readonly number[]) => ({ shape: [...shape], data: new Float32Array(product(shape)) });
  const layers = new Map([...g.parameters].map(([name, { shape }]) => [name, empty(shape)]));
  const begin = (more: Record<string, number[]>) => {
    const others = Object.entries(more).map(([name, shape]) => [name, empty(shape)] as const);
    return startOf({
      init: { tensors: new Map([...layers, ...others]), metadata: {} },
      columns: [8, 9],
      size: 64,
      classes,
      seed: 1,
    });
  };
  const { architecture } = begin({ 'conv_final.weight': [1000, 512, 1, 1], 'conv_final.bias': [1000] });
  assert.equal(architecture.backbone, { ...caffe, columns: [8, 9] });
  assert.throws(
    () => begin({ 'conv11.weight': [512, 512, 3, 3] }),
    /layers that a SqueezeNet .* do not use; given conv11/,
  );
});

test('all parameters of a network with columns can be trained: the loss falls along every gradient', async () => {
  // Odd widths leave holes between the columns.
  const odd: Backbone = {
    family: 'squeezenet',
    layers: [{ conv: 6, kernel: 3, stride: 2 }, { fire: [3, 5, 6] }, 'M', { fire: [3, 2, 5] }],
  };
  const start = startOf({ backbone: odd, columns: [2, 3], size: 16, classes, transition: 5, seed: 3 });
  const trainer = await createTrainer(gpu, {
    ...{ architecture: start.architecture, batch: 4, size: 16, channels: 1, batchNorm: 'train', seed: 3 },
    loss: lossOf({ kind: 'cel' }),
    optimizer: optimizerOf({ kind: 'adamw' }),
  });
  const random = seededRandom(6);
  const images = Float32Array.from({ length: 4 * 16 * 16 }, () => normal(random));
  const losses: number[] = [];
  for (let step = 0; step < 40; step++) {
    losses.push(await trainer.step(images, [1, 0, 0, 1, 1, 1, 0, 0], { learningRate: 0.01 }));
  }
  trainer.close();
  assert.ok(losses[39] < 0.5 * losses[0], `${losses[0]} → ${losses[39]}`);
});

test.run();
