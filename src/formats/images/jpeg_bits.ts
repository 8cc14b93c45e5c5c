/** Reads the Huffman-coded bits of a JPEG's scan (ITU-T T.81, annexes C and F). */
import { InputError } from '../../errors.js';

export const damaged = (what: string) =>
  new InputError('jpeg: the image cannot be decoded', { given: what, hint: 'the file is incomplete or damaged' });

export const cut = (given: string) =>
  new InputError('jpeg: the file is cut', { given, hint: 'the file is incomplete: download or copy it again' });

/** Codes of at most this many bits are found by one look-up in a table. Longer ones are compared length by length. */
const LOOKUP_BITS = 9;
const LONGEST = 16;

export interface HuffmanTable {
  /** For each combination of `LOOKUP_BITS` bits: if it begins with a short code, 256 times the code's length plus its symbol, or else 0. */
  lookup: Uint16Array;
  /** For each length the last code, or −1 if there is none, and the number that has to be added to a code for the index of its symbol. */
  last: Int32Array;
  offset: Int32Array;
  symbols: Uint8Array;
}

/** @param counts the number of codes of each length from 1 to 16 */
export function huffmanTable(counts: Uint8Array, symbols: Uint8Array): HuffmanTable {
  const lookup = new Uint16Array(1 << LOOKUP_BITS);
  const last = new Int32Array(LONGEST + 1).fill(-1);
  const offset = new Int32Array(LONGEST + 1);
  let code = 0;
  let place = 0;
  for (let length = 1; length <= LONGEST; length++, code <<= 1) {
    const count = counts[length - 1];
    if (count === 0) continue;
    offset[length] = place - code;
    for (let i = 0; i < count; i++, code++, place++) {
      if (code >= 1 << length) throw damaged('a Huffman table with more codes than there are');
      if (length > LOOKUP_BITS) continue;
      const first = code << (LOOKUP_BITS - length);
      lookup.fill((length << 8) | symbols[place], first, first + (1 << (LOOKUP_BITS - length)));
    }
    last[length] = code - 1;
  }
  return { lookup, last, offset, symbols };
}

export interface BitReader {
  /** The next symbol. */
  symbol(table: HuffmanTable): number;
  /** The next `count` bits, up to 16, as an unsigned number. */
  bits(count: number): number;
  /** The next `count` bits as a signed number in JPEG's code, in which a leading 0 means that the number is negative. */
  signed(count: number): number;
  /** @throws InputError if more bits have been taken than there are before the next marker. */
  check(): void;
  /** Drops the bits that are left, and skips the restart marker with this number, 0 to 7. */
  restart(number: number): void;
  /** The position of the marker after the bits. */
  end(): number;
}

/** The most bytes that may follow the last code of a file without an end marker. */
const MOST_LEFT = 2;

/**
 * Reads from `at` to the next marker other than a restart marker.
 * @param place returns how far the image has been decoded, for a message
 */
export function createBitReader(bytes: Uint8Array, at: number, place: () => string): BitReader {
  let held = 0;
  let count = 0;
  // The number of zero bits that were added after the last byte. If one of them is taken, the scan is too short.
  let padding = 0;

  function fill(): void {
    while (count <= 24) {
      let byte = at < bytes.length ? bytes[at] : 0xff;
      if (byte !== 0xff) at += 1;
      else if (bytes[at + 1] === 0) at += 2;
      else {
        byte = 0;
        padding += 8;
      }
      held = (held << 8) | byte;
      count += 8;
    }
  }

  function bits(wanted: number): number {
    if (wanted === 0) return 0;
    if (count < wanted) fill();
    count -= wanted;
    return (held >>> count) & ((1 << wanted) - 1);
  }

  function check(): void {
    if (count >= padding) return;
    throw at >= bytes.length
      ? cut(`${bytes.length} bytes, which end ${place()}`)
      : damaged(`a scan that ends too early, at byte ${at}`);
  }

  return {
    bits,
    check,
    symbol({ lookup, last, offset, symbols }) {
      if (count < LONGEST) fill();
      const found = lookup[(held >>> (count - LOOKUP_BITS)) & ((1 << LOOKUP_BITS) - 1)];
      if (found !== 0) {
        count -= found >> 8;
        return found & 255;
      }
      for (let length = LOOKUP_BITS + 1; length <= LONGEST; length++) {
        const code = (held >>> (count - length)) & ((1 << length) - 1);
        if (code > last[length]) continue;
        count -= length;
        return symbols[code + offset[length]];
      }
      check();
      throw damaged(`a code that is in no Huffman table, near byte ${at}`);
    },
    signed(wanted) {
      const value = bits(wanted);
      return wanted > 0 && value < 1 << (wanted - 1) ? value - (1 << wanted) + 1 : value;
    },
    restart(number) {
      check();
      while (bytes[at] === 0xff && bytes[at + 1] === 0xff) at++;
      if (bytes[at] !== 0xff || bytes[at + 1] !== 0xd0 + number) {
        if (at + 1 >= bytes.length) throw cut(`${bytes.length} bytes, which end ${place()}`);
        throw damaged(`no restart marker ${number} where one must be, at byte ${at}`);
      }
      at += 2;
      held = 0;
      count = 0;
      padding = 0;
    },
    end() {
      check();
      const left = bytes.length - at + ((count - padding) >> 3);
      // Some programs leave bytes between the last code and the next marker.
      while (at < bytes.length && !(bytes[at] === 0xff && isMarker(bytes[at + 1]))) at++;
      // If an incomplete copy of a file is filled with zeros, it can be decoded too. It is recognized by the bytes that are left.
      if (at >= bytes.length && left > MOST_LEFT) throw cut(`no end marker, and ${left} bytes behind the image's last`);
      return at;
    },
  };
}

const isMarker = (byte: number | undefined) => byte !== undefined && byte !== 0 && byte !== 0xff;
