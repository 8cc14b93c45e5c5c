/** Words and sentences, each with its place in the text, so that a label can point at what it was read from. */

import { lemma } from './words.js';

export interface Token {
  /** Base form in lower case; punctuation stands for itself. */
  word: string;
  start: number;
  end: number;
}

export interface Sentence {
  /** Offsets in the text that was given; `end` is exclusive. */
  start: number;
  end: number;
  tokens: Token[];
  /** The words from this token on stand behind a box that was left empty: what they name is not there. */
  unticked?: number;
}

const tokenPattern = /[\p{L}\p{N}]+(?:['’][\p{L}]+)?(?:\.\d+)?|\([-–+]\)|[-+]ve\b|[^\s\p{L}\p{N}]/gu;
/** Signs that stand between a finding and its answer, or for one. */
const signs: Record<string, string> = {
  '=': ':',
  '|': ':',
  '→': ':',
  '(-)': 'negative',
  '(–)': 'negative',
  '-ve': 'negative',
  '(+)': 'positive',
  '+ve': 'positive',
};

/** Words and punctuation of `text[start, end)`. Hyphens part words ("left-sided" is two); a dash with spaces is kept. */
export function tokenize(text: string, start: number, end: number): Token[] {
  const tokens: Token[] = [];
  tokenPattern.lastIndex = 0;
  for (const match of text.slice(start, end).matchAll(tokenPattern)) {
    let raw = match[0];
    if (raw === '_' || raw === '"') continue;
    const at = start + match.index;
    const to = at + raw.length;
    if (raw === '-' || raw === '–' || raw === '—') {
      if (raw !== '—' && (at === start || !/\s/.test(text[at - 1]!) || (to < end && !/\s/.test(text[to]!)))) continue;
      raw = '-';
    }
    tokens.push({ word: Object.hasOwn(signs, raw) ? signs[raw]! : lemma(raw), start: at, end: to });
  }
  return tokens;
}

export const hasWords = (tokens: readonly Token[]): boolean => tokens.some(({ word }) => /\p{L}/u.test(word));
