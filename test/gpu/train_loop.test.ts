/** The training loop on small phantoms: it learns, and an interrupted run ends with the same bits as an uninterrupted one. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import { readSafetensors, writeSafetensors } from '../../src/formats/weights/safetensors.js';
import { parseWeightsMetadata } from '../../src/formats/weights/weights.js';
import { openGpu } from '../../src/gpu/device.js';
import type { Node } from '../../src/graph/ir/graph.js';
import type { Operation, Traits } from '../../src/graph/ir/operation.js';
import type { WeightSource } from '../../src/graph/plan/types.js';
import { load } from '../../src/index.js';
import { forward as conv2dWeightGradient } from '../../src/ops/gradients/conv2d_weight_gradient.js';
import { forward as conv2d } from '../../src/ops/layers/conv2d.js';
import { type DISEASES, drawPhantom } from '../../src/phantom/index.js';
import { seededRandom } from '../../src/random.js';
import { DEFAULT_AUGMENTATION, NO_AUGMENTATION } from '../../src/train/augmentation.js';
import { readTrainingCheckpoint, type TrainingCheckpoint, writeCheckpoint } from '../../src/train/checkpoint.js';
import type { TrainingData } from '../../src/train/data.js';
import { initialWeights } from '../../src/train/initial.js';
import { train } from '../../src/train/loop.js';
import { networkImage } from '../../src/train/network_image.js';
import type { Keeper, TrainOptions } from '../../src/train/options.js';
import { lossOf, optimizerOf, type TrainSettings } from '../../src/train/settings.js';
import { createTrainer } from '../../src/train/step.js';
import { unlessPart } from '../support/part.js';

const SIZE = 16;
const COUNT = 44;
const classes = ['Cardiomegaly', 'Effusion'];

const phantoms = Array.from({ length: COUNT }, (_, index) => {
  const prevalence = Object.fromEntries(classes.map((name) => [name, 0.5]));
  return drawPhantom({ seed: 7, index, size: 64, prevalence, distractors: 0, variation: 0.2 });
});
const stored = phantoms.map(({ image }) => networkImage(image, SIZE, 'stretch'));
const rows = (from: number, to: number) => Int32Array.from({ length: to - from }, (_, i) => from + i);
const data: TrainingData = {
  classes,
  images: phantoms.map((_, index) => `${index}.png`),
  labels: Uint8Array.from(
    phantoms.flatMap(({ labels }) =>
      classes.map((name) => (labels.includes(name as (typeof DISEASES)[number]) ? 1 : 0)),
    ),
  ),
  train: rows(0, 32),
  validation: rows(32, COUNT),
};

const settings: TrainSettings = {
  architecture: {
    backbone: { family: 'vgg', layers: [8, 'M', 8, 'M'], batchNorm: true },
    head: { classes: 2, transition: { channels: 8, kernel: 1, activation: 'relu' }, pooling: 'lse', r: 5 },
  },
  classes,
  input: { size: SIZE, channels: 1, channelOrder: 'rgb', mean: [0.5], std: [0.25], fit: 'stretch' },
  heatmapScaling: 'minmax',
  epochs: 3,
  batch: 4,
  accumulate: 2,
  loss: { kind: 'w-cel' },
  optimizer: { kind: 'adamw' },
  learningRate: 0.01,
  schedule: { kind: 'cosine', warmUp: 0.5 },
  batchNorm: 'train',
  parts: [],
  augmentation: DEFAULT_AUGMENTATION,
  seed: 3,
  patience: 0,
};

const gpu = await openGpu();
const detail = unlessPart(test);
test.after(() => gpu.close());

/** Keeps everything in memory. */
function memoryKeeper() {
  const kept = {
    checkpoints: [] as Uint8Array[],
    best: undefined as Uint8Array | undefined,
    losses: [] as number[],
    rates: [] as number[],
    warnings: [] as string[],
  };
  const keeper: Keeper = {
    async checkpoint(checkpoint) {
      kept.checkpoints.push(await writeCheckpoint(checkpoint));
      return `checkpoint ${kept.checkpoints.length}`;
    },
    async best(weights) {
      kept.best = weights;
    },
    update({ loss, learningRate }) {
      kept.losses.push(loss);
      kept.rates.push(learningRate);
    },
    warn: (message) => kept.warnings.push(message),
  };
  return { keeper, kept };
}

async function run(changes: Partial<TrainSettings> = {}, more: Partial<TrainOptions> = {}) {
  const { keeper, kept } = memoryKeeper();
  const options = {
    gpu,
    settings: { ...settings, ...changes },
    data,
    images: async (row: number) => stored[row],
    keeper,
  };
  const result = await train({ ...options, ...more });
  return { result, kept };
}

async function refused(work: Promise<unknown>, message: RegExp): Promise<Error> {
  const failure = await work.then(
    () => assert.unreachable('nothing was refused'),
    (error: Error) => error,
  );
  assert.match((failure as Error).message, message, (failure as Error).message);
  return failure as Error;
}

const same = (a: Uint8Array, b: Uint8Array) =>
  assert.ok(a.length === b.length && a.every((byte, i) => byte === b[i]), 'other bytes');

const whole = await run();

test('the loss falls, and the best weights can be loaded', async () => {
  const { result, kept } = whole;
  assert.is(result.history.length, 3);
  assert.is(kept.losses.length, 12);
  assert.ok(result.history[2].loss < 0.9 * result.history[0].loss, result.history.map(({ loss }) => loss).join());
  assert.is(result.stoppedEarly, false);
  assert.is(kept.checkpoints.length, 3);
  const metadata = parseWeightsMetadata(readSafetensors(kept.best as Uint8Array).metadata);
  assert.equal(metadata.classes, classes);
  assert.equal(Object.keys(metadata.operatingThresholds ?? {}), classes);
  const localizer = await load(kept.best as Uint8Array, { device: gpu.device });
  const { image } = phantoms[40];
  const { probabilities } = await localizer.classify(image);
  assert.ok(Object.values(probabilities).every((value) => value > 0 && value < 1));
  await localizer.close();
});

test('the AUC of validation is the one that the written weights have', async () => {
  const { result, kept } = whole;
  const localizer = await load(kept.best as Uint8Array, { device: gpu.device });
  const scores: number[][] = [];
  for (const row of data.validation) {
    scores.push(Object.values((await localizer.classify(phantoms[row].image)).logits));
  }
  await localizer.close();
  for (const [place, label] of classes.entries()) {
    const truth = Array.from(data.validation, (row) => data.labels[row * 2 + place]);
    let [wins, pairs] = [0, 0];
    for (const [i, positive] of truth.entries()) {
      for (const [j, other] of truth.entries()) {
        if (positive !== 1 || other !== 0) continue;
        pairs++;
        wins += scores[i][place] > scores[j][place] ? 1 : scores[i][place] === scores[j][place] ? 0.5 : 0;
      }
    }
    assert.ok(Math.abs((result.best.auc[label] as number) - wins / pairs) < 1e-9, label);
  }
});

test('a run that was aborted at any time continues to the same bits', async () => {
  for (const stopAfter of [2, 8]) {
    const { keeper, kept } = memoryKeeper();
    const controller = new AbortController();
    const stopping: Keeper = {
      ...keeper,
      update(update) {
        keeper.update?.(update);
        if (kept.losses.length === stopAfter) controller.abort(new Error('enough'));
      },
    };
    const options = { gpu, settings, data, images: async (row: number) => stored[row] };
    await refused(train({ ...options, keeper: stopping, signal: controller.signal }), /^enough$/);
    const resume = await readTrainingCheckpoint(kept.checkpoints.at(-1) as Uint8Array);
    await train({ ...options, keeper, resume });
    assert.equal(kept.losses, whole.kept.losses);
    same(kept.checkpoints.at(-1) as Uint8Array, whole.kept.checkpoints[2]);
    same(kept.best as Uint8Array, whole.kept.best as Uint8Array);
  }
});

detail('a run whose images are loaded in another order, with many checkpoints, ends with the same bits', async () => {
  const images = async (row: number) => {
    await new Promise((resolve) => setTimeout(resolve, (row * 7) % 5));
    return stored[row];
  };
  const { kept } = await run({}, { images, checkpointMs: 0 });
  assert.equal(kept.losses, whole.kept.losses);
  assert.ok(kept.checkpoints.length > 12);
  same(kept.checkpoints.at(-1) as Uint8Array, whole.kept.checkpoints[2]);
});

detail('a run in less memory ends with the same bits, and reports the additional work', async () => {
  const architecture: TrainSettings['architecture'] = {
    ...settings.architecture,
    backbone: { family: 'densenet', growthRate: 4, blocks: [2, 2], initialFeatures: 6, bottleneck: 3 },
  };
  const changes = { architecture, epochs: 1, batch: 16, accumulate: 1 };
  const { loss, optimizer } = settings;
  const trainer = await createTrainer(gpu, {
    ...{ architecture, batch: 16, size: SIZE, channels: 1, batchNorm: 'train' },
    ...{ loss: lossOf(loss), optimizer: optimizerOf(optimizer) },
  });
  const whole = Object.values(trainer.memory).reduce((sum, bytes) => sum + bytes);
  trainer.close();
  const free = await run(changes);
  assert.equal(free.kept.warnings, []);
  const { kept } = await run(changes, { memory: 0.85 * whole });
  assert.match(
    kept.warnings.join(),
    /activations do not fit into memory and are computed again: \d+\.\d % of the work/,
  );
  same(kept.checkpoints[0], free.kept.checkpoints[0]);
});

test('learning rates follow the schedule, over epochs and accumulation', () => {
  const { rates } = whole.kept;
  const warm = 2; // half of four updates
  for (const [step, rate] of rates.entries()) {
    const expected = step < warm ? (step + 1) / warm : (1 + Math.cos((Math.PI * Math.min(step - warm, 10)) / 10)) / 2;
    assert.ok(Math.abs(rate - 0.01 * expected) < 1e-12, `${step}: ${rate}`);
  }
});

detail('a loss that is not finite ends the run, and the error names the step and the last checkpoint', async () => {
  const { keeper, kept } = memoryKeeper();
  const weights: WeightSource = async (name, shape) => {
    const values = await initialWeights(3)(name, shape);
    return name === 'head.prediction.bias' ? Float32Array.of(0, Number.NaN) : values;
  };
  const work = train({ gpu, settings, data, keeper, weights, images: async (row: number) => stored[row] });
  const error = await refused(
    work,
    /^the loss \(NaN\) is not finite at step 1 of epoch 1; given the batch (\d+\.png(, |;)){4}/,
  );
  assert.instance(error, InputError);
  assert.match(error.message, /last good checkpoint: none/);
  assert.is(kept.checkpoints.length, 0);
});

detail('weights that are not finite are never kept, even if the loss is finite', async () => {
  const { keeper, kept } = memoryKeeper();
  const checkpoint = await readTrainingCheckpoint(whole.kept.checkpoints[0]);
  const tensors = new Map(checkpoint.tensors);
  tensors.set('features.1.running_mean', { shape: [8], data: new Float32Array(8).fill(Number.NaN) });
  const resume = { ...checkpoint, tensors };
  const images = async (row: number) => stored[row];
  const work = train({ gpu, settings, data, keeper, resume, resumedFrom: 'epoch-0001', images, checkpointMs: 0 });
  await refused(work, /running_mean is not finite at step 1 of epoch 2; lower .* checkpoint: epoch-0001/);
  assert.is(kept.checkpoints.length, 0);
});

detail('early stopping ends the run, and the best epoch is kept', async () => {
  // With a learning rate of 0 no epoch is better than the first.
  const { result } = await run({
    learningRate: 1e-30,
    epochs: 9,
    patience: 1,
    batchNorm: 'frozen',
    optimizer: { kind: 'sgd' },
  });
  assert.is(result.history.length, 2);
  assert.is(result.best.epoch, 1);
  assert.ok(result.stoppedEarly);
});

detail('an image that cannot be read ends the run after a checkpoint from which it can continue', async () => {
  const { keeper, kept } = memoryKeeper();
  let reads = 0;
  const images = async (row: number) => {
    if (reads++ > 50) throw new InputError(`${data.images[row]}: is broken`);
    return stored[row];
  };
  await refused(train({ gpu, settings, data, images, keeper }), /\.png: is broken/);
  const resume = await readTrainingCheckpoint(kept.checkpoints.at(-1) as Uint8Array);
  await train({ gpu, settings, data, images: async (row) => stored[row], keeper, resume });
  same(kept.checkpoints.at(-1) as Uint8Array, whole.kept.checkpoints[2]);
});

test('settings, data and checkpoints that do not fit each other are refused', async () => {
  const checkpoint = await readTrainingCheckpoint(whole.kept.checkpoints[0]);
  const resumed = (more: Partial<TrainingCheckpoint>, changes: Partial<TrainSettings> = {}) =>
    run(changes, { resume: { ...checkpoint, ...more } });
  await refused(resumed({}, { learningRate: 0.02 }), /another learningRate; expected 0.01; given 0.02/);
  await refused(resumed({ data: 'other' }), /the data set has changed/);
  const tensors = new Map(checkpoint.tensors);
  tensors.delete('features.0.weight');
  await refused(resumed({ tensors }), /does not fit the network: features.0.weight; expected 8×1×3×3; given none/);
  await refused(run({ batch: 100 }), /fewer training images than an update takes; expected at least 200/);
  await refused(run({ epochs: 0 }), /epochs is wrong/);
  const units = (mean: number, std: number) => run({ input: { ...settings.input, mean: [mean], std: [std] } });
  await refused(
    units(127.5, 63.75),
    /not for pixels from 0 to 1; expected mean 0.5 and std 0.25, if .*; divide them by 255/,
  );
  await refused(units(0.5, 63.75), /mean and std are not of one scale/);
  await refused(run({ loss: { kind: 'l2' as 'cel' } }), /unknown loss; expected w-cel/);
  await refused(run({ augmentation: { ...NO_AUGMENTATION, flip: 2 } }), /flip is wrong; expected 0 … 1; given 2/);
  await refused(readTrainingCheckpoint(whole.kept.best as Uint8Array), /not a checkpoint of a training run/);
});

/** Simulates a later version of raybox that prefers other variants. */
async function withOtherPreferences<T>(work: () => Promise<T>): Promise<T> {
  const originals = [conv2d, conv2dWeightGradient].map(
    (operation) => [operation as Operation, operation.variants] as const,
  );
  for (const [operation, variants] of originals) {
    Object.assign(operation, {
      variants: (node: Node, traits: Traits) =>
        [...(variants as NonNullable<Operation['variants']>)(node, traits)].reverse(),
    });
  }
  try {
    return await work();
  } finally {
    for (const [operation, variants] of originals) Object.assign(operation, { variants });
  }
}

detail('a resumed run uses the kernels that it began with, even if others are preferred now', async () => {
  const resume = await readTrainingCheckpoint(whole.kept.checkpoints[0]);
  const { kernels, ...old } = resume;
  assert.ok(Object.keys(kernels ?? {}).length >= 5, JSON.stringify(kernels));
  const { kept } = await withOtherPreferences(() => run({}, { resume }));
  assert.equal(kept.warnings, []);
  assert.equal(kept.losses, whole.kept.losses.slice(4));
  same(kept.checkpoints.at(-1) as Uint8Array, whole.kept.checkpoints[2]);
  const others = await withOtherPreferences(() => run({}, { resume: old }));
  assert.equal(others.kept.warnings, []);
  const chosen = (await readTrainingCheckpoint(others.kept.checkpoints.at(-1) as Uint8Array)).kernels ?? {};
  assert.equal(Object.keys(chosen), Object.keys(kernels ?? {}));
  assert.ok(Object.entries(chosen).some(([work, variant]) => variant !== kernels?.[work]));
});

/** A checkpoint in the early format, without a checksum. */
function oldForm(bytes: Uint8Array) {
  const { tensors, metadata } = readSafetensors(bytes);
  const { checksum: _, ...rest } = metadata;
  return { tensors, metadata: { ...rest, raybox_checkpoint: '1' } };
}

test('any flipped bit in a checkpoint is noticed; a checkpoint without a checksum is read with a warning', async () => {
  const bytes = Uint8Array.from(whole.kept.checkpoints[1]);
  assert.is((await readTrainingCheckpoint(bytes)).unchecked, undefined);
  same(bytes, whole.kept.checkpoints[1]);
  const header = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const digits = new TextDecoder().decode(bytes.subarray(0, header)).indexOf('"checksum":"');
  const random = seededRandom(7);
  const bits = [
    ...Array.from({ length: 64 }, (_, bit) => bit),
    ...Array.from({ length: 8 * 80 }, (_, bit) => 8 * (digits - 2) + bit),
    ...Array.from({ length: 400 }, () => Math.floor(random() * 8 * header)),
    ...Array.from({ length: 400 }, () => Math.floor(random() * 8 * bytes.length)),
    8 * bytes.length - 1,
  ];
  for (const bit of bits) {
    bytes[bit >> 3] ^= 1 << (bit & 7);
    const outcome = await readTrainingCheckpoint(bytes).catch((error: Error) => error);
    assert.instance(outcome, InputError, `bit ${bit}`);
    bytes[bit >> 3] ^= 1 << (bit & 7);
  }
  bytes[bytes.length - 1] ^= 1;
  await refused(
    readTrainingCheckpoint(bytes),
    /the checkpoint is damaged; given its checksum is not that of its bytes/,
  );

  const { tensors, metadata } = oldForm(whole.kept.checkpoints[0]);
  const old = await readTrainingCheckpoint(writeSafetensors(tensors, metadata));
  assert.is(old.unchecked, true);
  const { kept } = await run({}, { resume: old });
  same(kept.checkpoints.at(-1) as Uint8Array, whole.kept.checkpoints[2]);
});

detail('kernels that cannot run here are counted', async () => {
  const checkpoint = await readTrainingCheckpoint(whole.kept.checkpoints[1]);
  const [[first, variant], [second], ...others] = Object.entries(checkpoint.kernels ?? {});
  const kernels = { ...Object.fromEntries(others), [second]: 'quantum' };
  const { kept } = await run({}, { resume: { ...checkpoint, kernels } });
  assert.is(kept.warnings.length, 1);
  assert.ok(kept.warnings[0].includes(`(1 cannot run on this adapter, 1 it does not name; the first: ${second})`));
  const chosen = (await readTrainingCheckpoint(kept.checkpoints.at(-1) as Uint8Array)).kernels ?? {};
  assert.is(chosen[first], variant);
  const { tensors, metadata } = oldForm(whole.kept.checkpoints[1]);
  for (const wrong of ['{"a":3}', '[]', '{']) {
    const broken = writeSafetensors(tensors, { ...metadata, kernels: wrong });
    await refused(readTrainingCheckpoint(broken), /kernels of a checkpoint cannot be read/);
  }
});

detail('another adapter gives a warning, and the run continues', async () => {
  const resume = { ...(await readTrainingCheckpoint(whole.kept.checkpoints[1])), adapter: 'Voodoo 2' };
  const { kept } = await run({}, { resume });
  assert.match(kept.warnings.join(), /began on Voodoo 2/);
});

detail('progress rises to the end; another seed gives another run', async () => {
  const seen: string[] = [];
  let left = Number.POSITIVE_INFINITY;
  const { kept } = await run(
    { epochs: 1, seed: 4 },
    {
      onProgress: ({ phase, done, total, secondsLeft }) => {
        seen.push(`${phase} ${done}/${total}`);
        left = secondsLeft;
      },
    },
  );
  assert.equal(seen.slice(0, 2), ['training 8/32', 'training 16/32']);
  assert.is(seen.at(-1), 'validating 12/12');
  assert.ok(left >= 0 && left < 1);
  assert.is.not(kept.losses[0], whole.kept.losses[0]);
});

test.run();
