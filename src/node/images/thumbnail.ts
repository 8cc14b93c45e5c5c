/** Makes small pictures of images for reports. */
import { to16Bits } from '../../formats/images/bits.js';
import type { Image } from '../../formats/images/pixels.js';
import { encodePng } from '../../formats/images/png.js';
import { readImage } from './image_files.js';

/** A grey PNG as a data URL, whose longer side is at most `side`, and the size of the image itself. */
export async function pictureUrl(path: string, side = 512): Promise<{ url: string; width: number; height: number }> {
  const image = await readImage(path);
  const png = await encodePng(shrink(image, side));
  const url = `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
  return { url, width: image.width, height: image.height };
}

/** Shrinks an image by averaging whole blocks of pixels, and averages its channels. This is for viewing only. */
function shrink(image: Image, side: number): Image {
  const { data, width, height, channels } = image;
  const block = Math.max(1, Math.ceil(Math.max(width, height) / side));
  const columns = Math.ceil(width / block);
  const rows = Math.ceil(height / block);
  const scale = to16Bits(image) / 257;
  const colors = Math.min(channels, 3);
  const small = new Uint8Array(columns * rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const [right, bottom] = [Math.min((column + 1) * block, width), Math.min((row + 1) * block, height)];
      let sum = 0;
      for (let y = row * block; y < bottom; y++) {
        for (let x = column * block; x < right; x++) {
          for (let color = 0; color < colors; color++) sum += data[(y * width + x) * channels + color];
        }
      }
      const pixels = (bottom - row * block) * (right - column * block);
      small[row * columns + column] = Math.round((sum * scale) / (pixels * colors));
    }
  }
  return { data: small, width: columns, height: rows, channels: 1 };
}
