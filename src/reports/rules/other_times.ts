/** Rules for findings of other times, which are not on this film. */

import type { Rule } from './rule.js';
import { earlier, examination } from './rule_words.js';

const monthNames =
  'january|february|march|april|june|july|august|september|october|november|december|jan|feb|apr|jun|jul|aug|sept|sep|oct|nov|dec';
const years = Array.from({ length: 51 }, (_, at) => 1980 + at).join('|');
/** Times other than now. "May" is only used in phrases with "in" or a similar word before it. */
const month = `${monthNames}|may|spring|summer|autumn|winter|childhood|${years}`;
const past = 'ago|yesterday|previously|formerly';
const last = 'last|previous|prior week|month|year|night|time|spring|summer|fall|autumn|winter';
const lastFilm = 'last|previous|prior film|study|exam|examination|radiograph|ct|scan';
/** Dates such as "3/4". */
const days = Array.from({ length: 31 }, (_, at) => at + 1);
const dates = [`${days.slice(0, 12).join('|')} / ${days.join('|')}`];
const procedures =
  'procedure|biopsy|thoracentesis|pneumonectomy|lobectomy|cabg|surgery|trauma|extubation|intubation|thoracotomy|bronchoscopy|resection|placement|sternotomy|transplant|tap|drain';
const wasSeen = 'seen|present|noted|identified|found|diagnosed|visible|described|evident';

export const otherTimeRules: readonly Rule[] = [
  {
    id: 'history of',
    kind: 'historical',
    reach: 'behind',
    within: 6,
    phrases: ['history|hx|pmh of', 'h / o', 'there used to be', 'treated ..1 for', 'treatment of|for'],
  },
  {
    id: 'had',
    kind: 'historical',
    reach: 'behind',
    within: 4,
    unlessPersisting: true,
    phrases: ['patient|he|she|who had'],
  },
  {
    id: 'status post',
    kind: 'historical',
    reach: 'behind',
    within: 2,
    diseasesOnly: true,
    phrases: ['status? post', 's / p'],
  },
  {
    id: 'operated for',
    kind: 'historical',
    reach: 'behind',
    within: 6,
    diseasesOnly: true,
    phrases: [
      'lobectomy|bilobectomy|pneumonectomy|segmentectomy|lumpectomy|mastectomy|metastasectomy|thoracotomy|vats|resection|excision|surgery|operation|wedge|decortication|pleurodesis|repair|herniorrhaphy|fundoplication|ablation|radiotherapy|radiation|chemotherapy ..3 for|of|because|due',
      'operated|resected|irradiated ..1 for|of',
      'prior|previous|previously|remote|history|past|old ..2 thoracentesis|pleurocentesis|paracentesis|drainage|aspiration|tap|tube|drain|catheter|biopsy|bronchoscopy|intubation|hospitalization|admission|antibiotic|therapy|procedure ..2 for|of|because',
    ],
  },
  {
    id: 'comparison made with',
    kind: 'historical',
    reach: 'behind',
    intoRelative: true,
    diseasesOnly: true,
    phrases: ['comparison|correlation is|was? made? to|with|against'],
  },
  {
    id: 'an earlier examination showed',
    kind: 'historical',
    reach: 'behind',
    unlessPersisting: true,
    diseasesOnly: true,
    phrases: [
      `${earlier} ..2 ${examination} ..5 which|that? showed|showing|demonstrated|revealed|described`,
      `compared to|with ..5 ${examination} ..4 which|that? showed|showing|demonstrated|demonstrating|revealed`,
    ],
  },
  {
    id: 'there was at that time',
    kind: 'historical',
    reach: 'behind',
    unlessPersisting: true,
    diseasesOnly: true,
    phrases: [
      `there was|were ..7 ${past}`,
      `there was|were ..7 ${last}`,
      `there was|were ..6 in|on|at|during the? ${last}`,
      `there was|were ..6 on|at the? ${lastFilm}`,
      `there was|were ..6 in|of|on|at|during ..6 ${month}`,
      ...dates.map((date) => `there was|were ..6 in|of|on|at ..5 ${date}`),
    ],
  },
  {
    id: 'over since',
    kind: 'negated',
    reach: 'before',
    diseasesOnly: true,
    phrases: [`${last} , now|since|currently ..1 clear|cleared|resolved|gone`],
  },
  {
    id: 'since then',
    kind: 'real',
    reach: 'none',
    phrases: [
      // "Post-traumatic" says where a finding comes from, whereas "status post pneumothorax" says that it is over.
      'post obstructive|inflammatory|infectious|surgical|operative|traumatic|procedural|radiation|stenotic|viral|op',
      `post ${procedures} pneumothorax|hydropneumothorax|effusion|atelectasis|edema|consolidation|pneumonia|infiltrate|fibrosis`,
      `since|than|compared|comparison ..4 ${last}`,
      `since|than|compared|comparison ..4 ${month}`,
      `first ..1 seen|noted|described|identified|diagnosed in|on ..1 ${month}`,
      `follow|followup|repeat|recommend|recommended|recheck|reassess|next ..4 in|by|on? ..1 ${month}`,
      `there was|were ..8 since|from|compared|than with|to? ..2 ${last}`,
      `there was|were ..8 since|from|compared|than with|to? ..3 ${lastFilm}`,
      `there was|were ..8 since|from ..3 ${past}`,
      `there was|were ..8 since|from ..3 ${month}`,
      `there was|were ..6 in|of|on|at ..6 since|from|compared|than|relative with|to? ..3 ${last}`,
      `there was|were ..6 in|of|on|at ..6 since|from|compared|than|relative with|to? ..3 ${lastFilm}`,
      `there was|were ..6 in|of|on|at ..6 since|from|compared|than|relative with|to? ..3 ${month}`,
    ],
  },
  {
    id: 'was seen at that time',
    kind: 'historical',
    reach: 'before',
    unlessPersisting: true,
    diseasesOnly: true,
    phrases: [
      `was|were ${wasSeen} ..2 ${past}`,
      `was|were ${wasSeen} ..2 ${last}`,
      `was|were ${wasSeen} on|at the? ${lastFilm}`,
      `was|were ${wasSeen} in|on|of|during|at ..2 ${month}`,
    ],
  },
  {
    // "Pneumonia in 2015." If there are more words between, the time may be that of another film.
    id: 'was seen at that time',
    kind: 'historical',
    reach: 'before',
    within: 3,
    unlessPersisting: true,
    diseasesOnly: true,
    phrases: [`${month} .`, `${monthNames} ${years} .`, 'ago|previously|formerly .', `${last} .`],
  },
  {
    id: 'previously seen',
    kind: 'historical',
    reach: 'behind',
    within: 5,
    unlessPersisting: true,
    phrases: [
      'prior|previous|previously|earlier|former|formerly ..1 seen|noted|described|identified|demonstrated|visualized|questioned',
    ],
  },
  {
    // "The opacity that was previously thought to be a mass is atelectasis."
    id: 'thought before',
    kind: 'historical',
    reach: 'behind',
    within: 3,
    unlessPersisting: true,
    diseasesOnly: true,
    phrases: [
      'previously|initially|originally|formerly|first thought|believed|felt|considered|suspected|interpreted|read|reported|called to|as? be|represent?',
    ],
  },
  {
    id: 'prior',
    kind: 'historical',
    reach: 'behind',
    within: 1,
    unlessPersisting: true,
    diseasesOnly: true,
    phrases: ['prior|previous|former|remote|treated|icdcode'],
  },
  {
    id: 'who is examined',
    kind: 'historical',
    reach: 'behind',
    diseasesOnly: true,
    phrases: ['year old ..4 with', 'yo ..4 with', 'y / o ..4 with', 'year old ..4 presents|presenting with|for'],
  },
];
