/** `#zlib` of a page: inflates and deflates by the browser's streams. In Node, `node/zlib.ts` does the same. */
import { streamPieces } from '../gpu/platform.js';

const streamOf = (parts: readonly Uint8Array[]) => new Blob(parts as readonly BlobPart[] as BlobPart[]).stream();

/**
 * Inflates zlib data (RFC 1950), and gives the bytes piece by piece, so that memory is only needed for one piece.
 * @param take what it throws ends the inflating, and is thrown
 * @throws Error if the data is damaged or cut
 */
export async function inflate(parts: readonly Uint8Array[], take: (piece: Uint8Array) => void): Promise<void> {
  const inflated = streamOf(parts).pipeThrough(new DecompressionStream('deflate'));
  for await (const piece of streamPieces(inflated)) take(piece);
}

/** Deflates at the browser's own level. */
export async function deflate(bytes: Uint8Array): Promise<Uint8Array> {
  const deflated = streamOf([bytes]).pipeThrough(new CompressionStream('deflate'));
  return new Uint8Array(await new Response(deflated).arrayBuffer());
}
