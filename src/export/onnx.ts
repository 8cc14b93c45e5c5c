/** Writes a localizer as an ONNX model: network, head, probabilities and heatmaps, with its metadata. */
import { InputError } from '../errors.js';
import { f32ToF16 } from '../formats/half.js';
import { DEFAULT_HEAT_THRESHOLDS } from '../formats/heat_thresholds.js';
import { CUSTOM, formatWeightsMetadata, type WeightsMetadata } from '../formats/weights/weights.js';
import { parameterSource } from '../nets/description/parameters.js';
import type { Model } from '../nets/model.js';
import { describeGraph } from '../nets/written/graphs.js';
import type { OnnxNode } from './builder.js';
import { castName, type ExportedGraph, exportedGraph, INPUT } from './graph.js';
import { type WrittenTensor, writeModel } from './write.js';

/** How weights are stored. The graph converts float16 weights to float32, since it computes in float32. */
export type ExportedType = 'f32' | 'f16';

/**
 * @returns the bytes of a model that takes normalised images [n, channels, height, width], and gives logits and probabilities [n, classes] and
 *   heatmaps [n, classes, h, w]
 * @throws InputError for heatmaps from gradients, for an operation that ONNX cannot express, for a number that is too large for f16, and for more than 2 GiB
 */
export async function writeOnnx(model: Model, dtype: ExportedType = 'f32'): Promise<Uint8Array> {
  const { network, metadata } = model;
  refuseGradients(metadata);
  const image = shapeOf(metadata);
  const graph = exportedGraph(network, image);
  const parameters = await parametersOf(model, graph);
  const tensors = parameters.map((one) => (dtype === 'f16' ? { ...one, data: halves(one.name, one.data) } : one));
  // A network that the caller brought as a function is not in its metadata.
  const architecture = metadata.architecture === CUSTOM ? describeGraph(network, image) : metadata.architecture;
  return writeGraph(graph, [...tensors, ...constantsOf(graph)], {
    nodes: dtype === 'f16' ? withCasts(graph) : graph.nodes,
    metadata: {
      ...formatWeightsMetadata({ ...metadata, architecture }),
      heat_thresholds: JSON.stringify(metadata.heatThresholds ?? DEFAULT_HEAT_THRESHOLDS),
    },
    description: describe(metadata),
  });
}

/** Refuses heatmaps from gradients: the model would give other heatmaps than raybox does. */
function refuseGradients({ heatmapMethod: method = 'cam' }: WeightsMetadata): void {
  if (method === 'cam') return;
  throw new InputError(`onnx: heatmaps by ${method} come from gradients, which are not written`, {
    expected: 'class activation maps (cam)',
    hint: "if the classifier is linear, heatmapMethod: 'cam' (--heatmaps cam) writes those; otherwise raybox convert keeps the network and its heatmaps for raybox",
  });
}

/** A model for a runtime in the same process, which takes the weights beside it from memory. */
export interface OnnxInMemory {
  readonly bytes: Uint8Array;
  /** The bytes of each weight by the name that the model has for them. They may be those of the checkpoint, and are not copied. */
  readonly externalData: readonly { readonly path: string; readonly data: Uint8Array }[];
}

/**
 * The same model without weights and metadata in it, so that memory holds the weights only once before the runtime reads them.
 * @throws InputError for an operation that ONNX cannot express, and for heatmaps from gradients
 */
export async function onnxInMemory(model: Model): Promise<OnnxInMemory> {
  refuseGradients(model.metadata);
  const graph = exportedGraph(model.network, shapeOf(model.metadata));
  const parameters = (await parametersOf(model, graph)).map((one, number) => ({ ...one, file: `weights/${number}` }));
  return {
    bytes: writeGraph(graph, [...parameters, ...constantsOf(graph)]),
    externalData: parameters.map(({ file, data: { buffer, byteOffset, byteLength } }) => ({
      ...{ path: file, data: new Uint8Array(buffer, byteOffset, byteLength) },
    })),
  };
}

async function parametersOf({ checkpoint }: Model, { parameters }: ExportedGraph) {
  const shapes = [...parameters];
  const source = parameterSource(checkpoint, new Map(shapes.map(([name, shape]) => [name, { shape }])));
  const tensors: (WrittenTensor & { data: Float32Array })[] = [];
  for (const [name, shape] of shapes) {
    const values = await source(name, shape);
    tensors.push({ name, shape, data: values instanceof Float32Array ? values : Float32Array.from(values) });
  }
  return tensors;
}

const constantsOf = ({ constants }: ExportedGraph): WrittenTensor[] =>
  [...constants].map(([name, { shape, data }]) => ({ name, shape, data }));

const writeGraph = (
  graph: ExportedGraph,
  tensors: readonly WrittenTensor[],
  more: Partial<Parameters<typeof writeModel>[0]> = {},
): Uint8Array =>
  writeModel({
    ...{ nodes: graph.nodes, tensors, inputs: { [INPUT]: graph.input }, outputs: graph.outputs },
    ...{ metadata: {}, description: '', ...more },
  });

export const shapeOf = ({ inputWidth: width, inputHeight: height, inputChannels: channels }: WeightsMetadata) => ({
  ...{ height, width, channels },
});

function halves(name: string, values: Float32Array): Uint16Array {
  const result = f32ToF16(values);
  const lost = result.findIndex((half, i) => (half & 0x7fff) === 0x7c00 && Number.isFinite(values[i]));
  if (lost < 0) return result;
  throw new InputError(`onnx: '${name}' does not fit f16`, {
    expected: 'numbers below 65520',
    given: String(values[lost]),
    hint: 'write f32',
  });
}

/** The nodes with every parameter converted to float32 before it is read. */
export function withCasts({ nodes, parameters }: ExportedGraph): OnnxNode[] {
  const names = [...parameters.keys()];
  return [
    ...names.map((name) => ({
      ...{ operator: 'Cast', inputs: [name], outputs: [castName(name)], attributes: { to: 1 }, name: castName(name) },
    })),
    ...nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map((input) => (parameters.has(input) ? castName(input) : input)),
    })),
  ];
}

function describe({ inputWidth, inputHeight, mean, std, channelOrder, fit, inputChannels }: WeightsMetadata): string {
  const channels = inputChannels === 1 ? 'one channel' : `${channelOrder} channels`;
  return [
    `${INPUT}: [n, ${inputChannels}, ${inputHeight}, ${inputWidth}], ${channels}, fitted by ${fit},`,
    `with (pixel - mean) / std for pixels from 0 to 1, mean ${mean.join(', ')}, std ${std.join(', ')}.`,
    'heatmaps: the larger a value, the more its position speaks for the class. Classes and thresholds are in the metadata.',
  ].join(' ');
}
