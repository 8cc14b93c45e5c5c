/** Applies the orientation from EXIF. Cameras store an image as the sensor was held, with a note of how it has to be turned. */
import type { Image } from './pixels.js';
import { findTag } from './tiff.js';

const ORIENTATION = 0x0112;

/**
 * The orientation in a TIFF header, 1 to 8; 1 (upright) if it is missing or invalid. The header may follow the text `Exif` and two bytes,
 * as in a JPEG, because some programs write it like that into a WebP or a PNG too.
 */
export function readOrientation(exif: Uint8Array): number {
  const isNamed = String.fromCharCode(...exif.subarray(0, 4)) === 'Exif';
  const found = findTag(isNamed ? exif.subarray(6) : exif, ORIENTATION);
  const value = found?.view.getUint16(found.at, found.little) ?? 1;
  return value >= 1 && value <= 8 ? value : 1;
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

/** Turns and mirrors an image according to its orientation, and adds a warning. With 5 to 8, rows become columns. */
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
