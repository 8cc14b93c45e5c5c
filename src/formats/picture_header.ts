/**
 * Headers of the image formats that raybox leaves to the browser: how large the picture is, before the browser allocates anything for
 * it, and what is to be told about it. Loaded only where such a file comes.
 */
import { InputError } from '../errors.js';
import { readAvifHeader } from './avif_header.js';
import { readOrientation } from './orientation.js';

export interface PictureHeader {
  /** In pixels, as stored; undefined where the file does not say it in a place that is known. */
  size: { width: number; height: number } | undefined;
  /** Orientation as EXIF numbers it, 1 to 8, that is still to be applied. */
  orientation: number;
  /** The format itself says that the picture is turned or mirrored, and every decoder does it. */
  isTurned: boolean;
  /** The file holds further pictures: an animation. */
  hasMore: boolean;
  /** Bits of a sample. */
  bits: number;
}

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
    if (error instanceof RangeError) throw cutFile(format, bytes); // read behind the end
    throw error;
  }
}

/** RFC 9649. The first chunk says the size: of the picture, or of the canvas of an extended file. */
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

/** Chunks of a WebP file: where their content lies. */
export function* webpChunks(bytes: Uint8Array): Generator<{ type: string; at: number; length: number }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 12; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at + 4, true);
    yield { type: String.fromCharCode(...bytes.subarray(at, at + 4)), at: at + 8, length };
    at += 8 + length + (length & 1);
  }
}

/** GIF89a. Goes through the blocks until the second picture begins, or the file ends. */
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
      // A picture that reaches beyond the screen makes it larger, in browsers.
      size.width = Math.max(size.width, view.getUint16(at, true) + view.getUint16(at + 4, true));
      size.height = Math.max(size.height, view.getUint16(at + 2, true) + view.getUint16(at + 6, true));
      at += 10 + tableBytes(view.getUint8(at + 8));
      skipBlocks();
    } else if (pictures === 1) break;
    else throw kind === undefined ? cutFile('GIF', bytes) : new InputError('GIF: the file holds no picture');
  }
  return { ...PLAIN, size, hasMore: pictures > 1 };
}

const PLAIN_PIXELS = [0, 3, 6];

/** BITMAPCOREHEADER or BITMAPINFOHEADER and its successors. A negative height means rows from the top. */
function readBmpHeader(bytes: Uint8Array, view: DataView): PictureHeader {
  const isCore = view.getUint32(14, true) === 12;
  const width = isCore ? view.getUint16(18, true) : view.getInt32(18, true);
  const height = Math.abs(isCore ? view.getUint16(20, true) : view.getInt32(22, true));
  if (width < 0) throw new InputError('BMP: impossible width', { given: String(width) });
  const pixelBits = view.getUint16(isCore ? 24 : 28, true);
  const rowBytes = Math.ceil((width * pixelBits) / 32) * 4;
  const isPlain = isCore || PLAIN_PIXELS.includes(view.getUint32(30, true));
  // Browsers may fill in what is missing.
  if (isPlain && view.getUint32(10, true) + rowBytes * height > bytes.length) throw cutFile('BMP', bytes);
  return { ...PLAIN, size: { width, height } };
}
