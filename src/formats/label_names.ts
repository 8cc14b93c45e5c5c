/**
 * Classes as other people write them. `mass`, `MASS` and `Masses` are Mass, `Pleural Thickening` is Pleural_Thickening: case,
 * spaces, underscores and hyphens do not matter, nor does an English plural. A few names are other words for the same thing.
 */
import { firstFew } from '../errors.js';
import { canonicalLabel } from './image_table.js';

/** Other words for a class, as `keyOf` makes them. */
const SYNONYMS: Readonly<Record<string, string>> = {
  infiltrate: 'infiltration',
  pneumathorax: 'pneumothorax',
  pleuraleffusion: 'effusion',
  oedema: 'edema',
};

const keyOf = (name: string) =>
  name
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '');

export const isNoFinding = (name: string) => /^nofindings?$/.test(keyOf(name));
/** The label file's own spelling, or one that the published files use beside it: nothing to be said about. */
const isPublished = (name: string, label: string) => name === label || canonicalLabel(name) === label;

export interface LabelNames {
  /** The class that a name means; undefined where it means none, or could mean two. */
  match(name: string): string | undefined;
  /** What was matched though it is spelled in an unpublished way: the class by the name. */
  readonly respelled: ReadonlyMap<string, string>;
  /** What matched nothing; how often. */
  readonly unknown: ReadonlyMap<string, number>;
}

/** Looks names up among classes, and remembers what there is to be said about them. */
export function labelNames(classes: readonly string[]): LabelNames {
  const exact = new Set(classes);
  const byKey = new Map<string, string | undefined>();
  for (const label of classes) {
    const key = keyOf(label);
    // Two classes that differ in case alone have to be written as they are.
    byKey.set(key, byKey.has(key) || key === '' ? undefined : label);
  }
  const find = (name: string): string | undefined => {
    if (exact.has(name)) return name;
    if (exact.has(canonicalLabel(name))) return canonicalLabel(name);
    const key = keyOf(name);
    // Nodules and masses: an s behind another letter, es behind an s.
    const singular = [key, key.replace(/(?<=[^s])s$/, ''), key.replace(/(?<=s)es$/, '')];
    const words = singular.flatMap((word) => [word, Object.hasOwn(SYNONYMS, word) ? SYNONYMS[word] : '']);
    return words.map((word) => byKey.get(word)).find((label) => label !== undefined);
  };
  const known = new Map<string, string | undefined>();
  const respelled = new Map<string, string>();
  const unknown = new Map<string, number>();
  return {
    match(text) {
      const name = text.trim();
      if (!known.has(name)) known.set(name, find(name));
      const label = known.get(name);
      if (label === undefined) unknown.set(name, (unknown.get(name) ?? 0) + 1);
      else if (!isPublished(name, label)) respelled.set(name, label);
      return label;
    },
    respelled,
    unknown,
  };
}

/** Names for a message: in quotes, a few of them. */
export function listed(names: Iterable<string>, most = 8): string {
  return firstFew(
    [...names].map((name) => JSON.stringify(name.slice(0, 60))),
    most,
  );
}

/** `"mass" as Mass, "pneumothorax" as Pneumothorax`. */
export const respellings = (respelled: ReadonlyMap<string, string>) =>
  [...respelled].map(([name, label]) => `${listed([name])} as ${label}`).join(', ');

/** Unknown names, those that look like a slip of the pen with what they may be meant for; "No Finding" is no class. */
export function unknownNames(names: Iterable<string>, classes: readonly string[]): string {
  const near = (name: string) => classes.find((label) => isSlip(keyOf(name), keyOf(label)));
  const all = [...names];
  const shown = all.slice(0, MAX_NAMED).map((name) => {
    const meant = isNoFinding(name) ? undefined : near(name);
    return `${listed([name])}${meant === undefined ? '' : ` (did you mean ${meant}?)`}`;
  });
  return all.length > MAX_NAMED ? `${shown.join(', ')} and ${all.length - MAX_NAMED} more` : shown.join(', ');
}

/** Labellings have some twenty classes; a file may have any number of columns. */
const MAX_NAMED = 40;

/** At most two letters changed, added or left out, of a word with at least six. */
function isSlip(a: string, b: string): boolean {
  if (Math.min(a.length, b.length) < 6 || Math.abs(a.length - b.length) > 2 || a.length > 40) return false;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length] <= 2;
}
