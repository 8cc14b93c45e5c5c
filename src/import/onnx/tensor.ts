/** Reads tensors of an ONNX file. Their numbers are in fields of the file, in raw bytes, or in a file beside it. */
import { firstFew, InputError } from '../../errors.js';
import { ELEMENT_BYTES, type ElementType, elementCount, toFloat32 } from '../../formats/weights/checkpoint.js';
import { BinaryReader } from '../../vendor/protobuf.js';
import { isReal } from '../numbers.js';
import type { Constant } from '../plain.js';
import { damaged, type Field, kept, readFields } from './wire.js';

/** The numbers of `TensorProto.DataType` that raybox reads. */
const TYPES: Readonly<Record<number, ElementType>> = {
  ...{ 1: 'F32', 2: 'U8', 3: 'I8', 4: 'U16', 5: 'I16', 6: 'I32', 7: 'I64', 9: 'BOOL', 10: 'F16', 11: 'F64' },
  ...{ 12: 'U32', 13: 'U64', 16: 'BF16' },
};

const OTHER_TYPES: Readonly<Record<number, string>> = {
  ...{ 8: 'string', 14: 'complex64', 15: 'complex128', 17: 'float8e4m3fn', 18: 'float8e4m3fnuz', 19: 'float8e5m2' },
  ...{ 20: 'float8e5m2fnuz', 21: 'uint4', 22: 'int4', 23: 'float4e2m1' },
};

/** The type with a number of `TensorProto.DataType`; undefined for one that raybox does not read. */
export const typeOf = (type: number): ElementType | undefined => TYPES[type];

/** The name of an element type, for messages. */
export const typeName = (type: number): string => TYPES[type] ?? OTHER_TYPES[type] ?? `type ${type}`;

/** Where the bytes of a tensor lie outside the file. */
export interface ExternalPlace {
  readonly location: string;
  readonly offset: number;
  readonly length?: number;
}

export interface ReadTensor extends Constant {
  readonly name: string;
  readonly external?: ExternalPlace;
}

/** Bytes of the files beside a model, by the names under which it refers to them. */
export type ExternalFiles = ReadonlyMap<string, Uint8Array>;

/**
 * Reads a tensor's header. Its numbers are decoded when they are asked for; their bytes are checked now, unless they lie in another file.
 * @throws InputError for a type that raybox does not read, and for a shape that does not fit the bytes
 */
export function readTensor(bytes: Uint8Array, files: ExternalFiles): ReadTensor {
  const dims: number[] = [];
  let [name, dataType, isExternal] = ['', 0, false];
  /** At most one of these holds the numbers. A repeated field may come in several pieces. */
  const stored = new Map<number, Field[]>();
  const entries = new Map<string, string>();
  readFields(bytes, (field) => {
    if (field.number === 1) for (const dim of field.integers()) dims.push(dim);
    else if (field.number === 2) dataType = field.integer();
    else if (field.number === 8) name = field.text();
    else if (field.number === 13) readEntry(field.bytes(), entries);
    else if (field.number === 14) isExternal = field.integer() === 1;
    else if (FIELDS.has(field.number)) kept(stored, field);
    else if (field.number === 3) throw new InputError('onnx: a tensor is stored in segments', { given: name });
  });
  const what = `onnx: the tensor ${name || 'without a name'}`;
  const type = TYPES[dataType];
  if (!type)
    throw new InputError(`${what} has a type that raybox does not read`, {
      expected: firstFew([...new Set(Object.values(TYPES))], 20),
      given: typeName(dataType),
    });
  const count = elementCount(dims, what);
  const base = { name, shape: dims, type, count };
  const kinds = [...stored.keys()];
  if (isExternal) {
    const external = placeOf(entries, what);
    const wanted = count * ELEMENT_BYTES[type];
    if (external.length !== undefined && external.length !== wanted) throw misfit(what, dims, wanted, external.length);
    return { ...base, external, values: once(() => decode(type, externalBytes(external, wanted, files, what))) };
  }
  if (kinds.length > 1) throw damaged(`${name} has its numbers in several fields`);
  const [kind = RAW] = kinds;
  const parts = stored.get(kind) ?? [];
  if (kind === RAW) {
    const raw = parts.at(-1)?.bytes() ?? new Uint8Array();
    if (raw.length !== count * ELEMENT_BYTES[type]) throw misfit(what, dims, count * ELEMENT_BYTES[type], raw.length);
    return { ...base, values: once(() => decode(type, raw)) };
  }
  const numbers = FIELDS.get(kind)!;
  if (!numbers.types.includes(type)) throw damaged(`${name} is ${type}, and its numbers are in field ${kind}`);
  const pieces = parts.map((part) => part.packed());
  const given = pieces.reduce((sum, piece) => sum + numbers.count(piece), 0);
  if (given !== count) throw misfit(what, dims, count, given, 'numbers');
  return { ...base, values: once(() => numbers.decode(type, pieces, count)) };
}

const RAW = 9;
const INT32_TYPES: ElementType[] = ['I32', 'I16', 'I8', 'U16', 'U8', 'BOOL', 'F16', 'BF16'];

interface NumberField {
  readonly types: readonly ElementType[];
  count(piece: Uint8Array): number;
  decode(type: ElementType, pieces: readonly Uint8Array[], count: number): Float32Array | Float64Array;
}

/** How many varints: each ends with a byte whose highest bit is not set. */
function countVarints(piece: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < piece.length; i++) if (piece[i] < 0x80) count++;
  return count;
}

const varints = (read: (reader: BinaryReader) => number, types: readonly ElementType[]): NumberField => ({
  types,
  count: countVarints,
  decode(type, pieces, count) {
    const numbers = new Float64Array(count);
    let at = 0;
    for (const piece of pieces) {
      const reader = new BinaryReader(piece);
      try {
        while (reader.pos < reader.len) numbers[at++] = read(reader);
      } catch {
        throw damaged('a number is cut');
      }
    }
    // Halves are stored as the whole numbers that their bits are.
    if (type === 'F16' || type === 'BF16') return toFloat32(type, new Uint8Array(Uint16Array.from(numbers).buffer));
    return type === 'BOOL' ? numbers.map((value) => (value === 0 ? 0 : 1)) : numbers;
  },
});

const fixed = (size: number, types: readonly ElementType[]): NumberField => ({
  types,
  count(piece) {
    if (piece.length % size !== 0) throw damaged('a number is cut');
    return piece.length / size;
  },
  decode: (type, pieces, count) => {
    const all = new Uint8Array(count * size);
    let at = 0;
    for (const piece of pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return decode(type, all);
  },
});

/** The fields of a `TensorProto` that hold numbers. */
const FIELDS: ReadonlyMap<number, NumberField> = new Map([
  [4, fixed(4, ['F32'])],
  [5, varints((reader) => reader.int32(), INT32_TYPES)],
  [7, varints((reader) => Number(reader.int64()), ['I64'])],
  [RAW, fixed(1, [])],
  [10, fixed(8, ['F64'])],
  [11, varints((reader) => Number(reader.uint64()), ['U64', 'U32'])],
]);

/** Decodes numbers into the array for their type. */
function decode(type: ElementType, bytes: Uint8Array): Float32Array | Float64Array {
  const count = bytes.length / ELEMENT_BYTES[type];
  if ((isReal(type) && type !== 'F64') || type === 'BOOL' || ELEMENT_BYTES[type] <= 2) {
    const values = toFloat32(type, bytes);
    return isReal(type) ? values : Float64Array.from(values);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read: Partial<Record<ElementType, (at: number) => number>> = {
    F64: (at) => view.getFloat64(at * 8, true),
    I64: (at) => Number(view.getBigInt64(at * 8, true)),
    U64: (at) => Number(view.getBigUint64(at * 8, true)),
    I32: (at) => view.getInt32(at * 4, true),
    U32: (at) => view.getUint32(at * 4, true),
  };
  const one = read[type]!;
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) values[i] = one(i);
  return values;
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** The longest entry of the metadata in bytes. An entry may be the description of a network with its constants. */
const LONGEST_ENTRY = 1 << 26;

export function readEntry(bytes: Uint8Array, entries: Map<string, string>): void {
  let [key, value] = ['', ''];
  readFields(bytes, (field) => {
    if (field.number === 1) key = field.text();
    else if (field.number === 2) value = field.text(LONGEST_ENTRY);
  });
  entries.set(key, value);
}

function placeOf(entries: ReadonlyMap<string, string>, what: string): ExternalPlace {
  const location = entries.get('location') ?? '';
  const numberOf = (key: string) => {
    const text = entries.get(key);
    if (text === undefined) return undefined;
    if (!/^\d{1,15}$/.test(text)) throw new InputError(`${what}: ${key} is not a number`, { given: text.slice(0, 40) });
    return Number(text);
  };
  // Whoever made the file must not choose which other file is read.
  const segments = location.split(/[\\/]/);
  const isOutside = location === '' || /^[\\/]|[:\0%?#]/.test(location) || segments.includes('..');
  if (isOutside || location.length > 1000)
    throw new InputError(`${what} refers to a file that is not beside the model`, {
      expected: 'a path within the folder of the model',
      given: location.slice(0, 200) || 'none',
    });
  const length = numberOf('length');
  return { location, offset: numberOf('offset') ?? 0, ...(length === undefined ? {} : { length }) };
}

function externalBytes({ location, offset }: ExternalPlace, wanted: number, files: ExternalFiles, what: string) {
  const file = files.get(location);
  if (!file)
    throw new InputError(`${what} lies in ${location}, which was not read`, {
      hint: 'keep the file beside the model, or give its bytes: load(model, { externalData: { NAME: bytes } })',
    });
  if (offset + wanted > file.length)
    throw new InputError(`${what} lies behind the end of ${location}`, {
      expected: `${offset + wanted} bytes`,
      given: `${file.length}`,
      hint: 'is it the file that was written with this model?',
    });
  return file.subarray(offset, offset + wanted);
}

function misfit(what: string, dims: readonly number[], expected: number, given: number, of = 'bytes'): InputError {
  return new InputError(`${what} does not fit its shape`, {
    expected: `${expected} ${of} for ${dims.join('×') || 'one number'}`,
    given: String(given),
    hint: 'the file is damaged: download or export it again',
  });
}
