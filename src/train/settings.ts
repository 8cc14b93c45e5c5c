/** The settings of a run, as plain JSON. They determine what it computes, and are stored with it so that it can be resumed. */

import { counted, InputError } from '../errors.js';
import { isGraph } from '../formats/weights/graph_description.js';
import { poolsClassMaps } from '../formats/weights/poolings.js';
import type { WeightsMetadata } from '../formats/weights/weights.js';
import { createGraph } from '../graph/ir/graph.js';
import { architectureMetadata, type FamilyNetwork, type NetworkDescription } from '../nets/architecture.js';
import { givenNormalisation } from '../nets/settings/units.js';
import { networkFrom } from '../nets/written/graphs.js';
import { type Augmentation, checkAugmentation } from './augmentation.js';
import { crossEntropy, euclidean, focal, hinge, type Loss, weightedCrossEntropy } from './losses.js';
import { type AdamWOptions, adamw, type Optimizer, type SgdOptions, sgd } from './optimizers.js';
import { constant, cosine, type Schedule, stepDecay, warmUp } from './schedules.js';

/** A loss by name, with its options. */
export type LossSettings =
  | { kind: 'w-cel'; perClass?: boolean }
  | { kind: 'cel' | 'hinge' | 'euclidean' }
  | { kind: 'focal'; alpha?: number; gamma?: number };

/** An optimizer by name, with its options. */
export type OptimizerSettings = ({ kind: 'sgd' } & SgdOptions) | ({ kind: 'adamw' } & AdamWOptions);

/** A schedule by name, with its options. Lengths are in epochs and need not be whole numbers. */
export interface ScheduleSettings {
  kind: 'constant' | 'step' | 'cosine';
  /** Epochs in which the rate rises linearly to its full value. Default 0. */
  warmUp?: number;
  /** step: epochs between decays. Default: a third of the run. */
  every?: number;
  /** step: the factor of each decay. Default 0.1. */
  factor?: number;
  /** cosine: the factor at the end. Default 0. */
  end?: number;
}

/**
 * The form of the network's input. Fields mean the same as those of the same names in `WeightsMetadata`: `mean` and `std` are for pixels
 * from 0 to 1.
 */
export interface InputSettings extends Pick<WeightsMetadata, 'mean' | 'std' | 'channelOrder' | 'fit'> {
  /** Side in pixels. */
  size: number;
  channels: 1 | 3;
}

/** The settings of a run, as plain JSON. They determine what it computes. */
export interface TrainSettings {
  architecture: NetworkDescription;
  /** Names of the outputs. */
  classes: readonly string[];
  input: InputSettings;
  heatmapScaling: WeightsMetadata['heatmapScaling'];
  epochs: number;
  /** Images of a micro-batch. */
  batch: number;
  /** Micro-batches for each update. In the paper batch × accumulate is 80. */
  accumulate: number;
  loss: LossSettings;
  optimizer: OptimizerSettings;
  learningRate: number;
  schedule: ScheduleSettings;
  /** Limit of the norm of all gradients together. Default: none. */
  clipNorm?: number;
  /** See `TrainerOptions`. Weights are scored and saved as their moving averages. Default: no average. */
  averageDecay?: number;
  /** See `TrainerOptions`. */
  batchNorm: 'frozen' | 'train' | 'unfrozen';
  /** How parameters are trained, by the beginning of their names. For each name the first that fits is used; '' fits all. */
  parts: readonly { match: string; frozen?: boolean; rate?: number; decay?: number }[];
  augmentation: Augmentation;
  /** If activations of frozen layers are kept (see `TrainOptions.activations`): rounds them to f16. Default: they are kept as they are, f32. */
  activations?: 'f16';
  seed: number;
  /**
   * For training without epochs: the backbone is frozen, and the prediction layer is solved in closed form on its pooled features. Each
   * penalty is tried in a cross-validation over the patients of the training images, and each class takes the one with the best AUC.
   */
  ridge?: { penalties: readonly number[]; folds: number };
  /** The run ends after this many epochs without a better mean validation AUC; 0: never. */
  patience: number;
}

/** @throws InputError naming the first setting that makes no sense. Losses, optimizers and schedules check their own options. */
export function checkSettings(settings: TrainSettings): void {
  const { epochs, batch, accumulate, patience, seed, input, classes, architecture, learningRate, clipNorm } = settings;
  const whole = { epochs, batch, accumulate, size: input.size, 'patience (from 0 on)': patience + 1 };
  for (const [name, value] of Object.entries(whole)) {
    if (Number.isSafeInteger(value) && value >= 1) continue;
    throw new InputError(`training: ${name} is wrong`, { expected: 'a whole number from 1 on', given: String(value) });
  }
  if (!Number.isFinite(seed)) throw new InputError('training: the seed is not a number', { given: String(seed) });
  if (!(Number.isFinite(learningRate) && learningRate > 0)) {
    throw new InputError('training: the learning rate is wrong', { expected: 'above 0', given: String(learningRate) });
  }
  if (clipNorm !== undefined && !(clipNorm > 0)) {
    throw new InputError('training: the limit of the norm is wrong', { expected: 'above 0', given: String(clipNorm) });
  }
  const outputs = isGraph(architecture) ? outputsOf(architecture, input) : architecture.head.classes;
  if (outputs !== classes.length) {
    throw new InputError('training: classes and outputs differ in number', {
      expected: `${outputs} as the network has`,
      given: classes.join(', '),
    });
  }
  if (input.mean.length !== input.channels || input.std.length !== input.channels) {
    throw new InputError('training: mean and std do not fit the channels', {
      expected: `${counted(input.channels, 'number')} each`,
      given: `${input.mean.join(', ')} and ${input.std.join(', ')}`,
    });
  }
  checkUnits(input);
  checkAugmentation(settings.augmentation);
  if (settings.ridge && familyOf(settings).head.transition) {
    throw new InputError('training: ridge regression fits no transition layer', {
      expected: 'a transition layer of 0 channels',
      given: String(familyOf(settings).head.transition?.channels),
    });
  }
  if (settings.ridge && poolsClassMaps(familyOf(settings).head.pooling)) {
    throw new InputError('training: ridge regression does not go with a pooling of class maps', {
      expected: 'a pooling of features: lse, average or max',
      given: familyOf(settings).head.pooling,
      hint: 'train with epochs, with --freeze backbone if only the head shall be trained',
    });
  }
  lossOf(settings.loss);
  optimizerOf(settings.optimizer);
  scheduleOf(settings, 1);
}

/**
 * Refuses mean and std that are not for pixels from 0 to 1. `load` reads those for pixels from 0 to 255 as such; here they would be stored
 * with the weights as they are.
 */
function checkUnits({ mean, std }: InputSettings): void {
  const { fields, warnings } = givenNormalisation({ mean, std });
  if (warnings.length === 0) return;
  throw new InputError('training: mean and std are not for pixels from 0 to 1', {
    expected: `mean ${fields.mean?.join(', ')} and std ${fields.std?.join(', ')}, if these are for pixels from 0 to 255`,
    given: `mean ${mean.join(', ')} and std ${std.join(', ')}`,
    hint: 'divide them by 255',
  });
}

/** The number of outputs of a network. @throws InputError if its graph cannot be built for images of this form. */
function outputsOf(architecture: NetworkDescription, { size, channels }: InputSettings): number {
  const g = createGraph();
  return networkFrom(architecture)(g, g.input('image', [1, size, size, channels])).logits.shape[1];
}

/** The network as a backbone with a head. @throws InputError if it is described as a graph. */
export function familyOf({ architecture }: Pick<TrainSettings, 'architecture'>): FamilyNetwork {
  if (!isGraph(architecture)) return architecture;
  throw new InputError('training: the network is described as a graph', {
    expected: 'a backbone with a head',
    hint: 'train with epochs, from a program',
  });
}

const withoutKind = <T extends { kind: string }>({ kind: _, ...options }: T): Omit<T, 'kind'> => options;

export function lossOf(settings: LossSettings): Loss {
  switch (settings.kind) {
    case 'w-cel':
      return weightedCrossEntropy(withoutKind(settings));
    case 'cel':
      return crossEntropy(withoutKind(settings));
    case 'hinge':
      return hinge(withoutKind(settings));
    case 'euclidean':
      return euclidean(withoutKind(settings));
    case 'focal':
      return focal(withoutKind(settings));
    default:
      throw unknown('loss', settings, 'w-cel, cel, hinge, euclidean or focal');
  }
}

export function optimizerOf(settings: OptimizerSettings): Optimizer {
  switch (settings.kind) {
    case 'sgd':
      return sgd(withoutKind(settings));
    case 'adamw':
      return adamw(withoutKind(settings));
    default:
      throw unknown('optimizer', settings, 'sgd or adamw');
  }
}

/** The factor of the learning rate at each update of a run. */
export function scheduleOf(
  { schedule, epochs }: Pick<TrainSettings, 'schedule' | 'epochs'>,
  updatesPerEpoch: number,
): Schedule {
  const { kind, warmUp: warm = 0, every = epochs / 3, factor, end } = schedule;
  const updates = (length: number) => Math.max(1, Math.round(length * updatesPerEpoch));
  if (!(warm >= 0 && warm < epochs)) {
    throw new InputError('training: the warm-up is wrong', { expected: `0 … ${epochs} epochs`, given: String(warm) });
  }
  const rest = epochs - warm;
  const main = {
    constant,
    step: () => stepDecay({ every: updates(every), ...(factor === undefined ? {} : { factor }) }),
    cosine: () => cosine({ steps: updates(rest), ...(end === undefined ? {} : { end }) }),
  }[kind];
  if (!main) throw unknown('schedule', schedule, 'constant, step or cosine');
  return warm > 0 ? warmUp({ steps: updates(warm), after: main() }) : main();
}

function unknown(what: string, settings: { kind: string }, expected: string): InputError {
  return new InputError(`training: unknown ${what}`, { expected, given: String(settings.kind) });
}

const familyMetadata = (architecture: FamilyNetwork) => ({
  ...architectureMetadata(architecture),
  pooling: architecture.head.pooling,
});

/** The metadata of the weights that a run trains. */
export function weightsMetadataOf(
  { architecture, classes, input, heatmapScaling }: TrainSettings,
  more: Pick<WeightsMetadata, 'trainingData' | 'license'> & Pick<Partial<WeightsMetadata>, 'operatingThresholds'>,
): WeightsMetadata {
  const { size, channels, ...rest } = input;
  return {
    ...(isGraph(architecture) ? { architecture } : familyMetadata(architecture)),
    classes: [...classes],
    inputWidth: size,
    inputHeight: size,
    inputChannels: channels,
    ...rest,
    heatmapScaling,
    ...more,
  };
}
