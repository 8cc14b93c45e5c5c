/** Reads the arguments of opcodes from the bytes of a pickle. Every length that the file gives is checked before it is used. */
import { InputError } from '../../errors.js';

// The most bytes of a line and of a whole number in the file.
const MAX_LINE = 4096;
const MAX_LONG_BYTES = 64;

/** Reads arguments one after the other from a position in a pickle. */
export class PickleReader {
  private readonly view: DataView;

  constructor(
    readonly bytes: Uint8Array,
    public at: number,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  fail(what: string, given?: string): never {
    throw new InputError(`pickle: ${what}`, { given, hint: `at byte ${this.at}` });
  }

  /** Moves on by `count` bytes, and returns the position of the first of them. */
  take(count: number): number {
    const left = this.bytes.length - this.at;
    if (count > left) this.fail('the file is cut', `${left} of ${count} bytes`);
    this.at += count;
    return this.at - count;
  }

  byte(): number {
    return this.bytes[this.take(1)];
  }

  uint16(): number {
    return this.view.getUint16(this.take(2), true);
  }

  int32(): number {
    return this.view.getInt32(this.take(4), true);
  }

  /** Reads a float64. It is big-endian, unlike all other numbers of a pickle. */
  float64(): number {
    return this.view.getFloat64(this.take(8));
  }

  /** Reads an unsigned number of `size` bytes, usually a length. */
  length(size: 1 | 4 | 8): number {
    const from = this.take(size);
    if (size === 1) return this.view.getUint8(from);
    if (size === 4) return this.view.getUint32(from, true);
    return this.view.getUint32(from, true) + this.view.getUint32(from + 4, true) * 2 ** 32;
  }

  /** Reads a length of `size` bytes and then as many bytes, which are returned as a view of the file. */
  counted(size: 1 | 4 | 8): Uint8Array {
    const count = this.length(size);
    const from = this.take(count);
    return this.bytes.subarray(from, from + count);
  }

  /** Reads the text up to the end of the line. */
  line(): string {
    const end = this.bytes.subarray(this.at, this.at + MAX_LINE).indexOf(10);
    if (end < 0) this.fail('a line does not end');
    const text = latin1(this.bytes.subarray(this.at, this.at + end));
    this.at += end + 1;
    return text;
  }

  /** Converts a whole number in decimal digits. */
  integer(text: string): number | bigint {
    if (!/^-?\d{1,150}$/.test(text)) this.fail('not an integer', text.slice(0, 40));
    return narrow(BigInt(text));
  }

  /** Reads a length of `size` bytes and then a whole number in two's complement with as many bytes. */
  twosComplement(size: 1 | 4): number | bigint {
    const bytes = this.counted(size);
    if (bytes.length > MAX_LONG_BYTES)
      throw new InputError('pickle: an integer is too long', { given: `${bytes.length} bytes` });
    let value = 0n;
    for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
    return narrow(BigInt.asIntN(bytes.length * 8, value));
  }
}

const narrow = (value: bigint): number | bigint =>
  Number.isSafeInteger(Number(value)) && BigInt(Number(value)) === value ? Number(value) : value;

const utf8Decoder = new TextDecoder();
export const utf8 = (bytes: Uint8Array) => utf8Decoder.decode(bytes);

/** Decodes each byte as one character, U+0000 to U+00FF. */
export function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return text;
}
