/** `raybox inspect`: what is in a weights file, and how much work and memory its network takes. The network is not run. */

import { InputError } from '../errors.js';
import type { Checkpoint } from '../formats/weights/checkpoint.js';
import { isRayboxWeights, type WeightsMetadata } from '../formats/weights/weights.js';
import { createGraph, type Graph, type GraphBuilder } from '../graph/ir/graph.js';
import type { Traits } from '../graph/ir/operation.js';
import { byteSize, product, type Tensor } from '../graph/ir/tensor.js';
import { fuse } from '../graph/passes/fuse.js';
import { packArenas } from '../graph/plan/arenas.js';
import { lower } from '../graph/plan/lower.js';
import { describeModel, readTensors } from '../localizer/weights/model.js';
import type { ModelOptions } from '../localizer/weights/weights_input.js';
import { layersOfHead } from '../nets/architecture.js';
import { backboneParameters, buildNetwork, parameterSource } from '../nets/index.js';
import type { Network } from '../nets/network.js';
import { recognise } from '../nets/recognise/recognise.js';
import type { Command } from '../node/vendor/commander.js';
import { format, type Inspection } from './inspect_text.js';
import { naming, print, wholeNumber } from './terminal.js';
import { addWeightsOptions, classList, modelOptions, WEIGHTS_FORMATS, type WeightsOptions } from './weights_options.js';

const DEFAULT_SIZE = 224;

interface Options extends WeightsOptions {
  classes?: readonly string[];
  size?: number;
  batch: number;
  layers?: boolean;
  json?: boolean;
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
  const head = architecture?.head ? layersOfHead(architecture.head) : ['head'];
  const isHead = (name: string) => head.some((layer) => name.startsWith(`${layer}.`));
  const fused = fuse(graph);
  return {
    file,
    ...(architecture ? { architecture } : {}),
    ...(metadata ? { metadata } : {}),
    ...{ sources, warnings, leftOut },
    ...(checkpoint.int8 ? { int8: checkpoint.int8.length } : {}),
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
      const inspection = await inspect(weights, options).catch(naming(weights));
      await print(options.json ? `${JSON.stringify(inspection, null, 2)}\n` : await format(inspection, options));
    });
}
