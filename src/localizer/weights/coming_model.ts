/**
 * Finds out which network weights belong to before all of them are there. This module is only loaded for weights that are neither in memory nor in
 * a file of this machine.
 */
import { platform } from '#gpu';
import { awaitCheckpoint } from '../../formats/weights/awaited_checkpoint.js';
import { type Checkpoint, NotInMemoryError } from '../../formats/weights/checkpoint.js';
import type { Model } from '../../nets/model.js';
import { type ByteSource, type Coming, checkedPieces, piecesOf, type ReadBytesOptions, readBytes } from './bytes.js';
import { beginReading } from './coming_weights.js';
import { type Algorithm, checkHash, hashOf, parseIntegrity } from './integrity.js';
import type { OnFile } from './weights_input.js';

/** A network that is known before all of its weights are there. */
export interface ComingModel {
  /** The numbers of its tensors may have to be awaited: `piecesOf` and `numbersOf` give them. */
  readonly model: Model;
  /** Says that each tensor is read at most once from now on, so that its bytes can be forgotten then. */
  dropRead(): void;
  /** Awaits the last byte of the weights. @throws InputError if they are cut, or have another hash than the option `integrity` */
  end(): Promise<void>;
  /** Says that no more of the weights are needed. */
  stop(): void;
}

/** How `model.ts` reads weights. */
export interface Reading extends ReadBytesOptions {
  readonly integrity: string | undefined;
  readonly onFile: OnFile | undefined;
  readonly prefix: string | undefined;
  /** The checkpoint in the bytes of weights. */
  decode(bytes: Uint8Array): Promise<Checkpoint>;
  /** The network that tensors belong to. */
  describe(checkpoint: Checkpoint): Promise<Model>;
}

/** As `beginModel` does it, for weights that are not kept. */
export async function comingModel(
  source: Exclude<ByteSource, Uint8Array | ArrayBuffer>,
  reading: Reading,
): Promise<ComingModel> {
  if (source instanceof Blob && reading.integrity !== undefined) {
    await checkBlob(source, reading, reading.integrity);
    return comingModel(source, { ...reading, integrity: undefined });
  }
  const { integrity, onFile, onProgress } = reading;
  const algorithm = integrity === undefined ? undefined : parseIntegrity(integrity).algorithm;
  const hash = algorithm && platform.hasher?.(algorithm);
  const coming = await beginReading(source, { ...reading, onPiece: hash && ((piece) => hash.update(piece)) });
  const whole = (algorithm && !hash) || onFile ? coming.whole() : undefined;
  whole?.catch(() => {}); // thrown in `end`
  const dropRead = whole ? () => {} : coming.dropRead;
  const end = async () => {
    await coming.end();
    if (integrity !== undefined)
      await checkHash(async (by) => (hash ? hash.digest() : hashOf((await whole)!, by)), integrity, 'weights');
    if (whole) onFile?.('', await whole);
    onProgress?.(1);
  };
  try {
    return { model: await describeComing(coming, reading), dropRead, end, stop: coming.stop };
  } catch (error) {
    // Bytes with another hash than `integrity` are refused for that, whatever else is wrong with them.
    dropRead();
    if (integrity !== undefined) await end();
    coming.stop();
    throw error;
  }
}

/**
 * The hash of a Blob is computed before its tensors are read, so its bytes are read twice, because they then need not be in memory together with
 * what is made of them. In pages they are in memory as a whole while the hash is computed.
 */
async function checkBlob(blob: Blob, reading: Reading, integrity: string): Promise<void> {
  const { what, maxBytes, onProgress } = reading;
  const byPieces = async (hash: NonNullable<ReturnType<NonNullable<typeof platform.hasher>>>) => {
    for await (const piece of checkedPieces(piecesOf(blob), { what, maxBytes, onProgress })) hash.update(piece);
    return hash.digest();
  };
  const hashBy = async (algorithm: Algorithm) => {
    const hash = platform.hasher?.(algorithm);
    return hash ? byPieces(hash) : hashOf(await readBytes(blob, { what, maxBytes, onProgress }), algorithm);
  };
  await checkHash(hashBy, integrity, what);
}

async function describeComing(coming: Coming, { decode, describe, prefix }: Reading): Promise<Model> {
  try {
    const checkpoint = coming.parts && (await awaitCheckpoint(coming.parts, prefix));
    if (checkpoint) return await describe(checkpoint);
  } catch (error) {
    // Of some networks the numbers of a tensor have to be looked at, or are rearranged.
    if (!(error instanceof NotInMemoryError)) throw error;
  }
  return describe(await decode(await coming.whole()));
}
