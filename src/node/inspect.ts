/** `raybox inspect`: what a weights file holds, and what running its network takes, without running it. */
import { stat } from 'node:fs/promises';
import { platform } from '#gpu';
import { InputError } from '../errors.js';
import type { Architecture, Backbone } from '../formats/architecture.js';
import type { Checkpoint } from '../formats/checkpoint.js';
import {
  architectureOf,
  isRayboxWeights,
  parseWeightsMetadata,
  readCheckpoint,
  type WeightsMetadata,
} from '../formats/weights.js';
import { packArenas } from '../graph/arenas.js';
import { fuse } from '../graph/fuse.js';
import { createGraph, type Graph } from '../graph/graph.js';
import { lower } from '../graph/lower.js';
import type { Traits } from '../graph/operation.js';
import { byteSize, product, type Tensor } from '../graph/tensor.js';
import { readPieces } from '../localizer/images.js';
import { buildNetwork, inferArchitecture, parameterSource } from '../nets/index.js';
import { print, table, wholeNumber } from './terminal.js';
import type { Command } from './vendor/commander.js';

const MAX_BYTES = 2 ** 31;
const DEFAULT_SIZE = 224;

interface Options {
  size?: number;
  batch: number;
  layers?: boolean;
  json?: boolean;
}

interface Inspection {
  file: string;
  architecture: Architecture;
  metadata?: WeightsMetadata;
  input: { batch: number; width: number; height: number; channels: number };
  features: readonly number[];
  heatmap?: readonly number[];
  parameters: { total: number; backbone: number; head: number };
  /** In the file, and used by no layer. */
  unused: string[];
  flops: number;
  memory: Record<'f32' | 'f16', { weights: number; activations: number; largest: number }>;
  layers: { name: string; operation: string; shape: readonly number[]; flops: number }[];
}

/** An adapter without tight limits, so that numbers are those of the network, not of this machine. */
const TRAITS: Traits = {
  software: false,
  f16: true,
  subgroupSize: 0,
  maxInvocations: 256,
  maxWorkgroupBytes: 32 << 10,
  maxBindingBytes: 2 ** 31,
};

async function inspect(file: string, { size, batch }: Options): Promise<Inspection> {
  const checkpoint = await readCheckpoint(await readPieces(await platform.open(file), `weights ${file}`, MAX_BYTES));
  const metadata = isRayboxWeights(checkpoint.metadata) ? parseWeightsMetadata(checkpoint.metadata) : undefined;
  const architecture = metadata ? architectureOf(metadata) : inferArchitecture(checkpoint.tensors);
  const input = {
    batch,
    height: size ?? metadata?.inputHeight ?? DEFAULT_SIZE,
    width: size ?? metadata?.inputWidth ?? DEFAULT_SIZE,
    channels: metadata?.inputChannels ?? channelsOf(checkpoint),
  };
  const { graph, parameters, features, heatmaps } = networkOf(architecture, input, 'f32');
  parameterSource(checkpoint, parameters); // says what is missing or misshapen
  const count = (keep: (name: string) => boolean) =>
    [...parameters].reduce((sum, [name, { shape }]) => sum + (keep(name) ? product(shape) : 0), 0);
  const { prediction = 'head.prediction', transition } = architecture.head ?? {};
  const isHead = (name: string) =>
    [prediction, transition?.name ?? 'head.transition'].some((layer) => name.startsWith(`${layer}.`));
  const fused = fuse(graph);
  return {
    file,
    architecture,
    ...(metadata ? { metadata } : {}),
    input,
    features: features.shape.slice(1),
    ...(heatmaps ? { heatmap: heatmaps.shape.slice(2) } : {}),
    parameters: { total: count(() => true), backbone: count((name) => !isHead(name)), head: count(isHead) },
    unused: [...checkpoint.tensors.keys()].filter(
      (name) => !parameters.has(name) && !/num_batches_tracked$/.test(name),
    ),
    flops: fused.nodes.reduce((sum, node) => sum + node.operation.flops(node), 0),
    memory: { f32: memoryOf(fused), f16: memoryOf(fuse(networkOf(architecture, input, 'f16').graph)) },
    layers: fused.nodes.map((node) => ({
      name: node.outputs[0].name,
      operation: node.operation.name,
      shape: node.outputs[0].shape,
      flops: node.operation.flops(node),
    })),
  };
}

function networkOf(architecture: Architecture, input: Inspection['input'], type: 'f32' | 'f16') {
  const g = createGraph({ type });
  const image = g.input('image', [input.batch, input.height, input.width, input.channels]);
  const { features, probabilities, heatmaps } = buildNetwork(g, architecture, image);
  const outputs = [probabilities, heatmaps].filter((tensor): tensor is Tensor => tensor !== undefined);
  const graph = g.finish(outputs.length > 0 ? outputs : [features]);
  return { graph, parameters: g.parameters, features, heatmaps };
}

function channelsOf({ tensors }: Checkpoint): number {
  const first = [...tensors.values()].find(({ shape }) => shape.length === 4);
  return first?.shape[1] ?? 3;
}

/** Bytes that a plan would take: packed weights, and activations packed by lifetime. */
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
    largest: Math.max(...others.map(byteSize)),
  };
}

function describeBackbone(backbone: string | Backbone): string {
  if (typeof backbone === 'string') return backbone;
  const { family, ...rest } = backbone;
  const text = JSON.stringify(rest);
  return `${family} ${text.length > 200 ? `${text.slice(0, 200)}…` : text}`;
}

const mebibytes = (bytes: number) =>
  bytes < 2 ** 20 ? `${Math.ceil(bytes / 2 ** 10)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
const millions = (count: number) => (count < 1e5 ? String(count) : `${(count / 1e6).toFixed(2)} million`);

const boxesOf = ({ heatmapScaling, minRegion = 0 }: WeightsMetadata) =>
  `heatmaps from ${heatmapScaling === 'relu' ? '0' : 'their minimum'} to their maximum${minRegion > 0 ? `, smallest region ${minRegion} of their cells` : ''}`;

async function format(one: Inspection, { layers }: Options): Promise<string> {
  const { architecture, metadata, input, parameters, flops, memory, unused } = one;
  const { head } = architecture;
  const size = (await stat(one.file).catch(() => undefined))?.size;
  const rows: string[][] = [
    ['File', one.file + (size === undefined ? '' : `, ${mebibytes(size)}`)],
    ['Backbone', describeBackbone(architecture.backbone)],
  ];
  if (head) {
    const { transition, pooling, r, classes } = head;
    const parts = [
      transition
        ? `${transition.kernel}×${transition.kernel} transition to ${transition.channels} channels`
        : 'no transition layer',
      `${pooling} pooling${r === undefined ? '' : ` with r = ${r}`}`,
      `${classes} classes`,
    ];
    rows.push(['Head', parts.join(', ')]);
  } else rows.push(['Head', 'none: the network ends with its features']);
  if (metadata) {
    const { classes, thresholds = {}, mean, std, channelOrder, fit, trainingData, license } = metadata;
    const named = classes.map((name) => (thresholds[name] === undefined ? name : `${name} ≥ ${thresholds[name]}`));
    rows.push(
      ['Classes', named.join(', ')],
      ['Input', `${metadata.inputWidth} × ${metadata.inputHeight}, ${channelOrder}, ${fit}, mean ${mean}, std ${std}`],
      ['Boxes', boxesOf(metadata)],
      ['Training', trainingData === 'none' ? 'none: the weights are random' : trainingData],
      ['Licence', license],
    );
  } else
    rows.push([
      'Metadata',
      'none: layers are told by the names and shapes of tensors; classes, r and input are guesses',
    ]);
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
  if (unused.length > 0)
    rows.push([
      'Unused',
      `${unused.slice(0, 6).join(', ')}${unused.length > 6 ? `, … (${unused.length} tensors)` : ''}`,
    ]);
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
  program
    .command('inspect')
    .description('what a weights file holds, and what running it takes')
    .argument('<weights>', 'safetensors or torch checkpoint: a path or URL')
    .option(
      '--size <pixels>',
      "width and height of the network's input; default: the weights' own, else 224",
      wholeNumber(1, 16_384),
    )
    .option('--batch <n>', 'images at once', wholeNumber(1, 4096), 1)
    .option('--layers', 'also list the layers, as fused')
    .option('--json', 'print JSON')
    .action(async (weights: string, options: Options) => {
      const inspection = await inspect(weights, options).catch((error) => {
        if (error instanceof InputError) throw new InputError(`${weights}: ${error.message}`, { cause: error });
        throw error;
      });
      await print(options.json ? `${JSON.stringify(inspection, null, 2)}\n` : await format(inspection, options));
    });
}
