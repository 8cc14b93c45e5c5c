/**
 * Weights whose header is read before their tensors, so that the network is planned and its kernels are compiled while the tensors still come
 * from a server. Those of a Blob are read by slices when they are needed, so that it is never in memory as a whole.
 */
import { platform } from '#gpu';
import { InputError } from '../../errors.js';
import type { AwaitedParts } from '../../formats/parts.js';
import { type ByteSource, type Coming, piecesOf, type ReadBytesOptions, readBytes } from './bytes.js';
import { download } from './download.js';

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

const nothingToDo = { dropRead() {}, end: async () => {}, stop() {} };

/** A Blob stays where the browser keeps it, such as on the disk. */
function slicesOf(blob: Blob, options: ReadBytesOptions): Coming {
  const { what, maxBytes, signal, onProgress } = options;
  // A Blob that is too large is refused where it is read as a whole.
  if (blob.size > maxBytes) return { parts: undefined, whole: () => readBytes(blob, options), ...nothingToDo };
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
    isRandom: true,
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
  return { parts, whole: () => readBytes(blob, { ...options, onProgress: undefined }), ...nothingToDo };
}
