/** What the rules that reach a mention make of it together. */

import type { Rule } from './rules.js';

/** What a report says of a disease that it mentions. */
export type LabelStatus = 'positive' | 'negative' | 'uncertain';

interface Verdict {
  status: LabelStatus | undefined;
  rule: string;
  likelihood?: number;
}

/** What the rules over a mention make of it. `undefined` status: it says nothing about now. */
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

/** Words that deny a concept, under a rule: "heart size is not normal" leaves open what it is. */
export function denial(verdict: Verdict): Verdict {
  // "Within normal limits" is a rule of its own, which reaches the words that it stands in.
  return verdict.status === 'positive' || verdict.rule === 'is normal'
    ? { status: 'negative', rule: 'said to be normal' }
    : { ...verdict, status: undefined };
}

/** Behind a box that was left empty what would be stated is denied, and nothing else is said. */
export function unticked(verdict: Verdict): Verdict {
  return verdict.status === 'positive'
    ? { status: 'negative', rule: 'box left empty' }
    : { ...verdict, status: undefined };
}

/** Of a finding that may stand on its own behind a denied one ("no effusion cardiomegaly"): neither denied nor stated. */
export const deniedInDoubt: Verdict = { status: 'uncertain', rule: 'denied or stated', likelihood: 0.1 };
