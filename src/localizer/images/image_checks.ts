/**
 * Warns of images that do not look like a chest X-ray. The rules look at 32 × 32 samples of the image, with levels from 0 (black) to 1
 * (white). They find mistakes in handling, such as an inverted film, a photo or an empty picture. They do not judge quality, so an image
 * without a warning may still be unusable. A mirrored X-ray cannot be told by such samples. The README says how often each rule warns of real chest X-rays.
 */
import { bitsOf, type Image } from '../../formats/images/pixels.js';
import type { Warning } from '../../warnings.js';

/** Width and height of the samples of an image. */
export const SIDE = 32;
/** Nobody reads X-rays with a smaller side, so the rules were not made for them. */
const SMALLEST = 16;

/** An image is nearly constant if 99 % of its samples lie in a range smaller than this. */
const LEAST_RANGE = 0.1;
/** An image with fewer different grey levels than this gets a warning. */
const FEWEST_LEVELS = 16;
/** Largest shares of samples that may be fully white or fully black. More may be black, because real images have black borders. */
const MOST_WHITE = 0.5;
const MOST_BLACK = 0.8;
/**
 * An image is too dark if more than `MOST_DARK` of its samples are below `DARK`. That happens if its samples use fewer bits than was
 * assumed, because a marker in full white uses all of them.
 */
const DARK = 0.1;
const MOST_DARK = 0.9;

/** A sample is coloured where its channels differ by more than this. */
const COLOUR = 1 / 16;
const MOST_COLOURED = 0.05;
/** Above this share of samples with one and the same bright level, the image is taken for a page or a chart. */
const MOST_PAPER = 0.6;

/**
 * Bounds of the correlation with the mean chest. At or below `INVERTED` an image is taken for inverted, and otherwise below `CHEST` for
 * something else than a chest X-ray.
 */
const INVERTED = -0.3;
const CHEST = 0.2;
/**
 * An image is taken for turned if its correlation with the mean chest turned by a quarter, a half or three quarters is at least `TURNED`, and
 * higher by `CLEARLY` than that with the upright one.
 */
const TURNED = 0.5;
const CLEARLY = 0.2;
/** A width above this multiple of the height, or the other way round, is no format of chest X-rays. Plates are 35 × 43 cm or squares. */
const LONGEST = 2;

/**
 * The left half of the mean of 10,326 frontal chest X-rays (ChestX-ray14), in 8 × 8 cells. It was made symmetric, and the mean of all
 * cells was subtracted. The corners above the shoulders and the lungs are dark; the neck, the mediastinum and the abdomen are bright.
 */
const LEFT_HALF = [
  [-27, -22, -16, 1],
  [-3, -1, -9, -2],
  [4, 1, -15, -2],
  [1, -1, -13, 4],
  [-4, -1, -5, 11],
  [-8, 2, 7, 17],
  [-12, 8, 17, 22],
  [-14, 12, 22, 25],
];
const CELLS = 8;
const UPRIGHT = LEFT_HALF.map((half) => [...half, ...half.toReversed()]);
/** A square of cells, turned by a quarter to the left. */
const quarter = (cells: readonly number[][]) =>
  cells.map((_, row) => cells.map((line) => line[cells.length - 1 - row]));
/** The mean chest as it is, and turned to the left by 90, 180 and 270 degrees. */
const TURNED_CHESTS = [UPRIGHT];
for (let turns = 1; turns < 4; turns++) TURNED_CHESTS.push(quarter(TURNED_CHESTS[turns - 1]));

/** Returns the warnings for an image. The image must have no transparency, and its bits in use must be known. */
export function checkPixels(image: Image): Warning[] {
  const { width, height } = image;
  const [shorter, longer] = [width, height].sort((a, b) => a - b);
  if (longer >= SMALLEST && longer > LONGEST * shorter)
    return [noXray(`is ${width} × ${height} pixels, more than ${LONGEST} times as long in one direction`)];
  if (shorter < SMALLEST) return [noXray(`is ${width} × ${height} pixels, too small to be judged`)];
  const { levels, coloured } = sample(image);
  const found = [rangeOf(levels), kindOf(levels, coloured)];
  return found.filter((one) => one !== undefined);
}

/** The grey levels of the samples, as `sample` gives them; undefined for an image that is too small to be judged. */
export const levelsOf = (image: Image): Float64Array | undefined =>
  Math.min(image.width, image.height) < SMALLEST ? undefined : sample(image).levels;

/** The grey levels of the samples, 0 to 1, row by row, and the share of coloured samples. */
function sample(image: Image): { levels: Float64Array; coloured: number } {
  const { data, width, height, channels } = image;
  const white = 2 ** bitsOf(image) - 1;
  const levels = new Float64Array(SIDE * SIDE);
  let coloured = 0;
  for (let i = 0; i < levels.length; i++) {
    const x = Math.floor((((i % SIDE) + 0.5) * width) / SIDE);
    const y = Math.floor(((Math.floor(i / SIDE) + 0.5) * height) / SIDE);
    const at = (y * width + x) * channels;
    if (channels === 1) levels[i] = data[at] / white;
    else {
      const [red, green, blue] = [data[at], data[at + 1], data[at + 2]];
      levels[i] = (0.299 * red + 0.587 * green + 0.114 * blue) / white;
      if (Math.max(red, green, blue) - Math.min(red, green, blue) > COLOUR * white) coloured += 1;
    }
  }
  return { levels, coloured: coloured / levels.length };
}

const percent = (share: number) => `${Math.round(share * 100)} %`;
const shareOf = (levels: Float64Array, is: (level: number) => boolean) =>
  levels.reduce((count, level) => count + (is(level) ? 1 : 0), 0) / levels.length;

function rangeOf(levels: Float64Array): Warning | undefined {
  const sorted = levels.slice().sort();
  const [low, high] = [sorted[Math.floor(sorted.length * 0.005)], sorted[Math.floor(sorted.length * 0.995)]];
  const distinct = new Set(levels).size;
  const white = shareOf(levels, (level) => level >= 1);
  const black = shareOf(levels, (level) => level <= 0);
  const told = (what: string): Warning => ({
    code: 'image-range',
    message: `the image ${what}: its grey levels are far from those of an X-ray, and what the network says of it means little`,
  });
  if (high - low < LEAST_RANGE)
    return told(`is nearly constant (99 % of it between ${percent(low)} and ${percent(high)} of white)`);
  if (distinct < FEWEST_LEVELS) return told(`has only ${distinct} grey levels`);
  if (white > MOST_WHITE) return told(`is wholly white in ${percent(white)} of its area`);
  if (black > MOST_BLACK) return told(`is wholly black in ${percent(black)} of its area`);
  const dark = shareOf(levels, (level) => level < DARK);
  if (dark > MOST_DARK) return told(`is darker than ${percent(DARK)} of white in ${percent(dark)} of its area`);
  return undefined;
}

const noXray = (what: string): Warning => ({
  code: 'image-not-xray',
  message: `the image ${what}: it does not look like a frontal chest X-ray, and what the network says of it means little`,
});

function kindOf(levels: Float64Array, coloured: number): Warning | undefined {
  if (coloured > MOST_COLOURED) return noXray(`is coloured in ${percent(coloured)} of its area`);
  const paper = paperShare(levels);
  if (paper > MOST_PAPER)
    return noXray(`shows one bright level in ${percent(paper)} of its area, as a page or a chart does`);
  const [likeness, left, half, right] = chestLikeness(levels);
  const most = Math.max(left, half, right);
  // An inverted image may be like a turned chest, too, but less than it is unlike the upright one.
  if (most >= TURNED && most - likeness > CLEARLY && most > -likeness) {
    const { told, back } = TURNS[[left, half, right].indexOf(most)];
    return {
      code: 'image-turned',
      message: `the image seems to be turned by ${told}: turned back, it is more like the mean chest X-ray (${most.toFixed(2)}) than as it is (${likeness.toFixed(2)}), and what the network says of it means little. Turn it by ${back}, and ask again`,
    };
  }
  if (likeness <= INVERTED)
    return {
      code: 'image-inverted',
      message: `the image looks inverted (its likeness to the mean chest X-ray is ${likeness.toFixed(2)}): white where air is dark. Was it stored as MONOCHROME1? Invert it, and ask again`,
    };
  if (likeness < CHEST)
    return noXray(
      `is hardly like the mean chest X-ray (${likeness.toFixed(2)}, where 1 is the same and 99 in 100 have 0.24 or more)`,
    );
  return undefined;
}

/** How a turn is called that gives an image like the second, third or last of `TURNED_CHESTS`, and the turn back. */
const TURNS = [
  { told: '90° to the left', back: '90° to the right' },
  { told: '180°', back: '180°' },
  { told: '90° to the right', back: '90° to the left' },
];

/** The share of samples with the most frequent of 256 levels; 0 if that level is in the dark half. */
function paperShare(levels: Float64Array): number {
  const counts = new Float64Array(256);
  for (const level of levels) counts[Math.round(level * 255)] += 1;
  const most = counts.indexOf(Math.max(...counts));
  return most < 128 ? 0 : counts[most] / levels.length;
}

/** Correlations of the image, as 8 × 8 cells, with each of `TURNED_CHESTS`: −1 to 1, and 0 for an image with one level only. */
function chestLikeness(levels: Float64Array): number[] {
  const samples = SIDE / CELLS;
  const cells = new Float64Array(CELLS * CELLS);
  for (let i = 0; i < levels.length; i++) {
    const [x, y] = [i % SIDE, Math.floor(i / SIDE)];
    cells[Math.floor(y / samples) * CELLS + Math.floor(x / samples)] += levels[i];
  }
  return TURNED_CHESTS.map((chest) => correlation(cells, chest.flat()));
}

function correlation(some: ArrayLike<number>, others: ArrayLike<number>): number {
  const mean = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
  const [mean1, mean2] = [mean(some), mean(others)];
  let [product, square1, square2] = [0, 0, 0];
  for (let i = 0; i < some.length; i++) {
    const [a, b] = [some[i] - mean1, others[i] - mean2];
    product += a * b;
    square1 += a * a;
    square2 += b * b;
  }
  return product / Math.max(1e-9, Math.sqrt(square1 * square2));
}
