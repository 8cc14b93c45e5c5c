/** Combines the rules that reach a mention into its status. */

import type { Rule } from './rule.js';

/** What a report says about a disease that it mentions. */
export type LabelStatus = 'positive' | 'negative' | 'uncertain';

export interface Verdict {
  status: LabelStatus | undefined;
  rule: string;
  likelihood?: number;
}

/** The status of a mention by the rules that reach it. An undefined status means that nothing is said about the present. */
export function judge(reaching: readonly Rule[], vague?: { id: string; likelihood: number }): Verdict {
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

/**
 * The status for a phrase that says that a concept is not there, such as "heart size is normal". If a rule applies to it, as in "heart size is
 * not normal", it remains open whether the concept is there.
 */
export function denial(verdict: Verdict): Verdict {
  // "Within normal limits" is also a rule, which applies to the very phrase that it is a part of.
  return verdict.status === 'positive' || verdict.rule === 'is normal'
    ? { status: 'negative', rule: 'said to be normal' }
    : { ...verdict, status: undefined };
}

/** The status of a mention that belongs to an empty box. If it would be stated, it is negated; otherwise the box says nothing. */
export function unticked(verdict: Verdict): Verdict {
  return verdict.status === 'positive'
    ? { status: 'negative', rule: 'box left empty' }
    : { ...verdict, status: undefined };
}

/** The status of a finding after a negated one that may be a sentence of its own ("no effusion cardiomegaly"). */
export const deniedInDoubt: Verdict = { status: 'uncertain', rule: 'denied or stated', likelihood: 0.1 };
