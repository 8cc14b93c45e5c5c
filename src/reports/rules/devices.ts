/** Rules for tubes and lines. One that was taken out is not there; one that was pulled back by 2 cm, or that should be taken out, is. */

import type { Rule } from './rule.js';

const devices = new Set(['Device', 'Support Devices']);
const takenOut = 'removed|withdrawn|pulled|explanted|discontinued|retrieved|extracted';
const now = 'since|in|today|now|with';

export const deviceRules: readonly Rule[] = [
  {
    id: 'taken out',
    kind: 'negated',
    reach: 'before',
    only: devices,
    phrases: [
      `${takenOut} .|,|;|and|but|${now}`,
      'removed|explanted|discontinued at|on|by|from|last?',
      'taken|pulled|come|came|is|are|now out .|,|;|and|but',
      'out .',
    ],
  },
  {
    id: 'taken out',
    kind: 'negated',
    reach: 'behind',
    only: devices,
    within: 5,
    phrases: ['removed|explanted|discontinued', 'withdrawal|discontinuation|explantation|extraction|retrieval of'],
  },
  {
    id: 'still in place',
    kind: 'real',
    reach: 'none',
    whole: true,
    phrases: [
      `be ..1 ${takenOut}`,
      `not|never ..2 ${takenOut}`,
      `partially|partly|slightly|minimally|incompletely|somewhat ${takenOut}`,
      'withdrawn|pulled|retracted ..6 cm|mm|centimeter|millimeter',
      'withdrawn|pulled|retracted ..2 back|into|to|slightly|partially|toward|proximally',
      'withdrawal of ..6 into|to|by|cm|mm|centimeter',
      'recommend|recommended|recommending|suggest|suggested|consider|advise|advised|await|awaiting|planned|pending|needs|requires ..2 removal|withdrawal|retraction of?',
      'removal|withdrawal of ..5 is|are|should ..1 recommended|advised|suggested|planned|considered',
      'out of ..4 field|view|image',
    ],
  },
];
