/** Explains why names of images do not match those of the label file. Programs often change names when they copy tables. */
import { IMAGE_ENDINGS, stemOf } from '../formats/data_sets/image_list.js';
import { listed } from '../formats/data_sets/label_names.js';

const ENDINGS = [...IMAGE_ENDINGS, ...IMAGE_ENDINGS.map((ending) => ending.toUpperCase()), ''];
/** A number that a spreadsheet program has shortened, such as `1.2E+07`. */
const SHORTENED = /^\d(?:[.,]\d+)?e[+-]?\d+$/i;
/** The most names that are looked at. A program usually changes all names in the same way, so the first ones show it. */
const LOOKED_AT = 1000;

const withoutZeros = (text: string) => text.replace(/(?<!\d)0+(?=\d)/g, '');
/** A key that is the same for all spellings that programs make of one identifier. */
const keyOf = (name: string) => withoutZeros(stemOf(name).toLowerCase().replace(/\.0+$/, ''));

/**
 * A hint for unknown names that the label file has in another spelling: with another ending or none, with leading zeros, as a number with
 * decimals, or in another case.
 *
 * @returns undefined if it has none of them in another spelling.
 */
export function nameHint(names: readonly string[], known: ReadonlyMap<string, unknown>): string | undefined {
  const strange = names.slice(0, LOOKED_AT).filter((name) => !known.has(name));
  if (strange.length === 0) return undefined;
  for (const name of strange) {
    const other = ENDINGS.map((ending) => stemOf(name) + ending).find((one) => known.has(one));
    if (other !== undefined) return `The label file has ${listed([other])}: names are compared with their endings.`;
  }
  const byKey = new Map(Array.from(known.keys(), (name) => [keyOf(name), name]));
  for (const name of strange) {
    const other = byKey.get(keyOf(name));
    if (other !== undefined) return `${listed([name])} is probably ${listed([other])}: ${reasonOf(name, other)}.`;
  }
  const shortened = strange.find((name) => SHORTENED.test(stemOf(name)));
  if (shortened === undefined) return undefined;
  return `${listed([shortened])} looks like a number that a spreadsheet program shortened, and its digits are lost: export the names again, as text.`;
}

function reasonOf(name: string, other: string): string {
  const [stem, otherStem] = [stemOf(name).toLowerCase(), stemOf(other).toLowerCase()];
  if (stem === otherStem) return 'capitals and small letters count';
  if (/\.0+$/.test(stem) !== /\.0+$/.test(otherStem))
    return 'a program took identifiers for numbers and gave them decimals; read that column as text';
  return 'leading zeros count, and were lost where a program took identifiers for numbers, as spreadsheets do; read that column as text';
}
