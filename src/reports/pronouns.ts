/**
 * Finds out what a clause without a finding of its own says about the finding before: "none remains", "it has resolved", "there is one on the
 * left", "the old one is the same". If "it" could be two things, it is ignored.
 */

import { compilePatterns, matchesAt } from './patterns.js';
import type { LabelStatus } from './rules/verdict.js';
import { wordSet } from './text/words.js';

export interface Said {
  /** The new status of the finding before. */
  status: LabelStatus;
  /** First and last word of the phrase that says it. */
  start: number;
  end: number;
  /** Whether the phrase is about a single finding, as "it" is. "None" negates all that were named. */
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
/** As in "Drained; gone." */
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

/** As in "No large effusion, but a small one cannot be excluded." */
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
  /** Whether it only counts after "but" or a similar word in the same sentence. Elsewhere "it" may be a tube. */
  contrast?: true;
  /** Whether it only counts after a semicolon. */
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
/** A clause without one of these words says nothing about what was named before. */
const pronouns = wordSet('it they this these one some none clear resolved gone cleared remains persists');
const contrasts = wordSet('but while whereas although though however yet');
/** Words that a gap never matches. */
const inGap = wordSet(
  'not no never none of may might could possibly partially partly nearly almost mostly incompletely if , ;',
);
/** A clause with one of these words names another place or kind, and so does not say that the finding before is gone. */
const elsewhere = wordSet('left right other new additional more further else elsewhere');
const opening = new Set([',', ';', 'and', 'now', ...contrasts]);

/** A fast check whether any word may refer to something named before. Most sentences have none. */
export const hasPronoun = (words: readonly string[]): boolean => words.some((word) => pronouns.has(word));

/**
 * What the words of one clause say about the finding before it.
 * @param inSentence whether that finding is in the same sentence.
 */
export function saidIn(words: readonly string[], from: number, to: number, inSentence: boolean): Said | undefined {
  let first = from;
  while (first < to && opening.has(words[first]!)) first++;
  const contrast = inSentence && words.slice(from, first).some((word) => contrasts.has(word));
  for (let start = first; start < to; start++) {
    for (const { value, end } of matchesAt(tree, words, start, (word) => inGap.has(word))) {
      if ((value.contrast && !contrast) || (value.apart && words[from] !== ';')) continue;
      // "Other findings: none seen" and "none on the right" are not about the finding before.
      if (value.status === 'negative' && (start > first || words.slice(from, to).some((word) => elsewhere.has(word))))
        continue;
      return { status: value.status, single: value.single, start, end: Math.min(end, to) };
    }
  }
  return undefined;
}
