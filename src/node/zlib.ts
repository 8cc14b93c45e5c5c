/** `#zlib` of Node, Deno and Bun: inflates and deflates by the platform's zlib, in its threads. In pages, `web/zlib.ts` does the same. */
import { promisify } from 'node:util';
import { createInflate, deflate as deflateBytes } from 'node:zlib';

/** Bytes of a piece. Each piece costs a turn of the event loop; with Node's usual 16 KiB, those turns take as long as the inflating. */
const PIECE = 1 << 17;

/**
 * Inflates zlib data (RFC 1950), and gives the bytes piece by piece, so that memory is only needed for one piece.
 * @param take what it throws ends the inflating, and is thrown
 * @throws Error if the data is damaged or cut
 */
export async function inflate(parts: readonly Uint8Array[], take: (piece: Uint8Array) => void): Promise<void> {
  const inflater = createInflate({ chunkSize: PIECE });
  for (const part of parts) inflater.write(part);
  inflater.end();
  for await (const piece of inflater as AsyncIterable<Uint8Array>) take(piece);
}

/** @param level 1 (fast) to 9 (small) */
export async function deflate(bytes: Uint8Array, level: number): Promise<Uint8Array> {
  return promisify<Uint8Array, object, Uint8Array>(deflateBytes)(bytes, { level, chunkSize: PIECE });
}
