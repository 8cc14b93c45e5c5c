/** Checks the names and values of options. A misspelt name would be ignored, and a value of another type would fail far from its cause, or in silence. */
import { editDistance } from './edit_distance.js';
import { InputError } from './errors.js';

const isNumber = (value: unknown): value is number => typeof value === 'number' && !Number.isNaN(value);
const isObject = (value: unknown) => typeof value === 'object' && value !== null;
const isWhole = (least: number, most: number) => (value: unknown) =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
const isList = (type: string) => (value: unknown) => Array.isArray(value) && value.every((one) => typeof one === type);

/** What the value of an option may be: the name of each kind, as messages call it, and its check. `anything` is checked where it is used. */
const KINDS = {
  anything: () => true,
  'true or false': (value: unknown) => typeof value === 'boolean',
  'a text': (value: unknown) => typeof value === 'string',
  'a function': (value: unknown) => typeof value === 'function',
  'an object': (value: unknown) => isObject(value) && !Array.isArray(value),
  'values by name': (value: unknown) => isObject(value) && !Array.isArray(value),
  'an object or a list': isObject,
  'a list of texts': isList('string'),
  'a list of numbers': isList('number'),
  'a number': isNumber,
  'a number or a list of numbers': (value: unknown) =>
    isNumber(value) || (Array.isArray(value) && value.every(isNumber)),
  'a number of bytes, 0 or more': (value: unknown) => isNumber(value) && value >= 0,
  'a whole number from 1 on': isWhole(1, Number.MAX_SAFE_INTEGER),
  'a whole number from 8 to 16': isWhole(8, 16),
  'true, false or a text': (value: unknown) => ['boolean', 'string'].includes(typeof value),
  'true, false or an object': (value: unknown) => typeof value === 'boolean' || isObject(value),
  'an AbortSignal': (value: unknown) => typeof (value as AbortSignal | null)?.addEventListener === 'function',
  'a GPUDevice': (value: unknown) => typeof (value as GPUDevice | null)?.createBuffer === 'function',
};

/** A value in a message. Quotes tell a text from a number, and an object need not have a text. */
const shown = (value: unknown) =>
  typeof value === 'string'
    ? `'${value.slice(0, 80)}'`
    : isObject(value)
      ? Object.prototype.toString.call(value)
      : String(value).slice(0, 80);

/** The type of the values of each kind. */
interface KindTypes extends Record<keyof typeof KINDS, unknown> {
  'true or false': boolean;
  'a text': string;
  'a function': (...values: never[]) => unknown;
  'an object': object;
  'values by name': Readonly<Record<string, unknown>>;
  'an object or a list': object;
  'a list of texts': readonly string[];
  'a list of numbers': readonly number[];
  'a number': number;
  'a number or a list of numbers': number | readonly number[];
  'a number of bytes, 0 or more': number;
  'a whole number from 1 on': number;
  'a whole number from 8 to 16': number;
  'true, false or a text': boolean | string;
  'true, false or an object': boolean | object;
  'an AbortSignal': AbortSignal;
  'a GPUDevice': GPUDevice;
}

type KindOf<Value> =
  | { [Kind in keyof KindTypes]: [Value] extends [KindTypes[Kind]] ? Kind : never }[keyof KindTypes]
  | ([Value] extends [string] ? readonly Value[] : never);

/** Options by name, each with its kind, or with the list of the texts that it may be. */
export type OptionKinds = Readonly<Record<string, keyof typeof KINDS | readonly string[]>>;

/** The kinds of an interface's options. The compiler reports a name that is missing or that is no option, and a kind of another type. */
export const optionKinds = <T extends object>(
  kinds: {
    readonly [K in keyof Required<T>]: KindOf<NonNullable<T[K]>>;
  },
): OptionKinds => kinds as OptionKinds;

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
 * Refuses unknown names of options, and values of another kind than the option has. An option that is undefined counts as not given.
 * @param what the function whose options these are, such as `load`
 * @param kinds all its options
 * @throws InputError that names the option. For an unknown one it says which known one is the most similar
 */
export function checkOptions(what: string, options: unknown, kinds: OptionKinds): void {
  if (options === undefined) return;
  const known = Object.keys(kinds);
  if (known.length === 0 && !(isObject(options) && Object.keys(options as object).length === 0))
    throw new InputError(`${what} has no options`, {
      given: isObject(options) ? Object.keys(options as object).join(', ') : shown(options),
    });
  if (!isObject(options)) {
    throw new InputError(`${what}: the options are not an object`, {
      expected: `{ ${known.join(', ')} }`,
      given: shown(options),
    });
  }
  for (const [name, value] of Object.entries(options as object)) {
    if (!Object.hasOwn(kinds, name)) throw unknownOption(what, name, known);
    const kind = kinds[name];
    const isRight = typeof kind === 'string' ? KINDS[kind](value) : kind.includes(value);
    if (value === undefined || isRight) continue;
    throw new InputError(`${what}: ${name}`, {
      expected: typeof kind === 'string' ? kind : kind.join(' or '),
      given: shown(value),
    });
  }
}

/**
 * As `checkOptions`, for options some of which have no default.
 * @param required their names
 * @throws InputError that names the first of them that is missing
 */
export function checkRequiredOptions<Name extends string>(
  what: string,
  options: { readonly [name in Name]?: unknown },
  kinds: OptionKinds,
  required: readonly Name[],
): void {
  checkOptions(what, options ?? null, kinds);
  const missing = required.find((name) => options[name] === undefined);
  if (missing === undefined) return;
  const kind = kinds[missing];
  throw new InputError(`${what}: ${missing} is missing`, {
    expected: kind === 'anything' ? required.join(', ') : typeof kind === 'string' ? kind : kind.join(' or '),
  });
}

function unknownOption(what: string, name: string, known: readonly string[]): InputError {
  if (Object.hasOwn(FORMER_NAMES, name) && known.includes(FORMER_NAMES[name])) refuseFormerNames(what, { [name]: 0 });
  const nearest = nearestOf(name, known);
  return new InputError(`${what} has no option ${name}`, {
    expected: known.join(', '),
    ...(nearest ? { hint: `did you mean ${nearest}?` } : {}),
  });
}

/** The first of some names that stands in the list twice; undefined if none does. Values by name would keep only one of its values. */
export const givenTwice = (names: readonly string[]): string | undefined =>
  names.find((name, index) => names.indexOf(name) < index);

/** The most similar word to `name`; undefined if more than a third of the letters differ in all of them. */
export function nearestOf(name: string, words: readonly string[]): string | undefined {
  const ranked = words
    .map((word) => ({ word, distance: editDistance(name.toLowerCase(), word.toLowerCase()) }))
    .filter(({ word, distance }) => distance <= Math.max(name.length, word.length) / 3)
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.word;
}
