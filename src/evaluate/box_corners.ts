/**
 * Notices boxes that are given as two corners (x1, y1, x2, y2) but read as x, y, width, height. Both forms are four numbers. If corners are
 * read as sizes, the boxes are too large and pass the right and the lower edge of their images.
 */
import type { Box } from '../formats/findings.js';
import { isInside, type Size } from './box_frame.js';

export type Whose = 'truth' | 'predictions';
/** Values of the option `--corners`, which says whose boxes are corners. */
export const CORNERS_OF = ['truth', 'predictions', 'both', 'none'] as const;
export type CornersOf = (typeof CORNERS_OF)[number];

/** Whether boxes are corners according to the option; undefined if it does not say. */
export function areCorners(option: CornersOf | undefined, whose: Whose): boolean | undefined {
  if (option === whose || option === 'both') return true;
  return option === 'none' ? false : undefined;
}

export interface PlacedBox {
  box: Box;
  /** Size of the image, or of the frame that the box is given in; undefined if it is not known. */
  size: Size | undefined;
}

/** The right box if `width` and `height` of the given one are really the corner opposite to x and y. */
export const fromCorners = ({ x, y, width, height }: Box): Box => ({ x, y, width: width - x, height: height - y });

/** With fewer boxes than this, half of them may pass an edge by chance, since the boxes of networks sometimes do. */
const FEW = 3;
/** If this many boxes all have a width above their x and a height above their y, that is hardly by chance. */
const ENOUGH = 10;

/**
 * Whether boxes that were read as sizes are probably corners. They can only be corners if in each box the third number is larger than the
 * first and the fourth larger than the second, and if as corners all of them lie inside their images. If so, the answer is
 * - `surely` if there are three or more boxes, and as sizes at least half of them pass an edge;
 * - `maybe` if as sizes at least one passes an edge, or if there are ten or more boxes and no image's size is known.
 */
export function likelyCorners(boxes: readonly PlacedBox[]): 'surely' | 'maybe' | undefined {
  const canBe = boxes.every(({ box }) => box.width > box.x && box.height > box.y);
  if (!canBe || boxes.length === 0) return undefined;
  const placed = boxes.flatMap(({ box, size }) => (size ? { box, size } : []));
  if (placed.length === 0) return boxes.length >= ENOUGH ? 'maybe' : undefined;
  if (!placed.every(({ box, size }) => isInside(fromCorners(box), size))) return undefined;
  const passing = placed.filter(({ box, size }) => !isInside(box, size)).length;
  if (passing === 0) return undefined;
  return placed.length >= FEW && 2 * passing >= placed.length ? 'surely' : 'maybe';
}
