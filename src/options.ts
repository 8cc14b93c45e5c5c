/** Checks the names of options, without which a misspelt one would be ignored, and the option `signal`, which so many functions have. */
import { editDistance } from './edit_distance.js';
import { InputError } from './errors.js';

/** The names of an interface's options, as a list. The compiler reports a name that is missing or that is not an option. */
export const optionNames = <T extends object>(names: { [K in keyof Required<T>]: true }): readonly string[] =>
  Object.keys(names);

/** Former names of options and fields of metadata, and what they are called now. */
export const FORMER_NAMES: Readonly<Record<string, string>> = { thresholds: 'operatingThresholds' };

/**
 * Refuses options by former names, in functions that do not check all names of options.
 * @throws InputError that names the option. Without this it would be ignored
 */
export function refuseFormerNames(what: string, options: object): void {
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(FORMER_NAMES, name)) continue;
    throw new InputError(`${what} has no option ${name}`, { hint: `${name} is called ${FORMER_NAMES[name]}` });
  }
}

/**
 * Refuses unknown names of options.
 * @param what the function whose options these are, such as `load`
 * @param known the names of all its options
 * @throws InputError that names the unknown option, and the most similar known one; also for a `signal` that is none
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
  // Work that had begun would go on after the call had failed, and its own error would end the process.
  const { signal } = options as { signal?: Partial<AbortSignal> | null };
  if (signal !== undefined && typeof signal?.addEventListener !== 'function')
    throw new InputError(`${what}: signal`, { expected: 'an AbortSignal', given: String(signal) });
}

/** The most similar word to `name`; undefined if more than a third of the letters differ in all of them. */
export function nearestOf(name: string, words: readonly string[]): string | undefined {
  const ranked = words
    .map((word) => ({ word, distance: editDistance(name.toLowerCase(), word.toLowerCase()) }))
    .filter(({ word, distance }) => distance <= Math.max(name.length, word.length) / 3)
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.word;
}
