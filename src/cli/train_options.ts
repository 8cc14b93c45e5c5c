/** The options of training on the command line, for all programs that train, and their conversion to the options of a run. */

import { CHEST_XRAY8_LABELS } from '../formats/image_table.js';
import type { DecodeOptions } from '../formats/pixels.js';
import { backboneNames } from '../nets/index.js';
import { type Command, Option } from '../node/vendor/commander.js';
import { type Augmentation, DEFAULT_AUGMENTATION, NO_AUGMENTATION } from '../train/augmentation.js';
import type { LossSettings, OptimizerSettings, ScheduleSettings, TrainSettings } from '../train/settings.js';
import { adapterOption } from './adapter_option.js';
import { addImageOptions, decodeOptions } from './image_options.js';
import { nameList, number, numberList, numbersByName, UsageError, wholeNumber } from './terminal.js';
import type { BeginOptions, RunMachine } from './train_run.js';
import { backboneOf, classList, readMetadata } from './weights_options.js';

/** The options as commander gives them. */
export interface TrainingOptions extends DecodeOptions {
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
  pooling?: 'lse' | 'average' | 'max';
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
  batchNorm?: 'train' | 'frozen';
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
  memory?: number;
  adapter?: string;
  trainingData?: string;
  license: string;
}

/** The default learning rates, for losses that are sums over a batch. The scale of the loss matters for SGD, but not for AdamW. */
const LEARNING_RATES = { adamw: 1e-3, sgd: 1e-4 };

/** Adds all options except those for the folders of the data and of the run. */
export function addTrainingOptions(command: Command): Command {
  addImageOptions(command);
  addNetworkOptions(command);
  addLearningOptions(command);
  addDataOptions(command);
  addMachineOptions(command);
  return command
    .option(
      '--training-data <text>',
      'what the weights say about their training data; default: the name of the data folder',
    )
    .option('--license <text>', 'the licence that the weights name', 'unknown');
}

/** Adds the options for the network and the weights that it starts from. */
function addNetworkOptions(command: Command): void {
  command
    .option('--backbone <name>', `${backboneNames.join(', ')}; or a JSON description`)
    .option('--init <weights>', 'safetensors or torch checkpoint to start from; default: random weights')
    .option('--metadata <json>', 'which input --init expects, if it does not say it: mean, std, channelOrder, …')
    .option(
      '--prefix <name>',
      'if --init has several networks: beginning of the names of its tensors, or name of its dict',
    )
    .option('--ignore <names>', 'beginnings of the names of tensors of --init that are not used', nameList)
    .option('--init-cache <dir>', 'folder that keeps an --init from the web, so that it is fetched only once')
    .option('--init-integrity <hash>', 'hash that --init must have: sha256-… (or sha384, sha512) in base64')
    .option('--classes <names>', '8, 14, or some of the 14: Mass,Nodule', classList, CHEST_XRAY8_LABELS)
    .option('--size <pixels>', 'width and height of the network’s input', wholeNumber(1, 8192), 224)
    .addOption(
      new Option('--channels <n>', 'channels of the input; default: those of --init, else 1').choices(['1', '3']),
    )
    .option(
      '--columns <modules>',
      'only for a SqueezeNet: numbers of the modules whose outputs are joined, such as 6,7,8,9; default: the last',
      numberList,
    )
    .option(
      '--transition <channels>',
      'channels of the transition layer, 0 for none; default: as many as the backbone puts out',
      wholeNumber(0, 65_536),
    )
    .addOption(
      new Option('--pooling <kind>', 'pooling of the features; default: lse').choices(['lse', 'average', 'max']),
    )
    .option('--lse-r <r>', 'sharpness of log-sum-exp pooling; default: 10', number(1e-6, 1e6))
    .addOption(
      new Option('--heatmap-scaling <kind>', 'how heatmaps are scaled; written into the weights').choices([
        'minmax',
        'relu',
      ]),
    );
}

/** Adds the options for how the network learns: updates, loss, which parameters are trained, augmentation, and for how long. */
function addLearningOptions(command: Command): void {
  command
    .option('--epochs <n>', 'passes through all training images', wholeNumber(1, 1e6), 20)
    .option('--batch <n>', 'images of a batch', wholeNumber(1, 4096), 16)
    .option('--accumulate <n>', 'batches for each update', wholeNumber(1, 4096), 1)
    .addOption(
      new Option('--optimizer <kind>', 'how parameters are updated').choices(['adamw', 'sgd']).default('adamw'),
    )
    .option('--lr <rate>', 'learning rate; default: 0.001 for adamw, 0.0001 for sgd', number(0))
    .option('--momentum <share>', 'momentum of sgd', number(0, 1), 0.9)
    .option('--nesterov', 'use Nesterov’s form of momentum')
    .option('--weight-decay <factor>', 'weight decay, of both optimizers', number(0), 1e-4)
    .addOption(
      new Option('--schedule <kind>', 'how the learning rate changes')
        .choices(['constant', 'step', 'cosine'])
        .default('cosine'),
    )
    .option('--warm-up <epochs>', 'epochs in which the learning rate rises to its full value', number(0), 0)
    .option(
      '--decay-every <epochs>',
      'epochs between the tenfold decays of --schedule step; default: a third of the run',
      number(1e-3),
    )
    .addOption(
      new Option('--loss <kind>', 'one of the paper’s four losses, or focal loss')
        .choices(['w-cel', 'cel', 'hinge', 'euclidean', 'focal'])
        .default('w-cel'),
    )
    .option('--per-class', 'with w-cel: β is computed for each class')
    .option(
      '--ridge <penalties>',
      'train without epochs: solve the prediction layer for the features of a frozen backbone; of several penalties, each class gets the best one in cross-validation',
      numberList,
    )
    .option('--ridge-folds <n>', 'folds of the cross-validation of --ridge, split by patient', wholeNumber(2, 1000), 5)
    .option('--clip-norm <limit>', 'limit of the norm of all gradients', number(1e-12))
    .option(
      '--average <decay>',
      'score and save a moving average of the weights over the updates: its decay, such as 0.998',
      number(1e-6, 1 - 1e-9),
    )
    .option(
      '--freeze <names>',
      'beginnings of the names of parameters that are not trained; backbone: all except the head',
      nameList,
    )
    .option(
      '--rates <list>',
      'factors of the learning rate by the beginnings of parameters’ names: layer4=0.1,head=10',
      numbersByName,
    )
    .addOption(
      new Option(
        '--batch-norm <mode>',
        'statistics of batch norms, of the batch (train) or fixed; default: train, or frozen with --freeze backbone',
      ).choices(['train', 'frozen']),
    )
    .option(
      '--augment <list>',
      `random changes of images, rotation in degrees, others as shares; default: ${asList(DEFAULT_AUGMENTATION)}`,
      numbersByName,
    )
    .option('--no-augment', 'train on images as they are')
    .option('--seed <n>', 'seed of the split, the order, augmentation and random weights', wholeNumber(0, 2 ** 32), 0)
    .option(
      '--patience <epochs>',
      'epochs without a better validation AUC after which the run ends; 0: never',
      wholeNumber(0, 1e6),
      5,
    );
}

/** Adds the options for the images to train on, to validate on and to test on. */
function addDataOptions(command: Command): void {
  command
    .option('--train-list <file>', 'image names to train on, with --validation-list')
    .option('--validation-list <file>', 'image names to validate on')
    .option('--test-list <file>', 'image names that are kept for testing')
    .option('--validation <share>', 'share of the images to validate on, by patient; default: 0.1', number(0, 0.9))
    .option(
      '--test <share>',
      'share of the images to test on, by patient; default: as the data set’s list says, else 0.2',
      number(0, 0.9),
    )
    .option('--skip-broken', 'leave out, and count, rows and images that cannot be read');
}

/** Adds the options for checkpoints and for the use of the machine. */
function addMachineOptions(command: Command): void {
  command
    .option(
      '--checkpoint-minutes <n>',
      'minutes between checkpoints within an epoch; there is also one after each epoch; default: 10',
      number(0),
    )
    .option(
      '--threads <n>',
      'threads that decode images; default: one for each processor, at most 8',
      wholeNumber(1, 256),
    )
    .option(
      '--cache <mebibytes>',
      'memory for decoded images; default: a quarter of the machine’s memory',
      wholeNumber(0, 1e7),
    )
    .option(
      '--memory <mebibytes>',
      'memory of the GPU that a step may take; default: all of it. Activations that do not fit are computed twice',
      wholeNumber(1, 1e7),
    )
    .addOption(adapterOption());
}

/** The options for the use of the machine. */
export const machineOf = (options: TrainingOptions): RunMachine => ({
  adapter: options.adapter,
  threads: options.threads,
  cacheBytes: options.cache === undefined ? undefined : options.cache * 2 ** 20,
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
  if (options.perClass && options.loss !== 'w-cel') throw new UsageError('--per-class belongs to --loss w-cel');
  return {
    ...{ epochs, batch, accumulate, seed, patience, parts, optimizer },
    loss: options.perClass ? { kind: 'w-cel', perClass: true } : ({ kind: options.loss } as LossSettings),
    learningRate: options.lr ?? LEARNING_RATES[kind],
    schedule: { kind: options.schedule, warmUp: options.warmUp, ...every },
    ...(clipNorm === undefined ? {} : { clipNorm }),
    ...(average === undefined ? {} : { averageDecay: average }),
    batchNorm: options.batchNorm ?? (headOnly ? 'frozen' : 'train'),
    augmentation: augmentationOf(augment),
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

const asList = (augmentation: Augmentation) =>
  Object.entries(augmentation)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');

const quoted = (argument: string) =>
  /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
