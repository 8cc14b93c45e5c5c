/** Whether an image file is whole, by its first and last bytes, and how large its image is. */
import { open, readFile } from 'node:fs/promises';
import { decodeImage } from '../formats/image.js';

const PNG_SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
const PNG_END = Buffer.from('0000000049454e44ae426082', 'hex');
const JPEG_END = Buffer.from('ffd9', 'hex');
const MAX_PIXELS = 1 << 28;
/** Bytes of one decoded image. */
const MAX_IMAGE_BYTES = 2 ** 29;

/** Width and height of an image file whose beginning and end are as they should be; throws an Error that says what is not. */
export async function checkImage(path: string, deep = false): Promise<{ width: number; height: number } | undefined> {
  const file = await open(path, 'r');
  const head = Buffer.alloc(26);
  const tail = Buffer.alloc(1024);
  let end = tail;
  try {
    const { size } = await file.stat();
    if (size === 0) throw new Error('is empty');
    await file.read(head, 0, 26, 0);
    const { bytesRead } = await file.read(tail, 0, tail.length, Math.max(0, size - tail.length));
    end = tail.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
  if (head[0] === 0xff && head[1] === 0xd8) {
    // Cameras and editors write notes behind the end.
    if (end.lastIndexOf(JPEG_END) < 0) throw new Error('is a JPEG that ends too early');
    return deep ? decodeImage(await readFile(path), { maxImageBytes: MAX_IMAGE_BYTES }) : undefined;
  }
  if (/\.(dcm|dicom)$/i.test(path)) return undefined;
  if (!head.subarray(0, 8).equals(PNG_SIGNATURE)) throw new Error('is neither PNG nor JPEG');
  if (!end.subarray(-PNG_END.length).equals(PNG_END)) throw new Error('is a PNG that ends too early');
  const size = { width: head.readUInt32BE(16), height: head.readUInt32BE(20) };
  if (size.width * size.height === 0 || size.width * size.height > MAX_PIXELS) {
    throw new Error(`claims ${size.width}×${size.height} pixels`);
  }
  if (deep) await decodeImage(await readFile(path), { maxImageBytes: MAX_IMAGE_BYTES });
  return size;
}
