/**
 * The boxes of Choe et al. (CVPR 2020; with all boxes instead of the largest: MaxBoxAccV2, github.com/clovaai/wsolevaluation). A heatmap of
 * values from 0 to 1 is rounded down to 255 levels, and cut above each of them. Each region of pixels that touch, at a side or a corner, has
 * a box, and of all boxes of a level the one counts that has the largest IoU with a truth box.
 *
 * Their program counts a box's last row and column twice, and makes maps and boxes 224 × 224. Here boxes end where their last pixel ends, at
 * the size of the truth.
 */
import type { Box } from '../../formats/findings.js';
import { iou } from '../localization.js';

/** Levels 0 to 255 of a heatmap. Nothing lies above the last. */
export const LEVELS = 256;

/**
 * Regions of touching pixels by number, from 1, as in a union-find structure: a region that was joined to another has that one as its parent,
 * and every other region is its own parent.
 */
interface Regions {
  parent: Int32Array;
  left: Uint16Array;
  right: Uint16Array;
  top: Uint16Array;
  bottom: Uint16Array;
}

/** Arrays that are used again for each heatmap: the pixels sorted by level, and the region of each pixel, 0 if it has none so far. */
let order = new Uint32Array(0);
let regionOf = new Int32Array(0);
let regions: Regions = noRegions(0);

function noRegions(count: number): Regions {
  const sides = () => new Uint16Array(count);
  return { parent: new Int32Array(count), left: sides(), right: sides(), top: sides(), bottom: sides() };
}

function prepare(width: number, height: number): void {
  const pixels = width * height;
  if (order.length < pixels) [order, regionOf] = [new Uint32Array(pixels), new Int32Array(pixels)];
  regionOf.fill(0, 0, pixels);
  // Of four pixels in a square, at most one can begin a region.
  const most = Math.ceil(width / 2) * Math.ceil(height / 2) + 1;
  if (regions.parent.length < most) regions = noRegions(most);
}

/**
 * For each level t, the largest IoU of a truth box with a box around a region above t; 0 if there is no such region. Pixels are added from
 * the highest value down, and regions that meet are joined, so that all levels together take one pass.
 * @param values from 0 to 1, row by row
 */
export function bestIouByLevel(
  values: Float64Array,
  width: number,
  height: number,
  truth: readonly Box[],
): Float64Array {
  prepare(width, height);
  const starts = sortByLevel(values, width * height);
  const best = new Float64Array(LEVELS);
  let roots: number[] = [];
  let made = 0;
  for (let level = LEVELS - 1; level > 0; level--) {
    const before = made;
    made = addPixels(starts[level], starts[level + 1], width, height, made);
    for (let region = before + 1; region <= made; region++) roots.push(region);
    roots = roots.filter((region) => regions.parent[region] === region);
    best[level - 1] = largestIou(roots, truth);
  }
  return best;
}

/**
 * Adds the pixels `from` to `end` of the order, each to the regions that it touches, or as the first of a region of its own.
 * @param made the number of regions so far. @returns their number afterwards
 */
function addPixels(from: number, end: number, width: number, height: number, made: number): number {
  // Module variables are slower within loops.
  const [sorted, regionAt] = [order, regionOf];
  const { parent, left, right, top, bottom } = regions;
  let last = made;
  for (let i = from; i < end; i++) {
    const pixel = sorted[i];
    const x = pixel % width;
    const y = (pixel - x) / width;
    const toLeft = x > 0 ? -1 : 0;
    const toRight = x + 1 < width ? 1 : 0;
    const below = y + 1 < height ? pixel + width : pixel;
    let region = 0;
    for (let row = y > 0 ? pixel - width : pixel; row <= below; row += width) {
      for (let at = row + toLeft; at <= row + toRight; at++) {
        const other = regionAt[at];
        if (other !== 0 && other !== region) region = joined(region, other);
      }
    }
    if (region === 0) {
      region = ++last;
      parent[region] = region;
      left[region] = x;
      right[region] = x;
      top[region] = y;
      bottom[region] = y;
    } else {
      if (x < left[region]) left[region] = x;
      if (x > right[region]) right[region] = x;
      if (y < top[region]) top[region] = y;
      if (y > bottom[region]) bottom[region] = y;
    }
    regionAt[pixel] = region;
  }
  return last;
}

/** The region of a pixel that touches both regions, joined if they are two. `a` is 0 if the pixel touches none so far. */
function joined(a: number, b: number): number {
  const { parent, left, right, top, bottom } = regions;
  if (a === 0) return rootOf(parent, b);
  const [older, other] = [rootOf(parent, a), rootOf(parent, b)];
  if (older === other) return older;
  parent[other] = older;
  left[older] = Math.min(left[older], left[other]);
  right[older] = Math.max(right[older], right[other]);
  top[older] = Math.min(top[older], top[other]);
  bottom[older] = Math.max(bottom[older], bottom[other]);
  return older;
}

/** The region that a region was joined to in the end. The way there is shortened for the next time. */
function rootOf(parent: Int32Array, region: number): number {
  let at = region;
  while (parent[at] !== at) {
    parent[at] = parent[parent[at]];
    at = parent[at];
  }
  return at;
}

function largestIou(some: readonly number[], truth: readonly Box[]): number {
  const { left, right, top, bottom } = regions;
  let most = 0;
  for (const region of some) {
    const box = boxFrom(left[region], top[region], right[region], bottom[region]);
    for (const each of truth) most = Math.max(most, iou(box, each));
  }
  return most;
}

const boxFrom = (left: number, top: number, right: number, bottom: number): Box => ({
  ...{ x: left, y: top },
  ...{ width: right - left + 1, height: bottom - top + 1 },
});

/** Sorts pixels by level. Returns where each level begins. */
function sortByLevel(values: Float64Array, pixels: number): Uint32Array {
  const starts = new Uint32Array(LEVELS + 1);
  const levelOf = (value: number) => Math.trunc(value * (LEVELS - 1));
  for (let i = 0; i < pixels; i++) starts[levelOf(values[i]) + 1] += 1;
  for (let level = 0; level < LEVELS; level++) starts[level + 1] += starts[level];
  const next = starts.slice();
  for (let i = 0; i < pixels; i++) order[next[levelOf(values[i])]++] = i;
  return starts;
}
