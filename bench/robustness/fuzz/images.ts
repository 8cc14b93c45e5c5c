/** Mutators for PNG chunks and JPEG segments. They correct checksums and lengths, so that mutants pass the first checks. */
import { deflateSync, inflateSync } from 'node:zlib';
import { crc32 } from '../../../src/formats/crc32.js';
import { type Dice, joinAll, joined, type Mutator } from './mutate.js';
import { bytesOf } from './text.js';

const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

// PNG

interface Chunk {
  type: string;
  data: Uint8Array;
}

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** A PNG file with some chunks and their checksums. */
export function pngOf(chunks: readonly Chunk[]): Uint8Array {
  const parts = chunks.map(({ type, data }) => {
    const body = joined(bytesOf(type), data);
    const frame = new DataView(new ArrayBuffer(8));
    frame.setUint32(0, data.length);
    frame.setUint32(4, crc32(body));
    return joined(new Uint8Array(frame.buffer, 0, 4), body, new Uint8Array(frame.buffer, 4, 4));
  });
  return joinAll([SIGNATURE, ...parts]);
}

/** The header chunk. */
export function headerChunk(width: number, height: number, depth: number, colorType: number, interlace = 0): Chunk {
  const data = new Uint8Array(13);
  view(data).setUint32(0, width);
  view(data).setUint32(4, height);
  data.set([depth, colorType, 0, 0, interlace], 8);
  return { type: 'IHDR', data };
}

export const pixelChunk = (rows: Uint8Array): Chunk => ({ type: 'IDAT', data: new Uint8Array(deflateSync(rows)) });
export const END_CHUNK: Chunk = { type: 'IEND', data: new Uint8Array() };

function chunksOf(bytes: Uint8Array): Chunk[] {
  const chunks: Chunk[] = [];
  for (let at = SIGNATURE.length; at + 12 <= bytes.length; ) {
    const length = view(bytes).getUint32(at);
    if (at + 12 + length > bytes.length) break;
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    chunks.push({ type, data: bytes.slice(at + 8, at + 8 + length) });
    at += 12 + length;
  }
  return chunks;
}

const TYPES = [
  'PLTE',
  'tRNS',
  'IDAT',
  'IEND',
  'IHDR',
  'gAMA',
  'sBIT',
  'bKGD',
  'tEXt',
  'iCCP',
  'eXIf',
  'acTL',
  'fdAT',
  'zzZz',
];
const SIDES = [0, 1, 2, 3, 7, 8, 9, 64, 1000, 4097, 65535, 65536, 100_000, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

function changeHeader(data: Uint8Array, dice: Dice): void {
  if (data.length < 13) return;
  if (dice.chance(0.5)) view(data).setUint32(dice.pick([0, 4]), dice.pick(SIDES));
  else data[8 + dice.below(5)] = dice.pick([0, 1, 2, 3, 4, 6, 8, 16, 255]);
}

/** Inflates the pixels, changes them, and deflates them again. */
function changePixels(chunks: Chunk[], dice: Dice): void {
  const parts = chunks.filter(({ type }) => type === 'IDAT');
  if (parts.length === 0) return;
  let rows: Uint8Array;
  try {
    rows = new Uint8Array(inflateSync(joined(...parts.map(({ data }) => data)), { maxOutputLength: 1 << 20 }));
  } catch {
    return;
  }
  for (let left = dice.length(4); left > 0 && rows.length > 0; left--) rows[dice.below(rows.length)] = dice.below(7);
  if (dice.chance(0.2)) rows = rows.subarray(0, dice.below(rows.length + 1));
  if (dice.chance(0.2)) rows = joined(rows, new Uint8Array(dice.length(1 << 16)));
  parts[0].data = new Uint8Array(deflateSync(rows));
  for (const part of parts.slice(1)) part.data = new Uint8Array();
}

/** Changes, adds, doubles, removes or moves a chunk, and corrects the checksums. */
export const pngChunks: Mutator = (bytes, dice) => {
  const chunks = chunksOf(bytes);
  if (chunks.length === 0) return bytes;
  const at = dice.below(chunks.length);
  const { data } = chunks[at];
  switch (dice.below(8)) {
    case 0:
      changeHeader(chunks[0].data, dice);
      break;
    case 1:
      if (data.length > 0) data[dice.below(data.length)] = dice.below(256);
      break;
    case 2:
      chunks.splice(at, 1);
      break;
    case 3:
      chunks.splice(at, 0, chunks[at]);
      break;
    case 4:
      chunks.splice(at, 0, {
        type: dice.pick(TYPES),
        data: new Uint8Array(dice.pick([0, 1, 2, 3, 4, 6, 255, 256, 257, 768, 900])),
      });
      break;
    case 5:
      chunks.splice(dice.below(chunks.length), 0, ...chunks.splice(at, 1));
      break;
    case 6:
      chunks[at] = { type: chunks[at].type, data: data.subarray(0, dice.below(data.length + 1)) };
      break;
    default:
      changePixels(chunks, dice);
  }
  return pngOf(chunks);
};

/** Makes a PNG with large sides and well compressed zeros, with thousands of chunks, or with long text. */
export const amplifiedPng: Mutator = (bytes, dice) => {
  const chunks = chunksOf(bytes);
  if (chunks.length === 0) return bytes;
  switch (dice.below(3)) {
    case 0: {
      const [width, height] = [dice.length(20_000), dice.length(20_000)];
      const [depth, colorType, samples] = dice.pick([
        [1, 0, 1],
        [8, 0, 1],
        [16, 0, 1],
        [8, 2, 3],
        [16, 6, 4],
        [8, 4, 2],
      ]);
      const size = Math.min(height * (1 + Math.ceil((width * depth * samples) / 8)), 32 << 20);
      const header = headerChunk(width, height, depth, colorType, dice.below(2));
      return pngOf([header, pixelChunk(new Uint8Array(size)), END_CHUNK]);
    }
    case 1: {
      const one: Chunk = { type: dice.pick(TYPES), data: new Uint8Array(dice.below(4)) };
      return pngOf([chunks[0], ...Array.from({ length: dice.length(100_000) }, () => one), ...chunks.slice(1)]);
    }
    default:
      return pngOf([
        chunks[0],
        { type: dice.pick(TYPES), data: new Uint8Array(dice.length(3 << 20)) },
        ...chunks.slice(1),
      ]);
  }
};

// JPEG

interface Segment {
  marker: number;
  /** The bytes after the length; undefined for a marker without a length. */
  payload?: Uint8Array;
  /** Compressed data after a start of scan. */
  scan: Uint8Array;
}

const SCAN = 0xda;
const isFrame = (marker: number) => marker >= 0xc0 && marker <= 0xc2;

function segmentsOf(bytes: Uint8Array): Segment[] {
  const segments: Segment[] = [];
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff; ) {
    const marker = bytes[at + 1];
    if (marker === 0xd9) break;
    const length = Math.max(2, (bytes[at + 2] << 8) | bytes[at + 3]);
    let end = at + 2 + length;
    const payload = bytes.slice(at + 4, end);
    const from = end;
    if (marker === SCAN)
      while (end < bytes.length && !(bytes[end] === 0xff && bytes[end + 1] !== 0 && (bytes[end + 1] & 0xf8) !== 0xd0))
        end++;
    segments.push({ marker, payload, scan: bytes.slice(from, end) });
    at = end;
  }
  return segments;
}

const jpegOf = (segments: readonly Segment[]): Uint8Array =>
  joinAll([
    Uint8Array.of(0xff, 0xd8),
    ...segments.flatMap(({ marker, payload, scan }) => {
      if (!payload) return [Uint8Array.of(0xff, marker), scan];
      const length = Math.min(65_535, payload.length + 2);
      return [Uint8Array.of(0xff, marker, length >> 8, length & 255), payload, scan];
    }),
    Uint8Array.of(0xff, 0xd9),
  ]);

const none = new Uint8Array();
const ADDED: readonly ((dice: Dice) => Segment)[] = [
  (dice) => ({ marker: 0xdd, payload: Uint8Array.of(0, dice.below(9)), scan: none }), // restart interval
  (dice) => ({
    marker: 0xee,
    payload: joined(bytesOf('Adobe'), Uint8Array.of(0, 100, 0, 0, 0, 0, dice.below(4))),
    scan: none,
  }),
  (dice) => ({
    marker: 0xe0,
    payload: joined(bytesOf('JFIF\0'), Uint8Array.of(1, 1, 0, 0, 1, 0, 1, dice.below(3), 0)),
    scan: none,
  }),
  (dice) => ({ marker: 0xe1, payload: exif(dice), scan: none }),
  (dice) => ({ marker: 0xfe, payload: new Uint8Array(dice.length(65_533)), scan: none }),
  (dice) => ({ marker: 0xdc, payload: Uint8Array.of(dice.below(256), dice.below(256)), scan: none }), // number of lines
  (dice) => ({ marker: dice.below(256), payload: new Uint8Array(dice.below(20)), scan: none }),
  (dice) => ({ marker: 0xd0 + dice.below(8), scan: none }),
];

function exif(dice: Dice): Uint8Array {
  const tiff = new Uint8Array(26);
  tiff.set(bytesOf('MM\0*'));
  view(tiff).setUint32(4, dice.pick([8, 0, 25, 2 ** 32 - 1]));
  view(tiff).setUint16(8, dice.pick([1, 0, 65535]));
  view(tiff).setUint16(10, 0x0112);
  view(tiff).setUint16(12, dice.pick([3, 4, 0]));
  view(tiff).setUint32(14, 1);
  view(tiff).setUint16(18, dice.below(12));
  return joined(bytesOf('Exif\0\0'), tiff);
}

/** Changes, adds, doubles, removes or moves a segment, and corrects lengths. */
export const jpegSegments: Mutator = (bytes, dice) => {
  const segments = segmentsOf(bytes);
  if (segments.length === 0) return bytes;
  const at = dice.below(segments.length);
  const { payload = none, scan } = segments[at];
  const frame = segments.find(({ marker }) => isFrame(marker))?.payload;
  switch (dice.below(9)) {
    case 0: // sides
      if (frame && frame.length > 5)
        view(frame).setUint16(dice.pick([1, 3]), dice.pick([0, 1, 7, 8, 9, 17, 256, 5000, 65535]));
      break;
    case 1: // sampling, ids, precision, number of components
      if (frame && frame.length > 8)
        frame[dice.pick([0, 5, 6, 7, 8, frame.length - 2])] = dice.pick([
          0, 1, 3, 4, 8, 0x11, 0x12, 0x21, 0x22, 0x41, 0x44, 0xff,
        ]);
      break;
    case 2:
      if (payload.length > 0) payload[dice.below(payload.length)] = dice.below(256);
      break;
    case 3:
      if (scan.length > 0) scan[dice.below(scan.length)] = dice.chance(0.2) ? 0xff : dice.below(256);
      break;
    case 4:
      segments.splice(at, 1);
      break;
    case 5:
      segments.splice(at, 0, segments[at]);
      break;
    case 6:
      segments.splice(at, 0, dice.pick(ADDED)(dice));
      break;
    case 7:
      segments.splice(dice.below(segments.length), 0, ...segments.splice(at, 1));
      break;
    default:
      segments[at] = { ...segments[at], scan: scan.subarray(0, dice.below(scan.length + 1)) };
  }
  return jpegOf(segments);
};

/** Makes a JPEG with large sides and little data, with many scans, or with long runs of blocks. */
export const amplifiedJpeg: Mutator = (bytes, dice) => {
  const segments = segmentsOf(bytes);
  const frame = segments.find(({ marker }) => isFrame(marker))?.payload;
  const scan = segments.find(({ marker }) => marker === SCAN);
  if (!frame || !scan || frame.length < 6) return bytes;
  if (dice.chance(0.7)) {
    view(frame).setUint16(1, dice.length(65_535));
    view(frame).setUint16(3, dice.length(65_535));
  }
  if (dice.chance(0.5)) scan.scan = new Uint8Array(dice.length(2 << 20)).fill(dice.pick([0, 0x55, 0xaa, 0xfe]));
  const again = dice.chance(0.5) ? dice.length(Math.max(2, (2 << 20) / (scan.scan.length + 20))) : 0;
  return jpegOf([...segments, ...Array.from({ length: again }, () => scan)]);
};
