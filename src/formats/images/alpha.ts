/** Removes transparency. raybox blends every transparent image with black. */
import type { Image } from './pixels.js';

const WHOLE = 16;
const FEWEST = 8;

/**
 * Blends a sample with black: the sample times its share of opacity, rounded. `opaque` is the alpha of an opaque pixel, whose samples do
 * not change.
 */
export const overBlack = (sample: number, alpha: number, opaque: number) =>
  alpha === opaque ? sample : Math.round((sample * alpha) / opaque);

/**
 * The alpha of an opaque pixel in samples of 16 bits. If a program stores 12-bit colours unscaled, opaque may be 4095 in its files, or
 * 65535. So the result is the white level for the given number of bits, or, if none is given, for the fewest bits (at least 8) that hold all
 * colours and alphas. It is 65535 if an alpha is above that level.
 */
export function opaqueAlpha(highestColour: number, highestAlpha: number, bits?: number): number {
  const highest = Math.max(highestColour, highestAlpha);
  const inUse = bits ?? (highest === 0 ? WHOLE : Math.max(FEWEST, Math.floor(Math.log2(highest)) + 1));
  return 2 ** (highestAlpha < 2 ** inUse ? inUse : WHOLE) - 1;
}

/** Blends an RGBA image with black, to RGB. Other images are returned unchanged. `bits` is that of `opaqueAlpha`. */
export function withoutAlpha(image: Image, bits?: number): Image {
  if (image.channels !== 4) return image;
  const { data, width, height } = image;
  const opaque = data instanceof Uint16Array ? opaqueIn(data, bits) : 255;
  const rgb = new (data instanceof Uint16Array ? Uint16Array : Uint8Array)(width * height * 3);
  // Written out for each channel, because an image has millions of pixels, and nearly all of them are opaque.
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    const alpha = data[from + 3];
    if (alpha === opaque) {
      rgb[to] = data[from];
      rgb[to + 1] = data[from + 1];
      rgb[to + 2] = data[from + 2];
    } else {
      for (let channel = 0; channel < 3; channel++) rgb[to + channel] = overBlack(data[from + channel], alpha, opaque);
    }
  }
  return { ...image, data: rgb, channels: 3 };
}

function opaqueIn(rgba: Uint16Array, bits: number | undefined): number {
  let [colour, alpha] = [0, 0];
  for (let at = 0; at < rgba.length; at += 4) {
    colour = Math.max(colour, rgba[at], rgba[at + 1], rgba[at + 2]);
    alpha = Math.max(alpha, rgba[at + 3]);
  }
  return opaqueAlpha(colour, alpha, bits);
}
