/** The form in which every reader of weights returns them: named float32 tensors, and strings about them. */

import { InputError } from '../../errors.js';
import type { Warning } from '../../warnings.js';
import { brief } from '../brief.js';
import { bf16ToF32, f16ToF32 } from '../half.js';
import type { GraphDescription } from './graph_description.js';
import type { WeightsMetadata } from './metadata.js';

/** A tensor in row-major (C) order. */
export interface TensorData {
  shape: number[];
  data: Float32Array;
}

/** Numbers, piece by piece. Each piece is only valid until the next one is asked for. */
export type NumberPieces = Iterable<Float32Array> | AsyncIterable<Float32Array>;

/** How the numbers of tensors are read that are not in memory. */
const readers = new WeakMap<TensorData, () => NumberPieces>();

/** Says how the numbers of a tensor are read piece by piece. */
export const readInPieces = (tensor: TensorData, read: () => NumberPieces) => readers.set(tensor, read);

/**
 * The numbers of a tensor, piece by piece. A tensor of a file is read in this way without ever being in memory as a whole; any other tensor is a
 * single piece.
 */
export const piecesOf = (tensor: TensorData): NumberPieces => readers.get(tensor)?.() ?? [tensor.data];

/** Thrown by the field `data` of a tensor whose numbers have to be awaited. They can only be had by `piecesOf` and `numbersOf`. */
export class NotInMemoryError extends Error {
  override name = 'NotInMemoryError';
}

const awaited = new WeakSet<TensorData>();

/** Whether the numbers of a tensor have to be awaited. */
export const isAwaited = (tensor: TensorData): boolean => awaited.has(tensor);

/** A tensor whose numbers have to be awaited. */
export function awaitedTensor(shape: number[], read: () => AsyncIterable<Float32Array>): TensorData {
  const tensor: TensorData = {
    shape,
    get data(): Float32Array {
      throw new NotInMemoryError('the numbers of this tensor have to be awaited');
    },
  };
  awaited.add(tensor);
  readInPieces(tensor, read);
  return tensor;
}

/** All numbers of a tensor, in an array of their own if they have to be awaited. */
export const numbersOf = (tensor: TensorData): Float32Array | Promise<Float32Array> =>
  isAwaited(tensor) ? joinPieces(tensor) : tensor.data;

async function joinPieces(tensor: TensorData): Promise<Float32Array> {
  const numbers = new Float32Array(elementCount(tensor.shape, 'a tensor'));
  let at = 0;
  for await (const piece of piecesOf(tensor)) {
    numbers.set(piece, at);
    at += piece.length;
  }
  return numbers;
}

/** The value of a setting: a text, a number, a truth value, or a list of such values. */
export type SavedValue = string | number | boolean | readonly SavedValue[];

/** A layer, or a group of layers, of a network that was saved whole (`torch.save(model)`). */
export interface SavedModule {
  /** Module and name of its Python class, such as `torch.nn.modules.conv.Conv2d`. */
  readonly type: string;
  /** Its plain attributes: `stride`, `eps`, `training`, … If an attribute is a class or a function, its value here is the name. */
  readonly settings: Readonly<Record<string, SavedValue>>;
  /** The names of code that PyTorch would run for this object alone: a hook, or a `forward` that replaced that of the class. */
  readonly code: readonly string[];
  /** The names of its parts, in the order in which they were added. */
  readonly children: readonly string[];
}

/** What a file of weights contains, whatever its format. */
export interface Checkpoint {
  tensors: Map<string, TensorData>;
  /** Other values of the file, by name: texts as they are, lists and maps of plain values as JSON. */
  metadata: Record<string, string>;
  /** For a network that was saved whole: its modules by their dotted names. A module comes before its parts; the name of the whole is ''. */
  modules?: ReadonlyMap<string, SavedModule>;
  /** The name of the file, if it is known. */
  name?: string;
  /** If a file has several dicts of tensors: the name of the one that was read, and those of the others. */
  choice?: { taken: string; others: string[] };
  /** The whole network, if the format contains it. The tensors are then its parameters. */
  network?: ImportedNetwork;
  /**
   * If the format contains the network: what the file calls a value, and the name of the graph's tensor that has its numbers, for comparisons with recorded activations. The name is
   * undefined if no tensor has them.
   */
  activations?: ReadonlyMap<string, string | undefined>;
  /** The names of the tensors that the file stores as 8-bit integers with scales. */
  int8?: readonly string[];
  /** True if the prefix that was asked for is the name of the dict, so that the names of the tensors do not begin with it. */
  taken?: boolean;
}

/** A network that `src/import` has read from a file whose format contains the network, such as ONNX. */
export interface ImportedNetwork {
  graph: GraphDescription;
  /** What the file says about the image. */
  fields: Partial<WeightsMetadata>;
  /** What the network itself suggests about the image. It is assumed if neither the file nor the caller says something else. */
  assumed?: Partial<WeightsMetadata>;
  /** What was assumed about the network itself. `probabilities`: that a sigmoid turns its outputs into probabilities. */
  undecided: readonly string[];
  /** Warnings about the network. */
  warnings: readonly Warning[];
}

/** Element types that convert to float32, by the names that safetensors uses, with their sizes in bytes. */
export const ELEMENT_BYTES = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
} as const;

/** The types of numbers in which tensors are stored. */
export type ElementType = keyof typeof ELEMENT_BYTES;

const MAX_RANK = 32;

/**
 * The number of elements of a shape from a file.
 * @throws InputError if the shape is not a list of sizes, or if their product is too large for a number
 */
export function elementCount(shape: unknown, what: string): number {
  const expected = `at most ${MAX_RANK} whole sizes from 0 on`;
  if (!Array.isArray(shape) || shape.length > MAX_RANK)
    throw new InputError(`${what}: the shape is wrong`, { expected, given: brief(shape) });
  let count = 1;
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0)
      throw new InputError(`${what}: the shape is wrong`, { expected, given: brief(shape) });
    count *= size;
  }
  if (!Number.isSafeInteger(count)) throw new InputError(`${what}: the shape overflows`, { given: brief(shape) });
  return count;
}

/**
 * Converts little-endian elements to float32. Aligned F32 elements are returned as a view of `bytes`, all others as a copy. 64-bit
 * numbers, and integers beyond 2^24, are rounded to the nearest float32. That does no harm: integer tensors are counters
 * (`num_batches_tracked`), with which no network computes.
 */
export function toFloat32(type: ElementType, bytes: Uint8Array): Float32Array {
  const count = bytes.length / ELEMENT_BYTES[type];
  const { buffer, byteOffset: at } = aligned(bytes, ELEMENT_BYTES[type]);
  switch (type) {
    case 'F32':
      return new Float32Array(buffer, at, count);
    case 'F16':
      return f16ToF32(new Uint16Array(buffer, at, count));
    case 'BF16':
      return bf16ToF32(new Uint16Array(buffer, at, count));
    case 'F64':
      return Float32Array.from(new Float64Array(buffer, at, count));
    case 'I64':
      return Float32Array.from(new BigInt64Array(buffer, at, count), Number);
    case 'U64':
      return Float32Array.from(new BigUint64Array(buffer, at, count), Number);
    case 'I32':
      return Float32Array.from(new Int32Array(buffer, at, count));
    case 'U32':
      return Float32Array.from(new Uint32Array(buffer, at, count));
    case 'I16':
      return Float32Array.from(new Int16Array(buffer, at, count));
    case 'U16':
      return Float32Array.from(new Uint16Array(buffer, at, count));
    case 'I8':
      return Float32Array.from(new Int8Array(buffer, at, count));
    case 'U8':
      return Float32Array.from(bytes);
    case 'BOOL':
      return Float32Array.from(bytes, (byte) => (byte === 0 ? 0 : 1));
  }
}

// Returns the bytes if they are aligned, or else a copy. Shared memory is always copied, because WebGPU's queues refuse it.
function aligned(bytes: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  if (bytes.byteOffset % size === 0 && bytes.buffer instanceof ArrayBuffer) return bytes as Uint8Array<ArrayBuffer>;
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return copy;
}
