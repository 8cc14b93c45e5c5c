/** Text → sentences → words, each with its place in the text, so that a label can point at what it was read from. */

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
}

/** A full stop behind one of these does not end a sentence. */
const abbreviations = new Set(
  'dr mr mrs ms vs approx no st fig resp incl cf e.g i.e e.g. i.e. a.m p.m inc dept ext lat ant post inf sup'.split(
    ' ',
  ),
);
/** No sentence of a report is longer. What is (a file that is no report) is cut, so that work stays linear in its length. */
const longestSentence = 5_000;

const tokenPattern = /[\p{L}\p{N}]+(?:['’][\p{L}]+)?(?:\.\d+)?|[^\s\p{L}\p{N}]/gu;

/** Words and punctuation of `text[start, end)`. Hyphens part words: "left-sided" is two. */
function tokenize(text: string, start: number, end: number): Token[] {
  const tokens: Token[] = [];
  tokenPattern.lastIndex = 0;
  for (const match of text.slice(start, end).matchAll(tokenPattern)) {
    const raw = match[0];
    if (raw === '-' || raw === '_' || raw === '"') continue;
    const at = start + match.index;
    tokens.push({ word: lemma(raw), start: at, end: at + raw.length });
  }
  return tokens;
}

/** True where the stop at `index` ends a sentence rather than an abbreviation, a list number or a decimal. */
function endsSentence(text: string, index: number, end: number, sentenceStart: number): boolean {
  const mark = text[index]!;
  const next = text[index + 1] ?? ' ';
  if (mark !== '.') return true;
  if (/\d/.test(next)) return false;
  // "clear.No effusion": a forgotten space, but "e.g." and "p.m." are not.
  if (!/\s/.test(next) && index + 1 < end) return /[A-Z]/.test(next) && /[a-z)]/.test(text[index - 1] ?? '');
  const before = text.slice(Math.max(sentenceStart, index - 12), index);
  const word = /[\p{L}.]+$/u.exec(before)?.[0].toLowerCase() ?? '';
  if (!abbreviations.has(word)) return true;
  // "No." before a number is "number"; as an answer it ends the sentence.
  const following = text.slice(index + 1, Math.min(end, index + 8)).trimStart();
  return word === 'no' ? !/^\d/.test(following) : false;
}

/**
 * The sentences of `text[start, end)`. A line break ends one only where a blank line, a bullet or a list number
 * follows: reports are often wrapped at a fixed width.
 */
export function sentences(text: string, start = 0, end = text.length): Sentence[] {
  const result: Sentence[] = [];
  let from = start;
  const close = (to: number): void => {
    const tokens = tokenize(text, from, to);
    if (tokens.some((token) => /[\p{L}]/u.test(token.word))) {
      result.push({ start: tokens[0]!.start, end: tokens.at(-1)!.end, tokens });
    }
    from = to;
  };
  for (let index = start; index < end; index++) {
    const mark = text[index]!;
    if (mark === '.' || mark === '!' || mark === '?') {
      if (endsSentence(text, index, end, from)) close(index + 1);
    } else if (mark === '\n' || mark === '\r') {
      if (/^\s*(?:\n\s*\n|\r\n\s*\r\n|\r\s*\r|\n?\s*(?:[-*•]|\d{1,2}[.)])\s)/.test(text.slice(index, index + 40)))
        close(index);
    } else if (index - from >= longestSentence && (/\s/.test(mark) || index - from >= 2 * longestSentence)) {
      close(index);
    }
  }
  close(end);
  return result;
}
