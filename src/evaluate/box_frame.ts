/**
 * Boxes that are given in other pixels than those of the images. The published boxes are in a frame of 1024×1024, while many people work on
 * smaller copies of the images.
 */
import type { LabeledBox } from '../formats/data_sets/chestxray.js';
import type { Box } from '../formats/findings.js';

export interface Size {
  width: number;
  height: number;
}

export const scaledBox = ({ x, y, width, height }: Box, right: number, down: number): Box => ({
  ...{ x: x * right, y: y * down },
  ...{ width: width * right, height: height * down },
});

/** A box in pixels of its image. `frame` is the side of the square frame that it is given in, if not in pixels of the image. */
export const boxInImage = (box: Box, { width, height }: Size, frame?: number): Box =>
  frame ? scaledBox(box, width / frame, height / frame) : box;

/** Pixels by which a box may pass the edge and still count as inside, because boxes are drawn by hand. */
const SLACK = 1;

export const isInside = ({ x, y, width, height }: Box, size: Size): boolean =>
  x >= -SLACK && y >= -SLACK && x + width <= size.width + SLACK && y + height <= size.height + SLACK;

/** Whether a box's centre is in the image. If not, the box is given in another frame or belongs to another image. */
export const isCentred = ({ x, y, width, height }: Box, size: Size): boolean => {
  const [column, row] = [x + width / 2, y + height / 2];
  return column >= 0 && row >= 0 && column <= size.width && row <= size.height;
};

/** Side of the frame of the published boxes. */
const PUBLISHED_FRAME = 1024;
/** Of this many boxes, at least one surely reaches into the right or lower half of their frame. */
const ENOUGH = 10;

/**
 * The side of the square frame that boxes were probably given in, if they are not in pixels of the images: the smallest power of two that
 * contains all boxes, or that of the published boxes if fewer than ten boxes would fit into a smaller one.
 * @returns undefined unless at least half of the boxes pass the edges of their images, and one of them by far. Otherwise only those boxes
 *   are wrong.
 */
export function likelyBoxFrame(boxes: readonly LabeledBox[], sizes: ReadonlyMap<string, Size>): number | undefined {
  const placed = boxes.flatMap(({ image, box }) => {
    const size = sizes.get(image);
    return size ? { box, size } : [];
  });
  const leaving = placed.filter(({ box, size }) => !isInside(box, size));
  if (leaving.length === 0 || 2 * leaving.length < placed.length) return undefined;
  const extent = placed.reduce((most, { box }) => Math.max(most, box.x + box.width, box.y + box.height), 0);
  const side = placed.reduce((most, { size }) => Math.max(most, size.width, size.height), 0);
  if (extent < 1.5 * side || placed.some(({ box }) => box.x < -SLACK || box.y < -SLACK)) return undefined;
  const smallest = 2 ** Math.ceil(Math.log2(extent - SLACK));
  if (smallest < PUBLISHED_FRAME && placed.length < ENOUGH) return PUBLISHED_FRAME;
  return smallest <= 65_536 ? smallest : undefined;
}
