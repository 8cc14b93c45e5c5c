/** The position of an image in the square that a network sees, and how boxes are mapped between the two. */
import { InputError } from '../../errors.js';

/**
 * stretch: both sides are resized to the square's, whatever the aspect ratio. crop: the network sees only the centred square of the
 * shorter side. pad: the network sees the whole image, centred, with its aspect ratio and a black border (raw value 0).
 */
export type Fit = 'stretch' | 'crop' | 'pad';

/** One axis: `length` pixels of the image, beginning at `from` (a multiple of ½), fill `target` pixels of the square from `start` on. */
export interface Span {
  readonly from: number;
  readonly length: number;
  readonly start: number;
  readonly target: number;
}

/** Edges of pixels are mapped by network = image · scale + offset. */
export interface Frame {
  readonly scaleX: number;
  readonly scaleY: number;
  readonly offsetX: number;
  readonly offsetY: number;
  readonly x: Span;
  readonly y: Span;
}

/** Left, top, width and height in pixels; half-open. */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * @param width of the image in pixels. @param height likewise.
 * @param size side of the square in pixels.
 * @throws InputError for sizes below 1.
 */
export function frameOf(width: number, height: number, size: number, fit: Fit): Frame {
  if (![width, height, size].every((length) => Number.isSafeInteger(length) && length >= 1)) {
    throw new InputError('image or network input without pixels', {
      expected: 'whole sizes from 1 on',
      given: `${width} × ${height} to ${size}`,
    });
  }
  const shorter = Math.min(width, height);
  const longer = Math.max(width, height);
  const span = (length: number): Span => {
    if (fit === 'stretch') return { from: 0, length, start: 0, target: size };
    if (fit === 'crop') return { from: (length - shorter) / 2, length: shorter, start: 0, target: size };
    const target = Math.max(1, Math.round((length * size) / longer));
    return { from: 0, length, start: Math.floor((size - target) / 2), target };
  };
  const [x, y] = [span(width), span(height)];
  return {
    x,
    y,
    scaleX: x.target / x.length,
    scaleY: y.target / y.length,
    offsetX: x.start - (x.from * x.target) / x.length,
    offsetY: y.start - (y.from * y.target) / y.length,
  };
}

/** The position in the source of the centre of an output pixel; undefined in padding. */
export function centreOf({ from, length, start, target }: Span, index: number): number | undefined {
  const place = index - start;
  return place < 0 || place >= target ? undefined : from + ((place + 0.5) * length) / target;
}

/** Maps a rectangle from pixels of the image to pixels of the network's input. */
export function toNetwork({ scaleX, scaleY, offsetX, offsetY }: Frame, { x, y, width, height }: Rectangle): Rectangle {
  return { x: x * scaleX + offsetX, y: y * scaleY + offsetY, width: width * scaleX, height: height * scaleY };
}

/** Maps a rectangle from pixels of the network's input to pixels of the image. It may exceed the image if that was padded. */
export function toImage({ scaleX, scaleY, offsetX, offsetY }: Frame, { x, y, width, height }: Rectangle): Rectangle {
  return { x: (x - offsetX) / scaleX, y: (y - offsetY) / scaleY, width: width / scaleX, height: height / scaleY };
}

/** The pixels of the image that the network sees: those whose centres lie inside its square. */
export function seenPixels({ x, y }: Frame): Rectangle {
  return { x: Math.floor(x.from), y: Math.floor(y.from), width: x.length, height: y.length };
}

/** The entry of a table for which there is no position. */
export const NOWHERE = 0xffffffff;

/**
 * A table of positions along one axis, for kernels. In f32, a large position would lose its fraction, so an entry is a pair of the whole
 * part and the bits of the fraction as f32. It is `NOWHERE` if `at` returns undefined.
 */
export function positionTable(count: number, at: (index: number) => number | undefined): Uint32Array {
  const table = new Uint32Array(2 * count);
  const fractions = new Float32Array(table.buffer);
  for (let index = 0; index < count; index++) {
    const position = at(index);
    const whole = Math.floor(position ?? 0);
    const fraction = Math.fround((position ?? 0) - whole);
    // A fraction just below 1 may be rounded to 1 in f32.
    table[2 * index] = position === undefined ? NOWHERE : whole + Math.floor(fraction);
    fractions[2 * index + 1] = fraction % 1;
  }
  return table;
}
