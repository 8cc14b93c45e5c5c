/** Lists that are denied as a whole by the words before their colon: "Absent: pneumothorax, effusion", "No evidence of: edema; nodule". */

import { assertiveWords, placeWords, verbs } from './clauses.js';

/** What stands before the colon, if it stands there alone. */
const labels = new Set(
  [
    'absent|negative|excluded|denied',
    'not seen|present|identified|found|visualized|demonstrated|detected|evident',
    'pertinent|relevant|significant negative|negatives',
  ].flatMap((phrase) => spelledOut(phrase.split(' '))),
);

/** Every way to read a phrase whose words are `a|b`, words separated by spaces. */
function spelledOut([first, ...rest]: readonly string[]): string[] {
  const own = first!.split('|');
  return rest.length === 0 ? own : own.flatMap((word) => spelledOut(rest).map((end) => `${word} ${end}`));
}

/** The longest label has three words: "negative for :", "no evidence of :". */
const LONGEST_LABEL = 4;

/** The place of the colon after words at the beginning that deny all that follows; undefined if there is none. */
export function denyingColon(words: readonly string[]): { colon: number; isNamed: boolean } | undefined {
  const colon = words.indexOf(':');
  if (colon < 1 || colon > LONGEST_LABEL) return undefined;
  const label = words.slice(0, colon);
  if (labels.has(label.join(' '))) return { colon, isNamed: true };
  // "No:", "No evidence of:", "Negative for:", "Without:", which rules know as denials of what follows.
  const [first] = label;
  const opens = first === 'no' || first === 'without' || (first === 'negative' && label.at(-1) === 'for');
  return opens && !label.includes(',') ? { colon, isNamed: false } : undefined;
}

/**
 * Whether what follows a semicolon is a plain item of a list: "; nodule", "; or nodule", but not "; nodule in the left lobe", "; mild edema" and
 * "; heart is large", which say something of their own.
 */
export function isPlainItem(words: readonly string[], semicolon: number): boolean {
  for (let at = semicolon + 1; at < words.length; at++) {
    const word = words[at]!;
    if (word === ';' || word === '.') return at > semicolon + 1;
    if (verbs.has(word) || assertiveWords.has(word) || placeWords.has(word)) return false;
    if (/^(?:[:,]|and|but|no|not|with|without|there)$/.test(word)) return false;
  }
  return true;
}
