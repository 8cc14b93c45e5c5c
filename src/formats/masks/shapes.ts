/** What a radiologist marked in an image, as files give it: boxes, polygons or masks. */
import { InputError } from '../../errors.js';
import type { Box } from '../findings.js';
import { crossedShare, MAX_LENGTH, outlineLength, type Polygon, polygonMask } from './polygon.js';
import { type Rle, rleArea, rleOf, rleUnion } from './rle.js';

/** One finding's mark: a box, polygons that belong together, or the mask itself. */
export type Shape =
  | { readonly box: Box }
  | { readonly polygons: readonly Polygon[] }
  | { readonly mask: Rle; readonly boxes?: readonly Box[] };

/** An image with its marks. */
export interface ShapedImage {
  /** The image's name as the file gives it, without folders. */
  image: string;
  /** Size in whose pixels the marks are; undefined if the file does not say it. */
  width?: number | undefined;
  height?: number | undefined;
  marks: { label: string; shape: Shape }[];
  /** Labels that were looked for in this image. Those without a mark were not found; of all others nothing is known. */
  read: readonly string[];
}

/** A file of marks. */
export interface ShapeFile {
  /** The format, in words. */
  format: string;
  form: 'boxes' | 'masks';
  /** Side in pixels of the square that marks of this format are published in, if files of it do not say a size. */
  frame?: number;
  /** Whether marks have scores, which are not used. */
  scored?: boolean;
  images: ShapedImage[];
}

/** A finding in an image as pixels. */
export interface Region {
  /** All pixels of the finding. */
  mask: Rle;
  /** The box around each of its marks, in pixels of the mask. */
  boxes: Box[];
}

/**
 * The most pixels of all outlines of a file together, as many as those of fifty thousand large findings. Time and memory for polygons and boxes
 * are proportional to it, and a file of a few megabytes could ask for hours.
 */
const MAX_OUTLINES = 100_000_000;

/** Adds up the outlines of a file. The function that it gives throws an InputError when they become too long. */
export function outlineCount(source: string): (shape: Shape) => void {
  let pixels = 0;
  // A single outline that is too long is refused by itself, and with a better message.
  const add = (length: number) => {
    pixels += Math.min(length, MAX_LENGTH);
  };
  return (shape) => {
    if ('box' in shape) add(2 * (shape.box.width + shape.box.height));
    else if ('polygons' in shape) for (const polygon of shape.polygons) add(outlineLength(polygon));
    if (pixels <= MAX_OUTLINES) return;
    throw new InputError(`${source}: its outlines are too long together`, {
      expected: `polygons and boxes whose outlines are at most ${MAX_OUTLINES} pixels long`,
      hint: 'divide the file, or write masks as run lengths',
    });
  };
}

/** The marks of one finding in one image, as pixels. @throws InputError for marks that cannot be in an image of this size */
export function regionOf(shapes: readonly Shape[], width: number, height: number, where: string): Region {
  const boxes: Box[] = [];
  function* masks(): Generator<Rle> {
    for (const shape of shapes) {
      const mask = maskOf(shape, width, height, where);
      if ('box' in shape) boxes.push(shape.box);
      else if ('mask' in shape && shape.boxes) for (const box of shape.boxes) boxes.push(box);
      else boxes.push(boxAround(mask));
      yield mask;
    }
  }
  const mask = rleUnion(masks());
  return { mask, boxes };
}

function maskOf(shape: Shape, width: number, height: number, where: string): Rle {
  if ('mask' in shape) {
    const { mask } = shape;
    if (mask.width === width && mask.height === height) return mask;
    throw new InputError(`${where}: the mask has another size than the image`, {
      expected: `${width} × ${height} pixels`,
      given: `${mask.width} × ${mask.height}`,
    });
  }
  const mask =
    'box' in shape
      ? boxMask(shape.box, width, height, where)
      : rleUnion(polygonMasks(shape.polygons, width, height, where));
  if (rleArea(mask) > 0) return mask;
  throw new InputError(`${where}: a mark covers the centre of no pixel`, {
    expected: 'a mark that covers the centre of at least one pixel',
    hint: 'coordinates may be given as fractions of the image instead of pixels; leave out marks that are smaller than a pixel',
  });
}

/** One after the other, so that not all of them are in memory at once. */
function* polygonMasks(polygons: readonly Polygon[], width: number, height: number, where: string): Generator<Rle> {
  for (const polygon of polygons) yield polygonMask(polygon, width, height, where);
}

/** The largest `crossedShare` of the polygons of a shape, 0 for other shapes. @throws InputError if it is too large */
export const crossedIn = (shape: Shape, where: string): number =>
  'polygons' in shape ? shape.polygons.reduce((most, polygon) => Math.max(most, crossedShare(polygon, where)), 0) : 0;

/** Pixels by which a box may lie outside of its image. */
const SLACK = 1;

/** The pixels whose middle is in a box. @throws InputError if the box passes the edge of the image */
function boxMask({ x, y, width, height }: Box, across: number, down: number, where: string): Rle {
  if (x < -SLACK || y < -SLACK || x + width > across + SLACK || y + height > down + SLACK) {
    throw new InputError(`${where}: a box passes the edge of its image`, {
      expected: `a box within ${across} × ${down} pixels`,
      given: [x, y, width, height].join(', '),
      hint: 'it may be given in a larger frame, which the option frame (--mask-frame) says',
    });
  }
  const within = (value: number, most: number) => Math.min(Math.max(Math.ceil(value - 0.5), 0), most);
  const [left, right] = [within(x, across), within(x + width, across)];
  const [top, bottom] = [within(y, down), within(y + height, down)];
  if (right <= left || bottom <= top) return rleOf([across * down], across, down);
  const runs = [left * down + top];
  for (let column = left; column < right; column++) {
    runs.push(bottom - top, column + 1 < right ? down - (bottom - top) : (across - right) * down + down - bottom);
  }
  return rleOf(runs, across, down);
}

/** The smallest box around all pixels of a mask that is not empty. */
export function boxAround({ height, runs }: Rle): Box {
  let [left, right, top, bottom] = [Number.POSITIVE_INFINITY, 0, height, 0];
  let at = runs[0];
  for (let i = 1; i < runs.length; i += 2) {
    const last = at + runs[i] - 1;
    const [first, end] = [Math.floor(at / height), Math.floor(last / height)];
    left = Math.min(left, first);
    right = Math.max(right, end + 1);
    // A run that goes on in the next column reaches both edges.
    top = Math.min(top, first < end ? 0 : at % height);
    bottom = Math.max(bottom, first < end ? height : (last % height) + 1);
    at += runs[i] + (runs[i + 1] ?? 0);
  }
  return { x: left, y: top, width: right - left, height: bottom - top };
}
