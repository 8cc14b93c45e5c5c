/** How many slips of the pen make one word of another. */

/** Longer words are no slips of the pen; comparing them would take time that grows with the square of their length. */
const LONGEST = 64;

/**
 * Letters to insert, remove, replace, or swap with the next one until `a` is `b` (Damerau 1964, each letter touched once). Infinity for words
 * of more than 64 letters.
 */
export function editDistance(a: string, b: string): number {
  if (Math.max(a.length, b.length) > LONGEST) return Number.POSITIVE_INFINITY;
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSwap = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const replaced = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(next[j - 1] + 1, row[j] + 1, replaced, isSwap ? before[j - 2] + 1 : replaced));
    }
    [before, row] = [row, next];
  }
  return row[b.length];
}
