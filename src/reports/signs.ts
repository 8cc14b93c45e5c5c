/** Signs that stand for words: "=", "(+)", "-ve", and what a sign before or behind a finding says of it. */

import type { Token } from './tokens.js';

/** What `|` is as a word, since the phrases of the rules cannot name it. */
export const cellEnd = '¦';

/** Signs that stand between a finding and its answer, or for one. */
export const signs = new Map<string, string>([
  ['=', ':'],
  ['=>', ':'],
  ['->', ':'],
  ['→', ':'],
  ['|', cellEnd],
  ['(-)', 'negative'],
  ['(–)', 'negative'],
  ['(−)', 'negative'],
  ['-ve', 'negative'],
  ['(+)', 'positive'],
  ['+ve', 'positive'],
  ['[-]', 'negative'],
  ['[–]', 'negative'],
  ['[+]', 'positive'],
  ['+/-', 'possible'],
  ['(+/-)', 'possible'],
  ['±', 'possible'],
]);

/** Where a finding begins, so that a sign before it is its own: "(-) effusion, (+) edema". */
const opens = new Set([',', ';', ':', '.', 'and', '/', cellEnd]);

/** "(-) effusion" denies what stands behind the sign, as "no effusion" does; "effusion (-)" answers. */
export function denyBehind(tokens: Token[], text: string): void {
  for (let at = 0; at + 1 < tokens.length; at++) {
    const { word, start, end } = tokens[at]!;
    if (word !== 'negative' || !/[([–-]/.test(text[start]!)) continue;
    const next = tokens[at + 1]!;
    const attached = next.start === end && tokens[at - 1]?.end !== start;
    if ((at === 0 || attached || opens.has(tokens[at - 1]!.word)) && /^\p{L}/u.test(next.word)) tokens[at]!.word = 'no';
  }
}

/** Signs that each open a finding, and signs that each answer one: "+ effusion, - edema", "+eff -ptx"; "effusion +, edema -". */
const opening = /(?:^|[,;]\s{0,3})[-–+]\s?(?=\p{L})|\s[-–+](?=\p{L})/gu;
const answering = /(?<=\p{L})\s?[-–+](?=\s{0,3}(?:[,;.]|$))/gu;

/**
 * The places of such signs in a line, where both kinds stand in it. Without a plus a minus is a dash, a hyphen or a bullet;
 * without a minus a plus says no more than the finding does.
 */
export function signPlaces(line: string): ReadonlyMap<number, '+ve' | '-ve'> {
  if (!line.includes('+')) return none;
  const found = new Map<number, '+ve' | '-ve'>();
  for (const kind of [opening, answering]) {
    found.clear();
    for (const { index, 0: match } of line.matchAll(kind)) {
      const at = match.search(/[-–+]/);
      found.set(index + at, match[at] === '+' ? '+ve' : '-ve');
    }
    if (new Set(found.values()).size === 2) return found;
  }
  return none;
}
const none: ReadonlyMap<number, '+ve' | '-ve'> = new Map();
