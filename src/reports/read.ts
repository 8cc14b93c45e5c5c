/** The engine below the miners: a report and a lexicon → every mention with its status, and why. */

import { liesElsewhere, otherClauses } from './location.js';
import { compilePatterns, type Match, matchesAt } from './patterns.js';
import type { Rule } from './rules.js';
import { gapBlocked, scopesOf } from './scope.js';
import { countedSections, type Section } from './sections.js';
import { sentences } from './sentences.js';
import type { Sentence } from './tokens.js';

export type LabelStatus = 'positive' | 'negative' | 'uncertain';

/** What a phrase of a lexicon stands for. */
export interface Target<Name extends string> {
  /** `null` for words that mean something else: nothing is found in them. */
  concept: Name | null;
  /** Words that may mean the concept without naming it: uncertain at best. */
  vague?: { id: string; likelihood: number };
  /** Words that say the concept is not there ("heart size is normal"). */
  denies?: true;
}

/** Why a label is what it is. Offsets are in the text that was given; ends are exclusive. */
export interface Evidence<Name extends string> {
  /** A disease, or another abnormality that takes Normal away. */
  concept: Name;
  status: LabelStatus;
  /** `body` is text without a heading. */
  section: Section['kind'];
  sentence: string;
  /** The words that name the concept. */
  mention: string;
  start: number;
  end: number;
  /** The rule that decided (`rules.ts`), or 'stated'. */
  rule: string;
  /** Of an uncertain mention: how often indexers coded it as present. */
  likelihood?: number;
}

export interface Lexicon<Name extends string> {
  tree: ReturnType<typeof compilePatterns<Target<Name>>>;
  /** Rules may be about diseases only. */
  isDisease(concept: Name): boolean;
}

export const compileLexicon = <Name extends string>(
  phrases: Iterable<readonly [phrase: string, target: Target<Name>]>,
  isDisease: (concept: Name) => boolean = () => true,
): Lexicon<Name> => ({ tree: compilePatterns(phrases), isDisease });

/** The concepts named in a sentence: leftmost, longest; a word that one phrase named is not named again. */
function findMentions<T>(tree: Parameters<typeof matchesAt<T>>[0], words: readonly string[]): Match<T>[] {
  const used = new Set<number>();
  const isUsed = (token: number): boolean => used.has(token);
  const mentions: Match<T>[] = [];
  for (let index = 0; index < words.length; index++) {
    if (used.has(index)) continue;
    // More than one where a word names two diseases ("hydropneumothorax").
    const matches = matchesAt(tree, words, index, gapBlocked, isUsed);
    for (const match of matches) mentions.push(match);
    for (const token of matches[0]?.tokens ?? []) used.add(token);
  }
  return mentions;
}

interface Verdict {
  status: LabelStatus | undefined;
  rule: string;
  likelihood?: number;
}

/** What the rules over a mention make of it. `undefined` status: it says nothing about now. */
function judge(reaching: readonly Rule[], vague?: { id: string; likelihood: number }): Verdict {
  const of = (kind: Rule['kind']): Rule | undefined => reaching.find((rule) => rule.kind === kind);
  const negated = of('negated');
  if (negated) return { status: 'negative', rule: negated.id };
  const elsewhere = of('hypothetical') ?? of('historical');
  if (elsewhere) return { status: undefined, rule: elsewhere.id };
  const doubts: { id: string; likelihood?: number }[] = reaching.filter((rule) => rule.kind === 'uncertain');
  if (vague) doubts.push(vague);
  if (doubts.length > 0) {
    const weakest = doubts.reduce((a, b) => ((a.likelihood ?? 0) <= (b.likelihood ?? 0) ? a : b));
    return { status: 'uncertain', rule: weakest.id, likelihood: weakest.likelihood ?? 0 };
  }
  return { status: 'positive', rule: 'stated' };
}

/** Words that deny a concept, under a rule: "heart size is not normal" leaves open what it is. */
function denial(verdict: Verdict): Verdict {
  // "Within normal limits" is a rule of its own, which reaches the words that it stands in.
  return verdict.status === 'positive' || verdict.rule === 'is normal'
    ? { status: 'negative', rule: 'said to be normal' }
    : { ...verdict, status: undefined };
}

/** Behind a box that was left empty what would be stated is denied, and nothing else is said. */
function unticked(verdict: Verdict): Verdict {
  return verdict.status === 'positive'
    ? { status: 'negative', rule: 'box left empty' }
    : { ...verdict, status: undefined };
}

/** Every mention in the sections that count. What an addendum says of a concept replaces what the report said. */
export function readReport<Name extends string>(
  text: string,
  lexicon: Lexicon<Name>,
): { evidence: Evidence<Name>[]; empty: boolean } {
  const found: { item: Evidence<Name>; rank: number }[] = [];
  const highest = new Map<Name, number>();
  const sections = countedSections(text);
  let empty = true;
  for (const { kind, rank, start, end } of sections) {
    for (const sentence of sentences(text, start, end)) {
      empty = false;
      for (const item of readSentence(text, sentence, kind, lexicon)) {
        found.push({ item, rank });
        if (rank > 0) highest.set(item.concept, Math.max(rank, highest.get(item.concept) ?? 0));
      }
    }
  }
  const kept = found.filter(({ item, rank }) => rank >= (highest.get(item.concept) ?? 0));
  return { evidence: kept.map(({ item }) => item), empty };
}

function* readSentence<Name extends string>(
  text: string,
  sentence: Sentence,
  section: Section['kind'],
  { tree, isDisease }: Lexicon<Name>,
): Generator<Evidence<Name>> {
  const words = sentence.tokens.map(({ word }) => word);
  // Rules may ask for the end of a sentence, which not every writer marks.
  if (words.at(-1) !== '.') words.push('.');
  const mentions = findMentions(tree, words);
  if (!mentions.some(({ value }) => value.concept !== null)) return;
  const scopes = scopesOf(words);
  const others = otherClauses(words, scopes.clause);
  for (const mention of mentions) {
    const { concept, vague, denies } = mention.value;
    if (concept === null || others.has(scopes.clause[mention.start]!) || liesElsewhere(words, mention, concept))
      continue;
    const reaching = scopes
      .over(mention)
      .filter(({ diseasesOnly, only }) => (!diseasesOnly || isDisease(concept)) && (!only || only.has(concept)));
    let verdict = judge(reaching, vague);
    if (denies) verdict = denial(verdict);
    if (sentence.unticked !== undefined) {
      // The words before the boxes are answered by those that are ticked.
      if (mention.tokens.every((token) => token < sentence.unticked!)) continue;
      verdict = unticked(verdict);
    }
    const { status, rule, likelihood } = verdict;
    if (status === undefined) continue;
    const places = mention.tokens.map((token) => sentence.tokens[token]!);
    const start = Math.min(...places.map((place) => place.start));
    const end = Math.max(...places.map((place) => place.end));
    yield {
      concept,
      status,
      section,
      sentence: text.slice(sentence.start, sentence.end),
      mention: text.slice(start, end),
      start,
      end,
      rule,
      ...(likelihood === undefined ? {} : { likelihood }),
    };
  }
}
