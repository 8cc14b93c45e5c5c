/** Finds the connected parts of a mask. */
import type { Box } from '../findings.js';
import { eachRun, type Rle } from './rle.js';

/** A piece of a run: a part of one column, or whole columns. It also is the beginning of a part of the mask. */
interface Piece {
  first: number;
  last: number;
  top: number;
  bottom: number;
  parent: number;
}

/** Splits runs into pieces, at most three for each run, so that the work does not depend on the size of the mask. */
function piecesOf(mask: Rle): Piece[] {
  const { height } = mask;
  const pieces: Piece[] = [];
  const add = (first: number, last: number, top: number, bottom: number) => {
    pieces.push({ first, last, top, bottom, parent: pieces.length });
  };
  eachRun(mask, (start, end) => {
    const [column, top] = [Math.floor(start / height), start % height];
    const [last, bottom] = [Math.floor((end - 1) / height), ((end - 1) % height) + 1];
    if (column === last) return add(column, column, top, bottom);
    add(column, column, top, height);
    if (last > column + 1) add(column + 1, last - 1, 0, height);
    add(last, last, 0, bottom);
  });
  return pieces;
}

/**
 * The boxes around the parts of a mask, in the order of their first pixels, column by column. Pixels belong to one part if they touch at a
 * side or at a corner.
 */
export function maskComponents(mask: Rle): Box[] {
  const pieces = piecesOf(mask);
  const rootOf = (i: number): number => {
    let root = i;
    while (pieces[root].parent !== root) root = pieces[root].parent;
    for (let next = i; next !== root; ) [next, pieces[next].parent] = [pieces[next].parent, root];
    return root;
  };
  // The first piece of the previous column that may touch the current piece. Pieces are sorted, so this position only moves forward.
  let before = 0;
  for (const [i, { first, top, bottom }] of pieces.entries()) {
    while (pieces[before].last < first - 1) before += 1;
    while (before < i && pieces[before].last === first - 1 && pieces[before].bottom < top) before += 1;
    for (let j = before; j < i && pieces[j].last === first - 1 && pieces[j].top <= bottom; j++) {
      const [a, b] = [rootOf(i), rootOf(j)];
      pieces[Math.max(a, b)].parent = Math.min(a, b);
    }
  }
  const boxes = new Map<number, Box>();
  for (const [i, { first, last, top, bottom }] of pieces.entries()) {
    const root = rootOf(i);
    const box = boxes.get(root) ?? { x: first, y: top, width: 0, height: bottom - top };
    const y = Math.min(box.y, top);
    const height = Math.max(box.y + box.height, bottom) - y;
    boxes.set(root, { x: box.x, y, width: last + 1 - box.x, height });
  }
  return [...boxes.values()];
}
