/** Reads the weights of a TensorFlow.js model: `weightsManifest` describes them, and their bytes are in files beside the model. */
import { firstFew, InputError } from '../../errors.js';
import { brief } from '../../formats/brief.js';
import { isObject } from '../../formats/checks.js';
import { ELEMENT_BYTES, type ElementType, elementCount, toFloat32 } from '../../formats/weights/checkpoint.js';
import type { Constant } from '../plain.js';

/** Beyond these a file is refused. */
const MOST = { weights: 32_768, files: 4_096, name: 1_000 };

const TYPES: Readonly<Record<string, ElementType>> = {
  ...{ float32: 'F32', float16: 'F16', int32: 'I32', uint8: 'U8', uint16: 'U16', bool: 'BOOL' },
};

interface Weight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly count: number;
  /** The type of the weight. Whole numbers are used for shapes and axes. */
  readonly type: ElementType;
  /** The type in which its numbers are stored. */
  readonly stored: ElementType;
  /** The number that a stored one stands for is `stored · scale + min`. */
  readonly scale: number;
  readonly min: number;
  readonly isQuantised: boolean;
  /** Its place in the bytes of all files of its group. */
  readonly offset: number;
  readonly length: number;
}

/** Files whose bytes, one file after the other, are the numbers of some weights. */
export interface WeightGroup {
  readonly files: readonly string[];
  readonly weights: readonly Weight[];
  readonly length: number;
}

/**
 * Checks what the model says about its weights. Nothing is allocated for them.
 * @throws InputError for a type that raybox does not read, and for a file that is not beside the model
 */
export function readManifest(manifest: unknown): WeightGroup[] {
  if (!Array.isArray(manifest))
    throw new InputError('tensorflow: the model has no weightsManifest', { given: brief(manifest) });
  const names = new Set<string>();
  let files = 0;
  return manifest.map((group): WeightGroup => {
    if (!isObject(group) || !Array.isArray(group.paths) || !Array.isArray(group.weights))
      throw new InputError('tensorflow: weightsManifest is damaged', {
        expected: 'groups with paths and weights',
        given: brief(group),
      });
    files += group.paths.length;
    let offset = 0;
    const weights = group.weights.map((entry: unknown) => {
      const weight = readWeight(entry, offset);
      if (names.has(weight.name)) throw new InputError(`tensorflow: two weights are called ${brief(weight.name)}`);
      names.add(weight.name);
      if (names.size > MOST.weights || files > MOST.files)
        throw new InputError('tensorflow: the model has too many weights', { expected: `at most ${MOST.weights}` });
      offset += weight.length;
      return weight;
    });
    return { files: group.paths.map(checkPath), weights, length: offset };
  });
}

/** Whoever made the model must not choose which other files are read, or from which computers. */
function checkPath(path: unknown): string {
  const isInside =
    typeof path === 'string' &&
    path.length <= MOST.name &&
    path !== '' &&
    !/^[\\/]|[:\0%?#]/.test(path) &&
    !path.split(/[\\/]/).includes('..');
  if (isInside) return path;
  throw new InputError('tensorflow: the model refers to weights that are not beside it', {
    expected: 'a path within the folder of the model',
    given: brief(path),
  });
}

function readWeight(entry: unknown, offset: number): Weight {
  const { name, shape, dtype, quantization } = isObject(entry) ? entry : {};
  if (typeof name !== 'string' || name === '' || name.length > MOST.name)
    throw new InputError('tensorflow: a weight has no name', { given: brief(name) });
  const what = `tensorflow: weight ${name.slice(0, 120)}`;
  const count = elementCount(shape, what);
  if (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'bool')
    throw new InputError(`${what}: raybox does not read this type`, {
      expected: 'float32 (also quantised to float16, uint16 or uint8), int32 or bool',
      given: brief(dtype),
    });
  const packed = readQuantization(quantization, dtype, what);
  const stored = packed?.stored ?? TYPES[dtype];
  return {
    ...{ name, shape: shape as number[], count, type: dtype === 'float32' ? 'F32' : TYPES[dtype], stored, offset },
    ...{ scale: packed?.scale ?? 1, min: packed?.min ?? 0, isQuantised: packed?.isQuantised ?? false },
    length: count * ELEMENT_BYTES[stored],
  };
}

function readQuantization(given: unknown, dtype: string, what: string) {
  if (given === undefined || given === null) return undefined;
  const { dtype: packed, scale, min } = isObject(given) ? given : {};
  const wrong = (expected: string) =>
    new InputError(`${what}: its quantization is damaged`, { expected, given: JSON.stringify(given).slice(0, 120) });
  if (packed === 'float16') {
    if (dtype !== 'float32') throw wrong('float16 for float32 weights');
    return { stored: 'F16' as const, scale: 1, min: 0, isQuantised: false };
  }
  if (packed !== 'uint8' && packed !== 'uint16') throw wrong('dtype uint8, uint16 or float16');
  if (!Number.isFinite(scale) || !Number.isFinite(min)) throw wrong('a scale and a min');
  return { stored: TYPES[packed], scale: scale as number, min: min as number, isQuantised: true };
}

/**
 * Reads the weights' files.
 * @param read reads a file of at most the given number of bytes
 * @throws InputError if the files of a group are not as long as its weights together
 */
export async function readWeights(
  groups: readonly WeightGroup[],
  read: (file: string, most: number) => Promise<Uint8Array>,
): Promise<Map<string, Constant>> {
  const constants = new Map<string, Constant>();
  for (const { files, weights, length } of groups) {
    const pieces: Uint8Array[] = [];
    let given = 0;
    for (const file of files) {
      const piece = await read(file, length - given);
      given += piece.length;
      pieces.push(piece);
      if (given > length) break;
    }
    if (given !== length)
      throw new InputError('tensorflow: the files of the weights are not as long as the weights', {
        expected: `${length} bytes in ${firstFew(files, 4)}`,
        given: `${given} bytes`,
        hint: 'is a file cut off, or of another model?',
      });
    for (const weight of weights) {
      const bytes = part(pieces, weight.offset, weight.length);
      constants.set(weight.name, constantOfWeight(weight, bytes));
    }
  }
  return constants;
}

/** A range of the bytes of several pieces: a view if it lies in one of them. */
function part(pieces: readonly Uint8Array[], offset: number, length: number): Uint8Array {
  let start = 0;
  let result: Uint8Array | undefined;
  let filled = 0;
  for (const piece of pieces) {
    const from = Math.max(offset, start) - start;
    const to = Math.min(offset + length, start + piece.length) - start;
    start += piece.length;
    if (to <= from) continue;
    if (to - from === length) return piece.subarray(from, to);
    result ??= new Uint8Array(length);
    result.set(piece.subarray(from, to), filled);
    filled += to - from;
  }
  return result ?? new Uint8Array(0);
}

function constantOfWeight(weight: Weight, bytes: Uint8Array): Constant {
  const { shape, count, type, stored, scale, min, isQuantised } = weight;
  const values = (): Float32Array | Float64Array => {
    const given = toFloat32(stored, bytes);
    if (type !== 'F32') {
      // float32 cannot hold whole numbers beyond 2^24, so 32-bit numbers are read directly.
      const exact = stored === 'I32' ? int32s(bytes) : Float64Array.from(given);
      return isQuantised ? exact.map((number) => Math.round(number * scale + min)) : exact;
    }
    return isQuantised ? given.map((number) => number * scale + min) : given;
  };
  return { shape, type, count, values };
}

function int32s(bytes: Uint8Array): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Float64Array.from({ length: bytes.length / 4 }, (_, i) => view.getInt32(4 * i, true));
}
