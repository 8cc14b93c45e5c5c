/** Finds all settings in a checkpoint's metadata, however deeply they are nested, and shows them in messages. */
import { isObject } from '../../formats/checks.js';

/** A value in a file, with the path of names that leads to it: `hyper_parameters.img_size`. */
export interface Setting {
  readonly path: string;
  readonly key: string;
  readonly value: unknown;
}

/** Limits of the settings that are looked at, so that a file with very many of them, or deeply nested ones, takes little time. */
const MAX_SETTINGS = 20_000;
const MAX_DEPTH = 5;

/** All settings of a file. An object comes before the settings in it. */
export function settingsIn(metadata: Readonly<Record<string, string>>): Setting[] {
  const found: Setting[] = [];
  const add = (path: string, key: string, value: unknown, depth: number) => {
    if (found.length >= MAX_SETTINGS) return;
    found.push({ path, key, value });
    if (typeof value !== 'object' || value === null || Array.isArray(value) || depth === 0) return;
    for (const [name, inner] of Object.entries(value)) add(`${path}.${name}`, name, inner, depth - 1);
  };
  for (const [key, text] of Object.entries(metadata)) add(key, key, parsed(text), MAX_DEPTH);
  return found;
}

/** Parses JSON; text that is not JSON is returned as it is. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The name of a setting in lower case and letters only, so that `img_mean`, `imgMean` and `IMG_MEAN` are equal. */
export const plainKey = ({ key }: Setting) => key.toLowerCase().replace(/[^a-z]/g, '');
/** The numbers in a list, in text such as `0.485,0.456,0.406`, or in an object with height and width; undefined for anything else. */
export function numbersOf(value: unknown): number[] | undefined {
  if (typeof value === 'number') return [value];
  const isText = typeof value === 'string' && /^[[(]?\s*-?[\d.][-+\d.e,;\s]*[\])]?$/i.test(value);
  const list = isText
    ? value
        .replace(/[[\]()]/g, ' ')
        .trim()
        .split(/[,;\s]+/)
        .map(Number)
    : isObject(value)
      ? Object.keys(value).sort().join() === 'height,width' && [value.height, value.width]
      : value;
  return Array.isArray(list) && list.length > 0 && list.length <= 8 && list.every((one) => Number.isFinite(one))
    ? list
    : undefined;
}

const shown = ({ path, value }: Setting) => `${path} (${numbersOf(value)?.join(', ') ?? inShort(value)})`;

function inShort(value: unknown): string {
  if (Array.isArray(value)) return `${value.length} values`;
  if (isObject(value)) return Object.keys(value).slice(0, 4).join(', ');
  return JSON.stringify(typeof value === 'boolean' ? value : String(value).slice(0, 20));
}

export const listed = (settings: readonly Setting[]) => [...new Set(settings.map(shown))].slice(0, 6).join(', ');
export const pathsOf = (settings: readonly Setting[]) =>
  [...new Set(settings.map(({ path }) => path))].slice(0, 4).join(' and ');

/** Reads true and false as JSON, Python and command lines write them; undefined for anything else. */
export function booleanOf(value: unknown): boolean | undefined {
  const text = typeof value === 'object' ? '' : String(value).toLowerCase();
  return /^(?:true|1|yes)$/.test(text) ? true : /^(?:false|0|no)$/.test(text) ? false : undefined;
}
