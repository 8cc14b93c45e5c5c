/** A radiology report's text → labels, each with the sentence, the mention and the rule that it comes from. */

import { type Abnormality, abnormalityPhrases } from './abnormalities.js';
import {
  type Concept,
  type Disease,
  diseasePhrases,
  diseases,
  elsewhere,
  otherMeanings,
  type VagueTerm,
  vagueTerms,
} from './lexicon.js';
import { compilePatterns, type Match, matchesAt } from './patterns.js';
import type { Rule } from './rules.js';
import { gapBlocked, scopesOf } from './scope.js';
import { countedSections, type SectionKind } from './sections.js';
import { type Sentence, sentences } from './sentences.js';
import { lemma } from './words.js';

export type LabelStatus = 'positive' | 'negative' | 'uncertain';

/** Why a label is what it is. Offsets are in the text that was given; ends are exclusive. */
export interface Evidence {
  /** A disease, or another abnormality that takes Normal away. */
  concept: Concept;
  status: LabelStatus;
  section: SectionKind;
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

export interface MineOptions {
  /**
   * What an uncertain label counts as in `findings`: `drop` (not present: the paper's policy), `keep` (present), or
   * `cue` (present where its cue word more often meant present than not; the default).
   */
  uncertain?: 'drop' | 'keep' | 'cue';
  /**
   * Other likelihoods for the cues of `rules.ts` and the vague terms of `lexicon.ts`, by their ids: how often readers
   * elsewhere mean "present" when they write them.
   */
  likelihoods?: Readonly<Record<string, number>>;
  /** Take the sentence texts along (the default), or leave `evidence` empty for speed. */
  explain?: boolean;
}

export interface ReportLabels {
  /** One status per disease that the report mentions. */
  labels: Partial<Record<Disease, LabelStatus>>;
  /** The diseases that count as present under the policy, in the order of `diseases`. */
  findings: Disease[];
  /** No abnormality at all, which is more than none of the listed diseases. */
  normal: boolean;
  evidence: Evidence[];
}

/** What a phrase stands for; a vague term for its disease, perhaps. */
interface Target {
  concept: Concept | null;
  vague?: VagueTerm;
}

const elsewhereWords = new Set([...elsewhere].map(lemma));

const isDisease = (concept: Concept): concept is Disease => (diseases as readonly string[]).includes(concept);

const phrasesOf = <Name extends Concept>(lists: Record<Name, readonly string[]>): [string, Target][] =>
  (Object.keys(lists) as Name[]).flatMap((concept) => {
    const target: Target = { concept };
    return lists[concept].map((phrase): [string, Target] => [phrase, target]);
  });

const lexicon = compilePatterns<Target>([
  ...phrasesOf<Disease>(diseasePhrases),
  ...phrasesOf<Abnormality>(abnormalityPhrases),
  ...vagueTerms.flatMap((vague) =>
    vague.phrases.map((phrase): [string, Target] => [phrase, { concept: vague.concept, vague }]),
  ),
  ...otherMeanings.map((phrase): [string, Target] => [phrase, { concept: null }]),
]);

/** The concepts named in a sentence: leftmost, longest; a word that one phrase named is not named again. */
function findMentions(words: readonly string[]): Match<Target>[] {
  const used = new Set<number>();
  const isUsed = (token: number): boolean => used.has(token);
  const mentions: Match<Target>[] = [];
  for (let index = 0; index < words.length; index++) {
    if (used.has(index)) continue;
    // More than one where a word names two diseases ("hydropneumothorax").
    const matches = matchesAt(lexicon, words, index, gapBlocked, isUsed);
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
function judge(reaching: readonly Rule[], vague?: VagueTerm): Verdict {
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

const rank: Record<LabelStatus, number> = { negative: 0, uncertain: 1, positive: 2 };

/**
 * Mines one report.
 * @param text a whole report (its sections are found by their headings) or just its findings and impression.
 */
export function mineReport(text: string, options: MineOptions = {}): ReportLabels {
  const policy = options.uncertain ?? 'cue';
  const evidence: Evidence[] = [];
  for (const section of countedSections(text)) {
    for (const sentence of sentences(text, section.start, section.end))
      readSentence(text, sentence, section.kind, evidence);
  }
  const { likelihoods } = options;
  if (likelihoods) {
    for (const item of evidence)
      if (item.likelihood !== undefined) item.likelihood = likelihoods[item.rule] ?? item.likelihood;
  }
  const present = ({ status, likelihood }: Evidence): boolean =>
    status === 'positive' ||
    (status === 'uncertain' && (policy === 'keep' || (policy === 'cue' && (likelihood ?? 0) >= 0.5)));

  const labels: Partial<Record<Disease, LabelStatus>> = {};
  const found = new Set<Disease>();
  let normal = true;
  for (const item of evidence) {
    if (item.status !== 'negative') normal = false;
    const { concept } = item;
    if (!isDisease(concept)) continue;
    const before = labels[concept];
    if (before === undefined || rank[item.status] > rank[before]) labels[concept] = item.status;
    if (present(item)) found.add(concept);
  }
  return {
    labels,
    findings: diseases.filter((name) => found.has(name)),
    normal,
    evidence: options.explain === false ? [] : evidence,
  };
}

function readSentence(text: string, sentence: Sentence, section: SectionKind, evidence: Evidence[]): void {
  const words = sentence.tokens.map(({ word }) => word);
  // Rules may ask for the end of a sentence, which not every writer marks.
  if (words.at(-1) !== '.') words.push('.');
  const mentions = findMentions(words);
  if (!mentions.some(({ value }) => value.concept !== null)) return;
  const scopes = scopesOf(words);
  const elsewhereClauses = new Set(words.flatMap((word, at) => (elsewhereWords.has(word) ? [scopes.clause[at]] : [])));
  for (const mention of mentions) {
    const { concept, vague } = mention.value;
    if (concept === null || elsewhereClauses.has(scopes.clause[mention.start]!)) continue;
    const reaching = scopes.over(mention).filter(({ diseasesOnly }) => !diseasesOnly || isDisease(concept));
    const { status, rule, likelihood } = judge(reaching, vague);
    if (status === undefined) continue;
    const start = sentence.tokens[mention.start]!.start;
    const end = sentence.tokens[mention.end - 1]!.end;
    evidence.push({
      concept,
      status,
      section,
      sentence: text.slice(sentence.start, sentence.end),
      mention: text.slice(start, end),
      start,
      end,
      rule,
      ...(likelihood === undefined ? {} : { likelihood }),
    });
  }
}
