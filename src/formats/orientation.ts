/** EXIF's orientation: cameras and phones store an image as the sensor lay and say how it is to be turned. */
import type { Image } from './pixels.js';

/** Tag 0x0112 of the first directory of a TIFF header; 1 (upright) where it is missing or makes no sense. */
export function readOrientation(tiff: Uint8Array): number {
  if (tiff.length < 10) return 1;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const little = tiff[0] === 0x49;
  const start = view.getUint32(4, little);
  if (start + 2 > tiff.length) return 1;
  const end = Math.min(tiff.length, start + 2 + 12 * view.getUint16(start, little));
  for (let entry = start + 2; entry + 12 <= end; entry += 12)
    if (view.getUint16(entry, little) === 0x0112) {
      const value = view.getUint16(entry + 8, little);
      return value >= 1 && value <= 8 ? value : 1;
    }
  return 1;
}

const TURNED = [
  'mirrored',
  'turned by 180°',
  'flipped upside down',
  'mirrored and turned by 90°',
  'turned by 90° to the right',
  'mirrored and turned by 90°',
  'turned by 90° to the left',
];

/** Turns and mirrors an image as its orientation says, and says so: 2 to 4 keep rows, 5 to 8 make columns of them. */
export function upright(image: Image, orientation: number): Image {
  if (orientation === 1) return image;
  const { data, width, height, channels, warnings = [] } = image;
  const transposed = orientation >= 5;
  const flipX = [2, 3, 7, 8].includes(orientation);
  const flipY = [3, 4, 6, 7].includes(orientation);
  const [newWidth, newHeight] = transposed ? [height, width] : [width, height];
  const turned = data instanceof Uint16Array ? new Uint16Array(data.length) : new Uint8Array(data.length);
  for (let y = 0, to = 0; y < newHeight; y++)
    for (let x = 0; x < newWidth; x++) {
      const [column, row] = transposed ? [y, x] : [x, y];
      const fromX = flipX ? width - 1 - column : column;
      const fromY = flipY ? height - 1 - row : row;
      for (let c = 0; c < channels; c++) turned[to++] = data[(fromY * width + fromX) * channels + c];
    }
  const message =
    `the file's EXIF orientation is ${orientation}, so the image was ${TURNED[orientation - 2]}, as viewers show it: ` +
    'check that left is left; boxes are in pixels of the image as it is shown';
  const said = [...warnings, { code: 'applied-orientation' as const, message }];
  return { ...image, data: turned, width: newWidth, height: newHeight, warnings: said };
}
