/**
 * Reads zip archives as PyTorch and Keras write them. Their entries are not compressed, so each one is a range of the file's bytes. Sizes and
 * offsets are read from the central directory (APPNOTE.TXT 6.3.10, with zip64). CRC-32 is checked before an entry is used.
 */
import { InputError } from '../errors.js';
import { crc32 } from './crc32.js';
import { type ByteRange, type Parts, piecesIn, readPart } from './parts.js';

/** A file in an archive. */
export interface ZipEntry {
  name: string;
  /** What the directory says about it; undefined if it is compressed. */
  stored: Stored | undefined;
  /** Where the entry's bytes are in the archive. @throws InputError if they are damaged (by their CRC-32) or compressed */
  place(): ByteRange;
  /** The entry's bytes, as a view of the archive if that is in memory. @throws InputError as `place` does */
  read(): Uint8Array;
}

const END_BYTES = 22;
const LONGEST_COMMENT = 0xffff;
const ZIP64_LOCATOR_BYTES = 20;
const ZIP64_END_BYTES = 56;
const DIRECTORY_BYTES = 46;
/** Bytes of an entry's local header without the entry's name, which follows it. */
export const LOCAL_BYTES = 30;
const UNKNOWN_32 = 0xffffffff;

/**
 * Lists the entries of an archive without reading them.
 * @param placeOf finds the bytes of an entry, and checks them
 * @throws InputError for an archive that is cut, damaged or encrypted
 */
export function openZip(file: Parts, placeOf = placesIn(file)): Map<string, ZipEntry> {
  const { at: start, size } = findDirectory(file);
  const bytes = readPart(file, start, start + size);
  const view = viewOf(bytes);
  const entries = new Map<string, ZipEntry>();
  let total = 0;
  for (let at = 0; at < size; ) {
    if (at + DIRECTORY_BYTES > size || view.getUint32(at, true) !== 0x02014b50) throw broken('its directory is broken');
    const nameBytes = view.getUint16(at + 28, true);
    const extraBytes = view.getUint16(at + 30, true);
    const next = at + DIRECTORY_BYTES + nameBytes + extraBytes + view.getUint16(at + 32, true);
    if (next > size) throw broken('its directory is broken');
    const name = new TextDecoder().decode(bytes.subarray(at + DIRECTORY_BYTES, at + DIRECTORY_BYTES + nameBytes));
    if (entries.has(name)) throw broken(`it holds two entries named '${name}'`);
    const method = view.getUint16(at + 10, true);
    const crc = view.getUint32(at + 16, true);
    const { length, offset, packed } = sizes(view, at, at + DIRECTORY_BYTES + nameBytes, extraBytes);
    if ((view.getUint16(at + 8, true) & 1) !== 0) throw broken(`'${name}' is encrypted`);
    // The entries together cannot be larger than the file. Otherwise a small file could list the same bytes in many entries.
    total += packed;
    if (total > file.size) throw broken(`'${name}' is cut, or overlaps another entry`);
    const stored = method === 0 && packed === length ? { name, offset, length, crc } : undefined;
    const place = () => (stored ? placeOf(stored) : refuseCompressed(name));
    const read = () => {
      const { start, end } = place();
      return readPart(file, start, end);
    };
    entries.set(name, { name, stored, place, read });
    at = next;
  }
  return entries;
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function refuseCompressed(name: string): never {
  throw broken(`'${name}' is compressed`, 'PyTorch and Keras do not compress it: save it there again');
}

function broken(what: string, hint = 'the file is incomplete or damaged: download or copy it again'): InputError {
  return new InputError(`zip archive: ${what}`, { hint });
}

// The end record is at the end of the file. Only a comment of at most 65,535 bytes may follow it.
function findDirectory(file: Parts): { at: number; size: number } {
  const from = Math.max(0, file.size - ZIP64_LOCATOR_BYTES - END_BYTES - LONGEST_COMMENT);
  const view = viewOf(readPart(file, from, file.size));
  const lowest = Math.max(0, view.byteLength - END_BYTES - LONGEST_COMMENT);
  let end = view.byteLength - END_BYTES;
  while (end >= lowest && view.getUint32(end, true) !== 0x06054b50) end--;
  if (end < lowest) throw broken('it has no end record, so it is cut');
  let size = view.getUint32(end + 12, true);
  let at = view.getUint32(end + 16, true);
  const locator = end - ZIP64_LOCATOR_BYTES;
  if (locator >= 0 && view.getUint32(locator, true) === 0x07064b50) {
    const place = readUint64(view, locator + 8);
    if (place + ZIP64_END_BYTES > file.size) throw broken('its directory is broken');
    const record = viewOf(readPart(file, place, place + ZIP64_END_BYTES));
    if (record.getUint32(0, true) !== 0x06064b50) throw broken('its directory is broken');
    size = readUint64(record, 40);
    at = readUint64(record, 48);
  }
  if (at + size > from + end) throw broken('its directory is not where it should be');
  return { at, size };
}

// A size or offset that does not fit into 32 bits has all bits set, and its value is in a zip64 extra field. The field contains only such
// values, in the order length, packed size, offset.
function sizes(view: DataView, at: number, extra: number, extraBytes: number) {
  let length = view.getUint32(at + 24, true);
  let packed = view.getUint32(at + 20, true);
  let offset = view.getUint32(at + 42, true);
  for (let field = extra; field + 4 <= extra + extraBytes; field += 4 + view.getUint16(field + 2, true)) {
    if (view.getUint16(field, true) !== 1) continue;
    const end = Math.min(field + 4 + view.getUint16(field + 2, true), extra + extraBytes);
    let value = field + 4;
    const wide = (given: number) => {
      if (given !== UNKNOWN_32) return given;
      value += 8;
      if (value > end) throw broken('its directory is broken');
      return readUint64(view, value - 8);
    };
    length = wide(length);
    packed = wide(packed);
    offset = wide(offset);
  }
  return { length, packed, offset };
}

/** What the directory says about a stored entry. `offset` is the place of its local header. */
export interface Stored {
  name: string;
  offset: number;
  length: number;
  crc: number;
}

/** A function that finds the bytes of an entry, and checks them piece by piece. */
function placesIn(file: Parts): (entry: Stored) => ByteRange {
  const pieces = piecesIn(file);
  return (entry) => {
    const place = uncheckedPlace(file, entry);
    let crc = 0;
    for (const piece of pieces(place.start, place.end)) crc = crc32(piece, crc);
    checkCrc(entry, crc);
    return place;
  };
}

/** Where the bytes of an entry are, by its local header. @throws InputError if there is none, or if the entry is cut */
export function uncheckedPlace(file: Parts, { name, offset, length }: Stored): ByteRange {
  const isInside = offset + LOCAL_BYTES <= file.size;
  const header = isInside ? viewOf(readPart(file, offset, offset + LOCAL_BYTES)) : undefined;
  if (header?.getUint32(0, true) !== 0x04034b50) throw broken(`'${name}' is not where it should be`);
  const start = offset + LOCAL_BYTES + header.getUint16(26, true) + header.getUint16(28, true);
  const end = start + length;
  if (end > file.size) throw broken(`'${name}' is cut`);
  return { start, end };
}

/** @throws InputError if the bytes of an entry have another CRC-32 than the directory says */
export function checkCrc({ name, crc }: Stored, given: number): void {
  if (given !== crc) throw broken(`'${name}' is damaged (CRC-32)`);
}

function readUint64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}
