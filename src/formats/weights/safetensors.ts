/**
 * Reads and writes the safetensors format: 8 bytes with the length of the header, the header as JSON, then the tensors' bytes without gaps.
 * https://github.com/huggingface/safetensors
 */

import { InputError } from '../../errors.js';
import { brief } from '../brief.js';
import { isObject } from '../checks.js';
import { f32ToBf16, f32ToF16 } from '../half.js';
import {
  type Checkpoint,
  ELEMENT_BYTES,
  type ElementType,
  elementCount,
  type TensorData,
  toFloat32,
} from './checkpoint.js';

/** One tensor of a file. `start` and `end` are byte offsets from the beginning of the file. */
export interface SafetensorsEntry {
  name: string;
  dtype: ElementType;
  shape: number[];
  start: number;
  end: number;
}

/** What the header of a safetensors file says: its tensors and its metadata. */
export interface SafetensorsHeader {
  entries: SafetensorsEntry[];
  metadata: Record<string, string>;
  /** Bytes before the first tensor. */
  headerBytes: number;
}

/** Bytes before the header, which say how long it is. */
export const LENGTH_BYTES = 8;
// The largest networks here have about 2,000 tensors, and each takes about 120 bytes and 16 parts (strings, brackets, commas) of the header.
const MAX_HEADER_BYTES = 16 * 2 ** 20;
const MAX_HEADER_PARTS = 1_000_000;
/** The levels are the header, a tensor's entry and its shape. */
const MAX_HEADER_DEPTH = 3;

/** Reads from the first 8 bytes of a file how many bytes precede the first tensor. A stream has to collect these to read the header. */
export function safetensorsHeaderBytes(bytes: Uint8Array): number {
  if (bytes.length < LENGTH_BYTES)
    throw new InputError('safetensors: the file is cut', { expected: '8 bytes or more', given: `${bytes.length}` });
  const view = new DataView(bytes.buffer, bytes.byteOffset, LENGTH_BYTES);
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (length < 2 || length > MAX_HEADER_BYTES)
    throw new InputError('safetensors: impossible header length', {
      expected: `2 to ${MAX_HEADER_BYTES} bytes`,
      given: `${length}`,
      hint: 'is this a safetensors file?',
    });
  return LENGTH_BYTES + length;
}

/**
 * Reads and checks the header only. `bytes` may be only the beginning of a file of `fileBytes` bytes, but it must contain the whole header.
 * The entries are in the order of their bytes, so that a stream can be decoded tensor by tensor.
 */
export function readSafetensorsHeader(bytes: Uint8Array, fileBytes = bytes.length): SafetensorsHeader {
  const headerBytes = safetensorsHeaderBytes(bytes);
  if (headerBytes > bytes.length)
    throw new InputError('safetensors: the header is cut', {
      expected: `${headerBytes} bytes`,
      given: `${bytes.length}`,
      hint: 'the file is incomplete: download or copy it again',
    });
  const { __metadata__: strings = {}, ...tensors } = parseHeader(bytes.subarray(LENGTH_BYTES, headerBytes));

  if (!isObject(strings) || !Object.values(strings).every((value) => typeof value === 'string'))
    throw new InputError('safetensors: __metadata__ is wrong', {
      expected: 'an object of strings',
      given: brief(strings),
    });
  const entries = Object.entries(tensors)
    .map(([name, value]) => readEntry(name, value, headerBytes))
    .sort((a, b) => a.start - b.start || a.end - b.end);
  let end = headerBytes;
  for (const entry of entries) {
    if (entry.start !== end)
      throw new InputError(
        `safetensors: ${brief(entry.name)} ${entry.start < end ? 'overlaps another tensor' : 'leaves a gap'}`,
        {
          expected: `data from byte ${end - headerBytes} on`,
          given: `${entry.start - headerBytes}`,
        },
      );
    end = entry.end;
  }
  if (end !== fileBytes)
    throw new InputError(`safetensors: the file is ${end > fileBytes ? 'cut' : 'longer than its tensors'}`, {
      expected: `${end} bytes`,
      given: `${fileBytes}`,
      hint: end > fileBytes ? 'the file is incomplete: download or copy it again' : undefined,
    });
  return { entries, metadata: strings as Record<string, string>, headerBytes };
}

/** Whether a file has tensors of 8-bit integers, which `int8_weights.ts` reads. */
export const hasInt8 = ({ entries }: SafetensorsHeader): boolean => entries.some(({ dtype }) => dtype === 'I8');

/** Decodes one tensor to float32. `bytes` begin at byte `offset` of the file, and must contain the whole tensor. */
export function decodeTensor(entry: SafetensorsEntry, bytes: Uint8Array, offset = 0): TensorData {
  const part = bytes.subarray(entry.start - offset, entry.end - offset);
  if (entry.start < offset || part.length !== entry.end - entry.start)
    throw new InputError(`safetensors: ${brief(entry.name)} is not within the given bytes`, {
      expected: `bytes ${entry.start} to ${entry.end}`,
      given: `${offset} to ${offset + bytes.length}`,
    });
  return { shape: entry.shape, data: toFloat32(entry.dtype, part) };
}

/**
 * Reads a whole file. Aligned F32 tensors are views of `bytes`. F16, BF16, F64, integers and booleans are converted to
 * float32 (see `toFloat32`). Integers that are weights with scales are not multiplied by them: `readCheckpoint` does that.
 * @throws InputError for a damaged file, or for another element type (8-bit and 4-bit floats, complex numbers)
 */
export function readSafetensors(bytes: Uint8Array, { entries, metadata } = readSafetensorsHeader(bytes)): Checkpoint {
  return { tensors: new Map(entries.map((entry) => [entry.name, decodeTensor(entry, bytes)])), metadata };
}

/**
 * Writes a file with the tensors in the map's order. The header is padded so that the tensors start at a multiple of 8 bytes. The same input
 * always gives the same bytes.
 * @param dtype the element type of all tensors, or a function that gives it by their names; a tensor of I8 must hold whole numbers
 * @throws InputError for an invalid tensor or metadata, or if a number is too large for F16, or none of I8
 */
export function writeSafetensors(
  tensors: Map<string, TensorData>,
  metadata: Record<string, string> = {},
  { dtype = 'F32' }: { dtype?: WrittenType | ((name: string) => WrittenType) } = {},
): Uint8Array<ArrayBuffer> {
  const typeOf = typeof dtype === 'function' ? dtype : () => dtype;
  for (const [key, value] of Object.entries(metadata))
    if (typeof value !== 'string')
      throw new InputError(`safetensors: metadata '${key}' is not a string`, { given: brief(value) });

  const header: [string, unknown][] = [['__metadata__', metadata]];
  let length = 0;
  for (const [name, { shape, data }] of tensors) {
    const count = elementCount(shape, `safetensors: '${name}'`);
    if (name === '__metadata__') throw new InputError(`safetensors: a tensor cannot be named '${name}'`);
    if (count !== data.length)
      throw new InputError(`safetensors: '${name}' has the wrong number of elements`, {
        expected: `${count} for shape [${shape.join(', ')}]`,
        given: `${data.length}`,
      });
    const type = typeOf(name);
    if (!Object.hasOwn(CONVERSIONS, type))
      throw new InputError('safetensors: cannot write this element type', {
        expected: Object.keys(CONVERSIONS).join(', '),
        given: brief(type),
      });
    const end = length + count * ELEMENT_BYTES[type];
    header.push([name, { dtype: type, shape, data_offsets: [length, end] }]);
    length = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const headerBytes = LENGTH_BYTES + Math.ceil(json.length / 8) * 8;
  if (headerBytes - LENGTH_BYTES > MAX_HEADER_BYTES)
    throw new InputError('safetensors: the header is too long', {
      expected: `at most ${MAX_HEADER_BYTES} bytes`,
      given: `${json.length}`,
    });

  const file = new Uint8Array(headerBytes + length).fill(0x20, LENGTH_BYTES, headerBytes);
  new DataView(file.buffer).setUint32(0, headerBytes - LENGTH_BYTES, true);
  file.set(json, LENGTH_BYTES);
  let at = headerBytes;
  for (const [name, { data }] of tensors) {
    const elements = CONVERSIONS[typeOf(name)](name, data);
    file.set(new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength), at);
    at += elements.byteLength;
  }
  return file;
}

/** The element types that can be written. */
export type WrittenType = 'F32' | 'F16' | 'BF16' | 'I8';

const CONVERSIONS: Record<WrittenType, (name: string, data: Float32Array) => Float32Array | Uint16Array | Int8Array> = {
  F32: (_, data) => data,
  F16: toF16,
  BF16: (_, data) => f32ToBf16(data),
  I8: toI8,
};

function toI8(name: string, data: Float32Array): Int8Array {
  const integers = Int8Array.from(data);
  const lost = integers.findIndex((integer, i) => integer !== data[i]);
  if (lost < 0) return integers;
  throw new InputError(`safetensors: '${name}' does not fit I8`, {
    expected: 'whole numbers from -128 to 127',
    given: `${data[lost]} at ${lost}`,
  });
}

function toF16(name: string, data: Float32Array): Uint16Array {
  const halves = f32ToF16(data);
  const lost = halves.findIndex((half, i) => (half & 0x7fff) === 0x7c00 && Number.isFinite(data[i]));
  if (lost >= 0)
    throw new InputError(`safetensors: '${name}' does not fit F16`, {
      expected: 'numbers below 65520',
      given: `${data[lost]} at ${lost}`,
      hint: 'write BF16 or F32',
    });
  return halves;
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  let header: unknown;
  let text = '';
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    checkHeaderText(text);
    header = JSON.parse(text);
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw new InputError('safetensors: the header is not JSON', { given: brief(text.slice(0, 40)), cause });
  }
  if (!isObject(header)) throw new InputError('safetensors: the header is not a JSON object', { given: brief(header) });
  return header;
}

/**
 * Refuses headers that JSON.parse would accept: those with two equal keys, of which it would silently keep the last, and those with too
 * many levels or parts, which would take far more memory than the text. Regular expressions are not used, because they run out of stack in
 * a string with millions of escapes.
 */
function checkHeaderText(json: string): void {
  const open: (Set<string> | undefined)[] = [];
  let parts = 0;
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if ('{[,"'.includes(character) && ++parts > MAX_HEADER_PARTS)
      throw new InputError('safetensors: the header has too many parts', { expected: `at most ${MAX_HEADER_PARTS}` });
    if (character === '{' || character === '[') {
      if (open.push(character === '{' ? new Set() : undefined) > MAX_HEADER_DEPTH)
        throw new InputError('safetensors: the header nests too deep', { expected: `${MAX_HEADER_DEPTH} levels` });
    } else if (character === '}' || character === ']') open.pop();
    else if (character === '"') {
      const start = at;
      while (++at < json.length && json[at] !== '"') if (json[at] === '\\') at++;
      let next = at + 1;
      while (json[next] === ' ' || json[next] === '\n' || json[next] === '\r' || json[next] === '\t') next++;
      if (json[next] !== ':') continue;
      const key: string = JSON.parse(json.slice(start, at + 1));
      const keys = open[open.length - 1];
      if (keys?.has(key)) throw new InputError(`safetensors: the header names ${brief(key)} twice`);
      keys?.add(key);
    }
  }
}

function readEntry(name: string, value: unknown, headerBytes: number): SafetensorsEntry {
  const what = `safetensors: ${brief(name)}`;
  if (!isObject(value)) throw new InputError(`${what}: the header entry is not an object`, { given: brief(value) });
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !Object.hasOwn(ELEMENT_BYTES, dtype))
    throw new InputError(`${what}: unknown element type`, {
      expected: Object.keys(ELEMENT_BYTES).join(', '),
      given: brief(dtype),
    });
  const bytes = elementCount(shape, what) * ELEMENT_BYTES[dtype as ElementType];
  const isOffset = (offset: unknown): offset is number => Number.isSafeInteger(offset) && (offset as number) >= 0;
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isOffset) || offsets[1] < offsets[0])
    throw new InputError(`${what}: data_offsets is wrong`, { expected: '[begin, end]', given: brief(offsets) });
  const [begin, end] = offsets;
  if (end - begin !== bytes)
    throw new InputError(`${what}: shape and size disagree`, {
      expected: `${bytes} bytes for ${dtype} ${brief(shape)}`,
      given: `${end - begin}`,
    });
  return {
    name,
    dtype: dtype as ElementType,
    shape: shape as number[],
    start: headerBytes + begin,
    end: headerBytes + end,
  };
}
