/** Rules for doubt. Each has the likelihood with which its cue means "present" (see README.md). */

import type { Rule } from './rule.js';
import { gone, notSure, sure } from './rule_words.js';

const perhaps = 'may|might|could|possibly|perhaps|possible|versus|vs';

/** Findings that an opacity may be interpreted as. */
const reading =
  'atelectasis|pneumonia|infiltrate|consolidation|edema|effusion|aspiration|scar|scarring|collapse|contusion|infection';
const readings = new Set([
  'Atelectasis',
  'Pneumonia',
  'Infiltration',
  'Consolidation',
  'Edema',
  'Effusion',
  'Pleural Effusion',
]);

const denying = 'no|not|without|free|clear|absent';

export const doubtRules: readonly Rule[] = [
  { id: 'may', kind: 'uncertain', reach: 'behind', likelihood: 0.03, phrases: ['may|might|maybe'] },
  { id: 'could', kind: 'uncertain', reach: 'behind', likelihood: 0.02, phrases: ['could|can|would'] },
  {
    id: 'possible',
    kind: 'uncertain',
    reach: 'behind',
    likelihood: 0.07,
    phrases: [
      'possible|possibly|possibility|potential|potentially|perhaps|conceivably',
      'likelihood|probability|chance|odds of|for|that',
    ],
  },
  {
    id: 'concern for',
    kind: 'uncertain',
    reach: 'behind',
    likelihood: 0.19,
    phrases: ['concern for|of', 'concerning for', 'worrisome for', 'suspicious for|of', 'suspicion for|of'],
  },
  { id: 'favors', kind: 'uncertain', reach: 'behind', likelihood: 0.5, phrases: ['favor|favors|favored|favoring'] },
  {
    id: 'in the right setting',
    kind: 'uncertain',
    reach: 'both',
    likelihood: 0.25,
    phrases: ['in the? appropriate|proper|right|correct clinical? setting|context'],
  },
  {
    id: 'most suggestive',
    kind: 'uncertain',
    reach: 'behind',
    likelihood: 0.64,
    phrases: ['most|highly|strongly suggestive of?'],
  },
  {
    id: 'suggests',
    kind: 'uncertain',
    reach: 'behind',
    likelihood: 0.06,
    phrases: ['suggest|suggests|suggesting|suggested|suggestion|suggestive of?'],
  },
  {
    id: 'probable',
    kind: 'uncertain',
    reach: 'behind',
    likelihood: 0.82,
    phrases: ['probable|probably|presumed|presumably'],
  },
  { id: 'likely', kind: 'uncertain', reach: 'behind', likelihood: 0.8, phrases: ['likely'] },
  {
    id: 'is probable',
    kind: 'uncertain',
    reach: 'before',
    likelihood: 0.8,
    phrases: [
      'is|are ..1 likely|probable|favored .|,|;|and|but',
      'likely|probable .|;',
      ':|- likely|probable|probably .|,|;',
    ],
  },
  { id: 'borderline', kind: 'uncertain', reach: 'both', likelihood: 0.8, within: 6, phrases: ['borderline'] },
  {
    id: 'questionable',
    kind: 'uncertain',
    reach: 'behind',
    likelihood: 0.1,
    phrases: [
      'suspect|suspects|suspected|possible|conceivable that? there is|are|may',
      'question|questionable|questioned|equivocal|suspected|suspect|indeterminate|doubt|query|queried',
      '?',
    ],
  },
  { id: 'versus', kind: 'uncertain', reach: 'both', within: 5, likelihood: 0.91, phrases: ['versus|vs'] },
  {
    id: 'cannot exclude',
    kind: 'uncertain',
    reach: 'behind',
    likelihood: 0.13,
    phrases: [
      'cannot|not ..2 exclude|excluded',
      'cannot|not ..3 rule|ruled out',
      'difficult|hard|impossible|unable|challenging to? exclude',
      'difficult|hard|impossible|unable|challenging to? rule out',
    ],
  },
  {
    id: 'not excluded',
    kind: 'uncertain',
    reach: 'before',
    likelihood: 0.23,
    phrases: [
      'cannot|not|difficult ..4 excluded|exclude',
      'cannot|not ..3 ruled out',
      'is|are|be|was|were|been|remains ..1 questioned|suspected|considered|raised|feared',
      ':|- ..1 ?|possible|possibly|questionable|equivocal|suspected|suspicious|uncertain|indeterminate|maybe|perhaps .|,|;',
      'possible|questionable|equivocal|suspected|questioned .|,|;',
      ':|- cannot|difficult|hard|impossible|unable ..2 say|tell|know|sure|certain',
      ':|- cannot ..1 exclude|excluded|evaluate|assess|evaluated|assessed|determine|determined',
      'ruled in or|nor out',
      'confirmed or|nor excluded|refuted|denied',
      'excluded or|nor confirmed',
      'is|are|remains ..1 possible|questionable|equivocal .|,|;|and|but',
      'is|are ..1 possibility|consideration',
      'should|could|may|might|would ..1 be considered|suspected',
      'unlikely|doubtful .|,|;|and|but',
      'less likely .|,|;|and|but',
      'difficult|hard|impossible|challenging to exclude',
      'difficult|hard|impossible|challenging to rule out',
      'cannot|not on|at|from|with|in ..4 be? excluded',
      'cannot|not on|at|from|with|in ..4 be? ruled out',
      'may|might|could be present|there',
      'in the differential',
      'less likely than',
      'could|may|might|can have|give|produce|cause this|similar|such|the? appearance',
    ],
  },
  {
    id: 'absence not certain',
    kind: 'uncertain',
    reach: 'both',
    within: 1,
    likelihood: 0.1,
    phrases: ['absence of ..4 cannot|not ..2 confirmed|certain|established|proven'],
  },
  {
    id: 'absence not certain',
    kind: 'uncertain',
    reach: 'behind',
    within: 0,
    likelihood: 0.1,
    phrases: [`presence|absence|existence of ..6 cannot|not|difficult|hard|impossible ..2 ${sure}`],
  },
  {
    // "One cannot say there is no effusion": here the negation is in doubt.
    id: 'absence not certain',
    kind: 'uncertain',
    reach: 'behind',
    likelihood: 0.1,
    phrases: [
      `${notSure} ..3 ${sure} ..2 that? there? is|are|was|were|be? ..1 ${denying}`,
      `${notSure} ..3 ${sure} ..2 absence|lack of`,
      `${notSure} ..3 ${sure} if|whether there|this|these|that|it|they? is|are|was|were|represents|represent|reflects?`,
      `uncertain|unclear|unsure|questionable|unknown|doubtful|debatable if|whether there|this|these|that|it|they? is|are|was|were|represents|represent?`,
      'doubt that? there is|are|was|were',
      'not ..1 convinced|sure|certain|confident|persuaded that? there is|are|was|were',
      'question|questions|doubt|uncertainty|matter ..1 of|as|about? to? if|whether there|this|these|that|it|they? is|are|was|were|represents|represent?',
      'remains|remain|yet to be seen|determined|clarified|established if|whether there|this|these|that|it|they? is|are|was|were|represents|represent?',
      `no guarantee|certainty|assurance|proof ..1 that? there? is|are|was|were? ..1 ${denying}`,
    ],
  },
  {
    // "Whether there is an effusion cannot be determined."
    id: 'absence not certain',
    kind: 'uncertain',
    reach: 'behind',
    within: 0,
    likelihood: 0.1,
    phrases: [
      `whether|if there|this|these|it|that? is|are? ..6 cannot|not|difficult|hard|impossible ..2 ${sure}`,
      'whether|if there|this|these|it|that? is|are? ..6 is|are|remains|remain ..2 uncertain|unclear|unknown|questionable|debatable|open',
    ],
  },
  {
    id: 'absence not certain',
    kind: 'uncertain',
    reach: 'behind',
    within: 0,
    likelihood: 0.1,
    phrases: [`${notSure} ..3 ${sure} ..1 that|whether|if ..5 is|are|has|have ..2 ${gone}`],
  },
  {
    // "Bibasilar opacities, atelectasis or pneumonia": two readings of what is seen.
    id: 'one or the other',
    kind: 'uncertain',
    reach: 'behind',
    likelihood: 0.5,
    only: readings,
    phrases: [`opacity|opacification|density|haziness|shadow|shadowing ..5 ,|:|- either? ..2 ${reading} ..1 or`],
  },
  {
    // "Either atelectasis or pneumonia at the left base."
    id: 'one or the other',
    kind: 'uncertain',
    reach: 'behind',
    within: 3,
    likelihood: 0.5,
    only: readings,
    phrases: [`either a|an|the? small|mild|early|focal|basilar|basal|partial? pleural? ${reading} ..4 or`],
  },
  {
    // "Hard to distinguish atelectasis from pneumonia": it is one of them.
    id: 'one or the other',
    kind: 'uncertain',
    reach: 'behind',
    likelihood: 0.5,
    phrases: ['cannot|not|difficult|hard|impossible|unable ..2 distinguish|differentiate|discriminate|separate'],
  },
  {
    // "Edema cannot be distinguished from infection": the finding before the phrase is in doubt, too.
    id: 'one or the other',
    kind: 'uncertain',
    reach: 'both',
    likelihood: 0.5,
    phrases: [
      'cannot|not|difficult|hard|impossible ..3 distinguished|differentiated|discriminated|separated from?',
      'cannot|not ..1 be ..1 told apart',
      'is|are? ..1 indistinguishable from?',
    ],
  },
  {
    // "Opacity, pneumonia if febrile."
    id: 'in the right setting',
    kind: 'uncertain',
    reach: 'before',
    within: 1,
    likelihood: 0.25,
    phrases: ['if|when ..2 fever|febrile'],
  },
  { id: 'asked', kind: 'uncertain', reach: 'before', likelihood: 0.1, phrases: ['? .', '( ? )', '? ?'] },
  {
    id: 'may be a mimic',
    kind: 'uncertain',
    reach: 'both',
    likelihood: 0.05,
    phrases: [
      `${perhaps} ..4 nipple|skinfold|artifact|artifactual|summation|superimposition`,
      `${perhaps} ..4 skin fold`,
      `or ..2 skin fold`,
      'or ..2 nipple|skinfold|artifact|summation',
      'skin fold or|versus|vs',
      'nipple|skinfold|artifact|summation shadow? or|versus|vs',
      `${perhaps} ..3 superimposed|overlapping|overlying ..2 structure|vessel|rib|tissue|shadow|vasculature|bone|vein`,
    ],
  },
  {
    id: 'differential',
    kind: 'uncertain',
    reach: 'behind',
    likelihood: 0.04,
    phrases: ['differential|consideration|considered', 'consider'],
  },
  { id: 'if any', kind: 'uncertain', reach: 'both', within: 4, likelihood: 0.1, phrases: ['if any|present'] },
];
