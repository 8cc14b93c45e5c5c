/** Files that are given to the demo page: which of them are weights, and how large an image may be. */
import { InputError } from '../errors.js';
import { detectFormat } from '../formats/signature.js';

const WEIGHTS_FORMATS = ['safetensors', 'zip', 'torch stream', 'pickle', 'tar', 'ONNX', 'Keras', 'HDF5', 'GGUF'];
const UNCLEAR_FORMATS = ['empty', 'unknown', 'text', 'HTML', 'git-lfs pointer', 'gzip'];
const WEIGHTS_NAMES = /\.(?:safetensors|pth|pt|bin|ckpt|tar|onnx|keras|h5|hdf5|gguf)$/i;

/**
 * Whether a file is read as weights, and not as an image. The bytes decide. Where they say nothing, the name does, so that a damaged file of
 * weights is refused as weights.
 */
export async function isForWeights(file: File): Promise<boolean> {
  const format = detectFormat(new Uint8Array(await file.slice(0, 1024).arrayBuffer()));
  return WEIGHTS_FORMATS.includes(format) || (UNCLEAR_FORMATS.includes(format) && WEIGHTS_NAMES.test(file.name));
}

const MAX_IMAGE_BYTES = 512 << 20;

/** @throws InputError if a file is too large for an image */
export function refuseLarge({ name, size }: File): void {
  if (size > MAX_IMAGE_BYTES)
    throw new InputError(`${name} is too large`, { expected: 'at most 512 MiB', given: `${size} bytes` });
}
