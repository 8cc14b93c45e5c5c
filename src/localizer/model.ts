/** From wherever weights come to a network that is known in full: bytes → checkpoint → description, each in its own room. */
import { InputError } from '../errors.js';
import type { Checkpoint } from '../formats/checkpoint.js';
import { readCheckpoint } from '../formats/weights.js';
import type { DescribeOptions, Model } from '../nets/describe.js';
import type { Warning } from '../warnings.js';
import { type ByteSource, isByteSource, readBytes } from './bytes.js';
import type { KeptBytes } from './kept_weights.js';

/**
 * Weights: a path or URL, bytes, a Blob, a Response, a stream, or a function that gives one of these (called again by `restore`).
 * safetensors, or a torch checkpoint as zip or stream.
 */
export type WeightsInput = ByteSource | (() => WeightsInput | Promise<WeightsInput>);

/** What weights are said to be, and how their bytes are read. */
export interface ModelOptions extends DescribeOptions {
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

const MAX_BYTES = 2 ** 31;

export type ReadOptions = ModelOptions & { signal?: AbortSignal; onProgress?: (done: number) => void };

/** Weights → a network that is ready to be planned. @throws InputError for weights that cannot be read, or are of no network that raybox runs */
export async function readModel(weights: WeightsInput, options: ReadOptions): Promise<Model> {
  // Fetched beside the weights. Where that fails, it fails again when the networks are needed, and is said there.
  loadNetworks().catch(() => undefined);
  const { checkpoint, warnings } = await readTensors(weights, options);
  const model = await describeModel(checkpoint, options);
  return { ...model, warnings: [...warnings, ...model.warnings] };
}

/** The tensors of weights, whose bytes are kept once they have shown that they can be read. */
export async function readTensors(
  weights: WeightsInput,
  options: ReadOptions,
): Promise<{ checkpoint: Checkpoint; warnings: readonly Warning[] }> {
  const { bytes, warnings, keep } = await readWeights(weights, options);
  const checkpoint = await readCheckpoint(bytes, options.prefix);
  return { checkpoint, warnings: [...warnings, ...((await keep?.()) ?? [])] };
}

/** What network the tensors are of. @throws InputError as `describe` */
export const describeModel = async (checkpoint: Checkpoint, options: DescribeOptions): Promise<Model> =>
  (await loadNetworks()).describe(checkpoint, options);

/** Loaded on demand, with the operations that networks are made of: a page may have none yet. */
const loadNetworks = () => import('../nets/describe.js');

/** The bytes, kept and checked as the options say. */
async function readWeights(weights: WeightsInput, options: ReadOptions): Promise<KeptBytes> {
  if (typeof weights === 'function') return readWeights(await weights(), options);
  if (!isByteSource(weights)) {
    throw new InputError('these are no weights', {
      expected: 'a path, URL, Blob, Response, stream, bytes, or a function that gives one of them',
      given: Object.prototype.toString.call(weights),
    });
  }
  const { maxBytes = MAX_BYTES, cache, integrity, signal, onProgress } = options;
  const how = { what: 'weights', maxBytes, signal, onProgress };
  if (cache !== undefined || integrity !== undefined) {
    // Loaded on demand: most weights are neither kept nor checked.
    const { checkedWeights } = await import('./checked_weights.js');
    return checkedWeights(weights, { ...how, cache, integrity });
  }
  return { bytes: await readBytes(weights, how), warnings: [] };
}
