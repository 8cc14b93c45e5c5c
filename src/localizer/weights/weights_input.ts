/** In which forms `load` takes weights, and the options of reading them. */
import type { DescribeOptions } from '../../nets/model.js';
import type { ByteSource } from './bytes.js';

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
  /** What the numbers of an ONNX, TensorFlow.js or Keras model become if it does not end with a sigmoid or softmax. `none`: they are probabilities already. Default: `sigmoid`, with a warning. */
  probabilities?: 'sigmoid' | 'softmax' | 'none';
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

/**
 * Gets the bytes of each file of weights when it was read as a whole: of the weights themselves under the name '', and of other files that a
 * model refers to under the names that it has for them. It is not called for a file whose tensors are read one by one.
 */
export type OnFile = (name: string, bytes: Uint8Array) => void;

/** The options of `load` that concern reading. */
export type ReadOptions = ModelOptions & { signal?: AbortSignal; onProgress?: (done: number) => void; onFile?: OnFile };
