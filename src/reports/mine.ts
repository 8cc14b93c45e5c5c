/** Derives labels from the text of a radiology report, each with the sentence, the mention and the rule that it is based on. */

import { checkOptions, optionKinds } from '../options.js';
import { type Abnormality, abnormalityPhrases } from './abnormalities.js';
import { type Concept, type Disease, denials, diseasePhrases, diseases, otherMeanings, vagueTerms } from './lexicon.js';
import { compileLexicon, type Evidence as EvidenceOf, readReport, type Target } from './read.js';
import type { LabelStatus } from './rules/verdict.js';

export type { LabelStatus };

/** The reason for a label. The concept is a disease, or another abnormality with which a report is not Normal. */
export type Evidence = EvidenceOf<Concept>;

/** How reports are read. */
export interface MineOptions {
  /**
   * How an uncertain label counts in `findings`: `drop` as not present (the policy of the paper), `keep` as present, `cue` (the default) as
   * present if its cue word means "present" more often than not.
   */
  uncertain?: 'drop' | 'keep' | 'cue';
  /**
   * Likelihoods to use instead, by the ids of rules and of the vague terms in `lexicon.ts`: how often the readers of other reports mean
   * "present" by these words.
   */
  likelihoods?: Readonly<Record<string, number>>;
  /** Whether the result has `evidence`. Default true; without it mining is faster. */
  explain?: boolean;
}

/** The labels of one report. */
export interface ReportLabels {
  /** The status of each disease that the report mentions. */
  labels: Partial<Record<Disease, LabelStatus>>;
  /** The diseases that count as present under the policy, in the order of `diseases`. */
  findings: Disease[];
  /** Whether there is no abnormality at all. This is stricter than that none of the listed diseases is there. */
  normal: boolean;
  /** Whether no sentence of the text counts: it has no words, or only an indication, a history and the like. */
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

const OPTIONS = optionKinds<MineOptions>({
  uncertain: ['drop', 'keep', 'cue'],
  likelihoods: 'values by name',
  explain: 'true or false',
});

const rank: Record<LabelStatus, number> = { negative: 0, uncertain: 1, positive: 2 };

/**
 * Mines one report.
 * @param text a whole report, whose sections are found by their headings, or only its findings and impression.
 */
export function mineReport(text: string, options: MineOptions = {}): ReportLabels {
  checkOptions('mineReport', options, OPTIONS);
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
