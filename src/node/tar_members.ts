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

/**
 * Passes on the bytes of `archive`, without members whose header or extended header is damaged. Besides the current chunk, at most twice
 * `maxExtended` bytes are in memory.
 */
export async function* soundMembers(
  archive: AsyncIterable<Uint8Array>,
  onLost: (member: LostMember) => void,
): AsyncGenerator<Buffer> {
  let pending: Buffer = Buffer.alloc(0);
  let position = 0;
  /** Bytes of the current content, padding included, that have not been read yet. */
  let remaining = 0;
  let passing = true;
  /** Extended headers that are kept until the header of their member comes. */
  let held: Buffer[] = [];
  let collecting: { type: string; size: number; parts: Buffer[] } | undefined;
  let size: number | undefined;
  let refusal: string | undefined;
  let first: LostMember | undefined;
  let seen = false;
  let marked = false;
  let searching = false;

  /** Handles the block in which a header is expected. @returns the bytes to pass on. */
  function header(bytes: Buffer): Buffer[] {
    const found = headerOf(bytes);
    if (typeof found === 'string' || (searching && marked && !found.marked)) {
      if (bytes.every((byte) => byte === 0)) return searching ? [] : [bytes];
      if (!searching) {
        const name = textOf(bytes.subarray(0, 100));
        const lost = {
          name: isText(name) ? name : '',
          at: position,
          reason: typeof found === 'string' ? found : 'is no header',
        };
        // If the file has no header at all, it is not an archive. The tar reader reports that, so nothing is reported here.
        if (seen) onLost(lost);
        else first = lost;
      }
      searching = true;
      held = [];
      size = refusal = undefined;
      return [];
    }
    searching = false;
    seen = true;
    marked ||= found.marked;
    if (first) onLost(first);
    first = undefined;
    if (/[xgLK]/.test(found.type)) {
      remaining = padded(found.size);
      passing = false;
      if (found.size > maxExtended)
        refusal ??= `its extended header has ${found.size} bytes; expected at most ${maxExtended}`;
      else collecting = { type: found.type, size: found.size, parts: [bytes] };
      return [];
    }
    if (Number.isNaN(size)) {
      refusal ??= 'its extended header is damaged';
      size = undefined;
    }
    remaining = padded(size ?? found.size);
    passing = refusal === undefined;
    if (refusal !== undefined) onLost({ name: isText(found.name) ? found.name : '', at: position, reason: refusal });
    const out = passing ? [...held, bytes] : [];
    held = [];
    size = refusal = undefined;
    return out;
  }

  for await (const chunk of archive) {
    pending =
      pending.length === 0
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
        : Buffer.concat([pending, chunk]);
    let at = 0;
    while (at < pending.length) {
      if (remaining > 0) {
        const part = pending.subarray(at, at + Math.min(remaining, pending.length - at));
        at += part.length;
        position += part.length;
        remaining -= part.length;
        if (collecting) collecting.parts.push(part);
        else if (passing) yield part;
      } else {
        if (pending.length - at < block) break;
        for (const part of header(pending.subarray(at, at + block))) yield part;
        at += block;
        position += block;
      }
      if (collecting && remaining === 0) {
        const whole = Buffer.concat(collecting.parts);
        if (collecting.type === 'x' || collecting.type === 'g') {
          const given = extendedSize(whole.subarray(block, block + collecting.size));
          if (given !== undefined) size = given;
        }
        held.push(whole);
        if (held.reduce((sum, part) => sum + part.length, 0) > 2 * maxExtended)
          refusal = 'it has too many extended headers';
        if (refusal !== undefined) held = [];
        collecting = undefined;
      }
    }
    pending = pending.subarray(at);
  }
  if (remaining > 0 && (collecting || !passing)) throw new Error('Unexpected end of data');
  if (pending.length > 0 && !searching) yield pending;
}

const padded = (size: number): number => Math.ceil(size / block) * block;
