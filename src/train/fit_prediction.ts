/**
 * Training without epochs: the backbone stays as it is. Its pooled features are computed once for each image, and the prediction layer is
 * solved in closed form from them (`ridge.ts`).
 */

import { InputError } from '../errors.js';
import { mean as meanOf } from '../evaluate/roc.js';
import type { TensorData } from '../formats/weights/checkpoint.js';
import { writeSafetensors } from '../formats/weights/safetensors.js';
import { formatWeightsMetadata } from '../formats/weights/weights.js';
import type { Gpu } from '../gpu/device.js';
import { createGraph } from '../graph/ir/graph.js';
import { channelCount } from '../graph/ir/tensor.js';
import type { WeightSource } from '../graph/plan/types.js';
import { buildNetwork } from '../nets/index.js';
import { augmentedInput } from '../ops/images/augment.js';
import { checkOptions, optionKinds } from '../options.js';
import { softplus } from '../sigmoid.js';
import { createCheckedPlan } from '../verify/checked_plan.js';
import { plainViews } from './augmentation.js';
import { labelsOf, type TrainingData } from './data.js';
import { type ImageSource, wholeBatches } from './input.js';
import type { Keeper, TrainProgress, TrainResult } from './options.js';
import { fitRidge } from './ridge.js';
import { scoresOf } from './score.js';
import { checkSettings, familyOf, type TrainSettings, weightsMetadataOf } from './settings.js';

/** See `RidgeOptions.leastDeviation`: the features come from one network, so their deviations can be compared. */
const LEAST_DEVIATION = 0.01;

/** Keeps features as they are computed, so that a run that was broken off need not compute them again. */
export interface FeatureKeeper {
  /** The kept features: rows of `width` numbers, those of the first images. */
  read(width: number): Promise<Float32Array>;
  append(values: Float32Array): Promise<void>;
}

/** What `fitPrediction` needs. */
export interface FitOptions {
  gpu: Gpu;
  /** They must have `ridge`, and a head without a transition layer. */
  settings: TrainSettings;
  /** It must have `patients`. */
  data: TrainingData;
  images: ImageSource;
  /** Weights of the backbone, by PyTorch's names. */
  weights: WeightSource;
  keeper?: Pick<Keeper, 'best' | 'epoch' | 'warn'>;
  /** Must only be used for one run: the same images in the same order, computed on the same adapter. Default: nothing is kept. */
  kept?: FeatureKeeper;
  /** See `TrainOptions`. */
  trainingData?: string;
  license?: string;
  signal?: AbortSignal;
  onProgress?: (progress: TrainProgress) => void;
}

const FIT_OPTIONS = optionKinds<FitOptions>({
  gpu: 'an object',
  settings: 'an object',
  data: 'an object',
  images: 'a function',
  weights: 'a function',
  keeper: 'an object',
  kept: 'an object',
  trainingData: 'a text',
  license: 'a text',
  signal: 'an AbortSignal',
  onProgress: 'a function',
});

/**
 * Fits the prediction layer and scores it on the validation images. The result has this as its only epoch.
 * @throws InputError if settings or data do not have what it needs, or if an image cannot be read.
 */
export async function fitPrediction(options: FitOptions): Promise<TrainResult> {
  checkOptions('fitPrediction', options, FIT_OPTIONS);
  const { settings, data, keeper = {}, trainingData = 'unknown', license = 'unknown' } = options;
  checkSettings(settings);
  const { ridge, seed } = settings;
  const architecture = familyOf(settings);
  const { patients } = data;
  if (!ridge) throw new InputError('ridge: the settings have no penalties');
  if (!patients) throw new InputError('ridge: the data does not say whose the images are', { expected: 'patients' });
  const started = performance.now();
  const rows = Int32Array.from([...data.train, ...data.validation]);
  const { features, width } = await pooledFeatures(options, rows);

  const count = data.train.length;
  const layer = fitRidge(
    {
      features: features.subarray(0, count * width),
      labels: labelsOf(data, data.train),
      patients: Array.from(data.train, (row) => patients[row]),
      classes: data.classes.length,
    },
    { ...ridge, seed, leastDeviation: LEAST_DEVIATION },
  );
  const tried = ridge.penalties.map((penalty, k) => `${penalty}: ${meanOf(layer.auc[k]).toFixed(4)}`).join(', ');
  const chosen = data.classes.map((name, c) => `${name} ${layer.penalties[c]}`).join(', ');
  keeper.warn?.(`mean AUC of the cross-validation by penalty: ${tried}; chosen by class: ${chosen}`);
  if (layer.unlearnt.length > 0) {
    const names = layer.unlearnt.map((place) => data.classes[place]).join(', ');
    keeper.warn?.(`no better than chance in cross-validation, so their probability is always the same: ${names}`);
  }

  const logits = logitsOf(features.subarray(count * width), layer, width);
  const { auc, meanAuc, operatingThresholds } = scoresOf(data, logits);
  const loss = crossEntropy(logitsOf(features.subarray(0, count * width), layer, width), labelsOf(data, data.train));
  const record = { epoch: 1, loss: loss / count, auc, meanAuc };
  const metadata = weightsMetadataOf(settings, { trainingData, license, operatingThresholds });
  const { prediction = 'head.prediction' } = architecture.head;
  const solved = { [`${prediction}.weight`]: layer.weight, [`${prediction}.bias`]: layer.bias };
  await keeper.best?.(writeSafetensors(await parametersOf(options, solved), formatWeightsMetadata(metadata)), record);
  await keeper.epoch?.([record], (performance.now() - started) / 1000);
  return { history: [record], best: record, stoppedEarly: false };
}

/** The pooled features of some images: [rows, width]. */
async function pooledFeatures(options: FitOptions, rows: Int32Array) {
  const { gpu, settings, images, weights, kept, signal, onProgress } = options;
  const { batch } = settings;
  const architecture = familyOf(settings);
  const { size, mean, std } = settings.input;
  const g = createGraph();
  const { images: stored, views, y } = augmentedInput(g, batch, { size, mean, std });
  const pooled = buildNetwork(g, architecture, y).pooled!; // the settings were checked: features are pooled
  const width = channelCount(pooled);
  const features = new Float32Array(rows.length * width);
  const known = await knownFeatures(kept, width, rows.length);
  features.set(known);
  const from = known.length / width;
  const plan = await createCheckedPlan(gpu, g.finish([pooled]), { weights });
  const started = performance.now();
  try {
    plan.write(views, plainViews(batch));
    for await (const { first, count, joined } of wholeBatches(rows, images, { batch, size, from })) {
      signal?.throwIfAborted();
      plan.write(stored, joined);
      await plan.run({ signal });
      const found = (await plan.read(pooled)) as Float32Array;
      const values = found.subarray(0, count * width);
      features.set(values, first * width);
      await kept?.append(values);
      const done = first + count;
      const rate = (1000 * (done - from)) / (performance.now() - started);
      onProgress?.({
        ...{ phase: 'training', epoch: 1, epochs: 1, done, total: rows.length, loss: Number.NaN, rate },
        secondsLeft: (rows.length - done) / rate,
      });
    }
  } finally {
    plan.close();
  }
  return { features, width };
}

async function knownFeatures(kept: FeatureKeeper | undefined, width: number, rows: number): Promise<Float32Array> {
  const known = (await kept?.read(width)) ?? new Float32Array();
  if (known.length % width === 0 && known.length <= rows * width) return known;
  throw new InputError('ridge: the features that were kept are not those of this run', {
    expected: `rows of ${width} numbers, at most ${rows}`,
    given: `${known.length} numbers`,
    hint: 'begin the run again',
  });
}

function logitsOf(
  features: Float32Array,
  { weight, bias }: { weight: Float32Array; bias: Float32Array },
  width: number,
) {
  const classes = bias.length;
  return Float32Array.from({ length: (features.length / width) * classes }, (_, index) => {
    const [row, c] = [Math.floor(index / classes), index % classes];
    let logit = bias[c];
    for (let i = 0; i < width; i++) logit += weight[c * width + i] * features[row * width + i];
    return logit;
  });
}

const crossEntropy = (logits: Float32Array, labels: Float32Array) =>
  logits.reduce((sum, z, i) => sum + softplus(z) - labels[i] * z, 0);

async function parametersOf({ settings, weights }: FitOptions, solved: Record<string, Float32Array>) {
  const { input } = settings;
  const architecture = familyOf(settings);
  const g = createGraph();
  buildNetwork(g, architecture, g.input('image', [1, input.size, input.size, input.channels]));
  const tensors = new Map<string, TensorData>();
  for (const [name, { shape }] of [...g.parameters].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const data = solved[name] ?? Float32Array.from(await weights(name, shape));
    tensors.set(name, { shape: [...shape], data });
  }
  return tensors;
}
