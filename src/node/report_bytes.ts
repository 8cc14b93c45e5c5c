/** The bytes and the text of a report file, within bounds. */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { InputError } from '../errors.js';

/** The longest report that is read. Radiology reports have a few kilobytes. */
export const maxReportBytes = 1 << 20;

export interface OpenOptions {
  /** How text and CSV files are encoded: a label of the WHATWG encoding standard. Default: UTF-8. */
  encoding?: string;
  /** Bytes read from disk since the last call, for progress. */
  onBytes?(count: number): void;
  signal?: AbortSignal;
}

/** The file's bytes, decompressed where its name says so. */
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
 * All bytes of a stream.
 * @param drain read what is too long to its end all the same, so that what follows in an archive can be read.
 * @throws InputError where there are more than `limit`; no more than that is ever held.
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

/** Turns bytes into text, in pieces or at once. `end` must be called: a character may have been cut off. */
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
      return bytes ? decoder.decode(bytes, { stream: true }) : decoder.decode();
    } catch (cause) {
      throw new InputError(`${source}: is not ${encoding.toUpperCase()}`, {
        hint: 'If the file is in another encoding, name it: --encoding latin1.',
        cause,
      });
    }
  };
  return { write: decode, end: () => decode() };
}
