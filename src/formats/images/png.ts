/** Reads PNG (https://www.w3.org/TR/png-3/). The platform inflates. */
import { inflate } from '#zlib';
import { InputError } from '../../errors.js';
import { settleBits } from './bits.js';
import { upright } from './orientation.js';
import { checkSize, type DecodeOptions, type Image } from './pixels.js';
import { ADAM7, COLOR_TYPES, cut, type PngHeader, readChunks, WHOLE_IMAGE } from './png_header.js';
import { profileOrientation } from './png_profile.js';
import { createRowReader, type RowReader } from './png_rows.js';
import { firstOf } from './several_pictures.js';

/** The highest compression ratio of deflate: one compressed byte gives at most 1032 bytes. */
const MAX_DEFLATE_RATIO = 1032;

/**
 * Decodes a PNG: grey (with or without alpha) to one channel, RGB and palette to three. Samples of 16 bits stay 16 bits (see `settleBits`),
 * those of fewer than 8 are scaled to 8. Transparent pixels are blended with black. Only the first picture of an animated PNG is read, and
 * an EXIF orientation is applied, both with a warning. Colour profiles and gamma are not applied. Beside the image, memory is only needed
 * for the compressed bytes and three rows.
 * @throws InputError for a file that is cut, damaged (by its CRC-32) or larger than `maxImageBytes`
 */
export async function decodePng(bytes: Uint8Array, options: DecodeOptions = {}): Promise<Image> {
  const { data: compressed, profile, ...header } = readChunks(bytes);
  const { width, height, depth, colorType, significantBits, frames } = header;
  const channels = colorType === 0 || colorType === 4 ? 1 : 3;
  checkSize('png', width, height, channels * (depth === 16 ? 2 : 1), options);
  const compressedBytes = compressed.reduce((sum, part) => sum + part.length, 0);
  if (inflatedBytes(header) > MAX_DEFLATE_RATIO * (compressedBytes + 1)) throw cut(`${compressedBytes} bytes of data`);
  let rows = createRowReader(header);
  await inflateRows(compressed, rows);
  if (!rows.done)
    throw new InputError('png: wrong amount of pixels', { expected: 'what the header says', given: 'fewer' });
  const opaque = rows.opaque(options.bits ?? (significantBits === 16 ? 16 : undefined));
  // The alpha of an opaque pixel is only known after all pixels have been read. In the few files where it is below the maximum of their
  // depth, the pixels are read again.
  if (opaque < 2 ** Math.max(8, depth) - 1) {
    rows = createRowReader(header, opaque);
    await inflateRows(compressed, rows);
  }
  const image: Image = {
    ...{ data: rows.data, width, height, channels: rows.channels },
    ...(frames > 1 ? { warnings: [firstOf('an animated PNG', frames)] } : {}),
  };
  const orientation = profile ? await profileOrientation(profile.text, profile.isCompressed) : header.orientation;
  return upright(settleBits(image, options.bits, significantBits), orientation);
}

/** Inflates piece by piece. It stops at the first piece that `rows` refuses. */
async function inflateRows(parts: readonly Uint8Array[], rows: RowReader): Promise<void> {
  try {
    await inflate(parts, rows.push);
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw new InputError('png: the pixels do not inflate', { hint: 'the file is incomplete or damaged', cause });
  }
}

/** Bytes of the inflated pixels. Each row of each pass begins with one byte for its filter. */
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

export { encodePng } from './png_writer.js';
