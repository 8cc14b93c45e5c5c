/**
 * Weights that do not say what they are: what was given, then what the file says beside its tensors, then a public layout, then
 * names and shapes, and only then an assumption, which is said.
 */
import { InputError } from '../errors.js';
import type { Architecture, Backbone } from '../formats/architecture.js';
import type { Checkpoint, TensorData } from '../formats/checkpoint.js';
import { architectureMetadata, type WeightsMetadata } from '../formats/weights.js';
import type { Warning } from '../warnings.js';
import { assumptionsOf } from './assumptions.js';
import type { BackboneParameters } from './backbone.js';
import { inferBackbone } from './infer.js';
import { descriptionOf, inferHead, prefixOf } from './infer_head.js';
import { fileInput, fileNames, IMAGENET, publicLayout, unnamed } from './input_layouts.js';
import { leftoverOf, refusalOf } from './leftover.js';
import { standardName } from './standard.js';

/** Where a field comes from: the caller, the file's own words, a public layout, names and shapes of tensors, nowhere. */
export type Source = 'given' | 'file' | 'layout' | 'shapes' | 'assumed';
export type Sources = Partial<Record<keyof WeightsMetadata, Source>>;

/** Given by the caller, who has the graph: this module is loaded on demand, and what it shares with the core is kept small. */
export type ParametersOf = (backbone: string | Backbone) => BackboneParameters;

export interface RecogniseOptions {
  /** What the names of the network's tensors begin with, where the file holds more than one. */
  prefix?: string;
  /** Beginnings of names that take no part. */
  ignore?: readonly string[];
}

export interface Recognised {
  /** Under torchvision's names. */
  readonly tensors: Map<string, TensorData>;
  readonly architecture: Architecture;
  /** Without head there is no network to be described; unchecked. */
  readonly metadata: WeightsMetadata | undefined;
  readonly sources: Sources;
  /** Of the first convolution. */
  readonly inputChannels: 1 | 3;
  /** What was given to be ignored, under torchvision's names. */
  readonly ignore: readonly string[];
  /** Why this network has no head. */
  readonly headless?: InputError;
}

/**
 * @param given what the caller says, which comes before everything else.
 * @throws InputError where the backbone is none that raybox knows, or one of several.
 */
export function recognise(
  checkpoint: Checkpoint,
  given: Partial<WeightsMetadata>,
  backboneParameters: ParametersOf,
  { prefix, ignore = [] }: RecogniseOptions = {},
): Recognised {
  const isWhole = prefix === undefined || checkpoint.taken === true;
  const named = withTorchvisionNames(isWhole ? checkpoint.tensors : under(checkpoint.tensors, prefix));
  const found = given.architecture ?? inferBackbone(named);
  const { tensors, backbone, root } = atRoot(
    named,
    found,
    given.architecture !== undefined,
    ignore,
    backboneParameters,
  );
  const relative = (name: string) =>
    name.length > root.length && name.startsWith(root) ? name.slice(root.length) : name;
  const leftOut = ignore.map(relative);
  const own = backboneParameters(backbone);
  const missing = [...own.parameters.keys()].filter((name) => !tensors.has(name));
  if (given.architecture !== undefined && missing.length > 0)
    throw new InputError('the checkpoint is not of the architecture that was given', {
      expected: `${own.parameters.size} parameters of ${typeof backbone === 'string' ? backbone : familyName(backbone.family)}`,
      given: `none for ${missing.length} of them, such as ${missing.slice(0, 3).join(', ')}`,
    });
  const inputChannels = channelsOf(tensors, own.stem);
  let head: Architecture['head'];
  let headless: InputError | undefined;
  try {
    head = inferHead(tensors, backbone, own, {
      ...(given.pooling ? { pooling: given.pooling } : {}),
      ...(given.lseR ? { r: given.lseR } : {}),
      ...(given.transitionActivation ? { transitionActivation: given.transitionActivation } : {}),
      ...(given.prediction ? { prediction: relative(given.prediction) } : {}),
      ignore: leftOut,
    });
    if (!head) headless = noHead(tensors, backbone, own);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    headless = error;
  }
  const architecture = { backbone, ...(head ? { head } : {}) };
  if (!head) {
    const sources: Sources = { architecture: given.architecture === undefined ? 'shapes' : 'given' };
    return {
      tensors,
      architecture,
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
  return {
    tensors,
    architecture,
    inputChannels,
    ignore: leftOut,
    ...describe(checkpoint, tensors, architecture, head.classes, inputChannels, given),
  };
}

/** The same of a network that can be run. */
export function recogniseWithHead(...args: Parameters<typeof recognise>): Recognised & { metadata: WeightsMetadata } {
  const { metadata, headless, ...rest } = recognise(...args);
  if (!metadata) throw headless!;
  return { ...rest, metadata };
}

/**
 * The normalisation of a GoogLeNet with torchvision's `transform_input`, which takes an image that is normalised as ImageNet's to
 * (x − 0.5) / 0.5 of its pixels: what metadata says, and then this.
 */
export function transformed(metadata: WeightsMetadata, sources: Sources): WeightsMetadata {
  const { architecture, mean, std } = metadata;
  if (descriptionOf(architecture).family !== 'googlenet' || mean.length !== 3)
    throw new InputError('transformInput is an option of GoogLeNets with 3 channels', {
      given: `${typeof architecture === 'string' ? architecture : architecture.family} with ${mean.length}`,
    });
  if (sources.mean === 'file') return metadata; // the file says it too
  const { mean: m, std: s } = IMAGENET;
  const scales = std.map((value, i) => (value * 0.5) / s[i]);
  sources.mean = sources.std = 'given';
  const assumed = metadata.assumed?.filter((field) => field !== 'mean' && field !== 'std');
  const offsets = mean.map((value, i) => value - (scales[i] * (m[i] - 0.5)) / 0.5);
  return { ...metadata, mean: offsets.map(rounded), std: scales.map(rounded), ...(assumed ? { assumed } : {}) };
}

// Sums of decimal fractions end in dust.
const rounded = (value: number) => Number(value.toPrecision(12));

/** What of a checkpoint's tensors the network does not read, refused where it would matter, and what was assumed. */
export function judge(
  { tensors: all, choice, metadata: said }: Checkpoint,
  tensors: Recognised['tensors'],
  parameters: ReadonlyMap<string, unknown>,
  metadata: WeightsMetadata,
  ignore: readonly string[] = [],
): { leftOut: string[]; warnings: Warning[] } {
  const { architecture: backbone } = metadata;
  const { family } = descriptionOf(backbone);
  const head = [metadata.prediction ?? 'head.prediction', 'head.transition'];
  const leftover = leftoverOf(tensors, parameters, { family, prefix: prefixOf(backbone), head, ignore });
  const refusal = refusalOf(leftover, parameters, typeof backbone === 'string' ? backbone : familyName(family));
  if (refusal) throw refusal;
  const kept = new Set(tensors.values());
  const outside = [...all].filter(([, tensor]) => !kept.has(tensor)).map(([name]) => name);
  const warnings = assumptionsOf(metadata, family, fileNames(said, metadata.classes.length).unfit);
  if (choice)
    warnings.push({
      code: 'assumed-network',
      message: `The file holds more than one state dict: ${choice.taken} was taken, and ${choice.others.join(', ')} left out. Say which with prefix (--prefix).`,
    });
  return { leftOut: [...leftover.harmless, ...outside], warnings };
}

/** As a sentence has it. */
export const familyName = (family: Backbone['family']) =>
  ({
    alexnet: 'an AlexNet',
    vgg: 'a VGG',
    resnet: 'a ResNet',
    densenet: 'a DenseNet',
    googlenet: 'a GoogLeNet',
    squeezenet: 'a SqueezeNet',
  })[family];

/** Everything that metadata holds, with where each field comes from. */
function describe(
  checkpoint: Checkpoint,
  tensors: Recognised['tensors'],
  architecture: Architecture,
  outputs: number,
  inputChannels: 1 | 3,
  given: Partial<WeightsMetadata>,
): { metadata: WeightsMetadata; sources: Sources } {
  const shapes = { ...architectureMetadata(architecture), inputChannels };
  const { pooling, lseR, transitionActivation, ...shown } = shapes;
  const { names } = fileNames(checkpoint.metadata, outputs);
  const { backbone } = architecture;
  const layout = publicLayout(tensors, inputChannels, outputs);
  const layers: [Source, Partial<WeightsMetadata>][] = [
    ['given', given],
    [
      'file',
      {
        ...(names ? { classes: names } : {}),
        ...fileInput(checkpoint.metadata, descriptionOf(backbone), inputChannels),
      },
    ],
    ['layout', layout],
    ['shapes', shown],
    [
      'assumed',
      {
        pooling: pooling!,
        ...(lseR === undefined ? {} : { lseR }),
        ...(transitionActivation === undefined ? {} : { transitionActivation }),
        ...{ classes: unnamed(outputs), inputWidth: 224, inputHeight: 224, channelOrder: 'rgb', fit: 'stretch' },
        ...(inputChannels === 3 ? IMAGENET : { mean: [0.5], std: [0.25] }),
        ...{ heatmapScaling: 'minmax', trainingData: 'unknown', license: 'unknown' },
      },
    ],
  ];
  const metadata: Record<string, unknown> = {};
  const sources: Sources = {};
  for (const [source, fields] of layers) {
    for (const [field, value] of Object.entries(fields) as [keyof WeightsMetadata, unknown][]) {
      if (value === undefined || sources[field] !== undefined) continue;
      metadata[field] = value;
      sources[field] = source;
    }
  }
  if (given.classes && given.classes.length !== outputs)
    throw new InputError('the names of the classes do not fit the network', {
      expected: `${outputs}, one for each output`,
      given: `${given.classes.length}: ${given.classes.slice(0, 20).join(', ')}`,
    });
  // Whatever the caller called them, these are the names of the tensors.
  metadata.architecture = backbone;
  if (architecture.head?.prediction) metadata.prediction = architecture.head.prediction;
  const isAssumption = (field: string) => SAID.includes(field as keyof WeightsMetadata);
  const assumed = Object.keys(sources).filter(
    (field) => isAssumption(field) && ['assumed', 'layout'].includes(sources[field as keyof WeightsMetadata]!),
  );
  if (inputChannels === 1) assumed.splice(0, assumed.length, ...assumed.filter((field) => field !== 'channelOrder'));
  const { thresholds } = metadata as unknown as WeightsMetadata;
  if (thresholds && sources.thresholds === 'layout')
    metadata.thresholds = byClass(thresholds, metadata.classes as string[]);
  return {
    metadata: { ...(metadata as unknown as WeightsMetadata), ...(assumed.length > 0 ? { assumed } : {}) },
    sources,
  };
}

/** What a result depends on, so that an assumption about it is said. */
const SAID: readonly (keyof WeightsMetadata)[] = [
  ...(['classes', 'inputWidth', 'inputHeight', 'channelOrder', 'mean', 'std', 'fit'] as const),
  ...(['pooling', 'lseR', 'transitionActivation'] as const),
];

/** A layout gives thresholds by number of the output. */
const byClass = (thresholds: Record<string, number>, classes: readonly string[]) =>
  Object.fromEntries(Object.entries(thresholds).map(([index, value]) => [classes[Number(index)], value]));

/** Tensors whose names begin with `prefix`, without it. */
export function under(tensors: Checkpoint['tensors'], prefix: string): Checkpoint['tensors'] {
  const start = prefix === '' || prefix.endsWith('.') ? prefix : `${prefix}.`;
  const found = [...tensors].filter(([name]) => name.startsWith(start) && name !== start);
  if (found.length === 0)
    throw new InputError(`no tensor's name begins with ${start}`, {
      expected: [...new Set([...tensors.keys()].map((name) => name.split('.')[0]))].slice(0, 8).join(', '),
    });
  return new Map(found.map(([name, tensor]) => [name.slice(start.length), tensor]));
}

// A torchvision ResNet whose children were put into an nn.Sequential has numbers for names.
const SEQUENTIAL_RESNET = ['conv1', 'bn1', '2', '3', 'layer1', 'layer2', 'layer3', 'layer4'];
// Up to torchvision 0.2 a dense layer's parts were called `norm.1`, `conv.2`; dots in names were then forbidden.
const OLD_DENSE_LAYER = /(\bdenselayer\d+\.(?:norm|conv))\.([12])\./;

function withTorchvisionNames(tensors: Checkpoint['tensors']): Map<string, TensorData> {
  const start = [...tensors.keys()]
    .map((name) => /^(|.*\.)4\.0\.conv1\.weight$/.exec(name)?.[1])
    .find((one) => one !== undefined);
  const isResnet =
    start !== undefined && tensors.has(`${start}1.running_mean`) && tensors.has(`${start}7.0.conv1.weight`);
  const renamed = new Map<string, TensorData>();
  for (const [old, tensor] of tensors) {
    let name = old.replace(OLD_DENSE_LAYER, '$1$2.');
    if (isResnet && name.startsWith(start)) {
      const [number, ...rest] = name.slice(start.length).split('.');
      name = start + [SEQUENTIAL_RESNET[Number(number)] ?? number, ...rest].join('.');
    }
    if (renamed.has(name))
      throw new InputError(`checkpoint: two tensors are named '${name}'`, {
        hint: 'one has the old DenseNet name (norm.1), one the new (norm1)',
      });
    renamed.set(name, tensor);
  }
  return renamed;
}

/**
 * Takes off what the names of backbone and head begin with alike (`module.`, `model.`, `net.encoder.`, whatever), so that
 * torchvision's names are left wherever they were there.
 */
function atRoot(
  tensors: Map<string, TensorData>,
  found: string | Backbone,
  isGiven: boolean,
  ignore: readonly string[],
  backboneParameters: ParametersOf,
): { tensors: Map<string, TensorData>; backbone: string | Backbone; root: string } {
  const { prefix: _, ...bare } = descriptionOf(found);
  const start = isGiven ? rootOfGiven(tensors, backboneParameters(found)) + prefixOf(found) : prefixOf(found);
  const at = (prefix: string) => plain({ ...bare, prefix } as Backbone);
  const { others } = leftoverOf(tensors, backboneParameters(at(start)).parameters, {
    family: bare.family,
    prefix: start,
    ignore,
  });
  const segments = start.split('.').slice(0, -1);
  const roots = [...segments.keys(), segments.length].map((depth) =>
    segments
      .slice(0, depth)
      .map((one) => `${one}.`)
      .join(''),
  );
  const usual = prefixOf(bare as Backbone);
  const alone = start.endsWith(usual) ? start.slice(0, start.length - usual.length) : start;
  const root = roots.filter((one) => others.some((name) => name.startsWith(one))).pop() ?? alone;
  const renamed = new Map(
    [...tensors].map(([name, tensor]) => [name.startsWith(root) ? name.slice(root.length) : name, tensor]),
  );
  if (renamed.size < tensors.size) return { tensors, backbone: at(start), root: '' };
  return { tensors: renamed, backbone: at(start.slice(root.length)), root };
}

/** A description without a prefix that is the usual one, by its name where it has one. */
function plain(backbone: Backbone): string | Backbone {
  const { prefix, ...rest } = backbone;
  const bare = rest as Backbone;
  if (prefix !== undefined && prefix !== prefixOf(bare)) return backbone;
  return standardName(bare) ?? bare;
}

/** What stands before the names of a network that the caller described. */
function rootOfGiven(tensors: ReadonlyMap<string, TensorData>, { parameters, stem }: BackboneParameters): string {
  const roots = [...tensors.keys()].flatMap((name) =>
    name === stem || name.endsWith(`.${stem}`) ? [name.slice(0, name.length - stem.length)] : [],
  );
  const whole = roots.filter((root) => [...parameters.keys()].every((name) => tensors.has(root + name)));
  if (whole.length > 1)
    throw new InputError('the checkpoint holds several networks of this architecture', {
      expected: 'one',
      given: whole.map((root) => `names under ${root || 'no prefix'}`).join(', '),
      hint: 'say which with prefix',
    });
  return whole[0] ?? roots[0] ?? '';
}

/** Channels that the first convolution reads. */
function channelsOf(tensors: ReadonlyMap<string, TensorData>, stem: string): 1 | 3 {
  const channels = tensors.get(stem)?.shape[1] ?? 3;
  if (channels !== 1 && channels !== 3)
    throw new InputError(`the network's first layer ${stem} reads ${channels} channels`, {
      expected: '1 or 3',
      given: tensors.get(stem)!.shape.join('×'),
    });
  return channels;
}

function noHead(
  tensors: ReadonlyMap<string, TensorData>,
  backbone: string | Backbone,
  { parameters }: BackboneParameters,
): InputError {
  const { others } = leftoverOf(tensors, parameters, {
    family: descriptionOf(backbone).family,
    prefix: prefixOf(backbone),
  });
  return new InputError('the checkpoint has no prediction layer, so it cannot classify', {
    expected: 'head.prediction.weight, or one linear layer on pooled features',
    given: others.slice(0, 6).join(', ') || 'the backbone alone',
  });
}
