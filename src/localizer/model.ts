/** From wherever weights come to a network that is known in full: tensors, architecture, and what its metadata says. */

import { platform } from '#gpu';
import { InputError } from '../errors.js';
import type { Checkpoint } from '../formats/checkpoint.js';
import {
  isRayboxWeights,
  isWholeNetwork,
  parseWeightsMetadata,
  readCheckpoint,
  type WeightsMetadata,
  weightsFields,
} from '../formats/weights.js';
import { isResponse, openResponse, streamPieces } from '../gpu/platform.js';
import { createGraph } from '../graph/ir/graph.js';
import type { Architecture } from '../nets/architecture.js';
import type { Backbone } from '../nets/backbone.js';
import type { Sources } from '../nets/describe_network.js';
import { checkOutputs, type NetworkFunction } from '../nets/outputs.js';
import { hasParameters } from '../nets/parameter_values.js';
import type { Warning } from '../warnings.js';
import type { Trace } from './describe_weights.js';
import { readPieces } from './images.js';
import type { KeptBytes } from './kept_weights.js';

/**
 * Weights: a path or URL, bytes, a Blob, a Response, a stream, or a function that gives one of these (called again by `restore`).
 * safetensors, or a torch checkpoint as zip or stream.
 */
export type WeightsInput =
  | string
  | URL
  | Uint8Array
  | ArrayBuffer
  | Blob
  | Response
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | (() => WeightsInput | Promise<WeightsInput>);

/** Whether weights are gone once they have been read. */
export const readsOnce = (weights: WeightsInput): boolean =>
  typeof weights === 'object' && ('getReader' in weights || Symbol.asyncIterator in weights || isResponse(weights));

/**
 * What the file leaves open, or says wrongly: any field of its metadata, which comes before what the file says and before what
 * names and shapes of its tensors show.
 */
export interface ModelOptions extends Partial<Omit<WeightsMetadata, 'assumed' | 'architecture'>> {
  /** The backbone: a standard one's name (`resnet50`), or its description. Or the whole network: its graph. */
  architecture?: WeightsMetadata['architecture'] | Backbone;
  /** The same fields as one object. Those beside it come first. */
  metadata?: Partial<WeightsMetadata> & { transformInput?: boolean };
  /** A GoogLeNet with `transform_input`, as torchvision's pretrained one: turns the normalisation into its own. */
  transformInput?: boolean;
  /** What the names of the network's tensors begin with, or the name of its dict, where the file holds several networks. */
  prefix?: string;
  /** Beginnings of the names of tensors that take no part in the result. Within the backbone nothing is ignored. */
  ignore?: readonly string[];
  /**
   * A network of the caller's own, in place of the one that the file describes. The file's tensors are its parameters; what the file
   * does not say of its classes and its input stands among the other options.
   */
  network?: NetworkFunction;
  /** Larger weights are refused. Default 2 GiB. */
  maxBytes?: number;
  /**
   * Keeps weights from the web on this machine: in a page in the Cache API, elsewhere in the folder that is named, or with true in
   * `raybox/weights` of $XDG_CACHE_HOME or ~/.cache. What is kept is used while the server says that it has not changed, or while it fits
   * `integrity`, and with a warning where the server cannot be reached.
   */
  cache?: boolean | string;
  /** The hash of the weights' bytes: `sha256-` (or sha384, sha512) and base64, as in W3C Subresource Integrity. Others are refused. */
  integrity?: string;
}

export interface Model {
  readonly network: NetworkFunction;
  /** Of a network that is a backbone with a head. */
  readonly architecture?: Architecture & { head: object };
  readonly metadata: WeightsMetadata;
  readonly checkpoint: Checkpoint;
  /** What the weights do not say, and was assumed. */
  readonly warnings: readonly Warning[];
  /** Where each field of the metadata comes from; what is not listed, from the file. */
  readonly sources: Sources;
  /** Tensors of the file that take no part in the result: counters, losses, another network's. */
  readonly leftOut: readonly string[];
}

const MAX_BYTES = 2 ** 31;

export async function readModel(weights: WeightsInput, options: ReadOptions): Promise<Model> {
  // Fetched beside the weights. Where that fails, it fails again when the families are needed, and is said there.
  loadFamilies().catch(() => undefined);
  const { checkpoint, warnings } = await readTensors(weights, options);
  const model = await modelOf(checkpoint, options);
  return { ...model, warnings: [...warnings, ...model.warnings] };
}

/** The tensors of weights, which are kept and checked as the options say. */
export async function readTensors(
  weights: WeightsInput,
  options: ReadOptions,
): Promise<{ checkpoint: Checkpoint; warnings: readonly Warning[] }> {
  const { bytes, warnings, keep } = await readChecked(weights, options);
  const checkpoint = await readCheckpoint(bytes, options.prefix);
  return { checkpoint, warnings: [...warnings, ...((await keep?.()) ?? [])] };
}

export type ReadOptions = ModelOptions & { signal?: AbortSignal; onProgress?: (done: number) => void };

/** The bytes, kept and checked as the options say. */
async function readChecked(weights: WeightsInput, options: ReadOptions): Promise<KeptBytes> {
  if (typeof weights === 'function') return readChecked(await weights(), options);
  const read = () => readBytes(weights, options);
  if (options.cache === undefined && options.integrity === undefined) return { bytes: await read(), warnings: [] };
  // Loaded on demand: most weights are neither kept nor checked.
  return (await import('./checked_weights.js')).checkedWeights(
    weights,
    { ...options, maxBytes: options.maxBytes ?? MAX_BYTES },
    read,
  );
}

async function readBytes(weights: WeightsInput, options: ReadOptions): Promise<Uint8Array> {
  const { maxBytes = MAX_BYTES, signal, onProgress } = options;
  if (weights instanceof Uint8Array) return weights;
  if (weights instanceof ArrayBuffer) return new Uint8Array(weights);
  if (typeof weights === 'string' || weights instanceof URL) {
    return readPieces(await platform.open(weights, signal), `weights ${weights}`, maxBytes, onProgress);
  }
  if (weights instanceof Blob) {
    return readPieces({ size: weights.size, pieces: streamPieces(weights.stream()) }, 'weights', maxBytes, onProgress);
  }
  if (weights && typeof weights === 'object') {
    if (isResponse(weights)) return readPieces(openResponse(weights), 'weights', maxBytes, onProgress);
    const pieces = 'getReader' in weights ? streamPieces(weights) : weights;
    if (Symbol.asyncIterator in pieces) return readPieces({ size: undefined, pieces }, 'weights', maxBytes, onProgress);
  }
  throw new InputError('these are no weights', {
    expected: 'a path, URL, Blob, Response, stream, bytes, or a function that gives one of them',
    given: Object.prototype.toString.call(weights),
  });
}

/** @throws InputError for a network that raybox does not run, or not as it is: a layer that is left out makes another one. */
export async function modelOf(checkpoint: Checkpoint, options: ModelOptions): Promise<Model> {
  const families = await loadFamilies();
  if (isRayboxWeights(checkpoint.metadata) && ![...SAYS, ...weightsFields].some((field) => field in options)) {
    const model = ownModel(checkpoint, parseWeightsMetadata(checkpoint.metadata), families);
    if (model) return model;
  }
  // Loaded on demand: raybox's own weights say what they are, and hold nothing else.
  const { describeWeights } = await import('./describe_weights.js');
  const { backboneParameters, coreOperations, networkOf } = families;
  return describeWeights(checkpoint, options, { backboneParameters, networkOf, trace, operations: coreOperations });
}

/** Loaded on demand, with the operations that they are made of: a page may have a network of its own, or none yet. */
const loadFamilies = () => import('../nets/network.js');

/** Options beside the fields of metadata that say something of the weights. */
const SAYS = ['metadata', 'transformInput', 'prefix', 'ignore', 'network'];

/** Undefined where the file holds more or less than its network, or was written with assumptions. */
function ownModel(
  checkpoint: Checkpoint,
  metadata: WeightsMetadata,
  { architectureOf, networkOf }: Awaited<ReturnType<typeof loadFamilies>>,
): Model | undefined {
  if (metadata.assumed || isWholeNetwork(metadata)) return undefined;
  const architecture = architectureOf(metadata);
  const network = networkOf(architecture);
  const { parameters } = trace(network, metadata, 1).graph;
  if (checkpoint.tensors.size > parameters.size || !hasParameters(checkpoint, parameters)) return undefined;
  return { network, architecture, metadata, checkpoint, warnings: [], sources: {}, leftOut: [] };
}

/** Builds a network for images of its size. @throws InputError for an input that is not square, and outputs of another form */
function trace(network: NetworkFunction, metadata: WeightsMetadata, images: number): Trace {
  const { inputWidth, inputHeight, inputChannels } = metadata;
  if (inputWidth !== inputHeight)
    throw new InputError("the network's input is not square", { given: `${inputWidth} × ${inputHeight}` });
  const graph = createGraph();
  const image = graph.input('image', [images, inputHeight, inputWidth, inputChannels]);
  return { graph, image, outputs: checkOutputs(network(graph, image), images) };
}
