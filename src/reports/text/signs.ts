/** Signs that stand for words, such as "=", "(+)" and "-ve", and what a sign before or after a finding says about it. */

import type { Token } from './token.js';

/** The word for `|`. In phrases `|` itself separates alternatives, so they cannot name it. */
export const cellEnd = '¦';

/** Signs between a finding and its answer, and signs that are an answer, with the words they stand for. */
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

/** Words after which a finding begins, so that a sign there belongs to the finding after it: "(-) effusion, (+) edema". */
const opens = new Set([',', ';', ':', '.', 'and', '/', cellEnd]);

/** Replaces a minus sign by "no" if it belongs to the finding after it: "(-) effusion" means "no effusion". In "effusion (-)" it is an answer. */
export function denyBehind(tokens: Token[], text: string): void {
  for (let at = 0; at + 1 < tokens.length; at++) {
    const { word, start, end } = tokens[at]!;
    if (word !== 'negative' || !/[([–-]/.test(text[start]!)) continue;
    const next = tokens[at + 1]!;
    const attached = next.start === end && tokens[at - 1]?.end !== start;
    if ((at === 0 || attached || opens.has(tokens[at - 1]!.word)) && /^\p{L}/u.test(next.word)) tokens[at]!.word = 'no';
  }
}

/** Signs before findings ("+ effusion, - edema", "+eff -ptx"), and signs after findings ("effusion +, edema -"). */
const opening = /(?:^|[,;]\s{0,3})[-–+]\s?(?=\p{L})|\s[-–+](?=\p{L})/gu;
const answering = /(?<=\p{L})\s?[-–+](?=\s{0,3}(?:[,;.]|$))/gu;

/**
 * The places of such signs in a line, if it has both plus and minus. Without a plus, a minus is a dash, a hyphen or a bullet. Without a minus, a
 * plus says no more than the finding itself.
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
