/** Receives a file that is going to be kept: it is written as it comes where the platform can do that, and is in memory elsewhere. */
import { platform } from '#gpu';
import type { GrowingKeptFile, KeptFile, KeptFiles, Pieces } from '../../gpu/platform.js';
import { checkedPieces, type ReadBytesOptions, readPieces } from './bytes.js';
import { checkHash, checkIntegrity, hashOf, parseIntegrity } from './integrity.js';

/** A file that was fetched, whose hash was checked, and that can be kept. */
export interface Received {
  readonly content: Pick<KeptFile, 'bytes' | 'inParts'>;
  /** Puts it in the place of the file that was kept before. @throws Error if that fails */
  keep(): Promise<void>;
  /** Removes what was written of it. */
  discard(): Promise<void>;
}

/** How a file is received. */
export interface Receiving extends ReadBytesOptions {
  readonly integrity: string | undefined;
  /** What is noted of the file. @param sha256 the hash of its bytes in hexadecimal */
  noteOf(sha256: string): string;
}

/** Thrown where a file cannot be written while it comes. What was written is removed then. */
export class NotWrittenError extends Error {
  override name = 'NotWrittenError';
}

/** Where a file goes. */
export interface Place {
  readonly files: KeptFiles;
  readonly key: string;
  /** Where it goes as it comes; undefined where the platform has no such files. */
  readonly growing: GrowingKeptFile | undefined;
}

/** Bytes as hexadecimal digits. */
export const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/**
 * @param place undefined if the file is not to be kept
 * @throws InputError for a file that is too large or has another hash than `integrity`; NotWrittenError
 */
export const receive = (source: Pieces, how: Receiving, place?: Place): Promise<Received> =>
  place?.growing && platform.hasher
    ? receiveInto(place.growing, source, how, platform.hasher)
    : receiveInMemory(source, how, place);

async function receiveInMemory(source: Pieces, how: Receiving, place: Place | undefined): Promise<Received> {
  const bytes = await readPieces(source, how);
  if (how.integrity !== undefined) await checkIntegrity(bytes, how.integrity, how.what);
  const keep = async () => place?.files.write?.(place.key, bytes, how.noteOf(hex(await hashOf(bytes, 'sha256'))));
  return { content: { bytes }, keep, async discard() {} };
}

async function receiveInto(
  file: GrowingKeptFile,
  source: Pieces,
  how: Receiving,
  hasher: NonNullable<typeof platform.hasher>,
): Promise<Received> {
  const { integrity, what } = how;
  const hash = hasher('sha256');
  const algorithm = integrity === undefined ? 'sha256' : parseIntegrity(integrity).algorithm;
  const other = algorithm === 'sha256' ? undefined : hasher(algorithm);
  try {
    for await (const piece of checkedPieces(source, how)) {
      hash.update(piece);
      other?.update(piece);
      await file.write(piece).catch(refuse);
    }
    const sha256 = hash.digest();
    if (integrity !== undefined) await checkHash(() => other?.digest() ?? sha256, integrity, what);
    const content = await file.end(how.noteOf(hex(sha256))).catch(refuse);
    return { content, keep: file.keep, discard: file.discard };
  } catch (error) {
    await file.discard();
    throw error;
  }
}

function refuse(cause: Error): never {
  throw new NotWrittenError(cause.message, { cause });
}
