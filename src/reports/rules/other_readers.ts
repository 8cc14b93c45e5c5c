/** Rules for findings of another reader or another film, for names and signatures, and for general remarks. */

import type { Rule } from './rule.js';
import { earlier, examination } from './rule_words.js';

/** Other readers. */
const reader =
  'er|ed|emergency|resident|nighthawk|teleradiology|teleradiologist|clinician|intern|paramedic|pcp|technologist|ai|cad|software|algorithm';
const elsewhere = 'outside|osh|referring|overnight';
const says =
  'read|reading|interpreted|called|thought|reported|reportedly|felt|diagnosed|described|suspected|questioned|raised|suggested|flagged|believed|mentioned|stated|noted|saw|considered|dictated|labeled';
/** How a sentence continues if a suspected finding turned out to be something else. */
const turnsOut =
  'is|are|was|were|proved|proves|turned|corresponds|represents ..2 a|an|the|to|out|due|actually|simply|merely|only|just|overlapping|superimposed|artifact|artifactual|nipple|nothing';
const initials = [...'abcdefghijklmnopqrstuvwxyz'].join('|');

export const otherReaderRules: readonly Rule[] = [
  {
    id: 'a preliminary read said',
    kind: 'historical',
    reach: 'behind',
    within: 6,
    diseasesOnly: true,
    phrases: [
      'wet|preliminary|prelim|resident|overnight read|reading|report|interpretation|impression ..3 of|was|is|for|as|showed|described|called|suggested|raised|stated',
    ],
  },
  {
    id: 'another reader said',
    kind: 'historical',
    reach: 'behind',
    unlessPersisting: true,
    diseasesOnly: true,
    phrases: [
      `${reader} ..3 ${says}`,
      `${earlier} ..4 ${says} ..1 as|to|of`,
      `${earlier} ..4 reportedly`,
      `outside|osh|referring ..1 ${examination} ..1 mention|state|say|describe|list|raise|suggest|show|note|report`,
      `${reader} ..1 interpretation|impression|diagnosis|opinion|concern|question ..1 was|is|of|for|:`,
      `outside|osh|referring ..4 called|read|interpreted|diagnosed|reported|suspected|thought`,
      `per|according to? ..3 ${reader}|${elsewhere} ,?`,
      `per|according to? ..3 ${reader}|${elsewhere} ..2 , there is|are|was|were`,
    ],
  },
  {
    id: 'another reader said',
    kind: 'historical',
    reach: 'both',
    unlessPersisting: true,
    diseasesOnly: true,
    phrases: [`${says} ..4 by ..2 ${reader}|${elsewhere}`, `${says} at|from ..1 outside|osh|referring`],
  },
  {
    id: 'another reader was right',
    kind: 'real',
    reach: 'none',
    phrases: [
      `${says} ..4 by ..2 ${reader}|${elsewhere} ..2 is|are ..1 seen|present|confirmed|noted|identified|visible|evident|there`,
    ],
  },
  {
    id: 'was taken for',
    kind: 'negated',
    reach: 'behind',
    within: 0,
    unlessPersisting: true,
    diseasesOnly: true,
    phrases: [
      `thought|felt|believed|suspected|called|termed|labeled|labelled|described|interpreted|mistaken|taken|read|questioned|reported|raised to? be|represent|reflect|as|for? ..5 ${turnsOut}`,
    ],
  },
  {
    id: 'a name',
    kind: 'historical',
    reach: 'behind',
    within: 2,
    phrases: [`dr|mr|mrs|ms|prof|professor|doctor .? ${initials}? .?`],
  },
  { id: 'a name', kind: 'historical', reach: 'behind', within: 4, phrases: ['drs .?'] },
  { id: 'a name', kind: 'historical', reach: 'before', within: 2, phrases: ['md|mbbs|frcr|dabr .|,|;|on'] },
  {
    id: 'signed',
    kind: 'historical',
    reach: 'behind',
    phrases: [
      'electronically|digitally ..1 signed|approved|verified|authenticated',
      'signed|dictated|transcribed|approved|finalized|authenticated|proofread|typed|verified by',
    ],
  },
  {
    id: 'in general',
    kind: 'hypothetical',
    reach: 'behind',
    phrases: ['guideline|protocol|criterion|precaution|instruction for|on|of|regarding|about'],
  },
];
