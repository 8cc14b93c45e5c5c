/** Decides which network a run trains and which weights it starts from. */

import { InputError } from '../errors.js';
import type { Checkpoint } from '../formats/weights/checkpoint.js';
import { POOLING_FIELDS, poolingNumbers } from '../formats/weights/poolings.js';
import { isRayboxWeights, parseWeightsMetadata, type WeightsMetadata } from '../formats/weights/weights.js';
import { createGraph } from '../graph/ir/graph.js';
import { product, type Tensor } from '../graph/ir/tensor.js';
import type { WeightSource } from '../graph/plan/types.js';
import { type Architecture, architectureOf, type Head } from '../nets/architecture.js';
import { type Backbone, checkBackbone, descriptionOf, prefixOf, standardName } from '../nets/backbone.js';
import { warningsOfSettings } from '../nets/description/assumptions.js';
import { checkIgnore, judgeIgnored } from '../nets/description/ignored.js';
import { assumedNormalisation } from '../nets/description/input_layouts.js';
import type { InceptionV3 } from '../nets/families/inception_v3.js';
import { backboneParameters, buildBackbone, buildNetwork, parameterSource } from '../nets/index.js';
import { isAbout, leftoverOf, refusalOf } from '../nets/recognise/leftover.js';
import { type Recognised, recognise } from '../nets/recognise/recognise.js';
import { familyName, recognitions } from '../nets/recognise/recognition.js';
import { under } from '../nets/recognise/tensor_names.js';
import { fileInput } from '../nets/settings/settings.js';
import { givenNormalisation } from '../nets/settings/units.js';
import type { Warning } from '../warnings.js';
import { initialWeights } from './initial.js';
import { checkStart, type StartOptions } from './start_options.js';

/** The network that a run trains, and the weights that it starts from. */
export interface Start {
  architecture: Architecture & { head: Head };
  input: Pick<WeightsMetadata, 'mean' | 'std' | 'channelOrder' | 'fit'> & { size: number; channels: 1 | 3 };
  heatmapScaling: WeightsMetadata['heatmapScaling'];
  weights: WeightSource;
  /** Names of parameters that do not come from the weights to start from. Those of a prediction layer are zero, others are random. */
  fresh: string[];
  /** What was assumed about the weights to start from. */
  warnings: Warning[];
}

/**
 * Decides on the network and its first weights. If there are weights to start from, they must have all parameters of the backbone. A
 * parameter of the head is taken from them if it has the right shape and, in the prediction layer, belongs to the same classes.
 * @throws InputError if weights and network do not fit each other, or if neither is given.
 */
export function startOf(options: StartOptions): Start {
  checkStart(options);
  const { size, classes, seed, ignore = [] } = options;
  const { fields, warnings: units } = givenNormalisation(options.metadata ?? {});
  const metadata = { ...options.metadata, ...fields };
  const isKnown = options.init !== undefined && isRayboxWeights(options.init.metadata);
  const known = isKnown ? parseWeightsMetadata(options.init!.metadata) : undefined;
  const found = options.init && !known ? recogniseStart(options.init, options) : undefined;
  const init = found ? { ...options.init!, tensors: found.tensors } : known ? ownTensors(options) : undefined;
  const before = known ? architectureOf(known) : found?.architecture;
  const backbone = withColumns(chooseBackbone(options.backbone, before?.backbone), options.columns);
  const given = known?.inputChannels ?? found?.inputChannels;
  const channels = options.channels ?? given ?? 1;
  if (given !== undefined && channels !== given) {
    throw new InputError('the weights take another number of channels', {
      expected: String(given),
      given: String(channels),
    });
  }
  const head = chooseHead(options, backbone, channels, known && before?.head);
  const architecture = { backbone, head };
  const start = found ? startingInput(options.init!, found, metadata) : undefined;
  const plain = assumedNormalisation(channels);
  const said = { ...start?.fields, ...known, ...metadata };
  const { mean = plain.mean, std = plain.std, channelOrder = 'rgb', fit = 'stretch' } = said;
  const { heatmapScaling = 'minmax' } = { ...known, ...metadata };

  const sameClasses = known?.classes.join('\n') === classes.join('\n');
  checkIgnore(options.ignore);
  const { weights, fresh, read } = init
    ? startingWeights(init, architecture, size, channels, sameClasses, seed, found?.ignore ?? ignore)
    : { weights: initialWeights(seed), fresh: [], read: new Set<string>() };
  const ignored = options.init && init ? judgeIgnored(ignore, options.init.tensors, init.tensors, read) : [];
  const isAssumed = start !== undefined && !((metadata.mean ?? start.taken.mean) && (metadata.std ?? start.taken.std));
  const warnings = [
    ...units,
    ...(start?.warnings ?? []),
    ...ignored,
    ...(isAssumed ? [assumedInput(channels, mean, std)] : []),
  ];
  return {
    warnings,
    architecture,
    input: { size, channels, mean, std, channelOrder, fit },
    heatmapScaling,
    weights,
    fresh,
  };
}

/**
 * Finds out which network the weights belong to. Names and shapes are tried first, so that weights of another network than the one asked
 * for are noticed. Only if they do not show it, the caller's word is taken.
 */
function recogniseStart(init: Checkpoint, { backbone, metadata = {}, prefix, ignore }: StartOptions): Recognised {
  const names = { ...(prefix === undefined ? {} : { prefix }), ...(ignore ? { ignore } : {}) };
  try {
    return recognise(init, metadata, backboneParameters, names);
  } catch (error) {
    if (!(error instanceof InputError) || backbone === undefined) throw error;
    return recognise(init, { ...metadata, architecture: backbone }, backboneParameters, names);
  }
}

/** The weights to start from if they are raybox's own, without the prefix of their names. */
function ownTensors({ init, prefix }: StartOptions): Checkpoint {
  if (prefix === undefined || init!.taken) return init!;
  return { ...init!, tensors: under(init!.tensors, prefix) };
}

/** The form of the input that the weights to start from expect, as far as settings in the file or a recognised layout say it. */
function startingInput(
  init: Checkpoint,
  { metadata, sources, architecture, inputChannels }: Recognised,
  given: Partial<WeightsMetadata>,
): { fields: Partial<WeightsMetadata>; taken: Partial<WeightsMetadata>; warnings: Warning[] } {
  const { fields, taken, unused } = fileInput(init.metadata, descriptionOf(architecture.backbone), inputChannels);
  const { mean, std, channelOrder } = fields;
  const layout = metadata && sources.mean === 'layout' ? { mean: metadata.mean, std: metadata.std } : {};
  const own = { ...(mean && std ? { mean, std } : {}), ...(channelOrder ? { channelOrder } : {}) };
  // The size of the images is an option of the training, so the size in the file is not used and needs no warning.
  const { inputWidth: _, ...others } = unused;
  const from = (field: keyof WeightsMetadata) => [field, Object.hasOwn(given, field) ? 'given' : 'file'] as const;
  const said = Object.fromEntries((['mean', 'std', 'channelOrder'] as const).map(from));
  return {
    fields: { ...layout, ...own },
    taken: own,
    warnings: warningsOfSettings(own, said, { taken, unused: others }, 'mean, std, channelOrder (--metadata)'),
  };
}

const assumedInput = (channels: number, mean: readonly number[], std: readonly number[]): Warning => ({
  code: 'assumed-input',
  message: `The weights to start from do not say how their input was normalised: a mean of ${mean.join(', ')} and a std of ${std.join(', ')} of pixels from 0 to 1 were assumed for ${channels === 1 ? '1 channel' : `${channels} channels`}. Say what is right with --metadata '{"mean":…,"std":…}'.`,
});

function chooseBackbone(
  wanted: string | Backbone | undefined,
  given: string | Backbone | undefined,
): string | Backbone {
  const plain = (one: string | Backbone) => (typeof one === 'string' ? one : (standardName(one) ?? one));
  if (!wanted && !given)
    throw new InputError('no network was named', { hint: '--backbone resnet18, say, or --init WEIGHTS' });
  if (!wanted || !given) return plain((wanted ?? given) as string | Backbone);
  const [a, b] = [plain(wanted), plain(given)];
  // If it is the same network under other names of its parameters, the names in the weights are used.
  const none = { prefix: undefined, names: undefined, columns: undefined, averages: undefined };
  const layers = (one: string | Backbone) => JSON.stringify({ ...descriptionOf(one), ...none });
  if (layers(a) === layers(b)) return plain(checkBackbone({ ...descriptionOf(b), ...notInTensors(descriptionOf(a)) }));
  if (typeof b !== 'string' && typeof a === 'string' && descriptionOf(a).family === b.family) return b;
  throw new InputError('the weights to start from are of another network', {
    expected: typeof a === 'string' ? a : a.family,
    given: typeof b === 'string' ? b : b.family,
  });
}

/** What a description says that the names and shapes of weights do not show. */
function notInTensors(backbone: Backbone): Partial<InceptionV3> {
  const { columns, averages } = backbone as Partial<InceptionV3>;
  return { ...(columns ? { columns } : {}), ...(averages ? { averages } : {}) };
}

function withColumns(backbone: string | Backbone, columns: readonly number[] | undefined): string | Backbone {
  if (columns === undefined) return backbone;
  const description = descriptionOf(backbone);
  const { family } = description;
  if (family === 'squeezenet' || family === 'inception_v3')
    return checkBackbone({ ...description, columns: [...columns] });
  throw new InputError('columns: only a SqueezeNet or an Inception v3 joins the outputs of its modules', {
    given: family,
  });
}

/** With β = 0 at the beginning, the sharpness begins at 5. */
const DEFAULT_R0 = 4;
/** As Ilse et al. 2018 have it. */
const DEFAULT_ATTENTION = 128;

function chooseHead(
  { size, classes, transition, pooling, r, ...rest }: StartOptions,
  backbone: string | Backbone,
  channels: number,
  before: Head | undefined,
): Head {
  const chosen = pooling ?? before?.pooling ?? 'lse';
  const g = createGraph();
  const [, height, rows, outputs] = buildBackbone(g, backbone, g.input('image', [1, size, size, channels])).shape;
  const width = transition ?? before?.transition?.channels ?? (before ? 0 : outputs);
  const numbers = { ...(r === undefined ? {} : { lseR: r }), ...poolingNumbers(rest) };
  const unused = Object.keys(numbers).find((name) => POOLING_FIELDS[name as keyof typeof numbers] !== chosen);
  if (unused)
    throw new InputError(`${unused} is not of this pooling`, {
      expected: `pooling ${POOLING_FIELDS[unused as keyof typeof numbers]}`,
      given: chosen,
    });
  return {
    classes: classes.length,
    pooling: chosen,
    ...(chosen === 'lse' ? { r: r ?? before?.r ?? 10 } : {}),
    // A tenth of the positions, if nothing says how many.
    ...(chosen === 'top-k' ? { topK: Math.max(1, Math.round((height * rows) / 10)), lowK: 0 } : {}),
    ...(chosen === 'lse-lba' ? { lseR0: DEFAULT_R0 } : {}),
    ...(chosen === 'attention' ? { attentionChannels: DEFAULT_ATTENTION } : {}),
    ...(chosen === before?.pooling ? poolingNumbers(before) : {}),
    ...poolingNumbers(rest),
    ...(width > 0 ? { transition: { kernel: 1, activation: 'relu', ...before?.transition, channels: width } } : {}),
    ...(before?.prediction === undefined ? {} : { prediction: before.prediction }),
  };
}

function startingWeights(
  init: Checkpoint,
  architecture: Architecture & { head: Head },
  size: number,
  channels: number,
  sameClasses: boolean,
  seed: number,
  ignore: readonly string[],
): { weights: WeightSource; fresh: string[]; read: ReadonlySet<string> } {
  const g = createGraph();
  const image = g.input('image', [1, size, size, channels]);
  buildBackbone(g, architecture.backbone, image);
  const backbone = new Set(g.parameters.keys());
  const source = parameterSource(init, new Map(g.parameters));
  refuseOtherBackbone(init, architecture.backbone, backbone, ignore);
  buildNetwork(g, architecture, image);
  const isPrediction = (name: string) => name.startsWith(`${architecture.head.prediction ?? 'head.prediction'}.`);
  const fits = (name: string, { shape }: Tensor) =>
    init.tensors.get(name)?.shape.join() === shape.join() && (sameClasses || !isPrediction(name));
  const fresh = [...g.parameters].filter(([name, tensor]) => !backbone.has(name) && !fits(name, tensor));
  const isFresh = new Set(fresh.map(([name]) => name));
  const random = initialWeights(seed);
  // A new prediction layer begins with zeros, so that all probabilities are ½ at first. Features of a network without batch norm may be a
  // hundred times as large as random weights are meant for. The huge logits would then cause gradients that destroy what the backbone has
  // learnt.
  const begin = (name: string, shape: readonly number[]) =>
    isPrediction(name) ? new Float32Array(product(shape)) : random(name, shape);
  return {
    weights: (name, shape) => (isFresh.has(name) ? begin(name, shape) : source(name, shape)),
    fresh: [...isFresh],
    read: new Set([...g.parameters.keys()].filter((name) => !isFresh.has(name))),
  };
}

/**
 * Refuses weights that have tensors which the backbone does not read, because they belong to another backbone. Only the layers of a head
 * may be left unread: those with the usual names of a head, and those in the same module as a linear layer.
 */
function refuseOtherBackbone(
  { tensors }: Checkpoint,
  backbone: string | Backbone,
  parameters: ReadonlySet<string>,
  ignore: readonly string[],
): void {
  const { family } = descriptionOf(backbone);
  const { others, ...leftover } = leftoverOf(tensors, parameters, { family, prefix: prefixOf(backbone), ignore });
  const moduleOf = (name: string) => name.split('.')[0];
  // The classifier of a SqueezeNet is a 1×1 convolution, which Caffe models call conv10 or conv_final.
  const { convolutionHead } = recognitions[family];
  const isLayerOfHead = (shape: readonly number[]) =>
    shape.length === 2 || (convolutionHead !== undefined && shape.length === 4 && shape[2] === 1 && shape[3] === 1);
  const heads = new Set(others.filter((name) => isLayerOfHead(tensors.get(name)!.shape)).map(moduleOf));
  const unknown = others.filter((name) => !isAbout(name, 'head') && !heads.has(moduleOf(name)));
  const refusal = refusalOf({ ...leftover, others: unknown }, parameters, familyName(family));
  if (refusal) throw refusal;
}
