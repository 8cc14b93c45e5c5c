/**
 * Finds boxes that lie outside of the lungs and the heart, where no finding of a chest X-ray can be.
 *
 * The region is the same for all images: where radiologists have drawn boxes. It was made from their 1,641 boxes on 807 images of
 * ChestX-ray14 that are not among its test images (ChestX-Det, without fractures). In 16 × 16 cells, those count that the boxes cover at
 * least a tenth as often as the cell that they cover most often; the left and the right half were averaged. The README says how well it does.
 */
import type { Finding } from '../formats/findings.js';
import type { Warning, WarningCode } from '../warnings.js';

const REGION = [
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
  const isOutside = ({ box }: Finding) => shareInside(box, image) < LEAST_INSIDE;
  if (mode === 'drop') return findings.filter((finding) => !isOutside(finding));
  return findings.map((finding) => (isOutside(finding) ? { ...finding, outsideLungs: true } : finding));
}

/** The share of a box's area that lies in the region. */
function shareInside(
  box: Finding['box'],
  { width, height }: { readonly width: number; readonly height: number },
): number {
  const columns = REGION[0].length;
  const overlap = (cell: number, size: number, start: number, length: number) =>
    Math.max(0, Math.min(start + length, (cell + 1) * size) - Math.max(start, cell * size));
  let inside = 0;
  for (const [row, cells] of REGION.entries()) {
    const rows = overlap(row, height / REGION.length, box.y, box.height);
    for (let column = 0; column < columns; column++)
      if (cells[column] === '#') inside += rows * overlap(column, width / columns, box.x, box.width);
  }
  return inside / (box.width * box.height);
}
