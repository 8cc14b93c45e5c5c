/**
 * Recognises the network of weights that do not describe themselves. The sources, in order: what the caller gave, what the file says outside
 * its tensors, a public layout, the names and shapes of the tensors. What none of them says is assumed, with a warning.
 */

import { InputError } from '../../errors.js';
import type { Checkpoint, TensorData } from '../../formats/weights/checkpoint.js';
import { type Pooling, type PoolingNumbers, poolingNumbers, poolsClassMaps } from '../../formats/weights/poolings.js';
import type { WeightsMetadata } from '../../formats/weights/weights.js';
import type { Warning } from '../../warnings.js';
import { type Architecture, backboneOf, type Head } from '../architecture.js';
import { type Backbone, type BackboneParameters, descriptionOf, type ParametersOf, prefixOf } from '../backbone.js';
import { assumptionsOf, warningsOfLayout, warningsOfSettings } from '../description/assumptions.js';
import { describeNetwork, type Found, type Sources } from '../description/describe_network.js';
import { checkIgnore } from '../description/ignored.js';
import { presetNamed } from '../presets/index.js';
import { joinConvolutions } from '../presets/jfhealthcare.js';
import { savedPooling } from '../saved/head.js';
import { otherTask, unsupportedFamily } from './foreign.js';
import { notClassifier, TRAIN } from './head_refusals.js';
import { weightsInParts } from './in_parts.js';
import { inferBackbone } from './infer.js';
import { type HeadOptions, inferHead, withoutHead } from './infer_head.js';
import { leftoverOf, refusalOf } from './leftover.js';
import { familyName } from './recognition.js';
import { atRoot, under, withoutPrefix, withTorchvisionNames } from './tensor_names.js';

export interface RecogniseOptions {
  /** If the file holds several networks: what the names of the right one's tensors begin with. */
  prefix?: string;
  /** Beginnings of the names of tensors that do not affect the result. */
  ignore?: readonly string[];
  /** The name of a public checkpoint. */
  preset?: string;
}

export interface Recognised {
  /** The tensors under torchvision's names. */
  readonly tensors: Map<string, TensorData>;
  readonly architecture: Architecture;
  /** Not checked yet. Undefined if no head was found, because then there is no network to describe. */
  readonly metadata: WeightsMetadata | undefined;
  readonly sources: Sources;
  readonly found?: Found;
  /** A tensor of the file that `tensors` has with another shape. */
  readonly reshaped?: TensorData;
  /** Tensors of the file of which `tensors` has only a part. */
  readonly cut?: readonly TensorData[];
  /** The number of channels that the first convolution reads. */
  readonly inputChannels: 1 | 3;
  /** The option `ignore`, with torchvision's names. */
  readonly ignore: readonly string[];
  /** If the network has no head: the error that says why. */
  readonly headless?: InputError;
}

/**
 * @param given the fields that the caller gave, which come before all other sources.
 * @throws InputError if raybox does not know the backbone, or if the file holds several.
 */
export function recognise(
  checkpoint: Checkpoint,
  given: Partial<WeightsMetadata>,
  backboneParameters: ParametersOf,
  { prefix, ignore: asked = [], preset }: RecogniseOptions = {},
): Recognised {
  checkIgnore(asked);
  const ignore = prefix === undefined ? asked : asked.map((start) => withoutPrefix(start, prefix));
  const isWhole = prefix === undefined || checkpoint.taken === true;
  const named = withTorchvisionNames(isWhole ? checkpoint.tensors : under(checkpoint.tensors, prefix));
  const { architecture: wanted } = given;
  const inParts = unsupportedFamily(named.keys()) === undefined ? weightsInParts(named) : undefined;
  if (inParts) throw inParts;
  const found = wanted === undefined ? ownBackbone(named) : backboneOf({ architecture: wanted });
  const at = atRoot(named, found, given.architecture !== undefined, ignore, backboneParameters);
  const { tensors, backbone, root } = at;
  const relative = (name: string) => (root === '' ? name : withoutPrefix(name, root));
  const leftOut = ignore.map(relative);
  const own = backboneParameters(backbone);
  if (wanted !== undefined) checkGivenBackbone(tensors, backbone, own);
  const inputChannels = channelsOf(tensors, own.stem);
  const pooled = {
    ...given,
    pooling: given.pooling ?? (preset === undefined ? undefined : presetNamed(preset).fields.pooling),
  };
  const headOptions = (left: readonly string[]) => givenHead(pooled, checkpoint, relative, left);
  const { head, headless, joined = [] } = judgedHead(at, own, headOptions, leftOut, asked);
  if (!head) {
    const sources: Sources = { architecture: given.architecture === undefined ? 'shapes' : 'given' };
    return {
      tensors,
      architecture: { backbone },
      metadata: undefined,
      sources,
      inputChannels,
      ignore: leftOut,
      ...(headless ? { headless } : {}),
    };
  }
  const prediction = head.prediction ?? 'head.prediction';
  if (!tensors.has(`${prediction}.bias`)) {
    tensors.set(`${prediction}.bias`, { shape: [head.classes], data: new Float32Array(head.classes) });
  }
  const architecture = { backbone, head };
  const described = withoutUntrained(
    describeNetwork(checkpoint, tensors, architecture, inputChannels, given, preset),
    tensors,
    prediction,
  );
  return {
    tensors,
    architecture,
    inputChannels,
    ignore: leftOut,
    ...described,
    cut: [...(described.cut ?? []), ...joined],
    ...asLinear(tensors, `${prediction}.weight`),
  };
}

/** The backbone by names and shapes. Where it is not known, a network that detects or segments is refused as such. */
function ownBackbone(tensors: Map<string, TensorData>): string | Backbone {
  try {
    return inferBackbone(tensors);
  } catch (error) {
    const other = error instanceof InputError ? otherTask(tensors.keys()) : undefined;
    throw other ? notClassifier(other) : error;
  }
}

/** @throws InputError if the checkpoint lacks parameters of the architecture that the caller gave */
function checkGivenBackbone(
  tensors: ReadonlyMap<string, TensorData>,
  backbone: string | Backbone,
  { parameters }: BackboneParameters,
): void {
  const missing = [...parameters.keys()].filter((name) => !tensors.has(name));
  if (missing.length === 0) return;
  throw new InputError('the checkpoint is not of the architecture that was given', {
    expected: `${parameters.size} parameters of ${typeof backbone === 'string' ? backbone : familyName(backbone.family)}`,
    given: `none for ${missing.length} of them, such as ${missing.slice(0, 3).join(', ')}`,
  });
}

/** What the caller said about the head. @param ignored beginnings of the names of tensors that cannot belong to it */
function givenHead(
  given: Pick<Partial<WeightsMetadata>, 'lseR' | 'transitionActivation' | 'prediction'> &
    PoolingNumbers & { pooling?: Pooling | undefined },
  { modules }: Checkpoint,
  relative: (name: string) => string,
  ignored: readonly string[],
): HeadOptions {
  const pooling = given.pooling ?? (modules ? savedPooling(modules) : undefined);
  return {
    ...(pooling ? { pooling } : {}),
    ...(given.lseR ? { r: given.lseR } : {}),
    ...poolingNumbers(given),
    ...(given.transitionActivation ? { transitionActivation: given.transitionActivation } : {}),
    ...(given.prediction ? { prediction: relative(given.prediction) } : {}),
    ignore: ignored,
  };
}

/**
 * The head, or the error that says why there is none. If a head is only found without the option `ignore`, that option names the prediction
 * layer itself. That is right for a caller who only wants the backbone, so the error is returned, and thrown only where a head is needed.
 * @param ignored the option `ignore` with torchvision's names. @param asked the option as it was given, for the message
 */
function judgedHead(
  at: ReturnType<typeof atRoot>,
  own: BackboneParameters,
  options: (ignored: readonly string[]) => HeadOptions,
  ignored: readonly string[],
  asked: readonly string[],
):
  | { head: Head; headless?: undefined; joined?: readonly TensorData[] }
  | { head?: undefined; headless: InputError | undefined; joined?: undefined } {
  const headWithout = (names: readonly string[]) => findHead(at, own, () => options(names));
  const { head, error, joined = [] } = headWithout(ignored);
  if (head) return { head, joined };
  const found = ignored.length > 0 ? headWithout([]).head : undefined;
  if (found) return { headless: ignoredHead(found.prediction ?? 'head.prediction', asked) };
  const other = otherTask(at.tensors.keys());
  return { headless: other ? notClassifier(other, TRAIN) : error };
}

/** The head, or the error that says why there is none. The options are a function, because finding them out may throw such an error too. */
function findHead(
  { tensors, backbone, root }: ReturnType<typeof atRoot>,
  own: BackboneParameters,
  options: () => HeadOptions,
): { head?: Architecture['head']; joined?: readonly TensorData[]; error?: InputError } {
  try {
    const given = options();
    const joined = joinConvolutions(tensors, root, given.pooling);
    const head = inferHead(tensors, backbone, own, given);
    return head ? { head, joined } : { error: withoutHead(tensors, backbone, own) };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { error };
  }
}

const ignoredHead = (prediction: string, ignore: readonly string[]) =>
  new InputError('ignore names tensors that the network reads', {
    given: `${ignore.join(', ')}, among which is the prediction layer ${prediction}`,
    hint: 'without it there is nothing to classify with: leave it out of ignore',
  });

/**
 * Outputs that were never trained have random weights. Their rows are removed from the prediction layer, so that they get no probability,
 * no heatmap and no finding.
 */
function withoutUntrained<D extends ReturnType<typeof describeNetwork>>(
  described: D,
  tensors: Map<string, TensorData>,
  prediction: string,
): D & Pick<Recognised, 'cut'> {
  const { untrained = [] } = described.found.layout ?? {};
  const { classes, operatingThresholds } = described.metadata;
  if (untrained.length === 0 || untrained.length === classes.length) return described;
  const kept = [...classes.keys()].filter((index) => !untrained.includes(index));
  const cut = ['weight', 'bias'].map((part) => {
    const name = `${prediction}.${part}`;
    const whole = tensors.get(name)!;
    const row = whole.data.length / classes.length;
    const data = Float32Array.from(kept.flatMap((index) => [...whole.data.subarray(index * row, (index + 1) * row)]));
    tensors.set(name, { shape: [kept.length, ...whole.shape.slice(1)], data });
    return whole;
  });
  const names = kept.map((index) => classes[index]);
  const thresholds = Object.entries(operatingThresholds ?? {}).filter(([name]) => names.includes(name));
  const metadata = {
    ...described.metadata,
    classes: names,
    ...(operatingThresholds ? { operatingThresholds: Object.fromEntries(thresholds) } : {}),
  };
  return { ...described, metadata, cut };
}

/** Turns the weights of a 1×1 convolution into those of the linear layer that computes the same. */
function asLinear(tensors: Map<string, TensorData>, name: string): Pick<Recognised, 'reshaped'> {
  const reshaped = tensors.get(name)!;
  if (reshaped.shape.length !== 4) return {};
  tensors.set(name, { shape: reshaped.shape.slice(0, 2), data: reshaped.data });
  return { reshaped };
}

/** What `judge` has to know about a network that can be run. */
export type Known = Pick<Recognised, 'tensors' | 'sources' | 'found' | 'reshaped' | 'cut' | 'ignore'>;

/**
 * Looks at the tensors that the network does not read: those that could matter are refused with an InputError, the others are listed. Also
 * gives the warnings about what was assumed.
 */
export function judge(
  { tensors: all, choice }: Checkpoint,
  { tensors, sources, found, reshaped, cut = [], ignore }: Known,
  parameters: ReadonlyMap<string, unknown>,
  metadata: WeightsMetadata,
): { leftOut: string[]; warnings: Warning[] } {
  const backbone = backboneOf(metadata);
  const { family } = descriptionOf(backbone);
  const head = [metadata.prediction ?? 'head.prediction', 'head.transition', 'head.pooling', 'head.attention'];
  const leftover = leftoverOf(tensors, parameters, { family, prefix: prefixOf(backbone), head, ignore });
  const refusal = refusalOf(leftover, parameters, typeof backbone === 'string' ? backbone : familyName(family));
  if (refusal) throw refusal;
  const kept = new Set([...tensors.values(), reshaped, ...cut]);
  const outside = [...all].filter(([, tensor]) => !kept.has(tensor)).map(([name]) => name);
  const warnings = [
    ...(found ? warningsOfSettings(metadata, sources, found) : []),
    ...assumptionsOf(metadata, family, found),
    ...(found?.layout ? warningsOfLayout(found.layout) : []),
  ];
  // If class maps are pooled, the caller has said what follows the convolution, and no warning is needed.
  if (reshaped && !poolsClassMaps(metadata.pooling!))
    warnings.push({
      code: 'assumed-network',
      message: `${metadata.prediction} is a 1×1 convolution. It was used as a linear layer on pooled features, which is right if its outputs are averaged directly. If a ReLU, another pooling or anything else comes between the two, as in torchvision's SqueezeNet, the results are wrong.`,
    });
  if (choice)
    warnings.push({
      code: 'assumed-network',
      message: `The file holds more than one state dict: ${choice.taken} was used, and ${choice.others.join(', ')} left out. Choose another one with prefix (--prefix).`,
    });
  return { leftOut: [...leftover.harmless, ...outside], warnings };
}

/** The number of channels that the first convolution reads. */
function channelsOf(tensors: ReadonlyMap<string, TensorData>, stem: string): 1 | 3 {
  const channels = tensors.get(stem)?.shape[1] ?? 3;
  if (channels !== 1 && channels !== 3)
    throw new InputError(`the network's first layer ${stem} reads ${channels} channels`, {
      expected: '1 or 3',
      given: tensors.get(stem)!.shape.join('×'),
    });
  return channels;
}
