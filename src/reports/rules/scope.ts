/** Finds out which rules of `rules.ts` apply to which words of a sentence. */

import { compilePatterns, type Match, matchesAt } from '../patterns.js';
import { lemma } from '../text/words.js';
import {
  assertiveWords,
  clauseBreaks,
  closingVerbs,
  gapBlocks,
  persistence,
  placeWords,
  sideWords,
  verbs,
} from './clauses.js';
import { denyingLabel, isPlainItem } from './denied_lists.js';
import { pairedAnswers } from './paired_answers.js';
import type { Rule } from './rule.js';
import { rules } from './rules.js';

const lemmas = (words: ReadonlySet<string>): Set<string> => new Set([...words].map(lemma));
const blocked = lemmas(gapBlocks);
const persists = lemmas(persistence);
const assertive = lemmas(assertiveWords);
const sides = lemmas(sideWords);
const finite = lemmas(verbs);
const closing = lemmas(closingVerbs);
const over = lemmas(new Set(['gone', 'resolved', 'cleared', 'disappeared', 'vanished', 'subsided']));

/** After these words "with" does not end a negation: "nothing consistent with pneumonia". */
const joinsWith = new Set(['consistent', 'compatible', 'associated', 'keeping', 'correlating']);

export const gapBlocked = (word: string): boolean => blocked.has(word);
const ruleBlocked = new Set([...blocked, 'not', ...placeWords]);
const ruleGapBlocked = (word: string): boolean => ruleBlocked.has(word);

const ruleTree = compilePatterns(rules.flatMap((rule) => rule.phrases.map((phrase) => [phrase, rule] as const)));
const breakTree = compilePatterns(clauseBreaks.map((phrase) => [phrase, true] as const));

const large = new Set(['enlarged', 'large', 'big', 'prominent', 'borderline']);
const answered = new Set(['yes', 'positive', 'negative', 'true', 'false']);

const relative = new Set(['which', 'that', 'who']);
const plainNegation = rules.find(({ id }) => id === 'no')!;
const deniedList = rules.find(({ id }) => id === 'absence of')!;
const plainAnswer = rules.find(({ id }) => id === 'none')!;
/** For names with other numbers of answers, some of which deny: "Effusion: yes/no" may be a form that nobody has filled in. */
const unpaired: Rule = { id: 'answers without names', kind: 'uncertain', reach: 'none', likelihood: 0.1, phrases: [] };
const plainNegations = new Set(['no', 'without', 'not']);

interface Trigger {
  rule: Rule;
  start: number;
  end: number;
}

/**
 * The phrases of rules in a sentence. From left to right the longest phrase is taken, and each word is used only once, so that the "no" of "no
 * change" does not count as a negation.
 */
function findTriggers(words: readonly string[]): Trigger[] {
  const triggers: Trigger[] = [];
  let free = 0;
  for (let index = 0; index < words.length; index++) {
    if (index < free) continue;
    // The same words may apply in both directions: "resolved effusion", "effusion resolved".
    for (const { value, start, end } of matchesAt(ruleTree, words, index, ruleGapBlocked)) {
      triggers.push({ rule: value, start, end });
      free = end;
    }
  }
  return triggers;
}

/**
 * The number of the clause of each word.
 * @param isDeniedList whether a list is denied as a whole, so that plain items behind semicolons belong to it
 */
function clauses(words: readonly string[], isDeniedList: boolean): number[] {
  const numbers: number[] = [];
  let current = 0;
  let from = 0;
  for (let index = 0; index < words.length; index++) {
    if (
      index > 0 &&
      !(isDeniedList && words[index] === ';' && isPlainItem(words, index)) &&
      ((matchesAt(breakTree, words, index, () => true).length > 0 && !isPlace(words, index)) ||
        startsNewClause(words, from, index))
    ) {
      current++;
      from = index;
    }
    numbers.push(current);
  }
  return numbers;
}

/** Whether "there" is a place, as in "The effusion there is gone", and not the beginning of "there is". */
const isPlace = (words: readonly string[], index: number): boolean =>
  words[index] === 'there' && !/^([,;:.]|and|or|but)$/.test(words[index - 1]!) && over.has(words[index + 2] ?? '');

/** ", the heart is enlarged" and "and the heart is enlarged" begin a clause; ", or consolidation is seen" does not. */
function startsNewClause(words: readonly string[], from: number, index: number): boolean {
  const word = words[index]!;
  if ((word !== ',' && word !== 'and') || relative.has(words[index + 1] ?? '')) return false;
  // "I see no effusion, and I see a mass", "no effusion, we find a mass".
  const subject = words[index + 1] === 'and' ? words[index + 2] : words[index + 1];
  if (subject === 'i' || subject === 'we') return true;
  // "A and B have resolved" is one clause. There is a second one only if the words before it have their own verb or negation.
  if (!words.slice(from, index).some((earlier) => finite.has(earlier) || earlier === 'no' || earlier === 'without'))
    return false;
  for (let at = index + 1; at < Math.min(words.length, index + 9); at++) {
    const next = words[at]!;
    if (next === ',' || next === 'or' || next === 'nor' || next === ';') return false;
    if (next === 'and' && at > index + 1) return false;
    if (finite.has(next)) return !words.slice(at + 1, at + 4).some((later) => closing.has(later));
  }
  return false;
}

/** How far a rule reaches after its own words: the index after the last word in reach. */
function reachBehind(words: readonly string[], clause: readonly number[], { rule, end }: Trigger): number {
  const limit = rule.within === undefined ? words.length : Math.min(words.length, end + rule.within);
  let at = end;
  let main = false;
  for (; at < limit; at++) {
    if (clause[at] !== clause[at - 1] && !(rule.intoRelative && relative.has(words[at]!))) {
      if (!rule.intoMain || main || words[at] !== ',') break;
      main = true;
    }
    if (rule.kind === 'historical' && words[at] === ',' && !(rule.intoRelative && relative.has(words[at + 1] ?? '')))
      break;
    // "Pneumonia cannot be excluded, nodule in the lobe": what is not excluded stands before, so that the comma ends the phrase.
    if (rule.id === 'cannot exclude' && at === end && (words[at] === ',' || words[at] === 'and')) break;
    if (rule.kind !== 'negated') continue;
    // "Rather than pneumonia, the opacity represents atelectasis": only what stands before the comma is not there.
    if (rule.id === 'rather than' && words[at] === ',' && !restHasOr(words, clause, at)) break;
    // "No effusion, heart enlarged": what is said of the heart is not an item of the list.
    if (words[at] === ',' && words[at + 1] === 'heart' && words.slice(at + 2, at + 5).some((word) => large.has(word)))
      break;
    // "no cardiomegaly with small effusions": the effusions are there.
    if (words[at] === 'with' && at > end && !joinsWith.has(words[at - 1]!)) break;
    // "no consolidation secondary to known emphysema": the emphysema is there.
    if (words[at] === 'known' && at > end) break;
    if (words[at] !== ',' && words[at] !== 'and') continue;
    if (words[at] === ',' && isPresent(words, at) && words.slice(0, at).filter((word) => word === 'no').length > 1)
      break;
    const next = words[at + 1] === 'and' ? words[at + 2] : words[at + 1];
    if (next === undefined || !assertive.has(next) || (words[at] === 'and' && sides.has(next))) continue;
    if (!restHasOr(words, clause, at)) break;
  }
  return at;
}

/** "no A, no B, C present": each negated finding has its own "no", so that one without is there. */
function isPresent(words: readonly string[], comma: number): boolean {
  for (let at = comma + 1; at < Math.min(words.length, comma + 7); at++) {
    if (words[at] === 'present') return at > comma + 1;
    if (words[at] === ',' || words[at] === 'or' || words[at] === 'no' || finite.has(words[at]!)) return false;
  }
  return false;
}

function restHasOr(words: readonly string[], clause: readonly number[], from: number): boolean {
  for (let at = from; at < words.length && clause[at] === clause[from]; at++) {
    if (words[at] === 'or' || words[at] === 'nor') return true;
  }
  return false;
}

/** How far a rule reaches before its own words: the index of the first word in reach. */
function reachBefore(words: readonly string[], clause: readonly number[], { rule, start }: Trigger): number {
  const limit = rule.within === undefined ? 0 : Math.max(0, start - rule.within);
  let first = clause.indexOf(clause[start]!);
  // "an effusion, which has resolved" and "an effusion, since resolved": the rule also applies to the clause before.
  if (first > 0 && (relative.has(words[first]!) || (words[first] === 'since' && first === start)))
    first = clause.indexOf(clause[first - 1]!);
  let at = start;
  while (at > limit && at > first) {
    // "seen in one view, not identified in the other": a finding with its own verb before the comma is not negated.
    const comma = words[at - 1] === ',' && rule.kind === 'negated';
    if (comma && words.slice(first, at - 1).some((word) => closing.has(word))) break;
    // "Effusions decreased, edema resolved": each finding has its own word.
    if (comma && persists.has(words[at - 2] ?? '')) break;
    // "Effusion (+), pneumothorax (-)": a finding with its own answer keeps that.
    if (rule.id === 'none' && answered.has(words[at - 1]!) && words[at] !== '/') break;
    // "Mass (2 cm), effusion (none)", "Effusion small, edema none": the first finding has a value of its own.
    if (comma && rule.id === 'none' && hasValue(words[at - 2] ?? '')) break;
    // "Effusion: 1, edema: 0": a value belongs only to its own name.
    if (rule.id === 'none' && words[at - 1] === ':' && words.slice(at, start).includes(',')) break;
    at--;
  }
  return at;
}

/** Whether a word is the value of a finding that stands before it. */
const hasValue = (word: string): boolean =>
  word === ')' || word === 'none' || word === 'nil' || assertive.has(word) || answered.has(word);

interface SentenceScopes {
  /** The number of the clause of each word. */
  clause: readonly number[];
  /** The rules that reach a mention, the nearest first. */
  over(mention: Match<unknown>): Rule[];
}

/** Computes where each rule reaches in a sentence. */
export function scopesOf(words: readonly string[]): SentenceScopes {
  const label = denyingLabel(words);
  const paired = pairedAnswers(words);
  const clause = clauses(words, label?.isList === true);
  const spans: { rule: Rule; from: number; to: number; start: number; end: number }[] = [];
  for (const trigger of findTriggers(words)) {
    const { rule, start, end } = trigger;
    if (paired.some((place) => end > place.colon && start < place.end)) continue;
    if (rule.kind === 'real' && !rule.whole && plainNegations.has(words[start]!)) {
      spans.push({ rule: plainNegation, from: start, to: end, start, end: start + 1 });
    }
    if (rule.reach === 'behind' || rule.reach === 'both') {
      spans.push({ rule, from: start, to: reachBehind(words, clause, trigger), start, end });
    }
    if (rule.reach === 'before' || rule.reach === 'both') {
      spans.push({ rule, from: reachBefore(words, clause, trigger), to: end, start, end });
    }
  }
  for (const { colon, from, denied } of paired) {
    const place = { start: colon, end: colon + 1 };
    if (denied) for (const name of denied) spans.push({ rule: plainAnswer, ...name, ...place });
    else spans.push({ rule: unpaired, from, to: colon, ...place });
  }
  if (label !== undefined) {
    const trigger: Trigger = { rule: deniedList, start: 0, end: label.at + 1 };
    spans.push({ rule: deniedList, from: 0, to: reachBehind(words, clause, trigger), start: 0, end: trigger.end });
  }
  let persisting: number[] | undefined;
  return {
    clause,
    over(mention) {
      const reaching = spans.filter(({ rule, from, to, start, end }) => {
        // A word of persistence inside the rule's own phrase does not count: "was present in May" does not say that it is still there.
        if (rule.unlessPersisting) {
          persisting ??= words.flatMap((word, at) => (persists.has(word) ? [at] : []));
          if (persisting.some((at) => at < start || at >= end)) return false;
        }
        // A mention is in reach if one of its named words is. A rule whose words are inside the mention ("heart is not enlarged") applies too.
        const inside = start >= mention.start && start < mention.end;
        return inside || mention.tokens.some((token) => token >= from && token < to);
      });
      const distance = (span: { start: number; end: number }): number =>
        span.end <= mention.start ? mention.start - span.end : span.start >= mention.end ? span.start - mention.end : 0;
      return reaching.sort((a, b) => distance(a) - distance(b)).map(({ rule }) => rule);
    },
  };
}
