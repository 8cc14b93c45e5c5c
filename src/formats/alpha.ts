/** Transparency, which raybox reads everywhere as black behind the image. */
import type { Image } from './pixels.js';

const WHOLE = 16;
const FEWEST = 8;

/**
 * A colour over black: each sample times alpha, rounded. `opaque` is the largest alpha, at which the sample stays as it is.
 */
export const overBlack = (sample: number, alpha: number, opaque: number) =>
  alpha === opaque ? sample : Math.round((sample * alpha) / opaque);

/**
 * The alpha of an opaque pixel in samples of 16 bits. Writers that store 12 bits in 16 may do the same with alpha, or write 65535.
 * So it is the white of the bits that the caller names, where no alpha is above it; where nobody names them, that of the fewest
 * bits that hold all samples, colours and alphas.
 */
export function opaqueAlpha(highestColour: number, highestAlpha: number, bits?: number): number {
  const highest = Math.max(highestColour, highestAlpha);
  const inUse = bits ?? (highest === 0 ? WHOLE : Math.max(FEWEST, Math.floor(Math.log2(highest)) + 1));
  return 2 ** (highestAlpha < 2 ** inUse ? inUse : WHOLE) - 1;
}

/** RGBA → RGB over black; images without alpha as they are. `bits` as `opaqueAlpha` takes them. */
export function withoutAlpha(image: Image, bits?: number): Image {
  if (image.channels !== 4) return image;
  const { data, width, height } = image;
  const opaque = data instanceof Uint16Array ? opaqueIn(data, bits) : 255;
  const rgb = new (data instanceof Uint16Array ? Uint16Array : Uint8Array)(width * height * 3);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    const alpha = data[from + 3];
    for (let channel = 0; channel < 3; channel++) rgb[to++] = overBlack(data[from + channel], alpha, opaque);
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
