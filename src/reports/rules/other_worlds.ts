/** Rules for sentences that do not say what is there: about the limits of the film, advice, questions, and blank fields. */

import { cellEnd } from '../text/signs.js';
import type { Rule } from './rule.js';

const may = 'may|might|could|can|would|will';
const missed =
  'missed|overlooked|obscured|hidden|masked|concealed|undetected|unseen|inapparent|occult|invisible|unnoticed';
const seen =
  'seen|visible|visualized|detected|detectable|apparent|evident|identified|appreciated|demonstrated|shown|recognized';
const limits =
  'limit|limits|limiting|limited|reduce|reduces|reducing|reduced|decrease|decreases|impair|impairs|hinder|hinders|hamper|hampers|preclude|precludes|degrade|degrades|compromise|compromises';
const showing =
  'detection|evaluation|assessment|sensitivity|visualization|visibility|exclusion|diagnosis|recognition|identification';
const because = 'by|due|because|secondary|given|owing';
const views =
  'lateral|frontal|pa|ap|upright|erect|decubitus|oblique|expiratory|inspiratory|apical|lordotic|additional|second|prior|previous|comparison|older view|film|radiograph|image|projection|study|examination|imaging';
const complaint =
  'symptom|symptoms|fever|febrile|cough|pain|dyspnea|leukocytosis|suspicion|suspected|concern|clinical|clinically|complaint|patient|indicated|warranted|necessary|needed|desired';

export const otherWorldRules: readonly Rule[] = [
  {
    // "A small effusion may be missed" is about the examination, and not about what it shows.
    id: 'may be missed',
    kind: 'hypothetical',
    reach: 'before',
    phrases: [
      `${may} ..2 be|go|remain|lie ..2 ${missed}`,
      `may|might|would not ..2 ${seen}`,
      `is|are easily|readily|often|commonly|frequently|sometimes ${missed}`,
    ],
  },
  {
    // "The nodule may be missed on the lateral view" states a nodule.
    id: 'is known',
    kind: 'real',
    reach: 'none',
    whole: true,
    phrases: [
      `the|known ..2 ${may} ..2 be|go|remain|lie ..2 ${missed}`,
      `which ..1 ${may} ..2 be|go|remain|lie ..2 ${missed}`,
    ],
  },
  {
    id: 'may be missed',
    kind: 'hypothetical',
    reach: 'behind',
    phrases: [
      `${limits} ..3 ${showing} of|for|to`,
      `${showing} of ..6 is|are ..2 limited|reduced|impaired|suboptimal|compromised|difficult|degraded`,
      `${may} ..1 miss|overlook|hide|conceal|obscure|mask`,
    ],
  },
  {
    // "Evaluation for pneumothorax is limited by an effusion" states the effusion.
    id: 'may be missed',
    kind: 'hypothetical',
    reach: 'behind',
    within: 0,
    phrases: [
      `${showing} of|for ..6 is|are ..2 limited|reduced|impaired|suboptimal|compromised|difficult|degraded ${because}`,
    ],
  },
  {
    // "The heart is difficult to assess due to the effusion."
    id: 'is known',
    kind: 'real',
    reach: 'none',
    phrases: [`to assess|evaluate|confirm|exclude ${because}`],
  },
  {
    // "Without a lateral view" negates only the view.
    id: 'a view is missing',
    kind: 'real',
    reach: 'none',
    whole: true,
    phrases: [
      `no|without a|the|any|benefit? ..2 ${views}`,
      `absence|lack of ..2 ${views}`,
      'no|without a|the|any|benefit? of? a? ct|comparison|correlation|contrast|priors',
    ],
  },
  {
    // "If fever persists, pneumonia should be considered" is advice for a possible case, and not a finding.
    id: 'advice for a case',
    kind: 'hypothetical',
    reach: 'behind',
    intoMain: true,
    phrases: [
      `if|should|when|unless ..3 ${complaint} ..3 persist|persists|worsen|worsens|continue|continues|develop|develops|increase|increases|recur|recurs|change|changes`,
      `if|when ..2 ${complaint}`,
      `if|when there is|are ..2 ${complaint}`,
      'in case of',
      'in the event of|that',
    ],
  },
  {
    id: 'advice for a case',
    kind: 'hypothetical',
    reach: 'before',
    phrases: [
      'need|needs not ..1 be ..1 considered|suspected|excluded',
      'should|must|could|may|might|can ..1 be considered|suspected|entertained|excluded|evaluated ..4 if|when|should|unless',
      'is|are a? ..1 consideration|concern|possibility if|when|should',
    ],
  },
  {
    id: 'advice for a case',
    kind: 'hypothetical',
    reach: 'behind',
    within: 0,
    phrases: ['consider|considered|suspect|suspected|treat ..6 if|when|should'],
  },
  {
    id: 'not assessed',
    kind: 'hypothetical',
    reach: 'before',
    phrases: [
      ':|- n / a',
      ':|- not evaluated|assessed|applicable|examined|assessable|evaluable',
      ':|- unable to assess|evaluate|determine',
      'cannot|not be assessed|evaluated|judged .|,|;|and|but|on|due|because|given|in|at',
      // A field that was left blank, or that refers to another place.
      `:|- _|…|xxxx? .|,|;|${cellEnd}`,
      ': _|…|xxxx|{',
      ':|- tbd|pending|deferred|unknown|undetermined',
      ': unclear .',
      ':|- as|see|refer|per to? above|below|described|noted|previously|ct|mri|report|ultrasound|prior|other|separate|dedicated|findings|impression|body|the|comment|text',
      ': (? please? see|refer|cf|per',
      ':|- described|detailed|listed|discussed above|below|elsewhere',
      ': limited evaluation|assessment|view|study? .',
      ': [|{|( fill|insert|select|choose|free|enter|describe|specify|size|location|text|finding',
    ],
  },
  {
    id: 'to look for',
    kind: 'hypothetical',
    reach: 'behind',
    phrases: [
      'to|for|further evaluate|assess|evaluation|assessment|exclude|excluding|rule|ensure|document|confirm',
      'evaluate|assess|evaluation|assessment for|of',
      'if|should|unless|whether',
      'if|whether|unless this|these|there is|are|represents|represent?',
      'correlate|correlation ..2 regarding|for',
      'clinical|clinically|if|any concern ..2 regarding|for|of',
      'risk of|for',
      'rule out',
      'r / o',
      'eval ..1 for',
      'please exclude|confirm',
      'to exclude|confirm|document|ensure',
      'not|more|less|limited? sensitivity|sensitive|insensitive for|to|in',
      'screening|screen for',
      'obscure|obscures|mask|masks|simulate|simulates|simulating|mimic|mimics|mimicking',
    ],
  },
];
