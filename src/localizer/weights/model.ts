/** Reads weights and recognizes their network: bytes → tensors (`formats/`) → description of the network (`nets/`). */
import { platform } from '#gpu';
import { InputError } from '../../errors.js';
import { detectFormat } from '../../formats/signature.js';
import type { Checkpoint } from '../../formats/weights/checkpoint.js';
import { readCheckpoint } from '../../formats/weights/read_checkpoint.js';
import type { DescribeOptions, Model } from '../../nets/model.js';
import type { Warning } from '../../warnings.js';
import { type ByteSource, isByteSource, readBytes } from './bytes.js';
import type { ComingModel } from './coming_model.js';
import type { ReadOptions, WeightsInput } from './weights_input.js';

const MAX_BYTES = 2 ** 31;

/** Tensors of weights, and warnings about how they were read. */
interface ReadTensors {
  checkpoint: Checkpoint;
  warnings: readonly Warning[];
}

/**
 * Reads weights and finds out which network they belong to.
 * @throws InputError for weights that cannot be read, or that belong to no network that raybox can run
 */
export async function readModel(weights: WeightsInput, options: ReadOptions): Promise<Model> {
  loadNetworksAhead();
  return modelOf(await readTensors(weights, options), options);
}

/**
 * The same as `readModel`, but of safetensors only the header is awaited, so that the network can be planned, and kernels be compiled, while the
 * tensors still come. What was computed with them must not be used before `end` has been awaited.
 */
export async function beginModel(weights: WeightsInput, options: ReadOptions): Promise<ComingModel> {
  loadNetworksAhead();
  const inFile = await tensorsInFile(weights, options);
  const source = inFile ? undefined : await sourceOf(weights);
  const isInMemory = source instanceof Uint8Array || source instanceof ArrayBuffer;
  const { cache = false, integrity } = options;
  if (source && !isInMemory && cache === false)
    return (await import('./coming_model.js')).comingModel(source, {
      ...{ ...readingOf(options), integrity, onFile: options.onFile, prefix: options.prefix },
      decode: (bytes) => decode(bytes, weights, options),
      describe: (checkpoint) =>
        modelOf({ checkpoint: { ...checkpoint, name: nameOf(weights) }, warnings: [] }, options),
    });
  const model = await modelOf(inFile ?? (await readWhole(source!, weights, options)), options);
  options.onProgress?.(1);
  return { model, dropRead() {}, end: async () => {}, stop() {} };
}

/** Reads the tensors of weights. With the option `cache` the bytes are kept only after they have been read successfully. */
export const readTensors = async (weights: WeightsInput, options: ReadOptions): Promise<ReadTensors> =>
  (await tensorsInFile(weights, options)) ?? readWhole(await sourceOf(weights), weights, options);

/** The tensors of a file that can stay there until they are needed. */
async function tensorsInFile(weights: WeightsInput, options: ReadOptions): Promise<ReadTensors | undefined> {
  const { cache, integrity, prefix, maxBytes = MAX_BYTES, signal, onProgress } = options;
  const isPath = typeof weights === 'string' || weights instanceof URL;
  if (!isPath || cache !== undefined) return undefined;
  const checkpoint = await platform.tensors?.(weights, maxBytes, { prefix, integrity });
  signal?.throwIfAborted();
  if (!checkpoint) return undefined;
  onProgress?.(1);
  return { checkpoint: { ...checkpoint, name: nameOf(weights) }, warnings: [] };
}

/** What weights are read from: what the caller gave, or what the caller's function gives. */
async function sourceOf(weights: WeightsInput): Promise<ByteSource> {
  if (typeof weights === 'function') return sourceOf(await weights());
  if (isByteSource(weights)) return weights;
  throw new InputError('these are not weights', {
    expected: 'a path, URL, Blob, Response, stream, bytes, or a function that gives one of them',
    given: Object.prototype.toString.call(weights),
  });
}

/** How the bytes of weights are read. */
const readingOf = ({ maxBytes = MAX_BYTES, signal, onProgress }: ReadOptions) => ({
  ...{ what: 'weights', maxBytes, signal, onProgress },
});

/** Reads all bytes of weights, following the options `cache` and `integrity`. */
async function readWhole(source: ByteSource, weights: WeightsInput, options: ReadOptions): Promise<ReadTensors> {
  const { cache, integrity } = options;
  const how = readingOf(options);
  if (cache === undefined && integrity === undefined) {
    const bytes = await readBytes(source, how);
    options.onFile?.('', bytes);
    return { checkpoint: await decode(bytes, weights, options), warnings: [] };
  }
  // Loaded on demand, because most weights are neither kept nor checked.
  const { checkedWeights } = await import('./checked_weights.js');
  const read = await checkedWeights(source, { ...how, cache, integrity });
  const { warnings, keep, discard } = read;
  try {
    options.onFile?.('', read.bytes);
    const inFile = await read.tensors?.(options.prefix);
    const checkpoint = inFile ? { ...inFile, name: nameOf(weights) } : await decode(read.bytes, weights, options);
    return { checkpoint, warnings: [...warnings, ...((await keep?.()) ?? [])] };
  } catch (error) {
    await discard?.();
    throw error;
  }
}

/** The checkpoint in the bytes of weights. */
async function decode(bytes: Uint8Array, weights: WeightsInput, options: ReadOptions): Promise<Checkpoint> {
  // Loaded on demand, because most weights are tensors alone.
  const checkpoint = ['ONNX', 'text', 'HDF5', 'Keras'].includes(detectFormat(bytes))
    ? await (await import('./imported.js')).readImported(bytes, weights, options)
    : await readCheckpoint(bytes, options.prefix);
  return Object.assign(checkpoint, { name: nameOf(weights) });
}

/** The name of the file that weights come from, which may tell public checkpoints apart. */
function nameOf(weights: WeightsInput): string | undefined {
  const { name, url } = weights as { name?: unknown; url?: unknown };
  const path = weights instanceof URL ? weights.pathname : typeof weights === 'object' ? (name ?? url) : weights;
  return typeof path === 'string' ? path.split(/[?#]/)[0].split(/[\\/]/).pop() : undefined;
}

/** The network that tensors belong to, with the warnings about both. @throws InputError as `describe` does */
async function modelOf({ checkpoint, warnings }: ReadTensors, options: DescribeOptions): Promise<Model> {
  const model = await describeModel(checkpoint, options);
  return { ...model, warnings: [...warnings, ...model.warnings] };
}

/** Finds out which network the tensors belong to. @throws InputError as `describe` does */
export const describeModel = async (checkpoint: Checkpoint, options: DescribeOptions): Promise<Model> =>
  (await loadNetworks()).describe(checkpoint, options);

/** The networks and their operations are loaded on demand, because a page can load this module before it needs a network. */
const loadNetworks = () => import('../../nets/description/describe.js');

/** Loads that code while weights are read. If that fails, the error is thrown where the code is needed. */
const loadNetworksAhead = () => void loadNetworks().catch(() => undefined);
