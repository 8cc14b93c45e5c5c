/**
 * How a mention is to be taken, as data: phrases (in `patterns.ts`'s language) that negate, doubt or date what stands
 * before or behind them, and how far they reach. The idea of triggers with scopes is NegEx's (Chapman et al., 2001) and
 * ConText's (Harkema et al., 2009); the lists and the boundaries are raybox's own.
 */

import { deviceRules } from './devices.js';
import { doubtRules } from './doubts.js';
import { falseNegations } from './false_negations.js';
import { likelihoodRules } from './likelihoods.js';
import { negationRules } from './negations.js';
import { otherReaderRules } from './other_readers.js';
import { otherTimeRules } from './other_times.js';
import { otherWorldRules } from './other_worlds.js';

/**
 * What a rule does to the mentions in its reach. `real` cancels nothing: it only occupies words that look like a
 * negation, and negates what stands between them ("no degenerative change").
 */
export type RuleKind = 'negated' | 'uncertain' | 'historical' | 'hypothetical' | 'real';

export interface Rule {
  /** What an explanation calls it. */
  id: string;
  kind: RuleKind;
  /** Which way it reaches from its own words: to the mentions behind it, before it, or both. */
  reach: 'behind' | 'before' | 'both' | 'none';
  /** How many words it reaches at most; to the end of its clause by default. */
  within?: number;
  /**
   * How often human indexers coded a mention under this cue as present (see README.md). Only for uncertain rules:
   * from 0.5 on, the `cue` policy takes it as present.
   */
  likelihood?: number;
  /** It says nothing in a sentence with a word of `persistence`. */
  unlessPersisting?: true;
  /** It takes diseases only: prior pneumonia is over, prior granulomatous disease is still to be seen. */
  diseasesOnly?: true;
  /** The only concepts that it takes. */
  only?: ReadonlySet<string>;
  /** The concepts that it does not take. */
  except?: ReadonlySet<string>;
  /** It covers all of its words: what stands between them is not negated. */
  whole?: true;
  /** It reaches into a relative clause: "compared with a film which showed an effusion". */
  intoRelative?: true;
  /** It reaches over the comma behind its clause: "if there is fever, pneumonia is likely". */
  intoMain?: true;
  phrases: readonly string[];
}

export const rules: readonly Rule[] = [
  ...negationRules,
  ...falseNegations,
  ...deviceRules,
  ...doubtRules,
  ...likelihoodRules,
  ...otherTimeRules,
  ...otherReaderRules,
  ...otherWorldRules,
];
