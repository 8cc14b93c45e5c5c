/** Files of the demo page: the weights that the server has, and files that are given to the page. */
import { InputError } from '../errors.js';
import { detectFormat } from '../formats/signature.js';
import type { ImageKind } from '../formats/weights/metadata.js';

const WEIGHTS_FORMATS = ['safetensors', 'zip', 'torch stream', 'pickle', 'tar', 'ONNX', 'Keras', 'HDF5', 'GGUF'];
const UNCLEAR_FORMATS = ['empty', 'unknown', 'text', 'HTML', 'git-lfs pointer', 'gzip'];
const WEIGHTS_NAMES = /\.(?:safetensors|pth|pt|bin|ckpt|tar|onnx|keras|h5|hdf5|gguf)$/i;

/**
 * Whether a file is read as weights, and not as an image. The bytes decide. Where they say nothing, the name does, so that a damaged file of
 * weights is refused as weights.
 */
async function isForWeights(file: File): Promise<boolean> {
  const format = detectFormat(new Uint8Array(await file.slice(0, 1024).arrayBuffer()));
  return WEIGHTS_FORMATS.includes(format) || (UNCLEAR_FORMATS.includes(format) && WEIGHTS_NAMES.test(file.name));
}

const MAX_IMAGE_BYTES = 512 << 20;

/** @throws InputError if a file is too large for an image */
export function refuseLarge({ name, size }: File): void {
  if (size > MAX_IMAGE_BYTES)
    throw new InputError(`${name} is too large`, { expected: 'at most 512 MiB', given: `${size} bytes` });
}

/** Files that were dropped together: weights, images, and the names of all but the first of each. */
export async function sortFiles(files: readonly File[]): Promise<{ weights: File[]; images: File[]; others: string }> {
  const areWeights = await Promise.all(files.map(isForWeights));
  const weights = files.filter((_, at) => areWeights[at]);
  const images = files.filter((_, at) => !areWeights[at]);
  return { weights, images, others: [...weights.slice(1), ...images.slice(1)].map(({ name }) => name).join(', ') };
}

/** Weights that the server has beside the page, and the kind of images that they know. */
export interface ListedWeights {
  readonly name: string;
  readonly imageKind?: ImageKind;
}

/** None if the server has no list. */
export async function listedWeights(): Promise<readonly ListedWeights[]> {
  const response = await fetch('weights/index.json').catch(() => undefined);
  return response?.ok ? response.json() : [];
}

const KINDS: Record<ImageKind, string> = { patients: 'for X-rays', phantoms: 'for phantoms' };

/** The weights as an entry of the list to choose from. */
export function optionOf({ name, imageKind }: ListedWeights): HTMLOptionElement {
  const stem = name.replace('.safetensors', '');
  return new Option(imageKind ? `${stem}, ${KINDS[imageKind]}` : stem, name);
}
