/** Rules that negate. Phrases that only look like a negation are in `false_negations.ts`. */

import { cellEnd } from '../text/signs.js';
import type { Rule } from './rule.js';
import { been, gone } from './rule_words.js';

const removed = 'removed|resected|excised|repaired|ablated|evacuated';
const seen =
  'seen|identified|visualized|visible|appreciated|appreciable|demonstrated|evident|present|apparent|detected|detectable|observed|noted|found|suspected|recognized|discernible|discerned|shown|reproduced|there|confirmed|substantiated|supported|corroborated|documented|verified|upheld';
const again = 'recurred|returned|reaccumulated|reappeared|redeveloped|recollected|recur|return|reaccumulate|reappear';
const stop = `.|,|;|:|and|or|but|${cellEnd}`;
/** Things that look like a nodule, a pneumothorax or an opacity but are not. */
const mimic =
  'nipple|skinfold|artifact|artifactual|summation|superimposition|overlap|pseudolesion|composite|button|mole|clothing|hair|costochondral';
/** Superimposed structures. "Superimposed vessels" are not a finding, whereas "superimposed pneumonia" is. */
const overlaid = 'superimposed|overlapping|overlying ..2 structure|vessel|rib|tissue|shadow|vasculature|bone|vein';
const copula =
  'is|are|was|were|be|being|represent|represents|representing|represented|reflect|reflects|reflecting|correspond|corresponds|corresponding|due|related|attributable|attributed|secondary|likely|probably|presumably|probable|proved|turned|thought|felt|consistent|compatible|favored|caused';

const side = 'left|right|bilateral|bilaterally|l|r';
const operation =
  'resection|excision|repair|fundoplication|nissen|herniorrhaphy|hernioplasty|lobectomy|pneumonectomy|segmentectomy|wedge|metastasectomy|enucleation|ablation';
/** Findings for which "not enlarged" means that they are there but have not grown. */
const growing = new Set<string>([
  ...[
    'Atelectasis',
    'Effusion',
    'Infiltration',
    'Mass',
    'Nodule',
    'Pneumonia',
    'Pneumothorax',
    'Consolidation',
    'Hernia',
  ],
  ...['Pleural_Thickening', 'Pleural Effusion', 'Pleural Other', 'Lung Lesion', 'Lung Opacity'],
]);
const resections = new Set(['Mass', 'Nodule', 'Hernia', 'Lung Lesion']);

export const negationRules: readonly Rule[] = [
  // The cue comes before the finding: "no", "without", "free of".
  {
    id: 'no',
    kind: 'negated',
    reach: 'behind',
    phrases: [
      'no|without|nor|neither|never|nothing|denies|deny|nil|neg|ø',
      'w / o',
      'no|without ..3 change of',
      "not|don|don't|doesn't ..1 think|believe|feel|appear|seem that? there? is|are ..1 any?",
      'not|don|cannot see|show|demonstrate|identify|reveal|have|appreciate|suggest|contain|detect|find|hold',
    ],
  },
  {
    id: 'not',
    kind: 'negated',
    reach: 'behind',
    within: 6,
    phrases: ['not|isn|aren|wasn|hasn', "isn't|aren't|wasn't|hasn't|doesn't|don't"],
  },
  { id: 'non-', kind: 'negated', reach: 'behind', within: 1, phrases: ['non'] },
  {
    id: 'absence of',
    kind: 'negated',
    reach: 'behind',
    phrases: [
      'absence|lack of',
      'negative|neg .? for',
      ':|- negative|neg .? for',
      'free|clear|cleared|devoid of|from',
      'excludes',
      'interval|complete? resolution|clearing|disappearance of',
      'fail|fails|failed to show|demonstrate|reveal',
      'removal of',
      'unlikely to ..1 be|represent|reflect|indicate',
      'little|nothing to suggest|indicate|support',
      'little evidence|suggestion|indication|sign of|for',
      'argues|argue|arguing|speaks|speak|evidence against',
      'lack|lacks|lacking',
    ],
  },
  { id: 'rather than', kind: 'negated', reach: 'behind', phrases: ['rather than', 'instead of'] },
  { id: 'resolved', kind: 'negated', reach: 'behind', within: 3, phrases: ['resolved|absent'] },
  {
    id: 'removed',
    kind: 'negated',
    reach: 'behind',
    within: 3,
    only: resections,
    phrases: ['resected|excised|repaired|ablated|removed'],
  },
  {
    id: 'removed',
    kind: 'negated',
    reach: 'behind',
    within: 5,
    only: resections,
    phrases: ['resection|excision|repair|ablation|enucleation of|for'],
  },
  { id: 'less likely', kind: 'negated', reach: 'behind', within: 4, phrases: ['less likely', 'unlikely|doubtful'] },
  // The cue comes after the finding: "... is not seen", "... has resolved".
  {
    id: 'not seen',
    kind: 'negated',
    reach: 'before',
    phrases: [
      `not ..2 ${seen}`,
      `cannot ..2 seen|identified|visualized|appreciated|demonstrated|detected|found`,
      'no longer ..1 enlarged|large',
      `no longer ..2 ${seen}|exists|exist|problem`,
      'not ..1 borne|bore out',
      'not|never ..1 see|identify|appreciate|find|detect .|,|;',
      `neither|none ..2 is|are|was|were ..1 ${seen}`,
      'nowhere ..2 seen|found|visible|evident|identified',
      'is|are|was|were|remains lacking|missing|nonexistent|wanting',
      'is|are|was|were non existent',
      'has|have ..1 been? disproved|disproven|refuted|dismissed|discounted',
      'is|are|was|were|be ..1 disproved|disproven|refuted|dismissed|discounted',
      'is|are ..1 thing of the past',
      `isn't|aren't|wasn't|weren't ..1 ${seen}`,
    ],
  },
  {
    // A heart or a lymph node that is not enlarged is normal, whereas an effusion that is not enlarged is still there.
    id: 'not seen',
    kind: 'negated',
    reach: 'before',
    except: growing,
    phrases: ['not ..1 enlarged', 'has|have|had not ..2 enlarged'],
  },
  {
    id: 'none',
    kind: 'negated',
    reach: 'before',
    phrases: [
      `:|- none|no|nil|negative|neg|absent|excluded|false|neither|n|0 ${stop}`,
      `:|- none|no|nil|not ${seen}|significant|apparent|visible`,
      `:|- no|without evidence|sign|signs|suggestion|indication|features ${stop}`,
      ':|- no|without ..1 fluid .|,|;',
      // "Effusion: none on either side".
      ':|- none|no|nil|negative|neg ..1 bilaterally|bilateral|bilat|either|both',
      ':|- none|nil|negative|neg ..1 on|in|at',
      `:|- none|no|nil|negative|neg ${side} ${stop}`,
      `:|- - ${side}`,
      ':|- - .',
      `is|are none`,
      `none|nil|negative|neg ${stop}`,
      'n|- .',
      `:? (|[ none|no|nil|negative|neg|absent|n|0 )|]`,
      `none ${seen}`,
      'no .|;|,',
      `no evidence|sign|suggestion|indication .|;`,
      'no residual|residue|remnant .|;',
    ],
  },
  { id: 'none', kind: 'negated', reach: 'before', within: 1, phrases: [`0 ${stop}`] },
  {
    id: 'resolved',
    kind: 'negated',
    reach: 'before',
    phrases: [
      `${been}|interval|completely ..2 ${gone}`,
      `has|have|had gone|gone away`,
      `resolved|absent|cleared|vanished|gone ${stop}|since|from|on|in|now|compared`,
      'is|are|was|were no more .|,|;|and|but|on|in',
      'has|have ..1 been? ruled out',
      'is|are|was|were ruled out',
      'ruled out .|,|;',
      'excluded .|,|;',
      ': ruled out',
      'is|are|was|were|has|have ..1 excluded|absent',
      'interval|complete resolution|clearing|disappearance',
      'completely|fully|entirely drained|aspirated',
      ', now|since|currently ..1 clear|gone .|;',
      ', clear|gone now|today .|;',
      `not|never ..2 ${again}`,
      'not|never ..1 come|came back',
      'is|are|was|were|has|have ..1 dried up',
      `no|without recurrence|reaccumulation|return .|,|;|and|but`,
    ],
  },
  { id: 'resolved', kind: 'negated', reach: 'before', diseasesOnly: true, phrases: ['has|have healed'] },
  {
    id: 'removed',
    kind: 'negated',
    reach: 'before',
    phrases: [
      `${been} ..2 ${removed}`,
      `removed|resected|excised ${stop}|in|on|at|by|last`,
      `status? post ..2 ${operation} .|,|;|and|in|on`,
      `s / p ..2 ${operation} .|,|;|and|in|on`,
    ],
    only: resections,
  },
  {
    id: 'removed',
    kind: 'negated',
    reach: 'before',
    phrases: ['is|are|was|were|has|have ..1 been? completely|fully|entirely|successfully? removed|evacuated'],
  },
  {
    id: 'is normal',
    kind: 'negated',
    reach: 'before',
    within: 1,
    phrases: [
      'is|are|appear|appears|remain|remains within normal|expected? limit',
      'is|are|appear|appears|remain|remains grossly|entirely? normal|unremarkable',
    ],
  },
  {
    id: 'is a mimic',
    kind: 'negated',
    reach: 'before',
    diseasesOnly: true,
    phrases: [
      `${copula} with? ..4 ${mimic}`,
      `${copula} with? ..3 ${overlaid}`,
      `${copula} with? ..4 skin|bed fold|lesion|tag|crease|sheet`,
      `${copula} with? ..4 vessel seen? on end`,
      `${copula} with? ..4 end on vessel`,
      `${copula} with? ..4 ecg|ekg|telemetry|monitoring lead|electrode|sticker|pad`,
      `${copula} with? ..4 bone|bony island`,
      `${copula} with? ..4 rib|bone end|tip|shadow|island|junction`,
      `${copula} with? ..4 breast shadow|tissue|marking`,
      `${copula} with? ..4 costal cartilage`,
      'is|are|be|represents|represent|reflects a|an|the ..1 vessel|vein|artery',
      `${copula} with? ..4 vascular loop|structure|shadow|marking|crossing`,
      `${copula} with? ..3 thymus|thymic|manubrium|osteophyte|jewelry|necklace|braid|gown|bra|bandage|dressing`,
      ':|(|, ..2 nipple|skinfold|artifact shadow? .|,|;|)',
      ':|(|, ..2 skin fold',
    ],
  },
  {
    id: 'is a mimic',
    kind: 'negated',
    reach: 'before',
    only: resections,
    phrases: [
      'is|are|represent|represents|representing|correspond|corresponds|corresponding|reflect|reflects to? ..2 healed|healing|old ..1 fracture',
    ],
  },
  {
    id: 'is the technique',
    kind: 'negated',
    reach: 'before',
    only: new Set(['Cardiomegaly', 'Enlarged Cardiomediastinum']),
    phrases: [
      'is|are|likely|probably ..1 due|related|attributable|secondary|artifact to|of ..4 projection|technique|rotation|positioning|magnification|inspiration|volume',
      'is|are|likely|probably ..1 projectional|positional|artifactual',
    ],
  },
];
