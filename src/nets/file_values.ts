/** The settings that stand beside the tensors of a checkpoint, wherever they stand, and how messages show them. */
import { isObject } from '../formats/checks.js';

/** A value in a file, with the names that lead to it: `hyper_parameters.img_size`. */
export interface Setting {
  readonly path: string;
  readonly key: string;
  readonly value: unknown;
}

const MAX_SETTINGS = 20_000;
const MAX_DEPTH = 5;

/** All of a file's settings, those within objects after the objects themselves. */
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

/** JSON as what it says, anything else as text. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Names of a setting without case and hyphens: `img_mean`, `imgMean` and `IMG_MEAN` are one. */
export const plainKey = ({ key }: Setting) => key.toLowerCase().replace(/[^a-z]/g, '');
/** The numbers of a list, of text such as `0.485,0.456,0.406`, or of a height and a width; undefined for anything else. */
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

/** True and false as JSON, Python and command lines write them; undefined for anything else. */
export function booleanOf(value: unknown): boolean | undefined {
  const text = typeof value === 'object' ? '' : String(value).toLowerCase();
  return /^(?:true|1|yes)$/.test(text) ? true : /^(?:false|0|no)$/.test(text) ? false : undefined;
}
