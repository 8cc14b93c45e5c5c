/** Turns the bytes of a TensorFlow.js or Keras model into a checkpoint that contains its network. */
import { InputError } from '../../errors.js';
import { brief } from '../../formats/brief.js';
import { isObject } from '../../formats/checks.js';
import { own, parseJson } from '../../formats/json.js';
import { noModelJson } from '../../formats/refused_format.js';
import type { Checkpoint, TensorData } from '../../formats/weights/checkpoint.js';
import { importNetwork, type NetworkOptions } from '../onnx/import.js';
import type { Constant, PlainModel } from '../plain.js';
import { readGraphModel } from './graph_model.js';
import { readKerasFile } from './keras_file.js';
import { readLayersModel } from './layers_model.js';
import { readManifest, readWeights } from './manifest.js';

export interface TensorflowOptions extends NetworkOptions {
  /** Reads a file of at most `most` bytes beside the model, which holds some of its weights. */
  external(location: string, most: number): Promise<Uint8Array>;
}

/** A larger model.json is refused: those of the largest classifiers have some hundred kilobytes. */
const MOST_BYTES = 64 << 20;

interface ModelJson {
  readonly topology: Record<string, unknown>;
  readonly signature: unknown;
  readonly manifest: unknown;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Whether bytes are the JSON of a TensorFlow.js model, even if something else is wrong with it. */
export const looksLikeModelJson = (bytes: Uint8Array): boolean =>
  /^\uFEFF?\s*\{/.test(new TextDecoder().decode(bytes.subarray(0, 64))) && bytes.length > 2;

/**
 * Reads a TensorFlow.js model: its weights as tensors, its network as a graph with the localizer found in it.
 * @throws InputError that names the layer or operation that raybox cannot run, or says why the network cannot localize
 */
export async function importTensorflow(bytes: Uint8Array, options: TensorflowOptions): Promise<Checkpoint> {
  return withRange(await readTensorflow(bytes, options.external), options);
}

/**
 * Reads a model that Keras saved, as HDF5 or as a `.keras` archive.
 * @throws InputError as `importTensorflow` does, and for weights without their network
 */
export function importKeras(bytes: Uint8Array, options: NetworkOptions): Checkpoint {
  const { config, weights, version } = readKerasFile(bytes);
  return withRange(readLayersModel(config, weights, version), options);
}

function withRange({ model, scale }: { model: PlainModel; scale?: number }, options: NetworkOptions): Checkpoint {
  const checkpoint = importNetwork(model, options);
  const network = checkpoint.network!;
  const channels = network.fields.inputChannels ?? 3;
  return { ...checkpoint, network: { ...network, fields: { ...network.fields, ...rangeOf(scale, channels) } } };
}

/** The network of a TensorFlow.js model with ONNX's operators. */
export async function readTensorflow(
  bytes: Uint8Array,
  external: TensorflowOptions['external'],
): Promise<{ model: PlainModel; scale?: number }> {
  const { topology, signature, manifest, metadata } = readModelJson(bytes);
  const groups = readManifest(manifest);
  // What can be refused without the weights is refused before they are fetched.
  const config = layersConfig(topology);
  if (!config && topology.node === undefined)
    throw new InputError('tensorflow: the model has no layers and no graph', {
      expected: 'modelTopology with model_config or node, as tensorflowjs_converter or model.save writes it',
    });
  const weights = await readWeights(groups, external);
  if (!config) return { model: { ...readGraphModel(topology, signature, weights), metadata } };
  const { model, scale } = readLayersModel(config, weights, topology.keras_version);
  return { model: { ...model, metadata }, ...(scale === undefined ? {} : { scale }) };
}

/** Weights alone, for a network that the caller brings. */
export const kerasTensors = (bytes: Uint8Array): Checkpoint => tensorsOf(readKerasFile(bytes).weights, {});

/** The same, of a TensorFlow.js model. */
export async function tensorflowTensors(
  bytes: Uint8Array,
  external: TensorflowOptions['external'],
): Promise<Checkpoint> {
  const { manifest, metadata } = readModelJson(bytes);
  const weights = await readWeights(readManifest(manifest), external);
  return tensorsOf(weights, metadata);
}

const tensorsOf = (weights: ReadonlyMap<string, Constant>, metadata: Record<string, string>): Checkpoint => ({
  tensors: new Map([...weights].map(([name, constant]) => [name, tensorOf(constant)])),
  metadata,
});

function tensorOf({ shape, values }: Constant): TensorData {
  const data = values();
  return { shape: [...shape], data: data instanceof Float32Array ? data : Float32Array.from(data) };
}

function readModelJson(bytes: Uint8Array): ModelJson {
  if (bytes.length > MOST_BYTES)
    throw new InputError('tensorflow: the model is too large', {
      expected: `at most ${MOST_BYTES} bytes of JSON`,
      given: `${bytes.length}`,
    });
  const json = parseJson(new TextDecoder().decode(bytes), 'the model');
  if (!isObject(json) || !isObject(json.modelTopology))
    throw noModelJson(isObject(json) ? Object.keys(json) : undefined, brief(json));
  const user = isObject(json.userDefinedMetadata) ? json.userDefinedMetadata : {};
  const metadata = Object.entries(user).flatMap(([key, value]): [string, string][] => {
    if (['signature', 'raybox_weights'].includes(key) || key.length > 200) return [];
    return [[key, typeof value === 'string' ? value : JSON.stringify(value)]];
  });
  return {
    topology: json.modelTopology,
    signature: json.signature ?? own(user, 'signature'),
    manifest: json.weightsManifest,
    metadata: Object.fromEntries(metadata.slice(0, 256)),
  };
}

/** The configuration of a Keras model, which is a field of the topology or the topology itself. */
function layersConfig(topology: Record<string, unknown>): unknown {
  if (isObject(topology.model_config)) return topology.model_config;
  return typeof topology.class_name === 'string' ? topology : undefined;
}

/** A network that scales its image by about 1/255 or 1/127.5 expects pixels from 0 to 255; by about 1 or 2, pixels from 0 to 1. */
function rangeOf(scale: number | undefined, channels: number): { mean?: number[]; std?: number[] } {
  if (scale === undefined) return {};
  const white = scale > 1 / 512 && scale <= 1 / 32 ? 255 : scale >= 0.5 && scale <= 16 ? 1 : undefined;
  if (white === undefined) return {};
  const each = (value: number) => new Array<number>(channels).fill(value);
  return { mean: each(0), std: each(1 / white) };
}
