/**
 * Baselines of localization: boxes for the same images and diseases that are made without looking at the image. A score has to be compared
 * with them to mean something, because IoBB rewards tiny boxes, and because hearts are always in the same place.
 */
import type { Box } from '../formats/findings.js';
import { type Random, seededRandom } from '../random.js';
import { quantile } from './intervals.js';
import type { BoxedImage, DetectedBox } from './localization.js';

export interface Frame {
  width: number;
  height: number;
}

/** Replaces the detected boxes of each image by those that `boxesFor` gives for each of its labels. */
function redraw(
  images: readonly BoxedImage[],
  labelsFor: (image: BoxedImage) => readonly string[],
  boxesFor: (label: string, image: BoxedImage) => Box[],
): BoxedImage[] {
  return images.map((image) => ({
    ...image,
    detected: labelsFor(image).flatMap((label) =>
      boxesFor(label, image).map((box): DetectedBox => ({ label, box, score: 1 })),
    ),
  }));
}

/**
 * The disease's median box: medians of left, top, width and height over the truth boxes of all *other* images, so that no image is scored
 * with its own truth. If only one image has boxes of a disease, it gets no median box.
 */
export function medianBoxBaseline(
  images: readonly BoxedImage[],
  labelsFor: (image: BoxedImage) => readonly string[],
): BoxedImage[] {
  const boxesOf = (label: string, some: readonly BoxedImage[]) =>
    some.flatMap(({ truth }) => truth.filter((each) => each.label === label).map(({ box }) => box));
  // The median over all boxes serves every image without a box of the disease, since leaving such an image out changes nothing.
  const ofAll = new Map<string, Box[]>();
  return redraw(images, labelsFor, (label, image) => {
    if (image.truth.some((each) => each.label === label)) {
      return medianBox(
        boxesOf(
          label,
          images.filter((other) => other !== image),
        ),
      );
    }
    const known = ofAll.get(label) ?? medianBox(boxesOf(label, images));
    ofAll.set(label, known);
    return known;
  });
}

/** The median box of some boxes; none if there are none. */
function medianBox(boxes: readonly Box[]): Box[] {
  if (boxes.length === 0) return [];
  const median = (side: keyof Box) => quantile(new Float64Array(boxes.map((box) => box[side])).sort(), 0.5);
  return [{ x: median('x'), y: median('y'), width: median('width'), height: median('height') }];
}

/**
 * A random heatmap for each image and label, turned into boxes as in the paper: uniform noise on a `cells`² grid is scaled up bilinearly and
 * stretched to [0, 255]. It is cut at 60 and at 180, and each 8-connected region gets a box. With three cells per side, a map has about as
 * many boxes (2.9) as a heatmap of the paper (1 to 3).
 */
export function randomMapBaseline(
  images: readonly BoxedImage[],
  labelsFor: (image: BoxedImage) => readonly string[],
  options: {
    seed?: number;
    cells?: number;
    heatThresholds?: readonly number[];
    frameOf?: (image: string) => Frame;
  } = {},
): BoxedImage[] {
  const { seed = 0, cells = 3, heatThresholds = [60, 180], frameOf = () => ({ width: 1024, height: 1024 }) } = options;
  const random = seededRandom(seed);
  return redraw(images, labelsFor, (_, { image }) => {
    const { width, height } = frameOf(image);
    return randomMapBoxes(random, cells, heatThresholds).map((box) => ({
      x: (box.x * width) / MAP_SIZE,
      y: (box.y * height) / MAP_SIZE,
      width: (box.width * width) / MAP_SIZE,
      height: (box.height * height) / MAP_SIZE,
    }));
  });
}

/** Side of the map that is cut into boxes. Edges are then exact to 1/64 of the image, which is enough for noise. */
const MAP_SIZE = 64;

function randomMapBoxes(random: Random, cells: number, heatThresholds: readonly number[]): Box[] {
  const grid = Float64Array.from({ length: cells * cells }, random);
  const map = new Float64Array(MAP_SIZE * MAP_SIZE);
  const along = Array.from({ length: MAP_SIZE }, (_, i) => {
    const position = Math.min(Math.max(((i + 0.5) * cells) / MAP_SIZE - 0.5, 0), cells - 1);
    const below = Math.min(Math.floor(position), cells - 2);
    return { below: Math.max(below, 0), share: cells > 1 ? position - below : 0 };
  });
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const [y, row] of along.entries()) {
    for (const [x, column] of along.entries()) {
      const at = (dy: number, dx: number) =>
        grid[Math.min(row.below + dy, cells - 1) * cells + Math.min(column.below + dx, cells - 1)];
      const top = at(0, 0) * (1 - column.share) + at(0, 1) * column.share;
      const bottom = at(1, 0) * (1 - column.share) + at(1, 1) * column.share;
      const value = top * (1 - row.share) + bottom * row.share;
      map[y * MAP_SIZE + x] = value;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  if (!(high > low)) return [];
  return heatThresholds.flatMap((threshold) => {
    const cut = low + ((high - low) * threshold) / 255;
    const mask = new Uint8Array(map.length);
    for (let i = 0; i < map.length; i++) mask[i] = map[i] >= cut ? 1 : 0;
    return regionBoxes(mask);
  });
}

/** A box for each 8-connected region of ones, found by flood fill, which clears `mask`. */
function regionBoxes(mask: Uint8Array): Box[] {
  const boxes: Box[] = [];
  const pending: number[] = [];
  for (let start = 0; start < mask.length; start++) {
    if (mask[start] === 0) continue;
    let [left, right, top, bottom] = [MAP_SIZE, -1, MAP_SIZE, -1];
    mask[start] = 0;
    pending.push(start);
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      const x = at % MAP_SIZE;
      const y = (at - x) / MAP_SIZE;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
      for (let ny = Math.max(y - 1, 0); ny <= Math.min(y + 1, MAP_SIZE - 1); ny++) {
        for (let nx = Math.max(x - 1, 0); nx <= Math.min(x + 1, MAP_SIZE - 1); nx++) {
          if (mask[ny * MAP_SIZE + nx] === 0) continue;
          mask[ny * MAP_SIZE + nx] = 0;
          pending.push(ny * MAP_SIZE + nx);
        }
      }
    }
    boxes.push({ x: left, y: top, width: right - left + 1, height: bottom - top + 1 });
  }
  return boxes;
}
