/** Splits text into words. Each keeps its place in the text, so that a label can point to the words that it was read from. */

import { cellEnd, denyBehind, signPlaces, signs } from './signs.js';
import { readWord } from './spelling.js';
import type { Token } from './token.js';

export interface Sentence {
  /** Offsets in the text that was given; `end` is exclusive. */
  start: number;
  end: number;
  tokens: Token[];
  /** The words from this token on belong to an empty box, so that what they name is not there. */
  unticked?: number;
}

const tokenPattern =
  /[\p{L}\p{N}]+(?:['’][\p{L}]+)?(?:\.\d+)?|_{2,}|\*{3,}|[=-]>|[([]\s?[-–−+]\s?[)\]]|\(\+\/-\)|[-+]ve\b|\+\/-|[^\s\p{L}\p{N}]/gu;
/** The word for a row of underscores or asterisks, which is a place that was left blank or masked. */
export const blank = '_';

/** The words and punctuation marks of `text[start, end)`. A hyphen separates words ("left-sided" is two), whereas a dash with spaces is kept. */
export function tokenize(text: string, start: number, end: number): Token[] {
  const tokens: Token[] = [];
  let parted = false;
  let signed = false;
  const part = text.slice(start, end);
  const opening = signPlaces(part);
  for (const match of part.matchAll(tokenPattern)) {
    let raw = match[0];
    if (raw === '_' || raw === '"') continue;
    if (raw.length > 1 && (raw[0] === '_' || raw[0] === '*')) raw = blank;
    const at = start + match.index;
    const to = at + raw.length;
    if (opening.size > 0 && opening.has(match.index)) raw = opening.get(match.index)!;
    else if (raw === '-' || raw === '–' || raw === '−' || raw === '—') {
      if (raw !== '—' && (at === start || !/\s/.test(text[at - 1]!) || (to < end && !/\s/.test(text[to]!)))) continue;
      raw = '-';
    }
    // Signs may have spaces inside their brackets: "( - )" is the same as "(-)".
    const sign = signs.get(raw.length === 4 || raw.length === 5 ? raw.replace(/\s/g, '') : raw);
    if (raw === ',' || raw === ';' || sign === cellEnd) parted = true;
    if (sign === 'negative') signed = true;
    const { word, mended } = sign === undefined ? readWord(raw) : { word: sign, mended: undefined };
    tokens.push(mended ? { word, start: at, end: to, mended } : { word, start: at, end: to });
  }
  if (signed) denyBehind(tokens, text);
  readCentimeters(tokens);
  for (let at = 1; parted && at + 1 < tokens.length; at++) {
    if (separators.has(tokens[at]!.word) && answersAlone(tokens, at + 1)) tokens[at]!.word = ':';
  }
  return tokens;
}

/** Reads "CM" as cardiomegaly ("CM: no", "mild CM") or, after a number, as centimeter. */
function readCentimeters(tokens: Token[]): void {
  for (let at = 0; at < tokens.length; at++) {
    if (tokens[at]!.word !== 'cm') continue;
    const before = tokens[at - 1]?.word ?? '.';
    if (measures.test(before)) tokens[at]!.word = 'centimeter';
    else if (grades.has(before) || (opensFinding.has(before) && closesName.has(tokens[at + 1]?.word ?? '.')))
      tokens[at]!.word = 'cardiomegaly';
  }
}
const measures = /^(?:\d.*|_|x+|few|several|half|per|in|of|one|two|three|four|five|six)$/;
const opensFinding = new Set(['.', ',', ';', ':', cellEnd, 'and', 'or', '[', ']', '(', ')', '-']);
const grades = new Set(
  'no mild moderate severe marked stable unchanged borderline worsening new without gross massive possible probable positive chronic known persistent significant prominent underlying baseline the'.split(
    ' ',
  ),
);

/** Marks other than a colon that may separate a finding from its value: "Effusion,No", "Effusion | no". */
const separators = new Set([',', ';', cellEnd]);
const answers = new Set(
  'no none nil yes absent present negative positive neg pos true false y n 0 1'.split(' ').concat(blank),
);
const stops = new Set(['.', ',', ';', cellEnd]);
const closesName = new Set([
  ...answers,
  ...stops,
  ':',
  '-',
  '+',
  '?',
  'and',
  'or',
  'with',
  'without',
  'no',
  'is',
  'has',
  'remains',
  'unchanged',
  'stable',
  'noted',
  'seen',
  ']',
  ')',
]);

/** Whether the word at `at` is an answer: it is in "Effusion, no", but not in "effusion, no edema". In a table more may follow: "none seen". */
function answersAlone(tokens: readonly Token[], at: number): boolean {
  const { word } = tokens[at]!;
  if (tokens[at - 1]!.word === cellEnd && word !== 'no' && answers.has(word)) return true;
  return answers.has(word) && (at + 1 === tokens.length || stops.has(tokens[at + 1]!.word));
}

export const hasWords = (tokens: readonly Token[]): boolean => tokens.some(({ word }) => /\p{L}/u.test(word));
