/** Checks by its first and last bytes whether an image file is complete, and reads the size of its image. */
import { type FileHandle, open, readFile } from 'node:fs/promises';
import type { Size } from '../../evaluate/box_frame.js';
import { decodeImage } from '../../formats/images/image.js';
import { readOrientation } from '../../formats/images/orientation.js';
import { READ_FORMATS } from '../../formats/signature.js';

const PNG_SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
const PNG_END = Buffer.from('0000000049454e44ae426082', 'hex');
const JPEG_END = Buffer.from('ffd9', 'hex');
/** Files that claim more pixels than this are damaged. */
const MAX_PIXELS = 1 << 28;
/** Where a PNG's pixels begin, unless it has a long colour profile. */
const HEAD_BYTES = 4096;
/** The most bytes that a decoded image may take. */
const MAX_IMAGE_BYTES = 2 ** 29;

/**
 * Checks the beginning and the end of an image file.
 * @param deep decodes the whole image too, except for DICOM.
 * @returns width and height, after turning by the EXIF orientation; undefined for DICOM.
 * @throws Error that says what is wrong with the file, to be put after its name.
 */
export async function checkImage(path: string, deep = false): Promise<Size | undefined> {
  const file = await open(path, 'r');
  try {
    const head = await bytesAt(file, 0, HEAD_BYTES);
    const { size } = await file.stat();
    if (size === 0) throw new Error('is empty');
    const end = await bytesAt(file, Math.max(0, size - 1024), 1024);
    const isJpeg = head[0] === 0xff && head[1] === 0xd8;
    // Cameras and editors sometimes append data, so the end marker need not be at the very end of the file.
    if (isJpeg && end.lastIndexOf(JPEG_END) < 0) throw new Error('is a JPEG that ends too early');
    if (isJpeg) return deep ? await decoded(path) : await jpegSize(file);
    if (/\.(dcm|dicom)$/i.test(path)) return undefined;
    if (!head.subarray(0, 8).equals(PNG_SIGNATURE)) throw new Error(`is not a ${READ_FORMATS} file`);
    if (!end.subarray(-PNG_END.length).equals(PNG_END)) throw new Error('is a PNG that ends too early');
    const [width, height] = [head.readUInt32BE(16), head.readUInt32BE(20)];
    if (width * height === 0 || width * height > MAX_PIXELS) throw new Error(`claims ${width}×${height} pixels`);
    if (deep) return await decoded(path);
    return pngOrientation(head) >= 5 ? { width: height, height: width } : { width, height };
  } finally {
    await file.close();
  }
}

/** The EXIF orientation of a PNG, from its eXIf chunk, which comes before the pixels; 1 without one. */
function pngOrientation(head: Buffer): number {
  for (let at = PNG_SIGNATURE.length; at + 8 <= head.length; at += 12 + head.readUInt32BE(at)) {
    const type = head.toString('latin1', at + 4, at + 8);
    if (type === 'eXIf') return readOrientation(head.subarray(at + 8, at + 8 + head.readUInt32BE(at)));
    if (type === 'IDAT') break;
  }
  return 1;
}

async function decoded(path: string): Promise<Size> {
  const { width, height } = await decodeImage(await readFile(path), { maxImageBytes: MAX_IMAGE_BYTES });
  return { width, height };
}

/** Reads `length` bytes of a file, or fewer at its end. */
async function bytesAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

/** The most segments that are searched for the frame header. A normal JPEG has only a few before it. */
const MAX_SEGMENTS = 1000;

/** Reads the segments of a JPEG up to the frame header (SOF), which has the size (ITU-T T.81, annex B). */
async function jpegSize(file: FileHandle): Promise<Size> {
  let orientation = 1;
  let at = 2;
  for (let segment = 0; segment < MAX_SEGMENTS; segment++) {
    const head = await bytesAt(file, at, 9);
    if (head.length < 9 || head[0] !== 0xff) break;
    const marker = head[1];
    // A marker may have any number of fill bytes of 255 in front of it.
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) {
      const [height, width] = [head.readUInt16BE(5), head.readUInt16BE(7)];
      if (width * height === 0 || width * height > MAX_PIXELS) throw new Error(`claims ${width}×${height} pixels`);
      return orientation >= 5 ? { width: height, height: width } : { width, height };
    }
    const length = head.readUInt16BE(2);
    if (marker === 0xe1) {
      const exif = await bytesAt(file, at + 4, Math.max(0, length - 2));
      if (exif.subarray(0, 6).toString('latin1') === 'Exif\0\0') orientation = readOrientation(exif.subarray(6));
    }
    at += 2 + length;
  }
  throw new Error('is a JPEG whose size cannot be read');
}
