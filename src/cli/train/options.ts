/** The options of training as commander gives them, and their conversion to the options of a run. `add_options.ts` adds them to a command. */

import type { DecodeOptions } from '../../formats/images/pixels.js';
import { type Pooling, type PoolingNumbers, poolingNumbers } from '../../formats/weights/poolings.js';
import { type Augmentation, DEFAULT_AUGMENTATION, NO_AUGMENTATION } from '../../train/augmentation.js';
import type { LossSettings, OptimizerSettings, ScheduleSettings, TrainSettings } from '../../train/settings.js';
import { decodeOptions } from '../image_options.js';
import { UsageError } from '../terminal.js';
import { backboneOf, readMetadata } from '../weights_options.js';
import type { BeginOptions, RunMachine } from './run_types.js';

/** The options as commander gives them. */
export interface TrainingOptions extends DecodeOptions, PoolingNumbers {
  backbone?: string;
  init?: string;
  metadata?: string;
  prefix?: string;
  ignore?: string[];
  initCache?: string;
  initIntegrity?: string;
  classes: readonly string[];
  size: number;
  channels?: '1' | '3';
  columns?: readonly number[];
  transition?: number;
  pooling?: Pooling;
  lseR?: number;
  heatmapScaling?: 'minmax' | 'relu';
  epochs: number;
  batch: number;
  accumulate: number;
  lr?: number;
  optimizer: 'adamw' | 'sgd';
  momentum: number;
  nesterov?: true;
  weightDecay: number;
  schedule: ScheduleSettings['kind'];
  warmUp: number;
  decayEvery?: number;
  ridge?: number[];
  ridgeFolds: number;
  loss: LossSettings['kind'];
  perClass?: true;
  clipNorm?: number;
  average?: number;
  freeze?: string[];
  rates?: Record<string, number>;
  batchNorm?: 'train' | 'unfrozen' | 'frozen';
  /** False with `--no-augment`. */
  augment?: Record<string, number> | boolean;
  seed: number;
  patience: number;
  trainList?: string;
  validationList?: string;
  testList?: string;
  validation?: number;
  test?: number;
  skipBroken?: true;
  checkpointMinutes?: number;
  threads?: number;
  cache?: number;
  imageCache?: string;
  activationCache?: string;
  activationType?: 'f32' | 'f16';
  memory?: number;
  adapter?: string;
  trainingData?: string;
  license: string;
}

/** The default learning rates, for losses that are sums over a batch. The scale of the loss matters for SGD, but not for AdamW. */
const LEARNING_RATES = { adamw: 1e-3, sgd: 1e-4 };

/** The options for the use of the machine. */
export const machineOf = (options: TrainingOptions): RunMachine => ({
  adapter: options.adapter,
  threads: options.threads,
  cacheBytes: options.cache === undefined ? undefined : options.cache * 2 ** 20,
  imageCache: options.imageCache,
  activationCache: options.activationCache,
  memory: options.memory === undefined ? undefined : options.memory * 2 ** 20,
  checkpointMs: options.checkpointMinutes === undefined ? undefined : options.checkpointMinutes * 60_000,
});

/** The options of a new run on the data set in `folder`, whose own folder is `out`. */
export async function beginOptions(options: TrainingOptions, folder: string, out: string): Promise<BeginOptions> {
  const { trainList, validationList, testList, validation, test } = options;
  if ((trainList === undefined) !== (validationList === undefined) || (testList && !trainList)) {
    throw new UsageError('--train-list and --validation-list go together');
  }
  const lists =
    trainList && validationList ? { train: trainList, validation: validationList, test: testList } : undefined;
  return {
    out,
    command: `raybox ${process.argv.slice(2).map(quoted).join(' ')}`,
    data: {
      ...{ folder, classes: options.classes, seed: options.seed, validation, test, lists },
      skipBroken: options.skipBroken ?? false,
      ...decodeOptions(options),
    },
    init: options.init,
    prefix: options.prefix,
    ignore: options.ignore,
    initCache: options.initCache,
    initIntegrity: options.initIntegrity,
    metadata: options.metadata === undefined ? undefined : await readMetadata(options.metadata),
    backbone: options.backbone === undefined ? undefined : backboneOf(options.backbone),
    size: options.size,
    channels: options.channels === undefined ? undefined : (Number(options.channels) as 1 | 3),
    columns: options.columns,
    transition: options.ridge ? (options.transition ?? 0) : options.transition,
    pooling: options.pooling,
    r: options.lseR,
    ...poolingNumbers(options),
    heatmapScaling: options.heatmapScaling,
    settings: settingsOf(options),
    trainingData: options.trainingData,
    license: options.license,
  };
}

function settingsOf(options: TrainingOptions): BeginOptions['settings'] {
  const { epochs, batch, accumulate, seed, patience, clipNorm, average, freeze = [], rates = {}, augment } = options;
  if (options.ridge) return ridgeSettings(options, options.ridge);
  const headOnly = freeze.includes('backbone');
  const parts: TrainSettings['parts'] = [
    ...freeze.filter((name) => name !== 'backbone').map((match) => ({ match, frozen: true })),
    ...Object.entries(rates).map(([match, rate]) => ({ match, rate })),
    ...(headOnly ? [{ match: 'head' }, { match: '', frozen: true }] : []),
  ];
  const { optimizer: kind, weightDecay, momentum, nesterov } = options;
  const optimizer: OptimizerSettings =
    kind === 'sgd' ? { kind, momentum, ...(nesterov ? { nesterov } : {}), weightDecay } : { kind, weightDecay };
  const every = options.decayEvery === undefined ? {} : { every: options.decayEvery };
  if (options.activationType && options.activationCache === undefined)
    throw new UsageError('--activation-type belongs to --activation-cache');
  if (options.perClass && options.loss !== 'w-cel') throw new UsageError('--per-class belongs to --loss w-cel');
  return {
    ...{ epochs, batch, accumulate, seed, patience, parts, optimizer },
    loss: options.perClass ? { kind: 'w-cel', perClass: true } : ({ kind: options.loss } as LossSettings),
    learningRate: options.lr ?? LEARNING_RATES[kind],
    schedule: { kind: options.schedule, warmUp: options.warmUp, ...every },
    ...(clipNorm === undefined ? {} : { clipNorm }),
    ...(average === undefined ? {} : { averageDecay: average }),
    batchNorm: options.batchNorm ?? (headOnly ? 'frozen' : freeze.length > 0 ? 'unfrozen' : 'train'),
    augmentation: augmentationOf(augment),
    ...(options.activationType === 'f16' ? { activations: 'f16' as const } : {}),
  };
}

/** Settings of a run in closed form. It does not use most of them; they are set so that they say nothing wrong about the run. */
function ridgeSettings(
  { batch, seed, ridgeFolds: folds }: TrainingOptions,
  penalties: number[],
): BeginOptions['settings'] {
  return {
    ...{ epochs: 1, batch, accumulate: 1, seed, patience: 0, learningRate: 1 },
    ridge: { penalties, folds },
    loss: { kind: 'euclidean' },
    optimizer: { kind: 'sgd' },
    schedule: { kind: 'constant' },
    batchNorm: 'frozen',
    parts: [{ match: 'head' }, { match: '', frozen: true }],
    augmentation: NO_AUGMENTATION,
  };
}

function augmentationOf(given: TrainingOptions['augment']): Augmentation {
  if (given === false) return NO_AUGMENTATION;
  if (given === true || given === undefined) return DEFAULT_AUGMENTATION;
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(NO_AUGMENTATION, name));
  if (unknown)
    throw new UsageError(`--augment: there is no ${unknown}; there are ${Object.keys(NO_AUGMENTATION).join(', ')}`);
  return { ...NO_AUGMENTATION, ...given };
}

const quoted = (argument: string) =>
  /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
