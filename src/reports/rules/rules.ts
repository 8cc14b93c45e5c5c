/**
 * Rules that decide the status of a mention, as data: phrases (in the language of `patterns.ts`) that negate, doubt or date the mentions before
 * or after them, and how far they reach. The idea of triggers with scopes is that of NegEx (Chapman et al., 2001) and ConText (Harkema et al.,
 * 2009). The lists and the boundaries are raybox's own.
 */

import { deviceRules } from './devices.js';
import { doubtRules } from './doubts.js';
import { falseNegations } from './false_negations.js';
import { likelihoodRules } from './likelihoods.js';
import { negationRules } from './negations.js';
import { otherReaderRules } from './other_readers.js';
import { otherTimeRules } from './other_times.js';
import { otherWorldRules } from './other_worlds.js';
import type { Rule } from './rule.js';

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
