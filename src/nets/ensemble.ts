/**
 * An ensemble: several localizers as one network. Its logits are the weighted mean of the members' logits, and its heatmaps are the
 * weighted mean of their heatmaps, so that they explain the ensemble's logits as the members' maps explain theirs. Members make different
 * mistakes, so their mean is often right where one of them is wrong.
 */
import { InputError } from '../errors.js';
import { DEFAULT_HEAT_THRESHOLDS } from '../formats/heat_thresholds.js';
import type { WeightsMetadata } from '../formats/weights/weights.js';
import type { GraphBuilder } from '../graph/ir/graph.js';
import type { Tensor } from '../graph/ir/tensor.js';
import { binary } from '../ops/general/binary.js';
import { gather } from '../ops/general/take.js';
import { sigmoid } from '../ops/layers/activation.js';
import { normalise } from '../ops/layers/batch_norm.js';
import { resize } from '../ops/layers/resize.js';
import { trace } from './description/trace.js';
import { isSigmoid } from './description/whole_network.js';
import type { Model } from './model.js';
import type { NetworkFunction, NetworkOutputs } from './outputs.js';

/** A localizer that is part of an ensemble. */
export interface Member {
  readonly name: string;
  readonly model: Pick<Model, 'network' | 'metadata'>;
  /** Its share of the sums, above 0. They are divided by the sum of all shares. */
  readonly share: number;
}

export interface EnsembleOptions {
  /** Whether each member also sees the mirrored image, and the mean of both results counts. It takes twice the time. */
  readonly mirror?: boolean;
}

/** What an ensemble's network is: its function, and what its weights file says about it. */
export interface Ensemble {
  readonly network: NetworkFunction;
  readonly metadata: Omit<WeightsMetadata, 'architecture'>;
  /** The beginning of the names of a member's parameters in the ensemble. */
  prefixOf(member: number): string;
}

const prefixOf = (member: number) => `members.${member}.`;

/**
 * Joins localizers to one network. It takes images of the first member's size; the other members get them resized.
 * @throws InputError if members do not have the same classes, or read images in ways that cannot be joined
 */
export function ensembleOf(members: readonly Member[], { mirror = false }: EnsembleOptions = {}): Ensemble {
  checkMembers(members);
  const total = members.reduce((sum, { share }) => sum + share, 0);
  const [{ model: first }] = members;
  const { classes } = first.metadata;
  const normalisedAlike = members.every(({ model }) => inputText(model.metadata) === inputText(first.metadata));
  const network: NetworkFunction = (g, image) => {
    const seen = members.flatMap((member, index) => {
      const { network: own, metadata } = member.model;
      const inner: GraphBuilder = { ...g, parameter: (name, shape) => g.parameter(prefixOf(index) + name, shape) };
      const input = inputOf(g, image, metadata, !normalisedAlike);
      const factor = member.share / total / (mirror ? 2 : 1);
      const direct = inOrder(g, own(inner, input), metadata.classes, classes);
      if (!mirror) return [{ ...direct, factor }];
      const mirrored = inOrder(g, own(inner, flip(g, input, 2)), metadata.classes, classes);
      return [
        { ...direct, factor },
        { ...mirrored, heatmaps: flip(g, mirrored.heatmaps, 3), factor },
      ];
    });
    const height = Math.max(...seen.map(({ heatmaps }) => heatmaps.shape[2]));
    const width = Math.max(...seen.map(({ heatmaps }) => heatmaps.shape[3]));
    const maps = seen.map(({ heatmaps, factor }) => ({ tensor: sized(g, heatmaps, height, width), factor }));
    const logits = weightedSum(
      g,
      seen.map(({ logits: tensor, factor }) => ({ tensor, factor })),
    );
    const heatmaps = weightedSum(g, maps);
    return { features: seen[0].features, logits, probabilities: sigmoid(g, logits, 'probabilities'), heatmaps };
  };
  return { network, metadata: metadataOf(members, normalisedAlike, mirror), prefixOf };
}

/** The image as a member's network reads it. */
function inputOf(g: GraphBuilder, image: Tensor, metadata: WeightsMetadata, normalises: boolean): Tensor {
  const { inputHeight: height, inputWidth: width, mean, std, channelOrder, inputChannels: channels } = metadata;
  // Sizes first, as `preprocess` does: images are resized, and then normalised.
  const x = sized(g, image, height, width);
  if (!normalises) return x;
  const ordered = channels === 3 && channelOrder === 'bgr' ? gather(g, x, 3, [2, 1, 0], 'bgr') : x;
  const vector = (name: string, values: readonly number[]) =>
    g.constant(name, { shape: [channels], layout: 'dense', type: 'f32' }, [...values]);
  const factors = std.map((value) => 1 / value);
  const zeros = vector('zeros', Array(channels).fill(0));
  const ones = vector('ones', Array(channels).fill(1));
  return normalise(g, [ordered, vector('1/std', factors), zeros, vector('mean', mean), ones], 0, 'normalised');
}

const sized = (g: GraphBuilder, x: Tensor, height: number, width: number): Tensor => {
  const [h, w] = x.layout === 'nhwc4' ? x.shape.slice(1, 3) : x.shape.slice(2, 4);
  if (h === height && w === width) return x;
  return resize(g, x, { height, width, mode: h > height || w > width ? 'bilinear_antialiased' : 'bilinear' });
};

function flip(g: GraphBuilder, x: Tensor, axis: number): Tensor {
  const size = x.shape[axis];
  return gather(
    g,
    x,
    axis,
    Array.from({ length: size }, (_, i) => size - 1 - i),
  );
}

/** A member's logits and heatmaps with the classes in the order of the ensemble's. */
function inOrder(g: GraphBuilder, outputs: NetworkOutputs, own: readonly string[], classes: readonly string[]) {
  const { features, logits, heatmaps } = outputs;
  const places = classes.map((name) => own.indexOf(name));
  const isSame = places.length === own.length && places.every((place, index) => place === index);
  const ordered = (x: Tensor) => (isSame ? x : gather(g, x, 1, places));
  return { features, logits: ordered(logits), heatmaps: ordered(heatmaps!) };
}

function weightedSum(g: GraphBuilder, terms: readonly { tensor: Tensor; factor: number }[]): Tensor {
  const scaled = terms.map(({ tensor, factor }) => {
    const constant = g.constant('share', { shape: [1], layout: 'dense', type: 'f32' }, [factor]);
    return binary(g, tensor, constant, 'mul');
  });
  return scaled.reduce((sum, term) => binary(g, sum, term, 'add'));
}

/** What a network's input is, in words that are equal for equal inputs. */
const inputText = ({ channelOrder, inputChannels, mean, std }: WeightsMetadata) =>
  [inputChannels === 1 ? 'grey' : channelOrder, ...mean, '/', ...std].join(' ');

/** What holds for boxes if metadata do not say it: a member that says the same agrees with one that says nothing. */
const BOX_DEFAULTS = { heatThresholds: DEFAULT_HEAT_THRESHOLDS, minRegion: 0, boxRules: {} } as const;

function metadataOf(members: readonly Member[], keepsNormalisation: boolean, mirror: boolean): Ensemble['metadata'] {
  const all = members.map(({ model }) => model.metadata);
  const [{ classes, inputHeight, inputWidth, inputChannels, channelOrder, mean, std, fit, heatmapScaling }] = all;
  const texts = (field: 'trainingData' | 'license') => [...new Set(all.map((one) => one[field]))].join('; ');
  const told = all.flatMap((one) => one.told ?? []).slice(0, 64);
  /** A field of how heatmaps become boxes, if all members agree on it. */
  const agreed = <Name extends 'heatThresholds' | 'minRegion' | 'boxRules'>(
    name: Name,
  ): Pick<WeightsMetadata, Name> => {
    const [first, ...others] = all.map((one) => one[name] ?? BOX_DEFAULTS[name]);
    const isGiven = all.some((one) => one[name] !== undefined);
    const isSame = isGiven && others.every((one) => JSON.stringify(one) === JSON.stringify(first));
    return (isSame ? { [name]: structuredClone(first) } : {}) as Pick<WeightsMetadata, Name>;
  };
  // A single member that sees no mirrored image gives its own probabilities, so that its thresholds hold.
  const { operatingThresholds } = all.length === 1 && !mirror ? all[0] : {};
  const kinds = new Set(all.map(({ imageKind }) => imageKind));
  const [kind] = kinds;
  return {
    ...{ classes, inputHeight, inputWidth, inputChannels, fit, heatmapScaling },
    ...(keepsNormalisation
      ? { channelOrder, mean, std }
      : { channelOrder: 'rgb', mean: mean.map(() => 0), std: std.map(() => 1) }),
    ...{ ...agreed('heatThresholds'), ...agreed('minRegion'), ...agreed('boxRules') },
    ...(operatingThresholds ? { operatingThresholds: { ...operatingThresholds } } : {}),
    ...(kinds.size === 1 && kind ? { imageKind: kind } : {}),
    trainingData: texts('trainingData'),
    license: texts('license'),
    ...(told.length > 0 ? { told } : {}),
  };
}

function checkMembers(members: readonly Member[]): void {
  if (members.length < 1) throw new InputError('an ensemble needs members', { expected: 'one network or more' });
  const [first, ...others] = members;
  for (const { name, model, share } of members) {
    const { metadata, network } = model;
    if (!(share > 0 && Number.isFinite(share)))
      throw new InputError(`the share of ${name} is wrong`, { expected: 'a number above 0', given: String(share) });
    const built = trace(network, metadata, 1);
    if ((metadata.heatmapMethod ?? 'cam') !== 'cam' || !built.outputs.heatmaps)
      throw new InputError(`${name} has no class activation maps, which an ensemble adds up`, {
        expected: 'networks with heatmapMethod cam',
        given: metadata.heatmapMethod ?? 'hirescam',
      });
    if (!isSigmoid(built))
      throw new InputError(`the probabilities of ${name} are not the sigmoid of its logits`, {
        hint: 'an ensemble adds up logits, which would then mean something else',
      });
    if (metadata.assumed)
      throw new InputError(`${name} does not fully describe itself: ${metadata.assumed.join(', ')} would be assumed`, {
        hint: 'give these fields to raybox convert, and use the file that it writes',
      });
  }
  for (const { name, model } of others) refuseDifference(first, name, model.metadata);
}

/** @throws InputError for a member that differs from the first one in what cannot be joined */
function refuseDifference({ name: firstName, model }: Member, name: string, metadata: WeightsMetadata): void {
  const { metadata: wanted } = model;
  const sorted = (names: readonly string[]) => [...names].sort().join(', ');
  if (sorted(metadata.classes) !== sorted(wanted.classes))
    throw new InputError(`${name} has other classes than ${firstName}`, {
      expected: wanted.classes.join(', '),
      given: metadata.classes.join(', '),
    });
  for (const field of ['inputChannels', 'fit', 'heatmapScaling'] as const) {
    if (metadata[field] === wanted[field]) continue;
    throw new InputError(`${name} has another ${field} than ${firstName}`, {
      expected: String(wanted[field]),
      given: String(metadata[field]),
      ...(field === 'heatmapScaling' ? { hint: 'raybox convert --metadata changes it' } : {}),
    });
  }
}
