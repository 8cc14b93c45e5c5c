/** Turns the inflated bytes of a PNG into pixels, row by row: undoes the filters and writes the samples to their places in the image. */
import { InputError } from '../../errors.js';
import { opaqueAlpha, overBlack } from './alpha.js';
import { ADAM7, COLOR_TYPES, type PngHeader, WHOLE_IMAGE } from './png_header.js';

export interface PngPixels {
  data: Uint8Array | Uint16Array;
  channels: 1 | 3;
}

/** Takes inflated bytes in pieces of any length. */
export interface RowReader extends PngPixels {
  /** Whether all rows have been read. */
  readonly done: boolean;
  /** The alpha of an opaque pixel, which is known after all rows have been read. See `opaqueAlpha` for `bits`. */
  opaque(bits?: number): number;
  /** @throws InputError for bytes after the last row, an unknown filter, or an index beyond the palette. */
  push(bytes: Uint8Array): void;
}

/**
 * Allocates the image, whose size the caller has checked. Grey gives one channel, RGB and palette give three. Transparent pixels are
 * blended with black.
 * @param opaque the alpha of an opaque pixel. Default: the largest alpha of the depth
 */
export function createRowReader(header: PngHeader, opaque = header.depth === 16 ? 65535 : 255): RowReader {
  const { width, height, depth, colorType } = header;
  const { samples } = COLOR_TYPES[colorType];
  const channels = colorType === 0 || colorType === 4 ? 1 : 3;
  const data = new (depth === 16 ? Uint16Array : Uint8Array)(width * height * channels);
  const highest: Highest = { colour: 0, alpha: 0 };
  const place = placer(header, data, channels, opaque, highest);
  const distance = Math.max(1, (samples * depth) >> 3);

  const passes = (header.interlaced ? ADAM7 : WHOLE_IMAGE).filter(([x, y]) => x < width && y < height);
  let pass = 0;
  let row = 0;
  /** The filter's number and the bytes of the current row, the same of the row above, and how many bytes of the current row are filled. */
  let line = new Uint8Array(0);
  let above = new Uint8Array(0);
  let filled = 0;
  function startPass(): void {
    const [x, , dx] = passes[pass];
    const bytes = 1 + Math.ceil((Math.ceil((width - x) / dx) * samples * depth) / 8);
    line = new Uint8Array(bytes);
    above = new Uint8Array(bytes);
    row = 0;
  }
  startPass();

  function finishRow(): void {
    unfilter(line, above, distance);
    const [x, y, dx, dy] = passes[pass];
    place(line, Math.ceil((width - x) / dx), x, dx, y + row * dy);
    [line, above] = [above, line];
    filled = 0;
    row += 1;
    if (y + row * dy < height) return;
    pass += 1;
    if (pass < passes.length) startPass();
  }

  return {
    data,
    channels,
    get done() {
      return pass === passes.length;
    },
    opaque: (bits) => (depth === 16 && samples > channels ? opaqueAlpha(highest.colour, highest.alpha, bits) : opaque),
    push(bytes) {
      for (let at = 0; at < bytes.length; ) {
        if (pass === passes.length)
          throw new InputError('png: wrong amount of pixels', { expected: 'what the header says', given: 'more' });
        const taken = Math.min(line.length - filled, bytes.length - at);
        line.set(bytes.subarray(at, at + taken), filled);
        filled += taken;
        at += taken;
        if (filled === line.length) finishRow();
      }
    },
  };
}

/** Undoes the filter of a row in place. `line[0]` is the filter's number. Bytes left of the row and above the image count as 0. */
function unfilter(line: Uint8Array, above: Uint8Array, distance: number): void {
  const filter = line[0];
  const { length } = line;
  const first = Math.min(length, 1 + distance);
  if (filter === 1) {
    for (let i = first; i < length; i++) line[i] += line[i - distance];
  } else if (filter === 2) {
    for (let i = 1; i < length; i++) line[i] += above[i];
  } else if (filter === 3) {
    for (let i = 1; i < first; i++) line[i] += above[i] >> 1;
    for (let i = first; i < length; i++) line[i] += (line[i - distance] + above[i]) >> 1;
  } else if (filter === 4) {
    for (let i = 1; i < first; i++) line[i] += above[i];
    for (let i = first; i < length; i++) {
      const a = line[i - distance];
      const b = above[i];
      const c = above[i - distance];
      const toA = Math.abs(b - c);
      const toB = Math.abs(a - c);
      const toC = Math.abs(a + b - 2 * c);
      line[i] += toA <= toB && toA <= toC ? a : toB <= toC ? b : c;
    }
  } else if (filter !== 0) {
    throw new InputError('png: a row has an unknown filter', { expected: '0 to 4', given: String(filter) });
  }
}

/** Writes `columns` pixels of an unfiltered line into row `y` of the image, at every `dx`-th column from `x` on. */
type Place = (line: Uint8Array, columns: number, x: number, dx: number, y: number) => void;

/** The largest colour and the largest alpha of an image that has alpha. */
interface Highest {
  colour: number;
  alpha: number;
}

function placer(
  header: PngHeader,
  data: Uint8Array | Uint16Array,
  channels: number,
  opaque: number,
  highest: Highest,
): Place {
  const { width, depth, colorType, palette, transparent } = header;
  const start = (x: number, y: number) => (y * width + x) * channels;

  if (colorType === 3) {
    const colors = palette!;
    const sample = sampleReader(depth);
    return (line, columns, x, dx, y) => {
      for (let i = 0, to = start(x, y); i < columns; i++, to += dx * 3) {
        const from = sample(line, i) * 3;
        if (from >= colors.length)
          throw new InputError('png: an index lies beyond the palette', {
            expected: `0 to ${colors.length / 3 - 1}`,
            given: String(from / 3),
          });
        data[to] = colors[from];
        data[to + 1] = colors[from + 1];
        data[to + 2] = colors[from + 2];
      }
    };
  }
  const { samples } = COLOR_TYPES[colorType];
  const sample = sampleReader(depth);
  if (samples > channels) {
    return (line, columns, x, dx, y) => {
      for (let i = 0, to = start(x, y); i < columns; i++, to += dx * channels) {
        const alpha = sample(line, i * samples + channels);
        if (alpha > highest.alpha) highest.alpha = alpha;
        for (let c = 0; c < channels; c++) {
          const colour = sample(line, i * samples + c);
          if (colour > highest.colour) highest.colour = colour;
          data[to + c] = overBlack(colour, alpha, opaque);
        }
      }
    };
  }
  // A chunk tRNS makes pixels of one colour transparent, so they become black.
  const isTransparent = (line: Uint8Array, first: number) => {
    for (let c = 0; c < channels; c++) if (sample(line, first + c) !== transparent![c]) return false;
    return true;
  };
  const scale = depth < 8 ? 255 / (2 ** depth - 1) : 1;
  return (line, columns, x, dx, y) => {
    if (depth === 8 && dx === 1 && !transparent) return data.set(line.subarray(1), start(x, y));
    for (let i = 0, to = start(x, y); i < columns; i++, to += dx * channels) {
      if (transparent && isTransparent(line, i * channels)) continue; // the image is black when it is allocated
      for (let c = 0; c < channels; c++) data[to + c] = sample(line, i * channels + c) * scale;
    }
  };
}

/**
 * Returns a function that reads the `i`-th sample of a line. Samples of 16 bits are big-endian. Those of fewer than 8 bits begin at the
 * highest bits of a byte. Byte 0 of a line is its filter.
 */
function sampleReader(depth: number): (line: Uint8Array, i: number) => number {
  if (depth === 16) return (line, i) => (line[1 + 2 * i] << 8) | line[2 + 2 * i];
  if (depth === 8) return (line, i) => line[1 + i];
  const mask = 2 ** depth - 1;
  return (line, i) => (line[1 + ((i * depth) >> 3)] >> (8 - depth - ((i * depth) & 7))) & mask;
}
