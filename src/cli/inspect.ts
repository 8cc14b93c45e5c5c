/** `raybox inspect`: what is in a weights file, and how much work and memory its network takes. The network is not run. */

import { stat } from 'node:fs/promises';
import { InputError } from '../errors.js';
import type { Checkpoint } from '../formats/weights/checkpoint.js';
import { isGraph } from '../formats/weights/graph_description.js';
import { poolingNumbers } from '../formats/weights/poolings.js';
import { isRayboxWeights, type WeightsMetadata } from '../formats/weights/weights.js';
import { createGraph, type Graph, type GraphBuilder } from '../graph/ir/graph.js';
import type { Traits } from '../graph/ir/operation.js';
import { byteSize, product, type Tensor } from '../graph/ir/tensor.js';
import { fuse } from '../graph/passes/fuse.js';
import { packArenas } from '../graph/plan/arenas.js';
import { lower } from '../graph/plan/lower.js';
import { describeModel, readTensors } from '../localizer/model.js';
import type { ModelOptions } from '../localizer/weights_input.js';
import type { Architecture } from '../nets/architecture.js';
import type { Backbone } from '../nets/backbone.js';
import type { Source, Sources } from '../nets/describe_network.js';
import { backboneParameters, buildNetwork, parameterSource } from '../nets/index.js';
import type { Model } from '../nets/model.js';
import type { Network } from '../nets/network.js';
import { recognise } from '../nets/recognise/recognise.js';
import type { Command } from '../node/vendor/commander.js';
import type { Warning } from '../warnings.js';
import { print, table, wholeNumber } from './terminal.js';
import {
  addWeightsOptions,
  classList,
  leftOutText,
  modelOptions,
  WEIGHTS_FORMATS,
  type WeightsOptions,
} from './weights_options.js';

const DEFAULT_SIZE = 224;

interface Options extends WeightsOptions {
  classes?: readonly string[];
  size?: number;
  batch: number;
  layers?: boolean;
  json?: boolean;
}

interface Inspection {
  file: string;
  /** Only for a network that is a backbone, with or without a head. Other networks have a graph in the metadata. */
  architecture?: Architecture;
  metadata?: WeightsMetadata;
  /** Where each field of the metadata is from. Fields that are not listed are from the file. */
  sources: Sources;
  /** The public checkpoint that it is, or whose layout it has, and why. */
  layout?: Model['layout'];
  /** What was assumed about the weights. */
  warnings: readonly Warning[];
  /** Why the network cannot be run: the file has a backbone, but no head that raybox knows. */
  refused?: string;
  input: { batch: number; width: number; height: number; channels: number };
  features: readonly number[];
  heatmap?: readonly number[];
  parameters: { total: number; backbone: number; head: number };
  /** Tensors of the file that take no part in the result. */
  leftOut: readonly string[];
  flops: number;
  memory: Record<'f32' | 'f16', { weights: number; activations: number; largest: number }>;
  layers: { name: string; operation: string; shape: readonly number[]; flops: number }[];
}

/** An adapter without tight limits. With it, the numbers depend on the network only, and not on this machine. */
const TRAITS: Traits = {
  software: false,
  f16: true,
  subgroupSize: 0,
  maxInvocations: 256,
  maxWorkgroupBytes: 32 << 10,
  maxBindingBytes: 2 ** 31,
};

async function inspect(file: string, options: Options): Promise<Inspection> {
  const { size, batch, classes: names = options.names } = options;
  const given = await modelOptions({ ...options, ...(names ? { names } : {}) });
  const { checkpoint, warnings: told } = await readTensors(file, given);
  const model = await describeModel(checkpoint, given).catch((error: unknown) => {
    if (!(error instanceof InputError) || isRayboxWeights(checkpoint.metadata)) throw error;
    return backboneAlone(checkpoint, given, error);
  });
  const { architecture, metadata, sources, leftOut } = model;
  const warnings = [...told, ...model.warnings];
  const input = {
    batch,
    height: size ?? metadata?.inputHeight ?? DEFAULT_SIZE,
    width: size ?? metadata?.inputWidth ?? DEFAULT_SIZE,
    channels: 'inputChannels' in model ? model.inputChannels : model.metadata.inputChannels,
  };
  const network: Build = 'network' in model ? model.network : (g, image) => buildNetwork(g, architecture!, image);
  const { graph, parameters, features, heatmaps } = graphOf(network, input, 'f32');
  parameterSource(model.checkpoint, parameters); // throws an error that names what is missing or has a wrong shape
  const count = (keep: (name: string) => boolean) =>
    [...parameters].reduce((sum, [name, { shape }]) => sum + (keep(name) ? product(shape) : 0), 0);
  const { prediction = 'head.prediction', transition } = architecture?.head ?? {};
  const isHead = (name: string) =>
    [prediction, transition?.name ?? 'head.transition'].some((layer) => name.startsWith(`${layer}.`));
  const fused = fuse(graph);
  return {
    file,
    ...(architecture ? { architecture } : {}),
    ...(metadata ? { metadata } : {}),
    ...{ sources, warnings, leftOut },
    ...('layout' in model && model.layout ? { layout: model.layout } : {}),
    ...('refused' in model ? { refused: model.refused } : {}),
    input,
    features: features.shape.slice(1),
    ...(heatmaps ? { heatmap: heatmaps.shape.slice(2) } : {}),
    parameters: { total: count(() => true), backbone: count((name) => !isHead(name)), head: count(isHead) },
    flops: fused.nodes.reduce((sum, node) => sum + node.operation.flops(node), 0),
    memory: { f32: memoryOf(fused), f16: memoryOf(fuse(graphOf(network, input, 'f16').graph)) },
    layers: fused.nodes.map((node) => ({
      name: node.outputs[0].name,
      operation: node.operation.name,
      shape: node.outputs[0].shape,
      flops: node.operation.flops(node),
    })),
  };
}

type Build = (g: GraphBuilder, image: Tensor) => Pick<Network, 'features' | 'probabilities' | 'heatmaps'>;

function graphOf(network: Build, input: Inspection['input'], type: 'f32' | 'f16') {
  const g = createGraph({ type });
  const image = g.input('image', [input.batch, input.height, input.width, input.channels]);
  const { features, probabilities, heatmaps } = network(g, image);
  const outputs = [probabilities, heatmaps].filter((tensor): tensor is Tensor => tensor !== undefined);
  const graph = g.finish(outputs.length > 0 ? outputs : [features]);
  return { graph, parameters: g.parameters, features, heatmaps };
}

/**
 * Describes a backbone whose head is missing or cannot be run, because training can start from it. Throws `error` again for everything
 * else.
 */
function backboneAlone(checkpoint: Checkpoint, given: ModelOptions, error: InputError) {
  const { metadata, ...fields } = given;
  const found = recognise(
    checkpoint,
    { ...metadata, ...fields } as Partial<WeightsMetadata>,
    backboneParameters,
    given,
  );
  if (!found.headless) throw error;
  const { tensors, architecture, sources, inputChannels } = found;
  const none = { metadata: undefined, warnings: [], leftOut: [] };
  return {
    architecture,
    sources,
    inputChannels,
    checkpoint: { ...checkpoint, tensors },
    refused: error.message,
    ...none,
  };
}

/** Bytes that a plan would take: packed weights, and activations, which share memory if they are not needed at the same time. */
function memoryOf(graph: Graph): { weights: number; activations: number; largest: number } {
  const { constantSteps, steps } = lower(graph, TRAITS);
  const folded = new Set(constantSteps.flatMap(({ node }) => node.outputs));
  const isConstant = (tensor: Tensor) => tensor.kind === 'constant' || folded.has(tensor);
  const bound = new Set(steps.flatMap((step) => step.bindings.flatMap(({ tensor }) => tensor ?? [])));
  const bytes = (tensors: Iterable<Tensor>) => [...tensors].reduce((sum, tensor) => sum + byteSize(tensor), 0);
  const others = [...bound].filter((tensor) => !isConstant(tensor));
  const isPacked = (tensor: Tensor) =>
    tensor.kind === 'temporary' && !isConstant(tensor) && !graph.outputs.includes(tensor);
  const arenas = packArenas(steps, isPacked).sizes.reduce((sum, size) => sum + size, 0);
  return {
    weights: bytes([...bound].filter(isConstant)),
    activations: arenas + bytes(others.filter((tensor) => !isPacked(tensor))),
    largest: others.reduce((most, tensor) => Math.max(most, byteSize(tensor)), 0),
  };
}

function describeBackbone(backbone: string | Backbone): string {
  if (typeof backbone === 'string') return backbone;
  const { family, ...rest } = backbone;
  const text = JSON.stringify(rest);
  return `${family} ${text.length > 200 ? `${text.slice(0, 200)}…` : text}`;
}

const describeGraph = (graph: unknown) =>
  isGraph(graph) ? `a graph of ${graph.nodes.length} operations` : 'given as a function';

const mebibytes = (bytes: number) =>
  bytes < 2 ** 20 ? `${Math.ceil(bytes / 2 ** 10)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
const millions = (count: number) => (count < 1e5 ? String(count) : `${(count / 1e6).toFixed(2)} million`);

const round = (value: number) => Number(value.toPrecision(6));

const boxesOf = ({ heatmapScaling, minRegion = 0, heatmapMethod = 'cam' }: WeightsMetadata) =>
  `heatmaps${heatmapMethod === 'cam' ? '' : ` by ${heatmapMethod}`} from ${heatmapScaling === 'relu' ? '0' : 'their minimum'} to their maximum${minRegion > 0 ? `, smallest region ${minRegion} of their cells` : ''}`;

const layoutText = ({ title, marks, citation, candidates }: NonNullable<Model['layout']>) =>
  [
    `${title}, told by ${marks}`,
    ...(citation ? [citation] : []),
    ...(candidates ? [`one of ${candidates.join(', ')}`] : []),
  ].join('; ');

const SOURCES: Record<Source, string> = {
  given: 'given',
  preset: 'by the preset',
  file: 'said by the file',
  layout: 'by a public layout',
  shapes: 'by names and shapes',
  assumed: 'assumed',
};

async function format(one: Inspection, { layers }: Options): Promise<string> {
  const { architecture, metadata, input, parameters, flops, memory, leftOut, sources } = one;
  const { head } = architecture ?? {};
  const size = (await stat(one.file).catch(() => undefined))?.size;
  // Nothing is added if all fields are from the file.
  const from = (field: keyof WeightsMetadata, text: string) => {
    const source = sources[field] ?? (metadata?.assumed?.includes(field) ? 'assumed' : undefined);
    return source === undefined ? text : `${text} (${SOURCES[source]})`;
  };
  const rows: string[][] = [
    ['File', one.file + (size === undefined ? '' : `, ${mebibytes(size)}`)],
    architecture
      ? ['Backbone', from('architecture', describeBackbone(architecture.backbone))]
      : ['Network', from('architecture', describeGraph(metadata?.architecture))],
  ];
  if (one.layout) rows.push(['Layout', layoutText(one.layout)]);
  if (head) {
    const { transition, pooling, classes, prediction } = head;
    const { r: lseR, ...others } = head;
    const numbers = [
      ...(lseR === undefined ? [] : [from('lseR', `r = ${lseR}`)]),
      ...Object.entries(poolingNumbers(others)).map(([name, value]) =>
        from(name as keyof WeightsMetadata, `${name} = ${value}`),
      ),
    ];
    const parts = [
      transition
        ? `${transition.kernel}×${transition.kernel} transition to ${transition.channels} channels`
        : 'no transition layer',
      from('pooling', `${pooling} pooling`) + numbers.map((text) => ` with ${text}`).join(','),
      `${classes} classes${prediction === undefined ? '' : ` of ${from('prediction', prediction)}`}`,
    ];
    rows.push(['Head', parts.join(', ')]);
  } else if (architecture) rows.push(['Head', `none that can be run: ${one.refused}`]);
  if (metadata) {
    const { classes, operatingThresholds = {}, mean, std, channelOrder, fit, trainingData, license } = metadata;
    const named = classes.map((name) =>
      Object.hasOwn(operatingThresholds, name) ? `${name} ≥ ${round(operatingThresholds[name])}` : name,
    );
    const size = from('inputWidth', `${metadata.inputWidth} × ${metadata.inputHeight}`);
    const order = metadata.inputChannels === 1 ? 'grey' : from('channelOrder', channelOrder);
    rows.push(
      ['Classes', from('classes', named.join(', '))],
      ['Input', [size, order, from('fit', fit), from('mean', `mean ${mean}`), from('std', `std ${std}`)].join(', ')],
      ['Boxes', boxesOf(metadata)],
      ['Training', trainingData === 'none' ? 'none: the weights are random' : trainingData],
      ['Licence', license],
    );
  }
  rows.push(
    [
      'Parameters',
      `${millions(parameters.total)} (backbone ${millions(parameters.backbone)}, head ${millions(parameters.head)})`,
    ],
    ['At', `${input.batch} × ${input.height} × ${input.width} × ${input.channels}`],
    ['Features', one.features.join(' × ') + (one.heatmap ? `; heatmaps ${one.heatmap.join(' × ')}` : '')],
    ['Work', `${(flops / 1e9).toFixed(3)} GFLOP (a multiply-add counts as two)`],
  );
  for (const type of ['f32', 'f16'] as const) {
    const { weights, activations, largest } = memory[type];
    const text = `weights ${mebibytes(weights)}, activations ${mebibytes(activations)}, largest tensor ${mebibytes(largest)}`;
    rows.push([`Memory ${type}`, text]);
  }
  if (leftOut.length > 0) rows.push(['Left out', `${leftOutText(leftOut)}, which take no part`]);
  rows.push(...one.warnings.map(({ message }) => ['Warning', message]));
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  const text = rows.map(([name, value]) => `${name.padEnd(width)}${value}\n`).join('');
  if (!layers) return text;
  const list = one.layers.map(({ name, operation, shape, flops: own }) => [
    name,
    operation,
    shape.join('×'),
    (own / 1e6).toFixed(2),
  ]);
  return `${text}\n${table([['layer', 'operation', 'output', 'MFLOP'], ...list])}`;
}

/** Adds `raybox inspect`. */
export function addInspectCommand(program: Command): void {
  addWeightsOptions(program.command('inspect'))
    .description('what is in a weights file, and how much work and memory its network takes')
    .argument('<weights>', WEIGHTS_FORMATS)
    .option(
      '--size <pixels>',
      "width and height of the network's input; default: as the weights say, else 224",
      wholeNumber(1, 16_384),
    )
    .option('--classes <names>', 'the same as --names', classList)
    .option('--batch <n>', 'images in one run of the network', wholeNumber(1, 4096), 1)
    .option('--layers', 'also list the layers as they are run, after fusion')
    .option('--json', 'print JSON')
    .action(async (weights: string, options: Options) => {
      const inspection = await inspect(weights, options).catch((error) => {
        if (error instanceof InputError) throw new InputError(`${weights}: ${error.message}`, { cause: error });
        throw error;
      });
      await print(options.json ? `${JSON.stringify(inspection, null, 2)}\n` : await format(inspection, options));
    });
}
