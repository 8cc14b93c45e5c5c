/**
 * Boxes as x, y, width, height, and boxes as two corners (x1, y1, x2, y2), are four numbers alike. Corners that are read as sizes make
 * boxes that are too large and pass the right and the lower edge of their images.
 */
import type { Box } from '../formats/findings.js';
import { isInside, type Size } from './box_frame.js';

export type Whose = 'truth' | 'predictions';
/** What `--corners` says: whose boxes are corners. */
export const CORNERS_OF = ['truth', 'predictions', 'both', 'none'] as const;
export type CornersOf = (typeof CORNERS_OF)[number];

/** Whether boxes are corners, by the option; undefined where it says nothing of them. */
export function areCorners(option: CornersOf | undefined, whose: Whose): boolean | undefined {
  if (option === whose || option === 'both') return true;
  return option === 'none' ? false : undefined;
}

export interface PlacedBox {
  box: Box;
  /** Of the image, or of the frame that the box is given in; undefined where it is not known. */
  size: Size | undefined;
}

/** The box whose width and height were the corner opposite to x and y. */
export const fromCorners = ({ x, y, width, height }: Box): Box => ({ x, y, width: width - x, height: height - y });

/** So few boxes may be corners by chance, and as many pass an edge as networks' boxes do. */
const FEW = 3;
/** So many boxes have a width above their x and a height above their y only where both are corners. */
const ENOUGH = 10;

/**
 * Whether boxes that were read as sizes are probably corners. They can be where the third number is above the first and the fourth above
 * the second in each, and where all of them then lie inside their images.
 *
 * `surely`: of three boxes or more, half or more pass an edge as they were read. `maybe`: one passes an edge; or no image's size is
 * known, and there are ten boxes or more.
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
