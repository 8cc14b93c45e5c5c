/**
 * Reads the headers of image formats that raybox leaves to the browser. The size has to be known before the browser allocates memory for the
 * picture, and some properties need a warning. This module is only loaded if there is such a file.
 */

import { InputError } from '../../errors.js';
import { readAvifHeader } from './avif_header.js';
import { readOrientation } from './orientation.js';
import type { PictureHeader } from './picture_facts.js';

export const cutFile = (format: string, bytes: Uint8Array) =>
  new InputError(`${format}: the file is cut`, {
    given: `${bytes.length} bytes`,
    hint: 'the file is incomplete: download or copy it again',
  });

const PLAIN = { orientation: 1, isTurned: false, hasMore: false, bits: 8 };

const READERS: Readonly<Record<string, (bytes: Uint8Array, view: DataView) => PictureHeader>> = {
  WebP: readWebpHeader,
  GIF: readGifHeader,
  BMP: readBmpHeader,
  AVIF: readAvifHeader,
};

/** @throws InputError for a file that is cut or damaged. */
export function readPictureHeader(format: string, bytes: Uint8Array): PictureHeader {
  try {
    return READERS[format](bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch (error) {
    if (error instanceof RangeError) throw cutFile(format, bytes); // something was read beyond the end of the file
    throw error;
  }
}

/** Reads a WebP header (RFC 9649). The first chunk has the size of the picture or, in an extended file, that of the canvas. */
function readWebpHeader(bytes: Uint8Array, view: DataView): PictureHeader {
  const end = 8 + view.getUint32(4, true);
  if (end > bytes.length) throw cutFile('WebP', bytes);
  const uint24 = (at: number) => view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
  const header: PictureHeader = { ...PLAIN, size: undefined };
  let pictures = 0;
  for (const { type, at, length } of webpChunks(bytes)) {
    if (at + length > end) throw cutFile('WebP', bytes);
    if (type === 'ANMF') pictures++;
    if (type === 'EXIF') header.orientation = readOrientation(bytes.subarray(at, at + length));
    if (header.size) continue;
    if (type === 'VP8X') header.size = { width: uint24(at + 4) + 1, height: uint24(at + 7) + 1 };
    if (type === 'VP8 ')
      header.size = { width: view.getUint16(at + 6, true) & 0x3fff, height: view.getUint16(at + 8, true) & 0x3fff };
    if (type === 'VP8L') {
      const sizes = view.getUint32(at + 1, true);
      header.size = { width: (sizes & 0x3fff) + 1, height: ((sizes >>> 14) & 0x3fff) + 1 };
    }
  }
  if (!header.size) throw new InputError('WebP: the file holds no picture');
  return { ...header, hasMore: pictures > 1 };
}

/** The chunks of a WebP file: type, position and length of their content. */
export function* webpChunks(bytes: Uint8Array): Generator<{ type: string; at: number; length: number }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 12; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at + 4, true);
    yield { type: String.fromCharCode(...bytes.subarray(at, at + 4)), at: at + 8, length };
    at += 8 + length + (length & 1);
  }
}

/** Reads a GIF header (GIF89a). The blocks are read until the second picture begins, or until the file ends. */
function readGifHeader(bytes: Uint8Array, view: DataView): PictureHeader {
  const size = { width: view.getUint16(6, true), height: view.getUint16(8, true) };
  const tableBytes = (flags: number) => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
  let pictures = 0;
  let at = 13 + tableBytes(view.getUint8(10));
  const skipBlocks = () => {
    for (let length = view.getUint8(at++); length > 0; length = view.getUint8(at++)) at += length;
  };
  while (pictures < 2) {
    const kind = bytes[at++];
    if (kind === 0x21) {
      at++;
      skipBlocks();
    } else if (kind === 0x2c) {
      pictures++;
      if (pictures === 2) break;
      // Browsers enlarge the image if a picture extends beyond the size in the header.
      size.width = Math.max(size.width, view.getUint16(at, true) + view.getUint16(at + 4, true));
      size.height = Math.max(size.height, view.getUint16(at + 2, true) + view.getUint16(at + 6, true));
      at += 10 + tableBytes(view.getUint8(at + 8));
      skipBlocks();
    } else if (pictures === 1) break;
    else throw kind === undefined ? cutFile('GIF', bytes) : new InputError('GIF: the file holds no picture');
  }
  return { ...PLAIN, size, hasMore: pictures > 1 };
}

/** The compression codes of BMP whose pixels are not compressed: BI_RGB, BI_BITFIELDS and BI_ALPHABITFIELDS. */
const PLAIN_PIXELS = [0, 3, 6];

/** Reads a BITMAPCOREHEADER, a BITMAPINFOHEADER or one of its successors. A negative height means that the rows begin at the top. */
function readBmpHeader(bytes: Uint8Array, view: DataView): PictureHeader {
  const isCore = view.getUint32(14, true) === 12;
  const width = isCore ? view.getUint16(18, true) : view.getInt32(18, true);
  const height = Math.abs(isCore ? view.getUint16(20, true) : view.getInt32(22, true));
  if (width < 0) throw new InputError('BMP: impossible width', { given: String(width) });
  const pixelBits = view.getUint16(isCore ? 24 : 28, true);
  const rowBytes = Math.ceil((width * pixelBits) / 32) * 4;
  const isPlain = isCore || PLAIN_PIXELS.includes(view.getUint32(30, true));
  // A file with too few bytes is refused here, because browsers may fill in missing pixels without an error.
  if (isPlain && view.getUint32(10, true) + rowBytes * height > bytes.length) throw cutFile('BMP', bytes);
  return { ...PLAIN, size: { width, height } };
}
