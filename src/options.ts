/** Options are known by name: one that is misspelt would otherwise be taken for one that was left out. */
import { InputError } from './errors.js';

/** The names of an interface's options, as a list. The compiler refuses one that is missing or too many. */
export const optionNames = <T extends object>(names: { [K in keyof Required<T>]: true }): readonly string[] =>
  Object.keys(names);

/**
 * Refuses names that no option has.
 * @param what whose options these are: `load`
 * @param known every name that there is
 * @throws InputError that names the option, and the known one that is written most like it
 */
export function checkOptions(what: string, options: unknown, known: readonly string[]): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null) {
    throw new InputError(`${what}: the options are no object`, {
      expected: `{ ${known.join(', ')} }`,
      given: String(options),
    });
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const nearest = nearestOf(name, known);
    throw new InputError(`${what} has no option ${name}`, {
      expected: known.join(', '),
      ...(nearest ? { hint: `did you mean ${nearest}?` } : {}),
    });
  }
}

/** The word written most like `name`, or undefined where more than a third of the letters differ. */
export function nearestOf(name: string, words: readonly string[]): string | undefined {
  const ranked = words
    .map((word) => ({ word, distance: editDistance(name.toLowerCase(), word.toLowerCase()) }))
    .filter(({ word, distance }) => distance <= Math.max(name.length, word.length) / 3)
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.word;
}

/** Longer names are no slips of the pen; comparing them would take time that grows with the square of their length. */
const LONGEST = 64;

/** Letters to insert, remove, replace, or swap with the next one until `a` is `b` (Damerau 1964, each letter touched once). */
function editDistance(a: string, b: string): number {
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
