/**
 * PNG by pngjs, in its browser build everywhere: the same code, and so the same pixels and errors, in Node and in a page.
 * https://www.w3.org/TR/png-3/
 */
import { InputError } from '../errors.js';
import { crc32 } from './crc32.js';
import { loadOptional } from './optional.js';
import { checkImage, checkSize, type DecodeOptions, type Image } from './pixels.js';

const SIGNATURE_BYTES = 8;
const PALETTE = 3;
/** Samples per pixel and allowed bit depths, by colour type. */
const COLOR_TYPES: Record<number, { samples: number; depths: number[] }> = {
  0: { samples: 1, depths: [1, 2, 4, 8, 16] },
  2: { samples: 3, depths: [8, 16] },
  3: { samples: 1, depths: [1, 2, 4, 8] },
  4: { samples: 2, depths: [8, 16] },
  6: { samples: 4, depths: [8, 16] },
};
const MAX_DEFLATE_RATIO = 1032;
/** Start and step of the seven interlace passes: x, y, dx, dy. */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];

/**
 * Decodes a PNG: grey (also with alpha) to one channel, RGB and palette to three; 16 bits stay 16 bits, fewer than 8
 * are scaled to 8. Transparent pixels are composited on black. Colour profiles and gamma are not applied. Throws an
 * InputError for a file that is cut, damaged (CRC-32) or larger than `maxPixels`, never a half-filled image.
 */
export async function decodePng(bytes: Uint8Array, options: DecodeOptions = {}): Promise<Image> {
  const header = readChunks(bytes);
  const { width, height, depth, colorType, interlaced, end } = header;
  checkSize('png', width, height, options);
  const expected = inflatedBytes(header);
  const compressed = header.data.reduce((sum, part) => sum + part.length, 0);
  if (expected > MAX_DEFLATE_RATIO * (compressed + 1)) throw cut(`${compressed} bytes of data`);
  // pngjs bounds what it inflates, but for interlaced images.
  if (interlaced) await checkInflated(header.data, expected);

  const { PNG, toBuffer } = await loadPngjs();
  let pixels: Uint8Array | Uint16Array;
  try {
    const file = toBuffer(bytes.subarray(0, end));
    pixels = PNG.sync.read(file, { checkCRC: false, skipRescale: depth === 16 }).data;
  } catch (cause) {
    throw new InputError('png: the image cannot be decoded', {
      given: cause instanceof Error ? cause.message : undefined,
      hint: 'the file is incomplete or damaged',
      cause,
    });
  }
  const isGrey = colorType !== PALETTE && (colorType & 2) === 0;
  return { data: compositeOnBlack(pixels, isGrey ? 1 : 3, depth === 16), width, height, channels: isGrey ? 1 : 3 };
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
  const { default: module } = await loadOptional('pngjs', 'PNG', () => import('pngjs/browser.js'));
  const { PNG } = module;
  // The browser build carries a Buffer of its own, and reads no other.
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

interface Chunks {
  width: number;
  height: number;
  depth: number;
  colorType: number;
  interlaced: boolean;
  /** The compressed pixels, in parts. */
  data: Uint8Array[];
  /** Offset behind the last chunk. */
  end: number;
}

const cut = (given: string) =>
  new InputError('png: the file is cut', { given, hint: 'the file is incomplete: download or copy it again' });

/** Walks all chunks to the last one and checks their checksums. */
function readChunks(bytes: Uint8Array): Chunks {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data: Uint8Array[] = [];
  let header: Omit<Chunks, 'data' | 'end'> | undefined;
  for (let at = SIGNATURE_BYTES; ; ) {
    const length = at + 12 <= bytes.length ? view.getUint32(at) : 0;
    const next = at + 12 + length;
    if (next > bytes.length) throw cut(`${bytes.length} bytes`);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (crc32(bytes.subarray(at + 4, next - 4)) !== view.getUint32(next - 4))
      throw new InputError(`png: the ${/^[a-z]{4}$/i.test(type) ? type : 'next'} chunk is damaged (CRC-32)`, {
        given: `at byte ${at}`,
      });
    if ((at === SIGNATURE_BYTES) !== (type === 'IHDR') || (type === 'IHDR' && length !== 13))
      throw new InputError('png: the file does not start with its header', { given: type });
    if (type === 'IHDR') header = readHeader(view, at + 8);
    else if (type === 'IDAT') data.push(bytes.subarray(at + 8, next - 4));
    else if (type === 'IEND') {
      if (data.length === 0) throw cut('no pixels');
      return { ...header!, data, end: next };
    }
    at = next;
  }
}

function readHeader(view: DataView, at: number): Omit<Chunks, 'data' | 'end'> {
  const [depth, colorType, compression, filter, interlace] = [8, 9, 10, 11, 12].map((i) => view.getUint8(at + i));
  if (!COLOR_TYPES[colorType]?.depths.includes(depth) || compression !== 0 || filter !== 0 || interlace > 1)
    throw new InputError('png: impossible header', {
      given: `colour type ${colorType}, ${depth} bits, compression ${compression}, filter ${filter}, interlace ${interlace}`,
    });
  return { width: view.getUint32(at), height: view.getUint32(at + 4), depth, colorType, interlaced: interlace === 1 };
}

/** Bytes of the inflated pixels: each row of each pass is led by its filter's number. */
function inflatedBytes({ width, height, depth, colorType, interlaced }: Chunks): number {
  const passes = interlaced ? ADAM7 : [[0, 0, 1, 1]];
  let bytes = 0;
  for (const [x, y, dx, dy] of passes) {
    const columns = Math.ceil((width - x) / dx);
    const rows = Math.ceil((height - y) / dy);
    if (columns > 0 && rows > 0)
      bytes += rows * (1 + Math.ceil((columns * COLOR_TYPES[colorType].samples * depth) / 8));
  }
  return bytes;
}

async function checkInflated(parts: Uint8Array[], expected: number): Promise<void> {
  const source = new Blob(parts as BlobPart[]).stream().pipeThrough(new DecompressionStream('deflate'));
  const reader = source.getReader();
  let inflated = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      inflated += value.length;
      if (inflated > expected) break;
    }
  } catch (cause) {
    throw new InputError('png: the pixels do not inflate', { hint: 'the file is incomplete or damaged', cause });
  }
  if (inflated !== expected) {
    await reader.cancel();
    throw new InputError('png: wrong amount of pixels', {
      expected: `${expected} bytes`,
      given: inflated > expected ? 'more' : `${inflated}`,
    });
  }
}

/** RGBA to the first `channels`, each times alpha. */
function compositeOnBlack(rgba: Uint8Array | Uint16Array, channels: 1 | 3, wide: boolean): Uint8Array | Uint16Array {
  const pixels = rgba.length / 4;
  const data = wide ? new Uint16Array(pixels * channels) : new Uint8Array(pixels * channels);
  const opaque = wide ? 65535 : 255;
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    const alpha = rgba[from + 3];
    for (let channel = 0; channel < channels; channel++, to++)
      data[to] = alpha === opaque ? rgba[from + channel] : Math.round((rgba[from + channel] * alpha) / opaque);
  }
  return data;
}
