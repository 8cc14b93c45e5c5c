/**
 * Recognizes classes in other spellings: `mass`, `MASS` and `Masses` mean Mass, and `Pleural Thickening` means Pleural_Thickening. Case,
 * spaces, underscores and hyphens do not matter, and neither does an English plural. A few synonyms are known too.
 */
import { editDistance } from '../../edit_distance.js';
import { firstFew } from '../../errors.js';
import type { OnWarning } from '../../warnings.js';
import { canonicalLabel } from './image_table.js';

/** Synonyms of classes, both in the form that `keyOf` returns. */
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
/** Whether a name is the label file's spelling, or another one of the published files. Such names need no warning. */
const isPublished = (name: string, label: string) => name === label || canonicalLabel(name) === label;

export interface LabelNames {
  /** The class that a name means; undefined if it means none, or if it could mean two. */
  match(name: string): string | undefined;
  /** The names that were matched in a spelling that is not a published one, and their classes. */
  readonly respelled: ReadonlyMap<string, string>;
  /** The names that matched no class, and how often each was looked up. */
  readonly unknown: ReadonlyMap<string, number>;
}

/** Looks names up among classes, and records which were respelled or unknown, for warnings. */
export function labelNames(classes: readonly string[]): LabelNames {
  const exact = new Set(classes);
  const byKey = new Map<string, string | undefined>();
  for (const label of classes) {
    const key = keyOf(label);
    // If two classes have the same key, for example because they differ only in case, each matches only its exact spelling.
    byKey.set(key, byKey.has(key) || key === '' ? undefined : label);
  }
  const find = (name: string): string | undefined => {
    if (exact.has(name)) return name;
    if (exact.has(canonicalLabel(name))) return canonicalLabel(name);
    const key = keyOf(name);
    // A plural ends in s after another letter (nodules), or in es after an s (masses).
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

/** The first few names, in quotes, for a message. */
export function listed(names: Iterable<string>, most = 8): string {
  return firstFew(
    [...names].map((name) => JSON.stringify(name.slice(0, 60))),
    most,
  );
}

/** The respelled names for a message, such as `"mass" as Mass, "pneumothorax" as Pneumothorax`. */
export const respellings = (respelled: ReadonlyMap<string, string>) =>
  [...respelled].map(([name, label]) => `${listed([name])} as ${label}`).join(', ');

/** Unknown names for a message. One that may be a misspelling is followed by the class that may be meant, except "No Finding". */
export function unknownNames(names: Iterable<string>, classes: readonly string[]): string {
  const near = (name: string) => classes.find((label) => isSlip(keyOf(name), keyOf(label)));
  const all = [...names];
  const shown = all.slice(0, MAX_NAMED).map((name) => {
    const meant = isNoFinding(name) ? undefined : near(name);
    return `${listed([name])}${meant === undefined ? '' : ` (did you mean ${meant}?)`}`;
  });
  return all.length > MAX_NAMED ? `${shown.join(', ')} and ${all.length - MAX_NAMED} more` : shown.join(', ');
}

/** The most unknown names in a message. A data set has about twenty classes, but a file may have any number of columns. */
const MAX_NAMED = 40;

/** Whether two words of at least six letters differ so little that one may be a misspelling of the other. */
const isSlip = (a: string, b: string): boolean =>
  Math.min(a.length, b.length) >= 6 && Math.abs(a.length - b.length) <= 2 && editDistance(a, b) <= 2;

/** Warns of the labels that were taken for classes in another spelling. */
export function sayRespelled({ respelled }: LabelNames, source: string, onWarning: OnWarning): void {
  if (respelled.size === 0) return;
  onWarning({ code: 'matched-names', message: `${source}: labels were taken for classes: ${respellings(respelled)}.` });
}
