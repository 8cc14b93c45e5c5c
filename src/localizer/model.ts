/** From wherever weights come to a network that is known in full: tensors, architecture, and what its metadata says. */
import { platform } from '#gpu';
import { InputError } from '../errors.js';
import type { Architecture } from '../formats/architecture.js';
import type { Checkpoint } from '../formats/checkpoint.js';
import { CHEST_XRAY8_LABELS, CHEST_XRAY14_LABELS } from '../formats/image_table.js';
import {
  architectureMetadata,
  architectureOf,
  formatWeightsMetadata,
  isRayboxWeights,
  parseWeightsMetadata,
  readCheckpoint,
  type WeightsMetadata,
} from '../formats/weights.js';
import { streamPieces } from '../gpu/platform.js';
import type { Warning } from '../warnings.js';
import { readPieces } from './images.js';

/**
 * Weights: a path or URL, bytes, a Blob, a stream, or a function that gives one of these (called again by `restore`).
 * safetensors, or a torch checkpoint as zip or stream.
 */
export type WeightsInput =
  | string
  | URL
  | Uint8Array
  | ArrayBuffer
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | (() => WeightsInput | Promise<WeightsInput>);

/** Whether weights are gone once they have been read. */
export const readsOnce = (weights: WeightsInput): boolean =>
  typeof weights === 'object' && ('getReader' in weights || Symbol.asyncIterator in weights);

export interface ModelOptions {
  /** Takes precedence over the file's metadata, and says what a file without any leaves open. */
  metadata?: Partial<WeightsMetadata>;
  /** Larger weights are refused. Default 2 GiB. */
  maxBytes?: number;
}

export interface Model {
  readonly architecture: Architecture & { head: object };
  readonly metadata: WeightsMetadata;
  readonly checkpoint: Checkpoint;
  /** What the weights do not say, and was assumed. */
  readonly warnings: readonly Warning[];
}

const MAX_BYTES = 2 ** 31;

export async function readModel(
  weights: WeightsInput,
  options: ModelOptions & { signal?: AbortSignal; onProgress?: (done: number) => void },
): Promise<Model> {
  const bytes = await readBytes(weights, options);
  const checkpoint = await readCheckpoint(bytes);
  const { architecture, metadata } = await describe(checkpoint, options.metadata ?? {});
  return { architecture, metadata, checkpoint, warnings: [] };
}

async function readBytes(
  weights: WeightsInput,
  options: ModelOptions & { signal?: AbortSignal; onProgress?: (done: number) => void },
): Promise<Uint8Array> {
  const { maxBytes = MAX_BYTES, signal, onProgress } = options;
  if (typeof weights === 'function') return readBytes(await weights(), options);
  if (weights instanceof Uint8Array) return weights;
  if (weights instanceof ArrayBuffer) return new Uint8Array(weights);
  if (typeof weights === 'string' || weights instanceof URL) {
    return readPieces(await platform.open(weights, signal), `weights ${weights}`, maxBytes, onProgress);
  }
  if (weights instanceof Blob) {
    return readPieces({ size: weights.size, pieces: streamPieces(weights.stream()) }, 'weights', maxBytes, onProgress);
  }
  if (weights && typeof weights === 'object') {
    const pieces = 'getReader' in weights ? streamPieces(weights) : weights;
    if (Symbol.asyncIterator in pieces) return readPieces({ size: undefined, pieces }, 'weights', maxBytes, onProgress);
  }
  throw new InputError('these are no weights', {
    expected: 'a path, URL, Blob, stream, bytes, or a function that gives one of them',
    given: Object.prototype.toString.call(weights),
  });
}

async function describe(
  checkpoint: Checkpoint,
  given: Partial<WeightsMetadata>,
): Promise<Pick<Model, 'architecture' | 'metadata'>> {
  const metadata = isRayboxWeights(checkpoint.metadata)
    ? { ...parseWeightsMetadata(checkpoint.metadata), ...given }
    : await inferMetadata(checkpoint, given);
  // Written out and read again, so that what the caller gave is checked as strictly as what a file says.
  const checked = parseWeightsMetadata(formatWeightsMetadata(metadata));
  const architecture = architectureOf(checked);
  if (checked.inputWidth !== checked.inputHeight) {
    throw new InputError("the network's input is not square", {
      given: `${checked.inputWidth} × ${checked.inputHeight}`,
    });
  }
  return { architecture: { ...architecture, head: architecture.head! }, metadata: checked };
}

/** ImageNet's, with which torchvision's weights were trained. */
const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

// A bare state dict shows its layers, but neither classes nor how images are to be brought to it.
async function inferMetadata(checkpoint: Checkpoint, given: Partial<WeightsMetadata>): Promise<WeightsMetadata> {
  // Loaded on demand: raybox's own weights say what they are.
  const { inferArchitecture } = await import('../nets/infer.js');
  const architecture = inferArchitecture(checkpoint.tensors, {
    ...(given.pooling ? { pooling: given.pooling } : {}),
    ...(given.lseR ? { r: given.lseR } : {}),
  });
  if (!architecture.head) {
    throw new InputError('the checkpoint has no prediction layer, so it cannot classify', {
      expected: 'head.prediction.weight, or a classifier on pooled features',
    });
  }
  const { classes } = architecture.head;
  const first = [...checkpoint.tensors.values()].find(({ shape }) => shape.length === 4);
  const inputChannels = first?.shape[1] === 1 ? 1 : 3;
  return {
    ...({ pooling: 'lse', ...architectureMetadata(architecture) } as const),
    classes: classNames(classes),
    inputWidth: 224,
    inputHeight: 224,
    inputChannels,
    channelOrder: 'rgb',
    ...(inputChannels === 3 ? IMAGENET : { mean: [0.5], std: [0.25] }),
    fit: 'stretch',
    heatmapScaling: 'minmax',
    trainingData: 'unknown',
    license: 'unknown',
    ...given,
  };
}

function classNames(count: number): string[] {
  const known = [CHEST_XRAY8_LABELS, CHEST_XRAY14_LABELS].find((labels) => labels.length === count);
  return known ? [...known] : Array.from({ length: count }, (_, index) => `class ${index}`);
}
