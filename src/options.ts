/** Options are known by name: one that is misspelt would otherwise be taken for one that was left out. */
import { editDistance } from './edit_distance.js';
import { InputError } from './errors.js';

/** The names of an interface's options, as a list. The compiler refuses one that is missing or too many. */
export const optionNames = <T extends object>(names: { [K in keyof Required<T>]: true }): readonly string[] =>
  Object.keys(names);

/** What options and fields of metadata were called before, and what they are called now. */
export const FORMER_NAMES: Readonly<Record<string, string>> = { thresholds: 'operatingThresholds' };

/**
 * For calls that do not list their options.
 * @throws InputError that names an option given by its former name: it would be left unread
 */
export function refuseFormerNames(what: string, options: object): void {
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(FORMER_NAMES, name)) continue;
    throw new InputError(`${what} has no option ${name}`, { hint: `${name} is called ${FORMER_NAMES[name]}` });
  }
}

/**
 * Refuses names that no option has.
 * @param what whose options these are: `load`
 * @param known every name that there is
 * @throws InputError that names the option, and the known one that is written most like it
 */
export function checkOptions(what: string, options: unknown, known: readonly string[]): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null) {
    throw new InputError(`${what}: the options are not an object`, {
      expected: `{ ${known.join(', ')} }`,
      given: String(options),
    });
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    if (Object.hasOwn(FORMER_NAMES, name) && known.includes(FORMER_NAMES[name])) refuseFormerNames(what, { [name]: 0 });
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
