/** A radiology report's text → labels, each with the sentence, the mention and the rule that it comes from. */

import { type Abnormality, abnormalityPhrases } from './abnormalities.js';
import { type Concept, type Disease, denials, diseasePhrases, diseases, otherMeanings, vagueTerms } from './lexicon.js';
import { compileLexicon, type Evidence as EvidenceOf, readReport, type Target } from './read.js';
import type { LabelStatus } from './verdict.js';

export type { LabelStatus };

/** Why a label is what it is; the concept is a disease, or another abnormality that takes Normal away. */
export type Evidence = EvidenceOf<Concept>;

/** How reports are read. */
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

/** The labels of one report. */
export interface ReportLabels {
  /** One status per disease that the report mentions. */
  labels: Partial<Record<Disease, LabelStatus>>;
  /** The diseases that count as present under the policy, in the order of `diseases`. */
  findings: Disease[];
  /** No abnormality at all, which is more than none of the listed diseases. */
  normal: boolean;
  /** No sentence of the text counts: it has no words, or only an indication, a history and the like. */
  empty: boolean;
  evidence: Evidence[];
}

const isDisease = (concept: Concept): concept is Disease => (diseases as readonly string[]).includes(concept);

const phrasesOf = <Name extends Concept>(
  lists: Partial<Record<Name, readonly string[]>>,
  more: { denies?: true } = {},
): [string, Target<Concept>][] =>
  (Object.keys(lists) as Name[]).flatMap((concept) => {
    const target: Target<Concept> = { concept, ...more };
    return (lists[concept] ?? []).map((phrase): [string, Target<Concept>] => [phrase, target]);
  });

const lexicon = compileLexicon<Concept>(
  [
    ...phrasesOf<Disease>(diseasePhrases),
    ...phrasesOf<Abnormality>(abnormalityPhrases),
    ...phrasesOf<Disease>(denials, { denies: true }),
    ...vagueTerms.flatMap((vague) => {
      const target: Target<Concept> = { concept: vague.concept, vague };
      return vague.phrases.map((phrase): [string, Target<Concept>] => [phrase, target]);
    }),
    ...otherMeanings.map((phrase): [string, Target<Concept>] => [phrase, { concept: null }]),
  ],
  isDisease,
);

const rank: Record<LabelStatus, number> = { negative: 0, uncertain: 1, positive: 2 };

/**
 * Mines one report.
 * @param text a whole report (its sections are found by their headings) or just its findings and impression.
 */
export function mineReport(text: string, options: MineOptions = {}): ReportLabels {
  const policy = options.uncertain ?? 'cue';
  const { evidence, empty } = readReport(text, lexicon);
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
    empty,
    evidence: options.explain === false ? [] : evidence,
  };
}
