/** Parses JSON from files with a limit on its depth, and checks the values that several formats share. */

import { InputError } from '../errors.js';
import { brief } from './brief.js';
import { isObject } from './checks.js';
import { canonicalLabel } from './data_sets/image_table.js';

/** No format that raybox reads needs more than ten levels. With this limit, functions may recurse into a parsed value safely. */
const MAX_DEPTH = 100;

/**
 * Parses JSON, with an error that names the file.
 *
 * @throws InputError if the text is not JSON, if it has more than 100 levels, or if an object has the same key twice. (JSON.parse would
 *   keep the last value and silently drop the others.)
 */
export function parseJson(text: string, source: string): unknown {
  let [depth, deepest, pairs] = [0, 0, 0];
  eachToken(text, (code) => {
    if (code === OPEN_LIST || code === OPEN_OBJECT) deepest = Math.max(deepest, ++depth);
    else if (code === CLOSE_LIST || code === CLOSE_OBJECT) depth -= 1;
    else if (code === COLON) pairs += 1;
    return deepest <= MAX_DEPTH;
  });
  if (deepest > MAX_DEPTH) {
    const expected = `at most ${MAX_DEPTH} lists and objects in each other`;
    throw new InputError(`${source} is nested too deeply`, { expected });
  }
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    throw new InputError(`${source} is not JSON`, { given: (error as Error).message, cause: error });
  }
  if (countKeys(value) < pairs) {
    throw new InputError(`${source}: ${brief(repeatedKey(text))} is given twice in one object`, {
      expected: 'each name once',
    });
  }
  return value;
}

const [COLON, QUOTE, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [...':"[]{}'].map((each) =>
  each.charCodeAt(0),
);
const STRUCTURE = new Set([COLON, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT]);

/**
 * Calls `visit` for each bracket, colon and string until it returns false. `code` is that of the first character, which is a quote for a
 * string. Brackets and colons within strings are skipped.
 */
function eachToken(text: string, visit: (code: number, start: number, end: number) => boolean): void {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const start = i;
    if (code === QUOTE) {
      // The string ends at a quote with an even number of backslashes before it.
      do {
        i = text.indexOf('"', i + 1);
        if (i < 0) return;
      } while (isEscaped(text, i));
    } else if (!STRUCTURE.has(code)) continue;
    if (!visit(code, start, i + 1)) return;
  }
}

const countKeys = (value: unknown): number => {
  if (typeof value !== 'object' || value === null) return 0;
  const parts = Object.values(value);
  let count = Array.isArray(value) ? 0 : parts.length;
  for (const part of parts) if (typeof part === 'object') count += countKeys(part);
  return count;
};

/** The first key that is repeated in an object. It is only searched for if there is one, because the search takes time. */
function repeatedKey(text: string): string | undefined {
  const open: Set<string>[] = [];
  let string = '';
  let found: string | undefined;
  eachToken(text, (code, start, end) => {
    if (code === QUOTE) string = text.slice(start, end);
    else if (code === OPEN_LIST || code === OPEN_OBJECT) open.push(new Set());
    else if (code === COLON) {
      const key = JSON.parse(string) as string;
      const keys = open[open.length - 1];
      if (keys.has(key)) found = key;
      keys.add(key);
    } else open.pop();
    return found === undefined;
  });
  return found;
}

function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text.charCodeAt(first - 1) === 0x5c) first -= 1;
  return (at - first) % 2 === 1;
}

/** Checks that an untrusted value is an object of numbers by label; undefined if there is no value. */
export function numbersByLabel(value: unknown, where: string): Record<string, number> | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value) || !Object.values(value).every((number) => Number.isFinite(number))) {
    const wrong = isObject(value) ? Object.entries(value).find(([, number]) => !Number.isFinite(number)) : undefined;
    throw new InputError(`${where} should be numbers by label`, {
      given: wrong ? `${wrong[0]}: ${brief(wrong[1])}` : brief(value),
    });
  }
  const entries = Object.entries(value).map(([name, number]) => [canonicalLabel(name), number as number] as const);
  const labels = new Set(entries.map(([label]) => label));
  if (labels.size === entries.length) return Object.fromEntries(entries);
  const twice = [...labels].find((label) => entries.filter(([other]) => other === label).length > 1);
  throw new InputError(`${where}: two names mean ${twice}`, { given: Object.keys(value).slice(0, 20).join(', ') });
}

/** The same for numbers that must be in [0, 1]. */
export function probabilitiesByLabel(value: unknown, where: string): Record<string, number> | undefined {
  const numbers = numbersByLabel(value, where);
  const outside = Object.entries(numbers ?? {}).find(([, number]) => number < 0 || number > 1);
  if (outside) {
    throw new InputError(`${where}: ${outside[0]} is not in [0, 1]`, {
      given: `${outside[1]}`,
      hint: 'Logits have to be given as logits.',
    });
  }
  return numbers;
}

/** A side of an image in pixels; undefined if the file does not give it. */
function sideIn(value: unknown, what: string): number | undefined {
  if (value === undefined || value === null || value === 0) return undefined;
  if (Number.isFinite(value) && (value as number) > 0) return value as number;
  throw new InputError(`${what} should be a number of pixels`, { given: brief(value) });
}

/** The size of an image, of which a file must give both sides or neither. @param where the beginning of an error's message */
export function sizeIn(
  { width, height }: Record<string, unknown>,
  where: string,
): { width: number | undefined; height: number | undefined } {
  const begin = where === '' ? '' : `${where}: `;
  const size = { width: sideIn(width, `${begin}width`), height: sideIn(height, `${begin}height`) };
  if ((size.width === undefined) === (size.height === undefined)) return size;
  const [given, missing] = size.width === undefined ? ['height', 'width'] : ['width', 'height'];
  throw new InputError(`${begin}${given} is given, and ${missing} is not`, {
    expected: 'both, or neither: boxes count in pixels of them',
  });
}

/** The value of an object's own key. Keys from files may be names that the prototype has, such as `constructor`. */
export const own = <T>(record: Readonly<Record<string, T>> | undefined, key: string): T | undefined =>
  record && Object.hasOwn(record, key) ? record[key] : undefined;
