/** Everything that decides what a run computes, as plain JSON: it is written down with the run, and read again to resume it. */

import { counted, InputError } from '../errors.js';
import { isGraph } from '../formats/graph_description.js';
import type { WeightsMetadata } from '../formats/weights.js';
import { createGraph } from '../graph/ir/graph.js';
import { architectureMetadata, type FamilyNetwork, type NetworkDescription } from '../nets/architecture.js';
import { networkFrom } from '../nets/graphs.js';
import { type Augmentation, checkAugmentation } from './augmentation.js';
import { crossEntropy, euclidean, focal, hinge, type Loss, weightedCrossEntropy } from './losses.js';
import { type AdamWOptions, adamw, type Optimizer, type SgdOptions, sgd } from './optimizers.js';
import { constant, cosine, type Schedule, stepDecay, warmUp } from './schedules.js';

/** A loss by name, with its numbers. */
export type LossSettings =
  | { kind: 'w-cel'; perClass?: boolean }
  | { kind: 'cel' | 'hinge' | 'euclidean' }
  | { kind: 'focal'; alpha?: number; gamma?: number };

/** An optimizer by name, with its numbers. */
export type OptimizerSettings = ({ kind: 'sgd' } & SgdOptions) | ({ kind: 'adamw' } & AdamWOptions);

/** Lengths are in epochs, and may be fractions of one. */
export interface ScheduleSettings {
  kind: 'constant' | 'step' | 'cosine';
  /** A straight line up to the full rate. Default 0. */
  warmUp?: number;
  /** step: epochs between decays. Default: a third of the run. */
  every?: number;
  /** step: what a decay multiplies with. Default 0.1. */
  factor?: number;
  /** cosine: share of the rate that is left at the end. Default 0. */
  end?: number;
}

/** How images come to the network: the fields of the same names in `WeightsMetadata`. */
export interface InputSettings extends Pick<WeightsMetadata, 'mean' | 'std' | 'channelOrder' | 'fit'> {
  /** Side in pixels. */
  size: number;
  channels: 1 | 3;
}

/** Everything that decides what a run computes, as plain JSON. */
export interface TrainSettings {
  architecture: NetworkDescription;
  /** Names of the outputs. */
  classes: readonly string[];
  input: InputSettings;
  heatmapScaling: WeightsMetadata['heatmapScaling'];
  epochs: number;
  /** Images of a micro-batch. */
  batch: number;
  /** Micro-batches to an update. The paper has batch × accumulate = 80. */
  accumulate: number;
  loss: LossSettings;
  optimizer: OptimizerSettings;
  learningRate: number;
  schedule: ScheduleSettings;
  /** Largest norm of all gradients together. */
  clipNorm?: number;
  /** As in `TrainerOptions`. */
  batchNorm: 'frozen' | 'train';
  /** By what a parameter's name begins with; the first that fits counts, '' fits all. */
  parts: readonly { match: string; frozen?: boolean; rate?: number; decay?: number }[];
  augmentation: Augmentation;
  seed: number;
  /**
   * Instead of epochs: the backbone is frozen, and the prediction layer is solved in closed form on what it pools to. Each penalty is
   * tried in a cross-validation over the training images' patients, and each class takes the one that ranks it best.
   */
  ridge?: { penalties: readonly number[]; folds: number };
  /** Epochs without a better mean validation AUC after which the run ends; 0: never. */
  patience: number;
}

/** @throws InputError naming the first number that makes no sense; what belongs to a loss or an optimizer is checked by it. */
export function checkSettings(settings: TrainSettings): void {
  const { epochs, batch, accumulate, patience, seed, input, classes, architecture, learningRate, clipNorm } = settings;
  const whole = { epochs, batch, accumulate, size: input.size, 'patience (from 0 on)': patience + 1 };
  for (const [name, value] of Object.entries(whole)) {
    if (Number.isSafeInteger(value) && value >= 1) continue;
    throw new InputError(`training: ${name} is wrong`, { expected: 'a whole number from 1 on', given: String(value) });
  }
  if (!Number.isFinite(seed)) throw new InputError('training: the seed is no number', { given: String(seed) });
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
  checkAugmentation(settings.augmentation);
  if (settings.ridge && familyOf(settings).head.transition) {
    throw new InputError('training: a closed form knows no transition layer', {
      expected: 'a transition layer of 0 channels',
      given: String(familyOf(settings).head.transition?.channels),
    });
  }
  lossOf(settings.loss);
  optimizerOf(settings.optimizer);
  scheduleOf(settings, 1);
}

/** The outputs of a network for one image. @throws InputError where its graph cannot be built for such images */
function outputsOf(architecture: NetworkDescription, { size, channels }: InputSettings): number {
  const g = createGraph();
  return networkFrom(architecture)(g, g.input('image', [1, size, size, channels])).logits.shape[1];
}

/** @throws InputError for a network that is not a backbone with a head */
export function familyOf({ architecture }: Pick<TrainSettings, 'architecture'>): FamilyNetwork {
  if (!isGraph(architecture)) return architecture;
  throw new InputError('training: the network is described as a graph', {
    expected: 'a backbone with a head',
    hint: 'train with epochs, from a program',
  });
}

export function lossOf(settings: LossSettings): Loss {
  switch (settings.kind) {
    case 'w-cel':
      return weightedCrossEntropy(settings);
    case 'cel':
      return crossEntropy();
    case 'hinge':
      return hinge();
    case 'euclidean':
      return euclidean();
    case 'focal':
      return focal(settings);
    default:
      throw unknown('loss', settings, 'w-cel, cel, hinge, euclidean or focal');
  }
}

export function optimizerOf(settings: OptimizerSettings): Optimizer {
  switch (settings.kind) {
    case 'sgd':
      return sgd(settings);
    case 'adamw':
      return adamw(settings);
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

/** What the weights of a run say about themselves. */
export function weightsMetadataOf(
  { architecture, classes, input, heatmapScaling }: TrainSettings,
  more: Pick<WeightsMetadata, 'trainingData' | 'license'> & Pick<Partial<WeightsMetadata>, 'thresholds'>,
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
