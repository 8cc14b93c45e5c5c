/**
 * Reads arrays that NumPy saved: `.npy` (format 1 to 3) and `.npz`, a zip archive of them as `numpy.savez` writes it. Numbers are read;
 * pickled objects, texts and complex numbers are refused.
 */
import { InputError } from '../errors.js';
import { f16ToF32 } from './half.js';
import { partsOf } from './parts.js';
import { elementCount } from './weights/checkpoint.js';
import { openZip } from './zip.js';

/** Numbers in row-major order. */
export interface NumberArray {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
  /** Set where the file has the numbers with fewer digits than float32: 11 binary digits in `F16`, 8 in `BF16`. */
  readonly half?: 'F16' | 'BF16';
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const LONGEST_HEADER = 65_536;
const MOST_DIMENSIONS = 32;

type Read = (view: DataView, at: number, little: boolean) => number;

/** How each element type is read. The keys are a letter for the kind and the number of bytes, as in the header of a file. */
const READERS: Readonly<Record<string, Read>> = {
  f4: (view, at, little) => view.getFloat32(at, little),
  f8: (view, at, little) => view.getFloat64(at, little),
  f2: (view, at, little) => f16ToF32(Uint16Array.of(view.getUint16(at, little)))[0],
  b1: (view, at) => Number(view.getUint8(at) !== 0),
  i1: (view, at) => view.getInt8(at),
  i2: (view, at, little) => view.getInt16(at, little),
  i4: (view, at, little) => view.getInt32(at, little),
  i8: (view, at, little) => Number(view.getBigInt64(at, little)),
  u1: (view, at) => view.getUint8(at),
  u2: (view, at, little) => view.getUint16(at, little),
  u4: (view, at, little) => view.getUint32(at, little),
  u8: (view, at, little) => Number(view.getBigUint64(at, little)),
};

/**
 * Reads the arrays of an .npz file by name.
 * @throws InputError for an archive or array that is damaged, is compressed or does not hold numbers
 */
export function readNpz(bytes: Uint8Array): Map<string, NumberArray> {
  const arrays = new Map<string, NumberArray>();
  for (const [file, entry] of openZip(partsOf(bytes))) {
    const name = file.replace(/\.npy$/, '');
    if (arrays.has(name)) throw new InputError(`npz: two arrays are called ${name.slice(0, 200)}`);
    arrays.set(name, readNpy(readEntry(entry.read, name), name));
  }
  return arrays;
}

function readEntry(read: () => Uint8Array, name: string): Uint8Array {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const hint = 'save the arrays with numpy.savez, not savez_compressed; else the file is damaged';
    throw new InputError(`npz: ${name.slice(0, 200)} cannot be read (${error.message.split('\n')[0]})`, { hint });
  }
}

/** Reads one array. @throws InputError for a file that is damaged, or whose elements are not real numbers */
export function readNpy(bytes: Uint8Array, name = 'array'): NumberArray {
  const what = `npy: ${name.slice(0, 200)}`;
  const damaged = (why: string) => new InputError(`${what}: ${why}`, { hint: 'the file is damaged: save it again' });
  if (bytes.length < 12 || MAGIC.some((byte, i) => bytes[i] !== byte)) throw damaged('it is not a NumPy array');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = bytes[6];
  if (version < 1 || version > 3)
    throw new InputError(`${what}: unknown version`, { expected: '1 to 3', given: `${version}` });
  const start = version === 1 ? 10 : 12;
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > LONGEST_HEADER || start + length > bytes.length) throw damaged('its header is cut');
  const header = new TextDecoder().decode(bytes.subarray(start, start + length));
  const type = /'descr':\s*'([<>|=]?)([a-zA-Z])(\d*)'/.exec(header);
  const order = /'fortran_order':\s*(True|False)/.exec(header);
  const sizes = /'shape':\s*\(([\d,\s]*)\)/.exec(header);
  if (!order || !sizes) throw damaged('its header is not understood');
  const read = type && READERS[`${type[2]}${type[3]}`];
  if (!read)
    throw new InputError(`${what}: its elements are not numbers`, {
      expected: Object.keys(READERS).join(', '),
      given: /'descr':\s*([^,]{1,60})/.exec(header)?.[1] ?? 'no type',
      hint: 'save arrays of floats; pickled objects are not read',
    });
  const shape = sizes[1].split(',').flatMap((size) => (size.trim() === '' ? [] : [Number(size)]));
  if (shape.length > MOST_DIMENSIONS) throw damaged(`it has ${shape.length} dimensions`);
  const count = elementCount(shape, what);
  const width = Number(type[3]);
  if (bytes.length - start - length !== count * width)
    throw damaged(
      `${count * width} bytes expected for ${shape.join('×') || 'one number'}, ${bytes.length - start - length} given`,
    );
  const isHalf = type[2] === 'f' && width === 2;
  const isSingle = type[2] === 'f' ? width <= 4 : width <= 2;
  const data = isSingle ? new Float32Array(count) : new Float64Array(count);
  for (let i = 0; i < count; i++) data[i] = read(view, start + length + i * width, type[1] !== '>');
  const numbers = order[1] === 'True' ? rowMajor(data, shape) : data;
  return { shape, data: numbers, ...(isHalf ? { half: 'F16' as const } : {}) };
}

/** Converts from column-major order (the first dimension changes fastest) to row-major order (the last one does). */
function rowMajor<T extends Float32Array | Float64Array>(data: T, shape: readonly number[]): T {
  const result = data.slice() as T;
  const index = shape.map(() => 0);
  for (let i = 0; i < data.length; i++) {
    let at = 0;
    for (let d = 0; d < shape.length; d++) at = at * shape[d] + index[d];
    result[at] = data[i];
    for (let d = 0; d < shape.length && ++index[d] === shape[d]; d++) index[d] = 0;
  }
  return result;
}
