/** "QUESTION: pneumonia? ANSWER: No": an answer that names nothing is about what was asked. */

import { sentences } from './sentences.js';
import type { Sentence, Token } from './tokens.js';

export interface Place {
  start: number;
  end: number;
}

/** Words that ask and are no part of what is asked for. */
const asking = new Set(
  'is are was were there any evidence of sign for rule out r / o evaluate evaluation eval assess exclude check please if whether does do has have patient pt he she the a an you see seen query concern possible suspected ? . , : now today this'.split(
    ' ',
  ),
);
/** Answers that stand alone. More words behind "no" or "possible" name what they are about. */
const shortAnswers = new Set(
  'no none nil negative positive possible possibly probable probably likely maybe'.split(' '),
);
const answers = new Set(
  'yes neither both absent present unlikely doubtful unclear not cannot equivocal uncertain confirmed excluded'.split(
    ' ',
  ),
);
const stops = new Set(['.', ',', ';']);
/** A question is short: of more words only the last count. */
const longestQuestion = 16;

/** The first sentence of an answer with the words of its question before it; the sentences as they are where it says it all. */
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
