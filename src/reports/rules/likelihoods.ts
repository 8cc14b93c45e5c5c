/** Rules for phrases that say how likely a finding is: "low likelihood of", "the probability of … is high". */

import type { Rule } from './rule.js';

const odds = 'likelihood|probability|possibility|chance|odds|suspicion';
const low = 'low|lower|small|minimal|remote|slim|poor|little|negligible|tiny|slight|minor';
const high =
  'reasonable|fair|real|high|higher|strong|considerable|great|significant|substantial|good|large|increased|elevated';

/**
 * Phrases of low and of high likelihood both put a finding in doubt. Under the policy `cue`, it counts as absent with the former and as
 * present with the latter. These likelihoods are set by hand, close to those of "unlikely" and "likely", because the reports from which the
 * others are learned have too few of these phrases.
 */
export const likelihoodRules: readonly Rule[] = [
  {
    // The doubt is about the nature of a nodule, not about whether there is one.
    id: 'likelihood of malignancy',
    kind: 'real',
    reach: 'none',
    whole: true,
    phrases: [
      `${odds} of|for ..1 malignancy|cancer|metastasis|neoplasm ..7 is|are|remains|remain|appears|seems ..2 ${low}|${high}`,
      `question|concern|risk|${odds} of|for ..1 malignancy|cancer|metastasis|neoplasm in|within|of|from`,
    ],
  },
  {
    id: 'low likelihood',
    kind: 'uncertain',
    reach: 'behind',
    likelihood: 0.03,
    phrases: [
      `${low} ..1 ${odds} of|for|that|about`,
      `${low} ..1 index|degree|level of ..1 ${odds} of|for|that|about`,
      `${odds} ..1 is|are|remains|remain ..2 ${low} of|for|that`,
      'is|are|seems|appears ..1 more likely|probable than',
      'unlikely|improbable|doubtful|implausible that|if? there|this|these|it is|are|represents|represent|reflects',
    ],
  },
  {
    // "The likelihood of pneumonia is low": the finding is inside the phrase.
    id: 'low likelihood',
    kind: 'uncertain',
    reach: 'behind',
    within: 0,
    likelihood: 0.03,
    phrases: [
      `${odds} of|for|that ..7 is|are|remains|remain|appears|seems ..2 ${low}`,
      `${odds} of|for|that ..7 has|have ..1 decreased|diminished`,
    ],
  },
  {
    id: 'low likelihood',
    kind: 'uncertain',
    reach: 'before',
    likelihood: 0.03,
    phrases: [
      'is|are|appears|seems|felt|thought|considered ..2 improbable|implausible|unlikely|doubtful .|,|;|and|but|given|on|in|at',
      'is|are|be|appears|seems|felt|thought ..1 not ..2 likely|probable|favored|plausible|expected .|,|;|and|but|given|on|in|at',
      `is|are ..1 of|a? ..1 ${low} likelihood|probability|possibility .|,|;|and|but`,
      `has|have|with|carries a|an? ..1 ${low} likelihood|probability .|,|;|and|but`,
      `:|-|, ${low} likelihood|probability|possibility .|,|;`,
      'is|are|remains ..2 less likely|probable .|,|;|and|but|given|on|in',
    ],
  },
  {
    id: 'high likelihood',
    kind: 'uncertain',
    reach: 'behind',
    likelihood: 0.8,
    phrases: [
      `${high} ..1 ${odds} of|for|that|about`,
      `${high} ..1 index|degree|level of ..1 ${odds} of|for|that|about`,
      `no|not ..1 ${low} ..1 ${odds} of|for|that`,
      'in all probability|likelihood',
      'likely|probable that? there|this|these|it is|are|represents|represent|reflects',
      `${odds} ..1 is|are|remains|remain ..2 ${high} of|for|that`,
    ],
  },
  {
    id: 'high likelihood',
    kind: 'uncertain',
    reach: 'behind',
    within: 0,
    likelihood: 0.8,
    phrases: [`${odds} of|for|that ..7 is|are|remains|remain|appears|seems ..2 ${high}`],
  },
  {
    id: 'high likelihood',
    kind: 'uncertain',
    reach: 'before',
    likelihood: 0.8,
    phrases: [
      `is|are ..1 of|a? ..1 ${high} likelihood|probability .|,|;|and|but`,
      `has|have|with|carries a|an? ..1 ${high} likelihood|probability .|,|;|and|but`,
      `:|-|, ${high} likelihood|probability .|,|;`,
      'is|are|seems|appears ..1 more likely|probable than',
      'is|are ..1 highly|very|most|quite likely|probable .|,|;|and|but',
      'in all likelihood|probability .|,',
    ],
  },
];
