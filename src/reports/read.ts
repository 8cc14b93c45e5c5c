/** The engine of the miners: finds each mention of a lexicon's concepts in a report, with its status and the reason for it. */

import { liesElsewhere, otherClauses } from './location.js';
import { compilePatterns, type Match, matchesAt } from './patterns.js';
import { hasPronoun, type Said, saidIn } from './pronouns.js';
import { gapBlocked, scopesOf } from './rules/scope.js';
import { denial, deniedInDoubt, judge, type LabelStatus, unticked, type Verdict } from './rules/verdict.js';
import { withoutAsides } from './text/asides.js';
import { answerTo } from './text/questions.js';
import { isDeniedInDoubt, splitRun } from './text/runs.js';
import { countedSections, type Section } from './text/sections.js';
import { sentences } from './text/sentences.js';
import type { Sentence } from './text/tokens.js';

/** What a phrase of a lexicon stands for. */
export interface Target<Name extends string> {
  /** `null` for phrases that mean something else, so that nothing is found in them. */
  concept: Name | null;
  /** Set for phrases that may mean the concept without naming it. A mention is then at most uncertain. */
  vague?: { id: string; likelihood: number };
  /** Whether the phrase says that the concept is not there ("heart size is normal"). */
  denies?: true;
}

/** The reason for a label. `start` and `end` are offsets in the given text; `end` is exclusive. */
export interface Evidence<Name extends string> {
  /** A disease, or another abnormality with which a report is not Normal. */
  concept: Name;
  status: LabelStatus;
  /** `body` is text without a heading. */
  section: Section['kind'];
  sentence: string;
  /** The words that name the concept. */
  mention: string;
  /** What the mention was read as, if it is misspelt (see `spelling.ts`). */
  readAs?: string;
  start: number;
  end: number;
  /** The id of the rule that has decided (see `rules.ts`), or 'stated'. */
  rule: string;
  /** For an uncertain mention, how often indexers coded such mentions as present. */
  likelihood?: number;
}

export interface Lexicon<Name extends string> {
  tree: ReturnType<typeof compilePatterns<Target<Name>>>;
  /** Whether rules that are only about diseases apply to a concept. */
  isDisease(concept: Name): boolean;
}

export const compileLexicon = <Name extends string>(
  phrases: Iterable<readonly [phrase: string, target: Target<Name>]>,
  isDisease: (concept: Name) => boolean = () => true,
): Lexicon<Name> => ({ tree: compilePatterns(phrases), isDisease });

/** The concepts named in a sentence. From left to right the longest phrase is taken, and no word is named by two phrases. */
function findMentions<T>(tree: Parameters<typeof matchesAt<T>>[0], words: readonly string[]): Match<T>[] {
  const used = new Set<number>();
  const isUsed = (token: number): boolean => used.has(token);
  const mentions: Match<T>[] = [];
  for (let index = 0; index < words.length; index++) {
    if (used.has(index)) continue;
    // There are several matches if a word names two diseases ("hydropneumothorax").
    const matches = matchesAt(tree, words, index, gapBlocked, isUsed);
    for (const match of matches) mentions.push(match);
    for (const token of matches[0]?.tokens ?? []) used.add(token);
  }
  return mentions;
}

/** Every mention in the sections that count. What an addendum says about a concept replaces what the report said about it. */
export function readReport<Name extends string>(
  text: string,
  lexicon: Lexicon<Name>,
): { evidence: Evidence<Name>[]; empty: boolean } {
  const found: { item: Evidence<Name>; rank: number }[] = [];
  const highest = new Map<Name, number>();
  const sections = countedSections(text);
  let empty = true;
  for (const { kind, rank, start, end, asked } of sections) {
    const own = sentences(text, start, end);
    let before: Named<Name>[] = [];
    for (const sentence of asked ? answerTo(text, asked, own) : own) {
      empty = false;
      const { evidence, named } = readSentence(text, sentence, kind, lexicon, before);
      before = named;
      for (const item of evidence) {
        found.push({ item, rank });
        if (rank > 0) highest.set(item.concept, Math.max(rank, highest.get(item.concept) ?? 0));
      }
    }
  }
  const kept = found.filter(({ item, rank }) => rank >= (highest.get(item.concept) ?? 0));
  return { evidence: kept.map(({ item }) => item), empty };
}

/** A concept that a sentence names, and what it says about it. `item` is missing if it says nothing about the present. */
interface Named<Name extends string> {
  concept: Name;
  clause: number;
  item?: Evidence<Name>;
}

interface Reading<Name extends string> {
  evidence: Evidence<Name>[];
  named: Named<Name>[];
}
const nothing: Reading<never> = { evidence: [], named: [] };

function readSentence<Name extends string>(
  text: string,
  sentence: Sentence,
  section: Section['kind'],
  lexicon: Lexicon<Name>,
  before: readonly Named<Name>[],
  isPart = false,
): Reading<Name> {
  const { tree, isDisease } = lexicon;
  const words = wordsOf(sentence);
  const mentions = findMentions(tree, words);
  if (!isPart && sentence.unticked === undefined) {
    const isNamed = (from: number, to: number): boolean => mentions.some(({ start, end }) => start < to && end > from);
    const tokens = withoutAsides(sentence.tokens, isNamed);
    if (tokens !== sentence.tokens) return readSentence(text, { ...sentence, tokens }, section, lexicon, before);
  }
  const naming = mentions.filter(({ value }) => value.concept !== null);
  if (naming.length === 0) {
    if (before.length === 0 || !hasPronoun(words)) return nothing;
    return { evidence: applySaid(text, sentence, section, before, saidIn(words, 0, words.length, false)), named: [] };
  }
  const parts = isPart ? undefined : splitRun(sentence, words, naming);
  if (parts) {
    const read = parts.map((part) => readSentence(text, part, section, lexicon, before, true));
    return { evidence: read.flatMap(({ evidence }) => evidence), named: read.flatMap(({ named }) => named) };
  }
  const scopes = scopesOf(words);
  const others = otherClauses(words, scopes.clause);
  const evidence: Evidence<Name>[] = [];
  const named: Named<Name>[] = [];
  for (const mention of mentions) {
    const { concept, vague, denies } = mention.value;
    if (concept === null || others.has(scopes.clause[mention.start]!) || liesElsewhere(words, mention, concept))
      continue;
    const reaching = scopes
      .over(mention)
      .filter(
        ({ diseasesOnly, only, except }) =>
          (!diseasesOnly || isDisease(concept)) && (!only || only.has(concept)) && !except?.has(concept),
      );
    let verdict = judge(reaching, vague);
    if (denies) verdict = denial(verdict);
    if (verdict.rule === 'no' && isDeniedInDoubt(words, mentions, mention)) verdict = deniedInDoubt;
    if (sentence.unticked !== undefined) {
      // The question before the boxes is answered by the boxes that are ticked, not by an empty one.
      if (mention.tokens.every((token) => token < sentence.unticked!)) continue;
      verdict = unticked(verdict);
    }
    const clause = scopes.clause[mention.start]!;
    const item = evidenceOf(text, sentence, section, { ...mention, concept }, verdict);
    if (item) evidence.push(item);
    named.push({ concept, clause, ...(item ? { item } : {}) });
  }
  if (named.length > 0 && hasPronoun(words)) {
    for (const one of saidBehind(text, sentence, section, words, scopes.clause, named)) evidence.push(one);
  }
  return { evidence, named };
}

/** The evidence of a mention; undefined if it says nothing about the present. */
function evidenceOf<Name extends string>(
  text: string,
  sentence: Sentence,
  section: Section['kind'],
  { concept, tokens }: { concept: Name; tokens: readonly number[] },
  { status, rule, likelihood }: Verdict,
): Evidence<Name> | undefined {
  if (status === undefined) return undefined;
  return {
    concept,
    status,
    section,
    sentence: text.slice(sentence.start, sentence.end),
    ...placeOf(text, sentence, tokens),
    rule,
    ...(likelihood === undefined ? {} : { likelihood }),
  };
}

/** The words of a sentence, always with a full stop at the end. Some rules need it, and not every writer sets it. */
function wordsOf({ tokens }: Sentence): string[] {
  const words = tokens.map(({ word }) => word);
  if (words.at(-1) !== '.') words.push('.');
  return words;
}

function placeOf(
  text: string,
  { tokens }: Sentence,
  named: readonly number[],
): Pick<Evidence<never>, 'mention' | 'readAs' | 'start' | 'end'> {
  let start = text.length;
  let end = 0;
  let mended = false;
  for (const at of named) {
    const token = tokens[at];
    if (!token) continue;
    start = Math.min(start, token.start);
    end = Math.max(end, token.end);
    mended ||= token.mended === true;
  }
  const mention = text.slice(start, end);
  if (!mended) return { mention, start, end };
  return { mention, readAs: named.map((at) => tokens[at]?.word ?? '').join(' '), start, end };
}

/** What the clauses that name nothing say about the last thing that was named before them. */
function saidBehind<Name extends string>(
  text: string,
  sentence: Sentence,
  section: Section['kind'],
  words: readonly string[],
  clause: readonly number[],
  named: readonly Named<Name>[],
): Evidence<Name>[] {
  const found: Evidence<Name>[] = [];
  let from = 0;
  for (let to = 1; to <= words.length; to++) {
    if (to < words.length && clause[to] === clause[from]) continue;
    const number = clause[from]!;
    const last = named.reduce((most, one) => (one.clause < number ? Math.max(most, one.clause) : most), -1);
    if (last >= 0 && !named.some((one) => one.clause === number)) {
      const about = named.filter((one) => one.clause === last);
      for (const one of applySaid(text, sentence, section, about, saidIn(words, from, to, true))) found.push(one);
    }
    from = to;
  }
  return found;
}

/** Changes earlier mentions to negative if they are said to be gone, and adds mentions that are said to be there or possible. */
function applySaid<Name extends string>(
  text: string,
  sentence: Sentence,
  section: Section['kind'],
  about: readonly Named<Name>[],
  said: Said | undefined,
): Evidence<Name>[] {
  if (!said || (said.single && new Set(about.map(({ concept }) => concept)).size !== 1)) return [];
  const { status } = said;
  const more = status === 'uncertain' ? { rule: saidRules[status], likelihood: 0.13 } : { rule: saidRules[status] };
  const tokens = Array.from({ length: said.end - said.start }, (_, at) => said.start + at);
  return about.flatMap(({ concept, item }) => {
    if (item && status === 'negative') {
      Object.assign(item, { status, ...more });
      delete item.likelihood;
      return [];
    }
    if (item && item.status !== 'negative') return [];
    const { start, end } = sentence;
    return [
      { concept, status, section, sentence: text.slice(start, end), ...placeOf(text, sentence, tokens), ...more },
    ];
  });
}

/** Ids of the rules about pronouns. The likelihood of an uncertain one is that of "cannot exclude". */
const saidRules: Record<LabelStatus, string> = {
  negative: 'said to be gone',
  positive: 'said to be there',
  uncertain: 'said to be possible',
};
