/**
 * Masks as run lengths, in the form of COCO (Lin et al. 2014): the pixels are taken column by column, from top to bottom, and runs of zeros
 * and ones alternate, beginning with zeros. A mask of a radiograph takes a few kilobytes in this form, and counts of pixels are sums of runs.
 *
 * COCO writes the runs as a list of numbers, or as a string. In the string each run from the fourth on is the difference to the run two
 * before it, and each number is a sequence of characters from `0` to `o`: five bits in each, lowest bits first, a sixth bit if more follow.
 * This is written here because no maintained package for Node does it; pycocotools is what the tests compare it with.
 */
import { InputError } from '../../errors.js';
import { brief } from '../brief.js';

/** A mask as run lengths. The runs are those of zeros and ones in turn, and add up to `width` × `height`. Only the first may be 0. */
export interface Rle {
  readonly width: number;
  readonly height: number;
  readonly runs: Uint32Array;
}

/** The most pixels of a mask: more than seven thousand in each direction. The work on a mask is proportional to its pixels. */
const MAX_MASK_PIXELS = 50_000_000;
const MAX_SIDE = 65_535;

/** @throws InputError unless both sides are whole numbers from 1 to 65,535, with at most 50,000,000 pixels */
export function checkMaskSize(width: unknown, height: unknown, where: string): void {
  const isSide = (side: unknown) => Number.isInteger(side) && (side as number) > 0 && (side as number) <= MAX_SIDE;
  if (isSide(width) && isSide(height) && (width as number) * (height as number) <= MAX_MASK_PIXELS) return;
  throw new InputError(`${where}: a mask cannot have this size`, {
    expected: `a width and a height from 1 to ${MAX_SIDE}, and at most ${MAX_MASK_PIXELS} pixels`,
    given: `${brief(width)} × ${brief(height)}`,
  });
}

/** The mask of these runs, without empty ones. @throws InputError unless they fill the mask exactly */
export function rleOf(runs: ArrayLike<number>, width: number, height: number, where = 'a mask'): Rle {
  checkMaskSize(width, height, where);
  const pixels = width * height;
  const kept = new Uint32Array(runs.length + 1);
  let [count, filled] = [1, 0];
  for (let i = 0; i < runs.length; i++) {
    const run = runs[i];
    if (!Number.isInteger(run) || run < 0 || run > pixels) {
      throw new InputError(`${where}: run ${i + 1} is no number of pixels`, { given: brief(run) });
    }
    filled += run;
    if (run === 0) continue;
    // An empty run between two others joins them. A run belongs to the value of its place: zeros at even places.
    if (i % 2 === (count - 1) % 2) kept[count - 1] += run;
    else kept[count++] = run;
  }
  if (filled !== pixels) {
    throw new InputError(`${where}: its runs do not fill it`, {
      expected: `${width} × ${height} = ${pixels} pixels`,
      given: `${filled}`,
      hint: 'the mask may be of another image, or its width and height may be swapped',
    });
  }
  return { width, height, runs: kept.slice(0, count) };
}

const [FIRST_CHARACTER, MORE, SIGN, VALUE] = [48, 32, 16, 31];

/**
 * Reads COCO's string.
 * @param where what the mask is, for messages
 * @throws InputError for other characters, a string that ends within a number, and runs that do not fill the mask exactly
 */
export function readRleString(text: string, width: number, height: number, where = 'a mask'): Rle {
  checkMaskSize(width, height, where);
  const runs: number[] = [];
  let at = 0;
  while (at < text.length) {
    let [value, scale] = [0, 1];
    for (let more = true; more; ) {
      const code = text.charCodeAt(at) - FIRST_CHARACTER;
      // Seven characters hold 35 bits, enough for any number of pixels with its sign.
      if (!(code >= 0 && code < 2 * MORE) || scale > 2 ** 30) {
        throw new InputError(`${where} is no string of run lengths`, {
          expected: 'characters from "0" to "o", in numbers of at most seven',
          given: at < text.length ? `${brief(text[at])} as character ${at + 1}` : 'a string that ends within a number',
        });
      }
      at += 1;
      value += (code & VALUE) * scale;
      scale *= MORE;
      more = (code & MORE) !== 0;
      if (!more && code & SIGN) value -= scale;
    }
    runs.push(runs.length > 2 ? value + runs[runs.length - 2] : value);
  }
  return rleOf(runs, width, height, where);
}

/** Writes COCO's string. `readRleString` gives the same runs again. */
export function rleString({ runs }: Pick<Rle, 'runs'>): string {
  let text = '';
  for (let i = 0; i < runs.length; i++) {
    let rest = i > 2 ? runs[i] - runs[i - 2] : runs[i];
    for (let more = true; more; ) {
      const bits = rest & VALUE;
      rest >>= 5;
      more = bits & SIGN ? rest !== -1 : rest !== 0;
      text += String.fromCharCode(FIRST_CHARACTER + bits + (more ? MORE : 0));
    }
  }
  return text;
}

/** The run lengths of pixels that are given row by row; every value but 0 is in the mask. */
export function rleOfPixels(pixels: ArrayLike<number | boolean>, width: number, height: number): Rle {
  checkMaskSize(width, height, 'a mask');
  const runs: number[] = [0];
  let value = false;
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      if (Boolean(pixels[y * width + x]) !== value) {
        value = !value;
        runs.push(0);
      }
      runs[runs.length - 1] += 1;
    }
  }
  return { width, height, runs: Uint32Array.from(runs) };
}

/** The pixels of a mask row by row, each 0 or 1. @param into an array of at least that length, to be used again */
export function pixelsOf(rle: Rle, into = new Uint8Array(rle.width * rle.height)): Uint8Array {
  const { width, height } = rle;
  into.fill(0, 0, width * height);
  eachRun(rle, (start, end) => {
    let [column, row] = [Math.floor(start / height), start % height];
    for (let left = end - start; left > 0; left--) {
      into[row * width + column] = 1;
      if (++row < height) continue;
      row = 0;
      column += 1;
    }
  });
  return into;
}

/** Calls `visit` for each run of ones, with its first pixel and the one after its last, counted down the columns. */
export function eachRun({ runs }: Rle, visit: (start: number, end: number) => void): void {
  let at = runs[0];
  for (let i = 1; i < runs.length; i += 2) {
    visit(at, at + runs[i]);
    at += runs[i] + (runs[i + 1] ?? 0);
  }
}

/** How many pixels are in a mask. */
export function rleArea({ runs }: Rle): number {
  let area = 0;
  for (let i = 1; i < runs.length; i += 2) area += runs[i];
  return area;
}

/** How many pixels two masks of the same size share. @throws InputError if their sizes differ */
export function rleIntersection(a: Rle, b: Rle): number {
  refuseOtherSize(a, b);
  let shared = 0;
  eachPiece(a, b, (length, inA, inB) => {
    if (inA && inB) shared += length;
  });
  return shared;
}

/**
 * All pixels of several masks of one size. Unions of as many masks are joined with each other, as in a sum with carries, so that the time for
 * many masks does not grow with the square of their number.
 * @throws InputError if their sizes differ, or if there is no mask
 */
export function rleUnion(masks: Iterable<Rle>): Rle {
  const sums: (Rle | undefined)[] = [];
  for (const mask of masks) {
    let sum = mask;
    let at = 0;
    for (let other = sums[at]; other; other = sums[at]) {
      sum = unionOf(other, sum);
      sums[at++] = undefined;
    }
    sums[at] = sum;
  }
  const rest = sums.filter((sum) => sum !== undefined);
  if (rest.length === 0) throw new InputError('no mask to join');
  return rest.reduce(unionOf);
}

function unionOf(a: Rle, b: Rle): Rle {
  refuseOtherSize(a, b);
  const runs: number[] = [0];
  eachPiece(a, b, (length, inA, inB) => {
    if (Number(inA || inB) !== (runs.length - 1) % 2) runs.push(0);
    runs[runs.length - 1] += length;
  });
  return { width: a.width, height: a.height, runs: Uint32Array.from(runs) };
}

function refuseOtherSize(a: Rle, b: Rle): void {
  if (a.width === b.width && a.height === b.height) return;
  throw new InputError('two masks of different sizes cannot be compared', {
    expected: `${a.width} × ${a.height}`,
    given: `${b.width} × ${b.height}`,
  });
}

/** Splits two masks into pieces in which neither changes between 0 and 1, and calls `visit` for each piece. */
function eachPiece(a: Rle, b: Rle, visit: (length: number, inA: boolean, inB: boolean) => void): void {
  let [i, j] = [0, 0];
  let [leftA, leftB] = [a.runs[0], b.runs[0]];
  while (i < a.runs.length && j < b.runs.length) {
    const length = Math.min(leftA, leftB);
    if (length > 0) visit(length, i % 2 === 1, j % 2 === 1);
    leftA -= length;
    leftB -= length;
    if (leftA === 0) leftA = a.runs[++i];
    if (leftB === 0) leftB = b.runs[++j];
  }
}
