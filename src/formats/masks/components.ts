/** Finds the connected parts of a mask. */
import type { Box } from '../findings.js';
import { eachRun, type Rle } from './rle.js';

/** A piece of a run within one column, and the box of the part that it begins. */
interface Piece {
  column: number;
  top: number;
  bottom: number;
  parent: number;
}

/**
 * The boxes around the parts of a mask, in the order of their first pixels, column by column. Pixels belong to one part if they touch at a
 * side or at a corner.
 */
export function maskComponents(mask: Rle): Box[] {
  const pieces: Piece[] = [];
  eachRun(mask, (start, end) => {
    for (let at = start; at < end; ) {
      const column = Math.floor(at / mask.height);
      const top = at - column * mask.height;
      const bottom = Math.min(mask.height, top + end - at);
      pieces.push({ column, top, bottom, parent: pieces.length });
      at += bottom - top;
    }
  });
  const rootOf = (i: number): number => {
    let root = i;
    while (pieces[root].parent !== root) root = pieces[root].parent;
    for (let next = i; next !== root; ) [next, pieces[next].parent] = [pieces[next].parent, root];
    return root;
  };
  // The first piece of the previous column that may touch the current piece. Pieces are sorted, so this position only moves forward.
  let before = 0;
  for (const [i, { column, top, bottom }] of pieces.entries()) {
    while (pieces[before].column < column - 1) before += 1;
    while (before < i && pieces[before].column === column - 1 && pieces[before].bottom < top) before += 1;
    for (let j = before; j < i && pieces[j].column === column - 1 && pieces[j].top <= bottom; j++) {
      const [a, b] = [rootOf(i), rootOf(j)];
      pieces[Math.max(a, b)].parent = Math.min(a, b);
    }
  }
  const boxes = new Map<number, Box>();
  for (const [i, { column, top, bottom }] of pieces.entries()) {
    const root = rootOf(i);
    const box = boxes.get(root) ?? { x: column, y: top, width: 0, height: bottom - top };
    const y = Math.min(box.y, top);
    const height = Math.max(box.y + box.height, bottom) - y;
    boxes.set(root, { x: box.x, y, width: column + 1 - box.x, height });
  }
  return [...boxes.values()];
}
