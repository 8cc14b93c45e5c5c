/** Measures how similar two words are, to find out which word a misspelt one may stand for. */

/** Longer words are not compared, because the time grows with the square of their length. */
const LONGEST = 64;

/**
 * The number of letters to insert, remove, replace, or swap with the next one until `a` becomes `b` (Damerau 1964, with each letter changed
 * at most once). Infinity for words of more than 64 letters.
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
