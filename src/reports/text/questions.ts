/** Joins questions and answers: in "QUESTION: pneumonia? ANSWER: No" the answer names nothing itself, so it is about the question. */

import { sentences } from './sentences.js';
import type { Token } from './token.js';
import type { Sentence } from './tokens.js';

export interface Place {
  start: number;
  end: number;
}

/** Words of a question that do not name what is asked for. */
const asking = new Set(
  'is are was were there any evidence of sign for rule out r / o evaluate evaluation eval assess exclude check please if whether does do has have patient pt he she the a an you see seen query concern possible suspected ? . , : now today this'.split(
    ' ',
  ),
);
/** Answers that only count alone. If more words follow "no" or "possible", those name what it is about. */
const shortAnswers = new Set(
  'no none nil negative positive possible possibly probable probably likely maybe'.split(' '),
);
const answers = new Set(
  'yes neither both absent present unlikely doubtful unclear not cannot equivocal uncertain confirmed excluded'.split(
    ' ',
  ),
);
const stops = new Set(['.', ',', ';']);
/** The most words of a question. If there are more, only the last ones count. */
const longestQuestion = 16;

/** Puts the words of a question before the first sentence of its answer, unless the answer names what it is about itself. */
export function answerTo(text: string, asked: Place, answer: Sentence[]): Sentence[] {
  const [first, ...rest] = answer;
  if (!first) return answer;
  const [word, next] = first.tokens.map((token) => token.word);
  const alone = next === undefined || stops.has(next);
  if (!(answers.has(word!) || (shortAnswers.has(word!) && alone))) return answer;
  const question = sentences(text, asked.start, asked.end).at(-1);
  const about = question?.tokens.filter((token) => !asking.has(token.word)).slice(-longestQuestion) ?? [];
  if (about.length === 0) return answer;
  const colon: Token = { word: ':', start: about.at(-1)!.end, end: about.at(-1)!.end };
  return [{ start: about[0]!.start, end: first.end, tokens: [...about, colon, ...first.tokens] }, ...rest];
}
