/**
 * Reads numbers, texts and items of heaps from the bytes of an HDF5 file. Positions outside the file are refused. All bytes that are read are
 * counted, because a small file can refer to the same bytes any number of times.
 */
import { InputError } from '../../errors.js';

export interface Hdf5Bytes {
  readonly length: number;
  u8(at: number): number;
  u16(at: number): number;
  u32(at: number): number;
  /** @throws InputError for a number beyond those that a double holds exactly */
  u64(at: number): number;
  /** An address. Undefined if all its bits are set, which means that there is nothing. */
  address(at: number): number | undefined;
  /** A text that ends at a zero byte, or after `most` bytes. */
  text(at: number, most: number): string;
  /** A view of `length` bytes. */
  part(at: number, length: number): Uint8Array;
  /** @throws InputError if the four letters of `signature` are not there */
  expectSignature(at: number, signature: string): void;
  /** A value that is kept in a heap of the file, such as a text of any length. */
  heapItem(heap: number, index: number): { at: number; length: number };
  /** Counts bytes that are read. @throws InputError if more have been read than `MOST` allows */
  pay(bytes: number): void;
}

export const damaged = (what: string): InputError =>
  new InputError(`HDF5: the file is damaged: ${what}`, { hint: 'download or copy it again' });
export const unsupported = (what: string): InputError =>
  new InputError(`HDF5: raybox does not read ${what}`, {
    hint: 'write the file anew with h5py or Keras, in the format that is their default',
  });

/** The most bytes that may be read in total: `times` the bytes of the file, plus `more`. */
const MOST = { times: 4, more: 1 << 20 };

export function hdf5Bytes(bytes: Uint8Array): Hdf5Bytes {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decoder = new TextDecoder();
  let left = MOST.times * bytes.length + MOST.more;
  const heaps = new Map<number, Map<number, { at: number; length: number }>>();
  const pay = (count: number) => {
    left -= count;
    if (left < 0) throw damaged('it refers to the same bytes again and again');
  };
  const inside = (at: number, length: number) => {
    if (at + length > bytes.length) throw damaged(`it refers to byte ${at + length} of ${bytes.length}`);
    pay(length);
    return at;
  };
  const u64 = (at: number) => {
    const value = view.getBigUint64(inside(at, 8), true);
    if (value > Number.MAX_SAFE_INTEGER) throw damaged(`the number ${value} at byte ${at}`);
    return Number(value);
  };
  const file: Hdf5Bytes = {
    ...{ length: bytes.length, pay, u64 },
    u8: (at) => view.getUint8(inside(at, 1)),
    u16: (at) => view.getUint16(inside(at, 2), true),
    u32: (at) => view.getUint32(inside(at, 4), true),
    address: (at) => (view.getBigUint64(inside(at, 8), true) === 2n ** 64n - 1n ? undefined : u64(at)),
    text(at, most) {
      const whole = bytes.subarray(at, Math.min(bytes.length, at + most));
      const end = whole.indexOf(0);
      const text = whole.subarray(0, end < 0 ? whole.length : end);
      inside(at, text.length);
      return decoder.decode(text);
    },
    part: (at, length) => bytes.subarray(inside(at, length), at + length),
    expectSignature(at, signature) {
      if (file.text(at, 4) !== signature) throw damaged(`byte ${at} does not begin a ${signature}`);
    },
    heapItem(heap, index) {
      const items = heaps.get(heap) ?? heapItems(file, heap);
      heaps.set(heap, items);
      const item = items.get(index);
      if (item) return item;
      throw damaged(`a heap has no item ${index}`);
    },
  };
  return file;
}

/** The items of a global heap, by their numbers. */
function heapItems(file: Hdf5Bytes, heap: number): Map<number, { at: number; length: number }> {
  file.expectSignature(heap, 'GCOL');
  const end = heap + file.u64(heap + 8);
  const items = new Map<number, { at: number; length: number }>();
  for (let at = heap + 16; at + 16 <= end; ) {
    const index = file.u16(at);
    // Item 0 is the free space at the end of the heap.
    if (index === 0) break;
    const length = file.u64(at + 8);
    if (at + 16 + length > end) throw damaged('an item reaches beyond its heap');
    items.set(index, { at: at + 16, length });
    at += 16 + Math.ceil(length / 8) * 8;
  }
  return items;
}
