/** Types and shapes of an HDF5 file. */
import type { ElementType } from '../weights/checkpoint.js';
import { damaged, type Hdf5Bytes, unsupported } from './bytes.js';

export interface Hdf5Type {
  readonly kind: 'number' | 'text' | 'reference to text' | 'opaque' | 'other';
  /** Bytes of one value. */
  readonly size: number;
  /** What a number is, if raybox reads it. */
  readonly element?: ElementType;
}

const MOST_DIMENSIONS = 32;

/** Floating-point types by four numbers: the position of the exponent, its bits, the bits of the mantissa, and the exponent's bias. */
const FLOATS: Readonly<Record<string, ElementType>> = {
  ...{ '10 5 10 15': 'F16', '7 8 7 127': 'BF16', '23 8 23 127': 'F32', '52 11 52 1023': 'F64' },
};

export function dataType(file: Hdf5Bytes, at: number): Hdf5Type {
  const kind = file.u8(at) & 15;
  const bits = file.u8(at + 1);
  const size = file.u32(at + 4);
  if (size === 0) throw damaged('a type of no bytes');
  if (kind === 0) return { kind: 'number', size, ...elementOf(wholeNumber(file, at, size, bits)) };
  if (kind === 1) return { kind: 'number', size, ...elementOf(floatNumber(file, at, bits)) };
  if (kind === 3) return { kind: 'text', size };
  if (kind === 5) return { kind: 'opaque', size };
  // A list of any length is a text if its type says so. Its values lie in a heap.
  if (kind === 9 && (bits & 15) === 1 && size === 16) return { kind: 'reference to text', size };
  return { kind: 'other', size };
}

const elementOf = (element: ElementType | undefined) => (element === undefined ? {} : { element });

function wholeNumber(file: Hdf5Bytes, at: number, size: number, bits: number): ElementType | undefined {
  const isWhole = file.u16(at + 8) === 0 && file.u16(at + 10) === 8 * size;
  if (!isWhole || (bits & 1 && size > 1)) return undefined;
  const signed = (bits & 8) !== 0;
  return { 1: signed ? 'I8' : 'U8', 2: signed ? 'I16' : 'U16', 4: signed ? 'I32' : 'U32', 8: signed ? 'I64' : 'U64' }[
    size
  ] as ElementType | undefined;
}

function floatNumber(file: Hdf5Bytes, at: number, bits: number): ElementType | undefined {
  const [exponent, width, mantissaAt, mantissa] = [12, 13, 14, 15].map((place) => file.u8(at + place));
  const isLittleEndian = (bits & 0x41) === 0;
  if (!isLittleEndian || mantissaAt !== 0 || file.u16(at + 8) !== 0) return undefined;
  const found = FLOATS[`${exponent} ${width} ${mantissa} ${file.u32(at + 16)}`];
  return found && file.u16(at + 10) === 8 * file.u32(at + 4) ? found : undefined;
}

/** The sizes of the dimensions; undefined if there is no value at all. */
export function dataSpace(file: Hdf5Bytes, at: number): number[] | undefined {
  const version = file.u8(at);
  if (version !== 1 && version !== 2) throw unsupported(`version ${version} of shapes`);
  const rank = file.u8(at + 1);
  if (rank > MOST_DIMENSIONS) throw damaged(`${rank} dimensions`);
  if (version === 2 && file.u8(at + 3) === 2) return undefined;
  const from = at + (version === 1 ? 8 : 4);
  const shape = Array.from({ length: rank }, (_, i) => file.u64(from + 8 * i));
  if (!Number.isSafeInteger(countOf(shape))) throw damaged(`${shape.join('×').slice(0, 120)} values`);
  return shape;
}

export const countOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);
