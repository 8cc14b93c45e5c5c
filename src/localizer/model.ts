/** Reads weights and recognizes their network: bytes → tensors (`formats/`) → description of the network (`nets/`). */
import { platform } from '#gpu';
import { InputError } from '../errors.js';
import { detectFormat } from '../formats/signature.js';
import type { Checkpoint } from '../formats/weights/checkpoint.js';
import { readCheckpoint } from '../formats/weights/read_checkpoint.js';
import type { DescribeOptions, Model } from '../nets/model.js';
import type { Warning } from '../warnings.js';
import { isByteSource, readBytes } from './bytes.js';
import type { KeptBytes } from './kept_weights.js';
import type { ReadOptions, WeightsInput } from './weights_input.js';

const MAX_BYTES = 2 ** 31;

/**
 * Reads weights and finds out which network they belong to.
 * @throws InputError for weights that cannot be read, or that belong to no network that raybox can run
 */
export async function readModel(weights: WeightsInput, options: ReadOptions): Promise<Model> {
  // The code of the networks is loaded while the weights are read. If that fails, the error is thrown where the code is needed.
  loadNetworks().catch(() => undefined);
  const { checkpoint, warnings } = await readTensors(weights, options);
  const model = await describeModel(checkpoint, options);
  return { ...model, warnings: [...warnings, ...model.warnings] };
}

/** Reads the tensors of weights. With the option `cache` the bytes are kept only after they have been read successfully. */
export async function readTensors(
  weights: WeightsInput,
  options: ReadOptions,
): Promise<{ checkpoint: Checkpoint; warnings: readonly Warning[] }> {
  const inFile = await tensorsOfFile(weights, options);
  if (inFile) return { checkpoint: { ...inFile, name: nameOf(weights) }, warnings: [] };
  const { bytes, warnings, keep } = await readWeights(weights, options);
  options.onFile?.('', bytes);
  // Loaded on demand, because most weights are tensors alone.
  const checkpoint = ['ONNX', 'text', 'HDF5', 'Keras'].includes(detectFormat(bytes))
    ? await (await import('./imported.js')).readImported(bytes, weights, options)
    : await readCheckpoint(bytes, options.prefix);
  checkpoint.name = nameOf(weights);
  return { checkpoint, warnings: [...warnings, ...((await keep?.()) ?? [])] };
}

/** The tensors of a file that can stay there until they are needed. The options `cache` and `integrity` need all of its bytes at once. */
async function tensorsOfFile(weights: WeightsInput, options: ReadOptions): Promise<Checkpoint | undefined> {
  const { cache, integrity, maxBytes = MAX_BYTES, signal, onProgress } = options;
  const isPath = typeof weights === 'string' || weights instanceof URL;
  if (!isPath || cache !== undefined || integrity !== undefined) return undefined;
  const checkpoint = await platform.tensors?.(weights, maxBytes, options.prefix);
  signal?.throwIfAborted();
  if (checkpoint) onProgress?.(1);
  return checkpoint;
}

/** The name of the file that weights come from, which may tell public checkpoints apart. */
function nameOf(weights: WeightsInput): string | undefined {
  const { name, url } = weights as { name?: unknown; url?: unknown };
  const path = weights instanceof URL ? weights.pathname : typeof weights === 'object' ? (name ?? url) : weights;
  return typeof path === 'string' ? path.split(/[?#]/)[0].split(/[\\/]/).pop() : undefined;
}

/** Finds out which network the tensors belong to. @throws InputError as `describe` does */
export const describeModel = async (checkpoint: Checkpoint, options: DescribeOptions): Promise<Model> =>
  (await loadNetworks()).describe(checkpoint, options);

/** The networks and their operations are loaded on demand, because a page can load this module before it needs a network. */
const loadNetworks = () => import('../nets/describe.js');

/** Reads the bytes of weights, following the options `cache` and `integrity`. */
async function readWeights(weights: WeightsInput, options: ReadOptions): Promise<KeptBytes> {
  if (typeof weights === 'function') return readWeights(await weights(), options);
  if (!isByteSource(weights)) {
    throw new InputError('these are not weights', {
      expected: 'a path, URL, Blob, Response, stream, bytes, or a function that gives one of them',
      given: Object.prototype.toString.call(weights),
    });
  }
  const { maxBytes = MAX_BYTES, cache, integrity, signal, onProgress } = options;
  const how = { what: 'weights', maxBytes, signal, onProgress };
  if (cache !== undefined || integrity !== undefined) {
    // Loaded on demand, because most weights are neither kept nor checked.
    const { checkedWeights } = await import('./checked_weights.js');
    return checkedWeights(weights, { ...how, cache, integrity });
  }
  return { bytes: await readBytes(weights, how), warnings: [] };
}
