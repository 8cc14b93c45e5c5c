/**
 * Finds boxes that lie outside of the lungs and the heart, where no finding of a chest X-ray can be.
 *
 * The region is the same for all images: where radiologists have drawn boxes. It was made from their 1,641 boxes on 807 images of
 * ChestX-ray14 that are not among its test images (ChestX-Det, without fractures). In 16 × 16 cells, those count that the boxes cover at
 * least a tenth as often as the cell that they cover most often; the left and the right half were averaged. The README says how well it does,
 * and `bench/studies/weights/lung_mask.ts` makes it and measures that.
 */
import type { Box, Finding } from '../formats/findings.js';
import type { Warning, WarningCode } from '../warnings.js';

/** Rows of cells, from the top: `#` is inside. */
export const LUNG_REGION: readonly string[] = [
  '................',
  '................',
  '...####..####...',
  '..#####..#####..',
  '..#####..#####..',
  '..############..',
  '..############..',
  '..############..',
  '..############..',
  '.##############.',
  '.##############.',
  '.##############.',
  '..############..',
  '..#####..#####..',
  '................',
  '................',
];

/** A box is outside if a smaller share of its area than this lies in the region. */
const LEAST_INSIDE = 0.5;

/** An image with one of these warnings may be no upright frontal chest X-ray, so nothing is known about where its lungs are. */
const NO_CHEST: readonly WarningCode[] = ['image-range', 'image-inverted', 'image-turned', 'image-not-xray'];

/**
 * The findings with `outsideLungs: true` where that is so (`auto`), or without those that are outside (`drop`).
 * @param image its size in pixels, and the warnings about it
 */
export function withLungMask(
  findings: readonly Finding[],
  image: { readonly width: number; readonly height: number; readonly warnings: readonly Warning[] },
  mode: 'auto' | 'drop',
): Finding[] {
  if (image.warnings.some(({ code }) => NO_CHEST.includes(code))) return [...findings];
  const outside = ({ box }: Finding) => isOutside(box, image);
  if (mode === 'drop') return findings.filter((finding) => !outside(finding));
  return findings.map((finding) => (outside(finding) ? { ...finding, outsideLungs: true } : finding));
}

/**
 * Whether less than half of a box lies in the region of an image.
 * @param image its size in the unit of the box
 * @param region rows of cells, from the top, where `#` is inside
 */
export function isOutside(
  box: Box,
  { width, height }: { readonly width: number; readonly height: number },
  region: readonly string[] = LUNG_REGION,
): boolean {
  const columns = region[0].length;
  const overlap = (cell: number, size: number, start: number, length: number) =>
    Math.max(0, Math.min(start + length, (cell + 1) * size) - Math.max(start, cell * size));
  let inside = 0;
  for (const [row, cells] of region.entries()) {
    const rows = overlap(row, height / region.length, box.y, box.height);
    for (let column = 0; column < columns; column++)
      if (cells[column] === '#') inside += rows * overlap(column, width / columns, box.x, box.width);
  }
  return inside < LEAST_INSIDE * box.width * box.height;
}
