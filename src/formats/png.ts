/** PNG: decoded by the platform's own inflater and the rows of `png_rows.ts`, encoded by pngjs. https://www.w3.org/TR/png-3/ */
import { InputError } from '../errors.js';
import { settleBits } from './bits.js';
import { upright } from './orientation.js';
import { checkImage, checkSize, type DecodeOptions, type Image } from './pixels.js';
import { ADAM7, COLOR_TYPES, cut, type PngHeader, readChunks, WHOLE_IMAGE } from './png_header.js';
import { profileOrientation } from './png_profile.js';
import { createRowReader, type RowReader } from './png_rows.js';
import { firstOf } from './several_pictures.js';

/** Deflate packs a byte into no fewer than 1/1032 of one. */
const MAX_DEFLATE_RATIO = 1032;

/**
 * Decodes a PNG: grey (also with alpha) to one channel, RGB and palette to three; 16 bits stay 16 bits (see `settleBits`), fewer than 8
 * are scaled to 8. Of an animated PNG the first picture is read, and that is told. Transparent pixels are blended with black. An EXIF orientation is applied and told, as in a JPEG. Colour profiles and gamma are not applied. Beside the image only
 * the compressed bytes and three rows are held. Throws an InputError for a file that is cut, damaged (CRC-32) or larger than
 * `maxImageBytes`, never a half-filled image.
 */
export async function decodePng(bytes: Uint8Array, options: DecodeOptions = {}): Promise<Image> {
  const { data: compressed, profile, ...header } = readChunks(bytes);
  const { width, height, depth, colorType, significantBits, frames } = header;
  const channels = colorType === 0 || colorType === 4 ? 1 : 3;
  checkSize('png', width, height, channels * (depth === 16 ? 2 : 1), options);
  const compressedBytes = compressed.reduce((sum, part) => sum + part.length, 0);
  if (inflatedBytes(header) > MAX_DEFLATE_RATIO * (compressedBytes + 1)) throw cut(`${compressedBytes} bytes of data`);
  let rows = createRowReader(header);
  await inflate(compressed, rows);
  if (!rows.done)
    throw new InputError('png: wrong amount of pixels', { expected: 'what the header says', given: 'fewer' });
  const opaque = rows.opaque(options.bits ?? (significantBits === 16 ? 16 : undefined));
  // What an opaque pixel is shows when all are read, and few files call it less than their depth does.
  if (opaque < 2 ** Math.max(8, depth) - 1) {
    rows = createRowReader(header, opaque);
    await inflate(compressed, rows);
  }
  const image: Image = {
    ...{ data: rows.data, width, height, channels: rows.channels },
    ...(frames > 1 ? { warnings: [firstOf('an animated PNG', frames)] } : {}),
  };
  const orientation = profile ? await profileOrientation(profile.text, profile.isCompressed) : header.orientation;
  return upright(settleBits(image, options.bits, significantBits), orientation);
}

/** Inflates piece by piece. The first piece that the rows refuse ends it. */
async function inflate(parts: Uint8Array[], rows: RowReader): Promise<void> {
  const source = new Blob(parts as BlobPart[]).stream().pipeThrough(new DecompressionStream('deflate'));
  const reader = source.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rows.push(value);
    }
  } catch (cause) {
    await reader.cancel().catch(() => {}); // it may have failed already
    if (cause instanceof InputError) throw cause;
    throw new InputError('png: the pixels do not inflate', { hint: 'the file is incomplete or damaged', cause });
  }
}

/** Bytes of the inflated pixels: each row of each pass is led by its filter's number. */
function inflatedBytes({ width, height, depth, colorType, interlaced }: PngHeader): number {
  let bytes = 0;
  for (const [x, y, dx, dy] of interlaced ? ADAM7 : WHOLE_IMAGE) {
    const columns = Math.ceil((width - x) / dx);
    const rows = Math.ceil((height - y) / dy);
    if (columns > 0 && rows > 0)
      bytes += rows * (1 + Math.ceil((columns * COLOR_TYPES[colorType].samples * depth) / 8));
  }
  return bytes;
}

/** Encodes an image of 1, 3 or 4 channels, 8 or 16 bits. */
export async function encodePng(image: Image): Promise<Uint8Array> {
  checkImage(image);
  const { data, width, height, channels } = image;
  const { PNG, toBuffer } = await loadPngjs();
  const colorType = ({ 1: 0, 3: 2, 4: 6 } as const)[channels];
  const file = PNG.sync.write({ width, height, data: toBuffer(data) } as InstanceType<typeof PNG>, {
    colorType,
    inputColorType: colorType,
    inputHasAlpha: channels === 4,
    bitDepth: data instanceof Uint16Array ? 16 : 8,
  });
  return new Uint8Array(file);
}

async function loadPngjs() {
  const { PNG } = await import('#pngjs');
  // The build for pages brings a Buffer of its own, and reads no other.
  const Buffer = new PNG({ width: 1, height: 1 }).data.constructor as typeof globalThis.Buffer;
  return {
    PNG,
    toBuffer: ({ buffer, byteOffset, byteLength }: Uint8Array | Uint16Array) => {
      if (byteLength === buffer.byteLength && buffer instanceof ArrayBuffer) return Buffer.from(buffer);
      // pngjs reads 16-bit pixels from the start of the underlying memory.
      return Buffer.from(new Uint8Array(new Uint8Array(buffer, byteOffset, byteLength)).buffer);
    },
  };
}
