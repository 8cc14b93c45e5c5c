/** Reads weights in a format that holds a whole network. Loaded on demand, because most weights are tensors alone. */
import { InputError } from '../errors.js';
import type { Checkpoint } from '../formats/checkpoint.js';
import { detectFormat } from '../formats/signature.js';
import type { NetworkOptions } from '../import/onnx/import.js';
import { type ByteSource, readBytes } from './bytes.js';
import type { ReadOptions, WeightsInput } from './model.js';

const MAX_BYTES = 2 ** 31;

/**
 * Reads an ONNX or a TensorFlow.js model, or one that Keras saved.
 * @param weights where the bytes come from. Files that the model refers to are searched for in the same folder
 */
export async function readImported(
  bytes: Uint8Array,
  weights: WeightsInput,
  options: ReadOptions,
): Promise<Checkpoint> {
  const { maxBytes = MAX_BYTES, metadata, output, probabilities } = options;
  const how: NetworkOptions = {
    ...{ output, probabilities },
    size: options.inputWidth ?? metadata?.inputWidth,
    channels: options.inputChannels ?? metadata?.inputChannels,
  };
  // The names of other files are known before they are read, but their sizes are not.
  const external = (location: string, most = maxBytes) =>
    readBytes(beside(location, weights, options), {
      ...{ what: 'the tensors of the model,', maxBytes: Math.min(most, maxBytes), signal: options.signal },
    });
  const format = detectFormat(bytes);
  if (format === 'ONNX') {
    const { importOnnx, onnxTensors } = await import('../import/onnx/import.js');
    return options.network ? onnxTensors(bytes, { external }) : importOnnx(bytes, { ...how, external });
  }
  const tensorflow = await import('../import/tensorflow/import.js');
  if (format !== 'text') return options.network ? tensorflow.kerasTensors(bytes) : tensorflow.importKeras(bytes, how);
  const { importTensorflow, looksLikeModelJson, tensorflowTensors } = tensorflow;
  if (!looksLikeModelJson(bytes)) throw (await import('../formats/refused_format.js')).noCheckpoint(bytes);
  return options.network ? tensorflowTensors(bytes, external) : importTensorflow(bytes, { ...how, external });
}

/** A file that the model refers to. The caller gives it, or it is in the model's folder. */
function beside(location: string, weights: WeightsInput, { externalData = {} }: ReadOptions): ByteSource {
  const given = byName(externalData, location) ?? neighbour(weights, location);
  if (given !== undefined) return given;
  throw new InputError(`the model has tensors in another file, ${location}`, {
    hint: `give it: load(model, { externalData: { '${location}': bytes } })`,
  });
}

function byName(files: NonNullable<ReadOptions['externalData']>, location: string): ByteSource | undefined {
  if (!(Symbol.iterator in files)) return Object.hasOwn(files, location) ? files[location] : undefined;
  // The files of an upload only have the last part of their paths as names.
  const name = location.slice(Math.max(location.lastIndexOf('/'), location.lastIndexOf('\\')) + 1);
  return [...(files as Iterable<File>)].find((file) => file.name === name);
}

/** A file in the folder of the model. The importer has made sure that `location` does not leave it. */
function neighbour(weights: WeightsInput, location: string): string | URL | undefined {
  if (weights instanceof URL) return new URL(location.replaceAll('\\', '/'), weights);
  if (typeof weights !== 'string') return undefined;
  // An address may end with a query, which belongs to the model only.
  const [path] = /^[a-z][a-z\d+.-]+:/i.test(weights) ? weights.split(/[?#]/) : [weights];
  return path.slice(0, Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1) + location;
}
