/**
 * What a clause without a finding of its own says of the one before: "none remains", "it has resolved", "there is one on
 * the left", "the old one is the same". Where "it" could be two things, nothing is made of it.
 */

import { compilePatterns, matchesAt } from './patterns.js';
import type { LabelStatus } from './verdict.js';
import { wordSet } from './words.js';

export interface Said {
  /** What stood before is gone, is there after all, or may be. */
  status: LabelStatus;
  /** Of the words that say it. */
  start: number;
  end: number;
  /** "It" is one thing; "none" denies all that was named. */
  single: boolean;
}

const seen = 'seen|present|visible|identified|noted|evident|found|detected|demonstrated|appreciated';
const same =
  'unchanged|stable|same|larger|bigger|smaller|worse|better|similar|grown|increased|decreased|enlarged|persisted|persistent|persisting';

const gone: readonly string[] = [
  `none ..1 remain|remains|remaining|left|persists|persist|now|today|currently|${seen}`,
  'none .',
  'there is|are|was none',
];
const itIsGone: readonly string[] = [
  'it|they|this|these has|have|is|are ..2 resolved|cleared|gone|disappeared|vanished|subsided',
  `it|they|this|these is|are|was|were no longer|not ..1 ${seen}`,
  'now|since|currently|today clear|resolved|gone|cleared .',
  'clear|resolved|gone|cleared now|today|currently .',
  'is|are|has|have now|currently|since? clear|resolved|gone|cleared .',
];
/** "Drained; gone." */
const goneAlone: readonly string[] = ['gone|resolved|cleared|clear .'];
const there: readonly string[] = [
  'there is|are|remains ..1 one|some',
  `one|some is|are|was|were ..1 ${seen}|${same}`,
  'one|some persists|persist|remains|remain',
  'the right|left|other persists|persist|remains|remain',
  `the|a|an|another|other|that|those ..1 one ..6 is|are|has|have ..2 ${same}|${seen}`,
  'the|a|an|another|other|that|those ..1 one ..6 persists|persist|remains|remain',
];
const itIsThere: readonly string[] = [
  `it|they is|are|has|have ..2 ${same}|${seen}`,
  'it|they persists|persist|remains|remain',
];

/** "No large effusion, but a small one cannot be excluded." */
const perhaps: readonly string[] = [
  'one|some ..6 cannot|not ..2 excluded',
  'one|some ..6 cannot|not ..2 ruled out',
  'one|some ..6 may|might|could ..1 lie|exist',
  'one|some ..6 may|might|could ..1 be ..1 present|there|developing|forming|in|at|on',
  'one|some ..6 is|are ..1 possible|suspected|questioned|conceivable',
  'one|some possible|suspected|questioned|questionable .|,',
  'cannot|not|difficult|hard ..2 exclude|excluded ..4 one|some',
  'cannot|not|difficult|hard ..2 rule out ..4 one|some',
  'there may|might|could be ..3 one|some',
  'possible|possibly|perhaps|question|questionable ..4 one|some',
];
const itMayBe: readonly string[] = [
  'it|they|this|these cannot|not ..2 excluded',
  'it|they|this|these cannot|not ..2 ruled out',
  'it|they may|might|could be ..2 present|there',
  'cannot|not ..2 exclude it|them',
];

interface Meaning {
  status: LabelStatus;
  single: boolean;
  /** Only behind "but" and its like, in the same sentence: elsewhere "it" may be a tube. */
  contrast?: true;
  /** Only behind a semicolon. */
  apart?: true;
}

const meanings: readonly (readonly [phrases: readonly string[], meaning: Meaning])[] = [
  [gone, { status: 'negative', single: false }],
  [itIsGone, { status: 'negative', single: true }],
  [goneAlone, { status: 'negative', single: true, apart: true }],
  [there, { status: 'positive', single: true }],
  [itIsThere, { status: 'positive', single: true, contrast: true }],
  [perhaps, { status: 'uncertain', single: true }],
  [itMayBe, { status: 'uncertain', single: true, contrast: true }],
];
const tree = compilePatterns(
  meanings.flatMap(([phrases, meaning]) => phrases.map((phrase) => [phrase, meaning] as const)),
);
/** Without one of these words a clause stands for nothing that was named before. */
const pronouns = wordSet('it they this these one some none clear resolved gone cleared remains persists');
const contrasts = wordSet('but while whereas although though however yet');
/** No gap swallows these, and a clause that says what is gone names no other place or kind. */
const inGap = wordSet(
  'not no never none of may might could possibly partially partly nearly almost mostly incompletely if , ;',
);
const elsewhere = wordSet('left right other new additional more further else elsewhere');
const opening = new Set([',', ';', 'and', 'now', ...contrasts]);

/** Whether any word may stand for something: most sentences have none. */
export const hasPronoun = (words: readonly string[]): boolean => words.some((word) => pronouns.has(word));

/**
 * What the words of one clause say of what stood before it.
 * @param inSentence whether that is in the same sentence.
 */
export function saidIn(words: readonly string[], from: number, to: number, inSentence: boolean): Said | undefined {
  let first = from;
  while (first < to && opening.has(words[first]!)) first++;
  const contrast = inSentence && words.slice(from, first).some((word) => contrasts.has(word));
  for (let start = first; start < to; start++) {
    for (const { value, end } of matchesAt(tree, words, start, (word) => inGap.has(word))) {
      if ((value.contrast && !contrast) || (value.apart && words[from] !== ';')) continue;
      // "Other findings: none seen", "none on the right": not what stood before.
      if (value.status === 'negative' && (start > first || words.slice(from, to).some((word) => elsewhere.has(word))))
        continue;
      return { status: value.status, single: value.single, start, end: Math.min(end, to) };
    }
  }
  return undefined;
}
