/** Reads weights and recognizes their network: bytes → tensors (`formats/`) → description of the network (`nets/`). */
import { InputError } from '../errors.js';
import { detectFormat } from '../formats/signature.js';
import type { Checkpoint } from '../formats/weights/checkpoint.js';
import { readCheckpoint } from '../formats/weights/weights.js';
import type { DescribeOptions, Model } from '../nets/describe.js';
import type { Warning } from '../warnings.js';
import { type ByteSource, isByteSource, readBytes } from './bytes.js';
import type { KeptBytes } from './kept_weights.js';

/**
 * Weights: a path or URL, bytes, a Blob, a Response, a stream, or a function that gives one of these (`restore` calls it again). The file
 * is safetensors, a PyTorch checkpoint in its zip format or in the older one, an ONNX model, the model.json of a TensorFlow.js model, or
 * a model that Keras saved (`.keras`, `.h5`).
 */
export type WeightsInput = ByteSource | (() => WeightsInput | Promise<WeightsInput>);

/** Options that describe the weights, and how their bytes are read. */
export interface ModelOptions extends DescribeOptions {
  /** Of an ONNX, TensorFlow.js or Keras model with several outputs: the one that has a number for each class. */
  output?: string;
  /** What the numbers of an ONNX, TensorFlow.js or Keras model become if it does not end with probabilities. Default: `sigmoid`, with a warning. */
  probabilities?: 'sigmoid' | 'softmax';
  /**
   * Files that an ONNX or TensorFlow.js model refers to for its weights, by the names that it has for them, or as a list of files of these
   * names, such as a page's upload. Default: those beside the model.
   */
  externalData?: Readonly<Record<string, ByteSource>> | Iterable<File>;
  /** Larger weights are refused. Default 2 GiB. */
  maxBytes?: number;
  /**
   * Keeps weights from the web on this machine. A page keeps them in the Cache API. Elsewhere a text names the folder, and true means
   * `raybox/weights` in $XDG_CACHE_HOME or ~/.cache. The kept file is used if it fits `integrity`, or if the server says that it has not
   * changed. If the server cannot be reached, the kept file is used with a warning.
   */
  cache?: boolean | string;
  /** The hash of the weights file: `sha256-` (or sha384, sha512) and base64, as in W3C Subresource Integrity. Other files are refused. */
  integrity?: string;
}

const MAX_BYTES = 2 ** 31;

export type ReadOptions = ModelOptions & { signal?: AbortSignal; onProgress?: (done: number) => void };

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
  const { bytes, warnings, keep } = await readWeights(weights, options);
  // Loaded on demand, because most weights are tensors alone.
  const checkpoint = ['ONNX', 'text', 'HDF5', 'Keras'].includes(detectFormat(bytes))
    ? await (await import('./imported.js')).readImported(bytes, weights, options)
    : await readCheckpoint(bytes, options.prefix);
  checkpoint.name = nameOf(weights);
  return { checkpoint, warnings: [...warnings, ...((await keep?.()) ?? [])] };
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
