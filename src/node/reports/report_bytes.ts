/** Reads the bytes and the text of a report file, within bounds. */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { InputError } from '../../errors.js';

/** The longest report that is read. Usual radiology reports have a few kilobytes. */
export const maxReportBytes = 1 << 20;

export interface OpenOptions {
  /** Encoding of text and CSV files, as a label of the WHATWG encoding standard. Default: UTF-8. */
  encoding?: string;
  /** Called with the number of bytes read from disk since the last call, for showing progress. */
  onBytes?(count: number): void;
  signal?: AbortSignal;
}

/** The bytes of a file, decompressed if its name ends in `.gz` or `.tgz`. */
export function openFile(path: string, { onBytes, signal }: OpenOptions): Readable {
  const file = createReadStream(path, { highWaterMark: 1 << 18, signal });
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of file as AsyncIterable<Buffer>) {
      onBytes?.(chunk.length);
      yield chunk;
    }
  };
  const bytes = Readable.from(counted(), { objectMode: false });
  if (!/\.(tgz|gz)$/i.test(path)) return bytes;
  const gunzip = createGunzip();
  bytes.on('error', (error) => gunzip.destroy(error));
  gunzip.on('close', () => bytes.destroy());
  return bytes.pipe(gunzip);
}

/**
 * Collects all bytes of a stream, of which never more than `limit` are in memory.
 * @param drain reads a stream that is too long to its end all the same, so that the next entry of an archive can be read.
 * @throws InputError if there are more than `limit` bytes.
 */
export async function collect(
  stream: AsyncIterable<unknown>,
  limit: number,
  source: string,
  drain = false,
): Promise<Uint8Array> {
  let chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size <= limit) chunks.push(chunk);
    else chunks = [];
    if (size > limit && !drain) break;
  }
  if (size > limit) {
    throw new InputError(`${source}: too long for one report`, {
      expected: `at most ${limit / 2 ** 20} MiB`,
      hint: 'A text or XML file is one report. For many reports use a folder, an archive or a CSV with a row each.',
    });
  }
  return Buffer.concat(chunks);
}

/** Control characters, which a report hardly has, besides tabs and ends of lines and pages. */
const CONTROLS = /(?!\s)\p{Cc}/gu;

/**
 * Whether a text is not one: it has a NUL, or every 50th character is a control character. UTF-8 and latin1 decode many other files without
 * an error, and a report in which nothing can be read would count as normal.
 */
const isBinary = (text: string) => text.includes('\0') || (text.match(CONTROLS)?.length ?? 0) * 50 > text.length;

/** Decodes bytes to text, in pieces or at once. `end` must be called, to notice a character that is cut off at the end. */
export function textDecoder(source: string, encoding = 'utf-8'): { write(bytes: Uint8Array): string; end(): string } {
  let decoder: TextDecoder;
  try {
    decoder = new TextDecoder(encoding, { fatal: true });
  } catch (cause) {
    throw new InputError('encoding: unknown', {
      expected: 'a label like utf-8, latin1 or utf-16le',
      given: encoding,
      cause,
    });
  }
  const decode = (bytes?: Uint8Array): string => {
    try {
      const text = bytes ? decoder.decode(bytes, { stream: true }) : decoder.decode();
      if (!isBinary(text)) return text;
    } catch (cause) {
      throw new InputError(`${source}: is not ${encoding.toUpperCase()}`, {
        hint: 'If the file is in another encoding, name it: --encoding latin1.',
        cause,
      });
    }
    throw new InputError(`${source}: is not text`, { expected: 'a report', given: 'bytes of another kind of file' });
  };
  return { write: decode, end: () => decode() };
}
