/** Has the browser decode images in formats that raybox does not decode itself. It is only loaded for such an image. */
import { InputError } from '../errors.js';
import { upright } from '../formats/images/orientation.js';
import type { PictureHeader } from '../formats/images/picture_facts.js';
import { readPictureHeader, webpChunks } from '../formats/images/picture_header.js';
import { checkSize } from '../formats/images/pixels.js';
import type { ImageLimits, PlatformPixels } from '../gpu/platform.js';
import type { Warning } from '../warnings.js';
import { drawnPixels } from './drawable.js';

/**
 * Decodes a WebP, AVIF, GIF or BMP to RGB with 8 bits. Transparent pixels are blended with black, colour profiles are not applied, and the
 * image is turned as viewers show it. Of an animation the first picture is taken. `warnings` say so.
 * @throws InputError if the image is too large according to its header, or if this browser cannot decode it.
 */
export async function decodeByBrowser(format: string, bytes: Uint8Array, limits: ImageLimits): Promise<PlatformPixels> {
  const header = readPictureHeader(format, bytes);
  if (header.size) checkSize(format, header.size.width, header.size.height, 4, limits);
  const bitmap = await createImageBitmap(new Blob([withoutExif(format, bytes) as BlobPart]), {
    colorSpaceConversion: 'none',
    premultiplyAlpha: 'none',
  }).catch((cause) => {
    throw new InputError(`${format}: this browser does not decode the image`, {
      hint: 'the file is damaged, or of a kind that this browser does not know: convert it to PNG',
      cause,
    });
  });
  try {
    const pixels = await drawnPixels(bitmap, limits);
    const { data, width, height, warnings } = upright(
      { ...pixels!, warnings: told(format, header) },
      header.orientation,
    );
    return { data: data as Uint8Array, width, height, channels: 4, warnings: warnings! };
  } finally {
    bitmap.close();
  }
}

/**
 * Hides the EXIF data of a WebP, by renaming its chunk to a name that no decoder knows. Only some browsers turn a WebP by its EXIF
 * orientation, so the turning is done here instead.
 */
function withoutExif(format: string, bytes: Uint8Array): Uint8Array {
  if (format !== 'WebP') return bytes;
  const places = [...webpChunks(bytes)].filter(({ type }) => type === 'EXIF').map(({ at }) => at - 8);
  if (places.length === 0) return bytes;
  const copy = bytes.slice();
  for (const at of places) copy.set([0x4e, 0x4f, 0x4e, 0x45], at);
  return copy;
}

function told(format: string, { hasMore, isTurned, bits }: PictureHeader): Warning[] {
  const decoded =
    `the ${format} was decoded by this browser, to 8 bits${bits > 8 ? ` of its ${bits}` : ''}; another browser may differ by a level; ` +
    `for the same pixels everywhere convert it to PNG${hasMore ? '; only the first of its pictures was taken' : ''}`;
  const turned =
    'the file says that its image is turned or mirrored (irot, imir), and the browser did so, as viewers show it: check that left is left; boxes are in pixels of the image as it is shown';
  return [
    { code: 'browser-decoded', message: decoded },
    ...(isTurned ? [{ code: 'applied-orientation' as const, message: turned }] : []),
  ];
}
