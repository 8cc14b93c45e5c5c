/** Reads bytes, of weights and of images, from a path, URL, Blob, Response or stream into one array. */
import { platform } from '#gpu';
import { InputError } from '../../errors.js';
import type { AwaitedParts } from '../../formats/parts.js';
import { isResponse, openResponse, type Pieces, streamPieces } from '../../gpu/platform.js';

/** What bytes can be read from: a path or URL, the bytes themselves, a Blob, a Response or a stream. */
export type ByteSource =
  | string
  | URL
  | Uint8Array
  | ArrayBuffer
  | Blob
  | Response
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>;

export interface ReadBytesOptions {
  /** What the bytes are, for messages: `weights`. */
  what: string;
  /** Larger files are refused, before anything is allocated if their size is known. Does not apply to bytes that are in memory already. */
  maxBytes: number;
  signal?: AbortSignal | undefined;
  /** Gets the share of the bytes that has been read, 0…1. It is not called for a stream, because the length of a stream is not known. */
  onProgress?: ((done: number) => void) | undefined;
  /** Gets each piece, in their order. It is not called for parts of a Blob. */
  onPiece?: ((bytes: Uint8Array) => void) | undefined;
}

/** Whether something is a stream of bytes. What the stream gives is only checked when it is read. */
export const isStream = (value: unknown): value is ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> =>
  typeof value === 'object' && value !== null && ('getReader' in value || Symbol.asyncIterator in value);

/** Whether a source can be read only once. */
export const readsOnce = (source: unknown): boolean =>
  isStream(source) || (typeof source === 'object' && source !== null && isResponse(source));

/** Whether bytes can be read from something. */
export const isByteSource = (source: unknown): source is ByteSource =>
  typeof source === 'string' ||
  [URL, Uint8Array, ArrayBuffer, Blob].some((type) => source instanceof type) ||
  readsOnce(source);

/** @throws InputError if the source cannot be read, ends early or is too large. */
export async function readBytes(source: ByteSource, options: ReadBytesOptions): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (typeof source !== 'string' && !(source instanceof URL)) return readPieces(piecesOf(source), options);
  return readPieces(await platform.open(source, options.signal), { ...options, what: `${options.what} ${source}` });
}

/** A source piece by piece. */
export function piecesOf(source: Blob | Response | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>): Pieces {
  if (source instanceof Blob) return { size: source.size, pieces: streamPieces(source.stream()) };
  if (isResponse(source)) return openResponse(source);
  return { size: undefined, pieces: 'getReader' in source ? streamPieces(source) : source };
}

/** The pieces of a source, each of which is checked. @throws InputError if they exceed `maxBytes`, or are no bytes */
export async function* checkedPieces(
  { size, pieces }: Pieces,
  { what, maxBytes, onProgress, onPiece }: ReadBytesOptions,
): AsyncGenerator<Uint8Array> {
  const tooLarge = (bytes: number) =>
    new InputError(`${what} is too large`, { expected: `at most ${maxBytes} bytes`, given: `${bytes} bytes` });
  if (size !== undefined && size > maxBytes) throw tooLarge(size);
  let length = 0;
  for await (const piece of pieces) {
    if (!(piece instanceof Uint8Array)) {
      throw new InputError(`${what}: a stream of something else`, {
        expected: 'Uint8Array pieces',
        given: Object.prototype.toString.call(piece),
      });
    }
    length += piece.length;
    if (length > maxBytes) throw tooLarge(length);
    onPiece?.(piece);
    yield piece;
    if (size) onProgress?.(Math.min(1, length / size));
  }
}

/** Collects pieces into one array. @throws InputError as `checkedPieces` does */
export async function readPieces(source: Pieces, options: ReadBytesOptions): Promise<Uint8Array> {
  // The array is allocated once if the size is known; otherwise it is doubled each time it is full.
  let all = new Uint8Array(0);
  let length = 0;
  for await (const piece of checkedPieces(source, options)) {
    const needed = length + piece.length;
    if (needed > all.length) {
      const least = length ? all.length * 2 : (source.size ?? 1 << 20);
      const grown = new Uint8Array(Math.min(options.maxBytes, Math.max(least, needed)));
      grown.set(all.subarray(0, length));
      all = grown;
    }
    all.set(piece, length);
    length = needed;
  }
  return all.subarray(0, length);
}

/** Bytes that are being read. */
export interface Coming {
  /** Parts of the bytes; undefined if it is not known how many there are. */
  readonly parts: AwaitedParts | undefined;
  /** All bytes, in one array. It should be called early, since what has come before has to be copied into that array. */
  whole(): Promise<Uint8Array>;
  /** Says that each byte is read at most once from now on, and never as a whole, so that it can be forgotten then. */
  dropRead(): void;
  /** Awaits the last byte. @throws InputError if there are fewer or more bytes than was said at the beginning */
  end(): Promise<void>;
  /** Says that no more bytes are needed. */
  stop(): void;
}
