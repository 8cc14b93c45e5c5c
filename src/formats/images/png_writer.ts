/** Writes PNG (https://www.w3.org/TR/png-3/). The platform deflates. */
import { deflate } from '#zlib';
import { crc32 } from '../crc32.js';
import { checkImage, type Image } from './pixels.js';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** The chunk IHDR, which comes first. */
const HEADER_BYTES = 25;
const COLOR_TYPE = { 1: 0, 3: 2, 4: 6 } as const;
/** The filter Up: each byte less the one above it. It costs next to nothing, and X-rays and overlays pack better with it than with none. */
const UP = 2;

/**
 * Encodes an image of 1, 3 or 4 channels, 8 or 16 bits.
 * @param options.level how hard it is packed, 1 (fast) to 9 (small). Pages have a level of their own. Default 6
 * @param options.text a text that the file has beside its picture, under the name `raybox` (chunk tEXt). Characters that are not ASCII are
 *   written as in JSON
 */
export async function encodePng(
  image: Image,
  { level = 6, text }: { level?: number; text?: string } = {},
): Promise<Uint8Array> {
  checkImage(image);
  const { data, width, height, channels } = image;
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width);
  header.setUint32(4, height);
  header.setUint8(8, data instanceof Uint16Array ? 16 : 8);
  header.setUint8(9, COLOR_TYPE[channels]);
  const packed = await deflate(filtered(image), level);
  const chunks = [
    chunk('IHDR', new Uint8Array(header.buffer)),
    ...(text === undefined ? [] : [chunk('tEXt', latin(`${KEYWORD}\0${asciiText(text)}`))]),
    chunk('IDAT', packed),
    chunk('IEND', new Uint8Array(0)),
  ];
  const file = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, SIGNATURE.length));
  file.set(SIGNATURE);
  let at = SIGNATURE.length;
  for (const one of chunks) {
    file.set(one, at);
    at += one.length;
  }
  return file;
}

const KEYWORD = 'raybox';
const latin = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const asciiText = (text: string) =>
  text.replace(/[^\x20-\x7e]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);

/**
 * Whether a PNG has the text that `encodePng` was given.
 * @param head the first bytes of the file, with the whole text
 */
export function hasPngText(head: Uint8Array, text: string): boolean {
  const start = SIGNATURE.length + HEADER_BYTES;
  const expected = chunk('tEXt', latin(`${KEYWORD}\0${asciiText(text)}`));
  return expected.every((byte, i) => head[start + i] === byte);
}

/** The rows of an image as they are deflated: the number of the filter, then the filtered bytes. */
function filtered({ data, height }: Image): Uint8Array {
  const bytes = data instanceof Uint16Array ? bigEndian(data) : data;
  const row = bytes.length / height;
  const rows = new Uint8Array(height * (row + 1));
  // Four bytes at a time: the row above, which counts as zeros for the first one, this row, and their difference.
  const words = Math.ceil(row / 4);
  let [above, here] = [new Int32Array(words), new Int32Array(words)];
  const difference = new Int32Array(words);
  const filteredRow = new Uint8Array(difference.buffer, 0, row);
  for (let y = 0; y < height; y++) {
    new Uint8Array(here.buffer).set(bytes.subarray(y * row, (y + 1) * row));
    for (let i = 0; i < words; i++) difference[i] = subtractBytes(here[i], above[i]);
    rows[y * (row + 1)] = UP;
    rows.set(filteredRow, y * (row + 1) + 1);
    [above, here] = [here, above];
  }
  return rows;
}

const TOP_BITS = 0x80808080;

/**
 * Subtracts each of four bytes from one of four, without their carries. With the top bit of each byte set in the one number and cleared in
 * the other, no byte borrows from the next; the top bits are computed apart.
 */
const subtractBytes = (a: number, b: number) => ((a | TOP_BITS) - (b & ~TOP_BITS)) ^ ((a ^ ~b) & TOP_BITS);

function bigEndian(samples: Uint16Array): Uint8Array {
  const bytes = new Uint8Array(samples.length * 2);
  for (let i = 0; i < samples.length; i++) {
    bytes[2 * i] = samples[i] >> 8;
    bytes[2 * i + 1] = samples[i];
  }
  return bytes;
}

/** Length, type, content, and the checksum of type and content. */
function chunk(type: string, content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(content.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = type.charCodeAt(i);
  bytes.set(content, 8);
  view.setUint32(content.length + 8, crc32(bytes.subarray(4, content.length + 8)));
  return bytes;
}
