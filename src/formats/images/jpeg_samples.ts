/** Makes the image from its stored components. Chroma is enlarged as in libjpeg ("fancy upsampling"), and colours are converted to RGB. */
import type { Colours, Component, Frame } from './jpeg_frame.js';

/** The samples of the image, row by row, in 1 or 3 channels. */
export function imageOf(frame: Frame, colours: Colours): Uint8Array {
  const { width, height, components } = frame;
  const rowsOf = components.map((component) => fullRows(component, frame));
  const channels = colours === 'grey' ? 1 : 3;
  const data = new Uint8ClampedArray(width * height * channels);
  const convert = CONVERSIONS[colours];
  for (let y = 0; y < height; y++) {
    const rows = rowsOf.map((row) => row(y));
    convert(rows, data, y * width * channels, width);
  }
  return new Uint8Array(data.buffer);
}

type Row = Uint8Array;

/** Returns a function that gives row `y` of a component at the image's size. The row may be longer, and is valid until the next call. */
function fullRows(component: Component, { width, h, v }: Frame): (y: number) => Row {
  const plane = component.plane!;
  const stride = component.columns * 8;
  const [across, down] = [h / component.h, v / component.v];
  const stored = (y: number) => plane.subarray(y * stride, y * stride + component.width);
  const row = new Uint8Array(Math.max(width + 1, component.width * across));
  const below = component.height - 1;
  // Each stored row gives two rows of the image. Such a row is three quarters of the stored row plus one quarter of its nearer neighbour,
  // which is the row above for the upper one and the row below for the lower one.
  const neighbours = (y: number) => {
    const own = y >> 1;
    const other = y % 2 === 0 ? Math.max(0, own - 1) : Math.min(below, own + 1);
    return [stored(own), stored(other)] as const;
  };
  const smooth = component.width > 2;

  if (across === 1 && down === 1) return stored;
  if (across === 2 && down === 1 && smooth) return (y) => widened(stored(y), row);
  if (across === 2 && down === 2 && smooth) {
    const sums = new Uint16Array(component.width);
    return (y) => {
      const [own, other] = neighbours(y);
      for (let x = 0; x < sums.length; x++) sums[x] = own[x] * 3 + other[x];
      return widenedSums(sums, row);
    };
  }
  if (across === 1 && down === 2) {
    return (y) => {
      const [own, other] = neighbours(y);
      const round = y % 2 === 0 ? 1 : 2;
      for (let x = 0; x < own.length; x++) row[x] = (own[x] * 3 + other[x] + round) >> 2;
      return row;
    };
  }
  return (y) => {
    const own = stored(Math.floor(y / down));
    for (let x = 0; x < width; x++) row[x] = own[Math.floor(x / across)];
    return row;
  };
}

/**
 * Makes two samples of each: three quarters of the sample plus one quarter of the nearer neighbour. Halves are rounded down and up by
 * turns.
 */
function widened(own: Row, row: Row): Row {
  const last = own.length - 1;
  for (let x = 0; x <= last; x++) {
    row[2 * x] = (own[x] * 3 + own[Math.max(0, x - 1)] + 1) >> 2;
    row[2 * x + 1] = (own[x] * 3 + own[Math.min(last, x + 1)] + 2) >> 2;
  }
  return row;
}

/** The same for sums of two rows (three times one plus the other), which are four times too large. */
function widenedSums(sums: Uint16Array, row: Row): Row {
  const last = sums.length - 1;
  for (let x = 0; x <= last; x++) {
    row[2 * x] = (sums[x] * 3 + sums[Math.max(0, x - 1)] + 8) >> 4;
    row[2 * x + 1] = (sums[x] * 3 + sums[Math.min(last, x + 1)] + 7) >> 4;
  }
  return row;
}

/** The coefficients of ITU-R BT.601 in units of 1/65536. Chroma is 128 for grey. Rounding is that of libjpeg. */
const RED = 91881; // 1.402
const GREEN_BLUE = 22554; // 0.34414
const GREEN_RED = 46802; // 0.71414
const BLUE = 116130; // 1.772
const HALF = 32768;

const redOf = (y: number, cr: number) => y + ((RED * (cr - 128) + HALF) >> 16);
const greenOf = (y: number, cb: number, cr: number) =>
  y + ((HALF - GREEN_BLUE * (cb - 128) - GREEN_RED * (cr - 128)) >> 16);
const blueOf = (y: number, cb: number) => y + ((BLUE * (cb - 128) + HALF) >> 16);

const clamp = (value: number) => (value < 0 ? 0 : value > 255 ? 255 : value);

type Convert = (rows: readonly Row[], to: Uint8ClampedArray, at: number, width: number) => void;

/**
 * Images with four colours are read as Adobe's programs write them, and as Pillow and browsers read them: inverted, so that 255 means no
 * ink. No colour profile is used. The light of each channel is what its ink lets through, times what black lets through.
 */
const CONVERSIONS: Record<Colours, Convert> = {
  grey: ([grey], to, at, width) => to.set(grey.subarray(0, width), at),
  RGB: ([red, green, blue], to, at, width) => {
    for (let x = 0; x < width; x++) {
      to[at++] = red[x];
      to[at++] = green[x];
      to[at++] = blue[x];
    }
  },
  YCbCr: ([luma, cb, cr], to, at, width) => {
    for (let x = 0; x < width; x++) {
      to[at++] = redOf(luma[x], cr[x]);
      to[at++] = greenOf(luma[x], cb[x], cr[x]);
      to[at++] = blueOf(luma[x], cb[x]);
    }
  },
  CMYK: ([cyan, magenta, yellow, black], to, at, width) => {
    for (let x = 0; x < width; x++) {
      to[at++] = Math.round((cyan[x] * black[x]) / 255);
      to[at++] = Math.round((magenta[x] * black[x]) / 255);
      to[at++] = Math.round((yellow[x] * black[x]) / 255);
    }
  },
  YCCK: ([luma, cb, cr, black], to, at, width) => {
    for (let x = 0; x < width; x++) {
      to[at++] = Math.round(((255 - clamp(redOf(luma[x], cr[x]))) * black[x]) / 255);
      to[at++] = Math.round(((255 - clamp(greenOf(luma[x], cb[x], cr[x]))) * black[x]) / 255);
      to[at++] = Math.round(((255 - clamp(blueOf(luma[x], cb[x]))) * black[x]) / 255);
    }
  },
};
