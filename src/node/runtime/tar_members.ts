/**
 * Filters the undamaged members out of a tar archive. A tar reader cannot continue after a damaged header, since it does not know where the
 * next one is. This filter is put in front of it and only passes on members with undamaged headers. After a damaged one it looks for the next
 * header at each block of 512 bytes. The content of the member in between is lost.
 */

const block = 512;
/** The longest extended header (for long names and attributes) that is kept in memory. */
const maxExtended = 1 << 20;

/** A member that is left out. */
export interface LostMember {
  /** The name in its header; '' if it is not legible. */
  name: string;
  /** Place of its header in the archive, in bytes. */
  at: number;
  reason: string;
}

interface Header {
  name: string;
  type: string;
  size: number;
  /** Whether it has the `ustar` mark, as all formats since 1988 have. */
  marked: boolean;
}

const textOf = (bytes: Buffer): string => {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
};
const isText = (text: string): boolean => !text.includes('\ufffd') && /^[\p{L}\p{N}\p{P}\p{S} ]+$/u.test(text);

/** A number as tar writes it: octal digits, or base 256 if the first bit is set. NaN if it is neither. */
function numberOf(bytes: Buffer): number {
  if (bytes[0]! & 0x80) {
    if (bytes[0] !== 0x80) return Number.NaN;
    return bytes.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
  }
  const digits = textOf(bytes).trim();
  if (digits === '') return 0;
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN;
}

/** The header in a block, or a text that says why the block is not a header. */
function headerOf(bytes: Buffer): Header | string {
  let sum = 8 * 32;
  for (let at = 0; at < block; at++) if (at < 148 || at >= 156) sum += bytes[at]!;
  if (numberOf(bytes.subarray(148, 156)) !== sum) return 'its header is damaged: the checksum does not hold';
  const size = numberOf(bytes.subarray(124, 136));
  if (!Number.isSafeInteger(size)) return 'its header gives a size that no file has';
  const name = textOf(bytes.subarray(0, 100));
  const code = bytes[156]!;
  const type = code === 0 ? '0' : String.fromCharCode(code);
  const folder = type === '5' || (type === '0' && name.endsWith('/'));
  return { name, type, size: folder ? 0 : size, marked: bytes.toString('latin1', 257, 262) === 'ustar' };
}

/** The size of the member according to an extended header; undefined if it has no size, NaN if it is damaged. */
function extendedSize(body: Buffer): number | undefined {
  let size: number | undefined;
  for (let at = 0; at < body.length; ) {
    const digits = /^(\d{1,7}) /.exec(body.toString('latin1', at, at + 8))?.[1];
    const end = at + Number(digits);
    if (digits === undefined || end <= at + digits.length + 1 || end > body.length || body[end - 1] !== 10)
      return Number.NaN;
    const record = body.toString('latin1', at + digits.length + 1, Math.min(end - 1, at + 64));
    if (record.startsWith('size=')) {
      size = Number(record.slice(5));
      if (!Number.isSafeInteger(size) || size < 0) return Number.NaN;
    }
    at = end;
  }
  return size;
}

/** The place in the archive, and what is known of the member there. */
interface Place {
  /** In bytes from the beginning of the archive. */
  position: number;
  /** Bytes of the current content, padding included, that have not been read yet. */
  remaining: number;
  /** Whether the current content is passed on. */
  isPassing: boolean;
  /** The extended header that is being read. */
  collecting?: { type: string; size: number; parts: Buffer[] } | undefined;
  /** Extended headers that are kept until the header of their member comes. */
  held: Buffer[];
  /** The size of the next member according to its extended header. */
  size?: number | undefined;
  /** Why the next member is left out. */
  refusal?: string | undefined;
  /** Whether the next header is searched for, because one was damaged. */
  isSearching: boolean;
  /** Whether there has been an undamaged header, and one with the `ustar` mark. */
  hasHeader: boolean;
  hasMark: boolean;
  /** A damaged first header. If the file has no header at all, it is not an archive. The tar reader reports that, so this is not reported. */
  first?: LostMember | undefined;
}

/**
 * Passes on the bytes of `archive`, without members whose header or extended header is damaged. Besides the current chunk, at most twice
 * `maxExtended` bytes are in memory.
 */
export async function* soundMembers(
  archive: AsyncIterable<Uint8Array>,
  onLost: (member: LostMember) => void,
): AsyncGenerator<Buffer> {
  let pending: Buffer = Buffer.alloc(0);
  const place: Place = {
    ...{ position: 0, remaining: 0, isPassing: true },
    ...{ held: [], isSearching: false, hasHeader: false, hasMark: false },
  };
  for await (const chunk of archive) {
    pending =
      pending.length === 0
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
        : Buffer.concat([pending, chunk]);
    let at = 0;
    while (at < pending.length) {
      const isContent = place.remaining > 0;
      if (!isContent && pending.length - at < block) break;
      const part = pending.subarray(at, Math.min(pending.length, at + (isContent ? place.remaining : block)));
      for (const passed of isContent ? readContent(place, part) : readHeader(place, part, onLost)) yield passed;
      at += part.length;
      place.position += part.length;
      if (place.collecting && place.remaining === 0) endExtended(place, place.collecting);
    }
    pending = pending.subarray(at);
  }
  if (place.remaining > 0 && (place.collecting || !place.isPassing)) throw new Error('Unexpected end of data');
  if (pending.length > 0 && !place.isSearching) yield pending;
}

/** Takes a part of the current content. @returns the bytes to pass on */
function readContent(place: Place, part: Buffer): Buffer[] {
  place.remaining -= part.length;
  if (place.collecting) place.collecting.parts.push(part);
  else if (place.isPassing) return [part];
  return [];
}

/** Takes the block in which a header is expected. @returns the bytes to pass on */
function readHeader(place: Place, bytes: Buffer, onLost: (member: LostMember) => void): Buffer[] {
  const found = headerOf(bytes);
  if (typeof found === 'string' || (place.isSearching && place.hasMark && !found.marked)) {
    // Blocks of zeros end an archive. While a header is searched for, they may also be content of the member that is lost.
    if (bytes.every((byte) => byte === 0)) return place.isSearching ? [] : [bytes];
    if (!place.isSearching) loseHeader(place, bytes, typeof found === 'string' ? found : 'is not a header', onLost);
    place.isSearching = true;
    forgetExtended(place);
    return [];
  }
  place.isSearching = false;
  place.hasHeader = true;
  place.hasMark ||= found.marked;
  if (place.first) onLost(place.first);
  place.first = undefined;
  if (!/[xgLK]/.test(found.type)) return beginMember(place, found, bytes, onLost);
  beginExtended(place, found, bytes);
  return [];
}

/** Reports a damaged header. */
function loseHeader(place: Place, bytes: Buffer, reason: string, onLost: (member: LostMember) => void): void {
  const name = textOf(bytes.subarray(0, 100));
  const lost = { name: isText(name) ? name : '', at: place.position, reason };
  if (place.hasHeader) onLost(lost);
  else place.first = lost;
}

/** Begins a member. @returns its headers if it is passed on */
function beginMember(
  place: Place,
  { name, size }: Header,
  bytes: Buffer,
  onLost: (member: LostMember) => void,
): Buffer[] {
  const isDamaged = Number.isNaN(place.size);
  if (isDamaged) place.refusal ??= 'its extended header is damaged';
  place.remaining = padded(isDamaged ? size : (place.size ?? size));
  place.isPassing = place.refusal === undefined;
  if (place.refusal !== undefined) {
    onLost({ name: isText(name) ? name : '', at: place.position, reason: place.refusal });
  }
  const headers = place.isPassing ? [...place.held, bytes] : [];
  forgetExtended(place);
  return headers;
}

function beginExtended(place: Place, { type, size }: Header, bytes: Buffer): void {
  place.remaining = padded(size);
  place.isPassing = false;
  if (size <= maxExtended) place.collecting = { type, size, parts: [bytes] };
  else place.refusal ??= `its extended header has ${size} bytes; expected at most ${maxExtended}`;
}

/** Keeps an extended header that has been read whole. */
function endExtended(place: Place, { type, size, parts }: NonNullable<Place['collecting']>): void {
  const whole = Buffer.concat(parts);
  if (type === 'x' || type === 'g') place.size = extendedSize(whole.subarray(block, block + size)) ?? place.size;
  place.held.push(whole);
  const bytes = place.held.reduce((sum, part) => sum + part.length, 0);
  if (bytes > 2 * maxExtended) place.refusal = 'it has too many extended headers';
  if (place.refusal !== undefined) place.held = [];
  place.collecting = undefined;
}

/** Extended headers only hold for the next member. */
function forgetExtended(place: Place): void {
  place.held = [];
  place.size = place.refusal = undefined;
}

const padded = (size: number): number => Math.ceil(size / block) * block;
