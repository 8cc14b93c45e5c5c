/**
 * Weights whose header is read before their tensors, so that the network is planned and its kernels are compiled while the tensors still come
 * from a server. Those of a Blob are read by slices when they are needed, so that it is never in memory as a whole.
 */
import { platform } from '#gpu';
import { InputError } from '../errors.js';
import type { AwaitedParts } from '../formats/parts.js';
import type { Pieces } from '../gpu/platform.js';
import { type ByteSource, piecesOf, type ReadBytesOptions, readBytes, readPieces } from './bytes.js';

/** Bytes that are being read. */
export interface Coming {
  /** Parts of the bytes; undefined if it is not known how many there are. */
  readonly parts: AwaitedParts | undefined;
  /** All bytes. */
  whole(): Promise<Uint8Array>;
  /** Awaits the last byte. @throws InputError if there are fewer or more bytes than was said at the beginning */
  end(): Promise<void>;
  /** Says that no more bytes are needed. */
  stop(): void;
}

/**
 * Begins to read a source.
 * @throws InputError if the source cannot be read or is too large; later, if it ends early
 */
export async function beginReading(
  source: Exclude<ByteSource, Uint8Array | ArrayBuffer>,
  options: ReadBytesOptions,
): Promise<Coming> {
  if (source instanceof Blob) return slicesOf(source, options);
  if (typeof source !== 'string' && !(source instanceof URL)) return download(piecesOf(source), options);
  return download(await platform.open(source, options.signal), { ...options, what: `${options.what} ${source}` });
}

/**
 * The least bytes of a slice. Most tensors are far smaller, and lie in the file in the order in which they are needed. So one slice serves several
 * of them, since each slice has to be waited for.
 */
const SLICE_BYTES = 4 << 20;

/** A Blob stays where the browser keeps it, such as on the disk. */
function slicesOf(blob: Blob, options: ReadBytesOptions): Coming {
  const { what, maxBytes, signal, onProgress } = options;
  // A Blob that is too large is refused where it is read as a whole.
  if (blob.size > maxBytes)
    return { parts: undefined, whole: () => readBytes(blob, options), end: async () => {}, stop() {} };
  onProgress?.(1);
  const read = async (start: number, end: number) => {
    try {
      const slice = new Uint8Array(await blob.slice(start, end).arrayBuffer());
      if (slice.length === end - start) return slice;
    } catch (cause) {
      throw unreadable((cause as Error).message, cause);
    }
    throw unreadable('it has become shorter');
  };
  const unreadable = (given: string, cause?: unknown) =>
    new InputError(`${what}: the file cannot be read any more`, {
      expected: 'the same file as at the beginning',
      given,
      hint: 'choose it again when nobody writes it any more',
      cause,
    });
  let last = { start: 0, bytes: new Uint8Array(0) };
  const parts: AwaitedParts = {
    size: blob.size,
    async read(at, into) {
      signal?.throwIfAborted();
      let { start, bytes } = last;
      if (at < start || at + into.length > start + bytes.length) {
        start = at;
        bytes = await read(start, Math.min(blob.size, at + Math.max(into.length, SLICE_BYTES)));
        last = { start, bytes };
      }
      into.set(bytes.subarray(at - start, at - start + into.length));
    },
  };
  return { parts, whole: () => readBytes(blob, { ...options, onProgress: undefined }), end: async () => {}, stop() {} };
}

/** Reads all pieces into one array. Its parts can be had as soon as they are there. */
function download(pieces: Pieces, options: ReadBytesOptions): Coming {
  const { size } = pieces;
  let bytes: Uint8Array = new Uint8Array(0);
  let length = 0;
  let isStopped = false;
  let isDone = false;
  let wake = () => {};
  let news = Promise.resolve();
  const tell = () => {
    wake();
    news = new Promise((resolve) => {
      wake = resolve;
    });
  };
  tell();
  const reading = readPieces(pieces, {
    ...options,
    onBytes(all, count) {
      if (isStopped) throw new InputError(`${options.what}: nobody needs it any more`);
      bytes = all;
      length = count;
      tell();
    },
  }).finally(() => {
    isDone = true;
    tell();
  });
  reading.catch(() => {}); // thrown where the bytes are awaited
  const cut = () =>
    new InputError(`${options.what}: the file is ${length > size! ? 'longer than was said' : 'cut'}`, {
      expected: `${size} bytes`,
      given: `${length}`,
      hint: 'get it again',
    });
  const parts = (total: number): AwaitedParts => ({
    size: total,
    async read(at, into) {
      while (length < at + into.length) {
        if (isDone) await reading;
        if (isDone) throw cut();
        await news;
      }
      into.set(bytes.subarray(at, at + into.length));
    },
  });
  return {
    parts: size === undefined ? undefined : parts(size),
    whole: () => reading,
    async end() {
      await reading;
      if (size !== undefined && length !== size) throw cut();
    },
    stop() {
      isStopped = true;
    },
  };
}
