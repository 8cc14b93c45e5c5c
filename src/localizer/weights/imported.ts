/** Reads weights in a format that holds a whole network. Loaded on demand, because most weights are tensors alone. */
import { InputError } from '../../errors.js';
import { detectFormat } from '../../formats/signature.js';
import type { Checkpoint } from '../../formats/weights/checkpoint.js';
import type { NetworkOptions } from '../../import/onnx/import.js';
import type { Warning } from '../../warnings.js';
import { type ByteSource, readBytes } from './bytes.js';
import type { KeptBytes } from './kept_weights.js';
import type { ReadOptions, WeightsInput } from './weights_input.js';

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
  const { external: read, keep, discard } = otherFiles(weights, options, maxBytes);
  const external: External = async (location, most) => {
    const file = await read(location, most);
    options.onFile?.(location, file);
    return file;
  };
  const checkpoint = await readFormat(bytes, how, external, options.network !== undefined).catch(async (error) => {
    await discard();
    throw error;
  });
  const warnings = await keep();
  if (checkpoint.network) checkpoint.network.warnings = [...checkpoint.network.warnings, ...warnings];
  return checkpoint;
}

type External = (location: string, most?: number) => Promise<Uint8Array>;

async function readFormat(
  bytes: Uint8Array,
  how: NetworkOptions,
  external: External,
  isTensorsOnly: boolean,
): Promise<Checkpoint> {
  const format = detectFormat(bytes);
  if (format === 'ONNX') {
    const { importOnnx, onnxTensors } = await import('../../import/onnx/import.js');
    return isTensorsOnly ? onnxTensors(bytes, { external }) : importOnnx(bytes, { ...how, external });
  }
  const tensorflow = await import('../../import/tensorflow/import.js');
  if (format !== 'text') return isTensorsOnly ? tensorflow.kerasTensors(bytes) : tensorflow.importKeras(bytes, how);
  const { importTensorflow, looksLikeModelJson, tensorflowTensors } = tensorflow;
  if (!looksLikeModelJson(bytes)) throw (await import('../../formats/refused_format.js')).noCheckpoint(bytes);
  return isTensorsOnly ? tensorflowTensors(bytes, external) : importTensorflow(bytes, { ...how, external });
}

/**
 * Reads the files that a model refers to. Their names are known before they are read, but their sizes are not. With the option `cache` those
 * from the web are kept as the model itself is, each by its own address, and only after the whole model was read. The option `integrity`
 * is the hash of one file, so a model whose weights are fetched from other files is refused: nothing would check these.
 */
function otherFiles(
  weights: WeightsInput,
  options: ReadOptions,
  maxBytes: number,
): { external: External; keep(): Promise<Warning[]>; discard(): Promise<void> } {
  const fetched: KeptBytes[] = [];
  const external = async (location: string, most = maxBytes) => {
    const source = beside(location, weights, options);
    const how = { what: `the model's file ${location}`, maxBytes: Math.min(most, maxBytes), signal: options.signal };
    const isGiven = typeof source !== 'string' && !(source instanceof URL);
    if (options.integrity !== undefined && !isGiven)
      throw new InputError(`integrity is the hash of one file, and the model has weights in another one, ${location}`, {
        hint: 'make one file of the model, raybox convert MODEL --out weights.safetensors, and give the hash of that; or check the other files, and give their bytes as externalData',
      });
    if (!options.cache || !/^https?:/i.test(String(isGiven ? '' : source)))
      return readBytes(source, how).catch((cause) => Promise.reject(isGiven ? cause : notBeside(location, cause)));
    const one = await (await import('./checked_weights.js')).checkedWeights(source, { ...how, cache: options.cache });
    fetched.push(one);
    return one.bytes;
  };
  const keep = async () => {
    const warnings: Warning[] = [];
    for (const one of fetched) warnings.push(...one.warnings, ...((await one.keep?.()) ?? []));
    return warnings;
  };
  const discard = async () => {
    for (const one of fetched) await one.discard?.();
  };
  return { external, keep, discard };
}

/** Says why a file is looked for that the user may not know of. Other errors, such as an abort, stay as they are. */
const notBeside = (location: string, cause: unknown): unknown =>
  cause instanceof InputError
    ? new InputError(`the model has its weights in another file, ${location}: ${cause.message}`, {
        hint: 'it was written together with the model: put it beside the model under this name',
        cause,
      })
    : cause;

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
