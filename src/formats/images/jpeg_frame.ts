/** Reads the size, components and colours of a JPEG from its headers (ITU-T T.81, annex B). Colours follow libjpeg's rules. */
import { InputError } from '../../errors.js';
import { damaged, type HuffmanTable } from './jpeg_bits.js';

/** One colour component of the image as it is stored. It is smaller than the image if it is subsampled. */
export interface Component {
  readonly id: number;
  /** Sampling factors across and down, 1 to 4. The component with the frame's largest factors has a sample for each pixel. */
  readonly h: number;
  readonly v: number;
  readonly table: number;
  /** Size in samples. */
  readonly width: number;
  readonly height: number;
  /** Size in blocks of 8 × 8 samples, as it is stored: rounded up to whole coded units. */
  readonly columns: number;
  readonly rows: number;
  /** Quantisation steps, row by row, as they are at the component's first scan. Later tables do not change them. */
  steps?: Uint16Array;
  /** In progressive files: all coefficients, block by block. */
  coefficients?: Int16Array;
  /** Samples, in rows of length 8 · `columns`. */
  plane?: Uint8Array;
  /** In progressive files: for each coefficient, in coded order, the lowest bit that has been read; 255 if none has. */
  bits?: Uint8Array;
}

export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly progressive: boolean;
  readonly components: readonly Component[];
  /** The largest sampling factors. */
  readonly h: number;
  readonly v: number;
}

/** The tables that are valid at the current position in the file. Later segments can replace them. */
export interface Tables {
  quantisation: (Uint16Array | undefined)[];
  dc: (HuffmanTable | undefined)[];
  ac: (HuffmanTable | undefined)[];
  restartInterval: number;
}

/** The index in a block, row by row, of each coefficient in coded order. */
export const ZIGZAG = Uint8Array.from(
  Array.from({ length: 64 }, (_, i) => i).sort((a, b) => {
    const [left, right] = [(a % 8) + (a >> 3), (b % 8) + (b >> 3)];
    // The order goes through the diagonals one after the other, upwards through the even ones and downwards through the odd ones.
    return left - right || (left % 2 === 0 ? (b >> 3) - (a >> 3) : (a >> 3) - (b >> 3));
  }),
);

export function readFrame(segment: Uint8Array, progressive: boolean): Frame {
  const [precision, heightHigh, heightLow, widthHigh, widthLow, count] = segment;
  if (segment.length !== 6 + 3 * count || ![1, 3, 4].includes(count))
    throw new InputError('jpeg: impossible header', { expected: '1, 3 or 4 components', given: `${count}` });
  if (precision !== 8) throw new InputError(`jpeg: ${precision}-bit images are not supported`, { expected: '8 bits' });
  const width = (widthHigh << 8) | widthLow;
  const height = (heightHigh << 8) | heightLow;
  const described = Array.from({ length: count }, (_, i) => {
    const [id, factors, table] = segment.subarray(6 + 3 * i);
    return { id, h: factors >> 4, v: factors & 15, table };
  });
  const [h, v] = [Math.max(...described.map((one) => one.h)), Math.max(...described.map((one) => one.v))];
  for (const one of described) {
    if (one.h < 1 || one.h > 4 || one.v < 1 || one.v > 4 || h % one.h !== 0 || v % one.v !== 0)
      throw new InputError('jpeg: sampling in fractions is not supported', {
        expected: 'factors that divide the largest',
        given: described.map((each) => `${each.h}×${each.v}`).join(', '),
      });
  }
  if (new Set(described.map(({ id }) => id)).size < count) throw damaged('two components of one name');
  const [unitsAcross, unitsDown] = [Math.ceil(width / (8 * h)), Math.ceil(height / (8 * v))];
  const components = described.map((one) => ({
    ...one,
    width: Math.ceil((width * one.h) / h),
    height: Math.ceil((height * one.v) / v),
    columns: unitsAcross * one.h,
    rows: unitsDown * one.v,
  }));
  return { width, height, progressive, components, h, v };
}

/** DQT: quantisation tables. */
export function readQuantisation(segment: Uint8Array, tables: Tables): void {
  for (let at = 0; at < segment.length; ) {
    const [wide, place] = [segment[at] >> 4, segment[at] & 15];
    const bytes = wide ? 128 : 64;
    if (wide > 1 || place > 3 || at + 1 + bytes > segment.length) throw damaged('an invalid quantisation table');
    const steps = new Uint16Array(64);
    for (let i = 0; i < 64; i++) {
      const from = at + 1 + i * (wide + 1);
      steps[ZIGZAG[i]] = wide ? (segment[from] << 8) | segment[from + 1] : segment[from];
    }
    tables.quantisation[place] = steps;
    at += 1 + bytes;
  }
}

export type Colours = 'grey' | 'RGB' | 'YCbCr' | 'CMYK' | 'YCCK';

/** With three components a JFIF marker means YCbCr. Without it Adobe's marker decides, and without that the components' names do. */
export function coloursOf({ components }: Frame, isJfif: boolean, adobeTransform: number | undefined): Colours {
  if (components.length === 1) return 'grey';
  if (components.length === 4) return (adobeTransform ?? 0) === 0 ? 'CMYK' : 'YCCK';
  if (isJfif) return 'YCbCr';
  if (adobeTransform !== undefined) return adobeTransform === 0 ? 'RGB' : 'YCbCr';
  return String.fromCharCode(...components.map(({ id }) => id)) === 'RGB' ? 'RGB' : 'YCbCr';
}
