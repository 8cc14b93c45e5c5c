/** Reads the chunks of a PNG, checks them up to the last one, and returns what they say about the pixels. */
import { InputError } from '../../errors.js';
import { crc32 } from '../crc32.js';
import { overBlack } from './alpha.js';
import { readOrientation } from './orientation.js';
import { isExifProfile } from './png_profile.js';
import { framesIn } from './several_pictures.js';

const SIGNATURE_BYTES = 8;

/** Samples per pixel and allowed bit depths, by colour type. */
export const COLOR_TYPES: Record<number, { samples: number; depths: number[] }> = {
  0: { samples: 1, depths: [1, 2, 4, 8, 16] },
  2: { samples: 3, depths: [8, 16] },
  3: { samples: 1, depths: [1, 2, 4, 8] },
  4: { samples: 2, depths: [8, 16] },
  6: { samples: 4, depths: [8, 16] },
};
const PALETTE = 3;

/** Start and step of the interlace passes: x, y, dx, dy. */
export const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];
export const WHOLE_IMAGE = [[0, 0, 1, 1]];

export interface PngHeader {
  width: number;
  height: number;
  depth: number;
  colorType: number;
  interlaced: boolean;
  /** Red, green and blue of each entry, blended with black if the entry is transparent. */
  palette?: Uint8Array;
  /** The colour (or grey level) that is transparent. */
  transparent?: number[];
  /** From the chunk sBIT: the largest number of significant bits of a colour. */
  significantBits?: number;
  /** EXIF orientation, 1 to 8. */
  orientation: number;
  /** The number of pictures of an animation; 1 for a file without an animation. */
  frames: number;
}

export interface PngFile extends PngHeader {
  /** The compressed pixels, in parts. */
  data: Uint8Array[];
  /** EXIF data in a text chunk, for a file without the chunk eXIf. */
  profile?: { text: Uint8Array; isCompressed: boolean };
}

export const cut = (given: string) =>
  new InputError('png: the file is cut', { given, hint: 'the file is incomplete: download or copy it again' });

/** Reads all chunks up to IEND, and checks their checksums. Bytes after that chunk are ignored. */
export function readChunks(bytes: Uint8Array): PngFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data: Uint8Array[] = [];
  const found = new Map<string, Uint8Array>();
  let profile: PngFile['profile'];
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
    const content = bytes.subarray(at + 8, next - 4);
    if (type === 'IDAT') data.push(content);
    else if (type === 'IEND') break;
    // A capital first letter means that the file cannot be read correctly without the chunk.
    else if (type !== 'IHDR' && type !== 'PLTE' && (bytes[at + 4] & 0x20) === 0)
      throw new InputError('png: the image cannot be decoded without a chunk that raybox does not know', {
        given: type,
      });
    else if (type === 'PLTE' && found.has(type)) throw new InputError('png: the file has two palettes');
    else if (type === 'PLTE' && data.length > 0) throw new InputError('png: the palette comes after the pixels');
    else if ((type === 'tEXt' || type === 'zTXt') && isExifProfile(content))
      profile ??= { text: content, isCompressed: type === 'zTXt' };
    else if (!found.has(type)) found.set(type, content);
    at = next;
  }
  if (data.length === 0) throw cut('no pixels');
  return { ...describe(found), data, ...(profile && !found.has('eXIf') ? { profile } : {}) };
}

function describe(found: ReadonlyMap<string, Uint8Array>): PngHeader {
  const bytes = found.get('IHDR')!;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [depth, colorType, compression, filter, interlace] = bytes.subarray(8);
  if (!COLOR_TYPES[colorType]?.depths.includes(depth) || compression !== 0 || filter !== 0 || interlace > 1)
    throw new InputError('png: impossible header', {
      given: `colour type ${colorType}, ${depth} bits, compression ${compression}, filter ${filter}, interlace ${interlace}`,
    });
  const header: PngHeader = {
    ...{ width: view.getUint32(0), height: view.getUint32(4), depth, colorType, interlaced: interlace === 1 },
    orientation: readOrientation(found.get('eXIf') ?? new Uint8Array()),
    frames: framesIn(found.get('acTL')),
  };
  const [colors, alphas, significant] = ['PLTE', 'tRNS', 'sBIT'].map((type) => found.get(type));
  const isGrey = colorType === 0 || colorType === 4;
  if (significant && colorType !== PALETTE && significant.length === COLOR_TYPES[colorType].samples)
    header.significantBits = Math.max(...significant.subarray(0, isGrey ? 1 : 3));
  if (colorType === PALETTE) header.palette = readPalette(colors, alphas);
  else if (alphas && (colorType === 0 || colorType === 2)) {
    if (alphas.length !== (isGrey ? 2 : 6))
      throw new InputError('png: the tRNS chunk has the wrong length', {
        expected: `${isGrey ? 2 : 6} bytes`,
        given: `${alphas.length}`,
      });
    const samples = Array.from({ length: alphas.length / 2 }, (_, i) => (alphas[2 * i] << 8) | alphas[2 * i + 1]);
    header.transparent = samples.map((sample) => sample & (2 ** depth - 1));
  }
  return header;
}

function readPalette(colors: Uint8Array | undefined, alphas: Uint8Array = new Uint8Array()): Uint8Array {
  if (!colors) throw new InputError('png: the palette is missing');
  if (colors.length === 0 || colors.length % 3 !== 0 || colors.length > 768)
    throw new InputError('png: the palette has the wrong length', {
      expected: '1 to 256 colours of 3 bytes',
      given: `${colors.length} bytes`,
    });
  if (alphas.length > colors.length / 3)
    throw new InputError('png: the tRNS chunk has the wrong length', {
      expected: `at most ${colors.length / 3} bytes, one for each colour of the palette`,
      given: `${alphas.length}`,
    });
  return colors.map((value, i) => overBlack(value, alphas[Math.floor(i / 3)] ?? 255, 255));
}
