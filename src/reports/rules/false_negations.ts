/** Phrases that look like a negation but are not one: "no change in the effusion", "has not resolved". */

import type { Rule } from './rule.js';
import { been, gone, notSure, partly, sure } from './rule_words.js';

/** Words for how a finding that is there has developed, or for its kind. */
const course =
  'changed|increased|decreased|larger|smaller|bigger|new|old|improved|worsened|progressed|acute|chronic|loculated|grown|significant|calcified|malignant|benign|free';
const side = 'left|right|l|r';
/** Values that a form has for a finding that is there. */
const some = 'small|mild|moderate|large|tiny|trace|minimal|severe|positive|pos|yes|present';

/** Phrases for one side of the chest, for a finding that has gone on the other. */
const onSide = `on|in|at|from the? ${side} lung|base|side|hemithorax|apex?`;
const ofSide = `the? ${side}|other one|side|is|are|has|remains?`;
const still =
  'persists|persist|persistent|persisting|remains|remain|remaining|unchanged|stable|smaller|larger|bigger|increased|decreased|improved|improving|small|tiny|trace|minimal|mild|moderate|large|residual|present|worse|worsened|increasing|decreasing|still|similar|same|seen';
const seen = 'seen|present|identified|noted|evident|visible|visualized|demonstrated|detected|found';
const butOther =
  ',|;|and|but|while|whereas|although and|but|while|whereas|although? the|a|an? left|right|l|r sided|side|one? one?';
/** Verbs for what a follow-up does about the resolution of a finding, and words for a follow-up. */
const making = 'ensure|document|confirm|verify|establish|assess|evaluate|assure|check|monitor';
const following =
  'follow|followed|followup|up|monitor|monitored|repeat|repeated|reimage|reimaging|film|radiograph|ct|imaging|study|recheck';

export const falseNegations: readonly Rule[] = [
  {
    id: 'no change',
    kind: 'real',
    reach: 'none',
    phrases: [
      'no|without ..4 change|changed',
      'no|without ..2 interval|significant change of|in',
      'not ..3 changed|changing',
      'no|without ..2 increase|decrease|progression|worsening|improvement|resolution|difference|enlargement|growth|reduction|regression',
      'has|have|had not ..2 enlarged|grown|expanded',
      'not ..1 enlarged',
      'no|not ..1 increased|decreased|worsened|improved|resolved|cleared|larger|smaller|bigger|worse|better',
      'not ..2 different|dissimilar|grown|enlarged from|since|compared',
      'not as large|big|small|extensive|dense|prominent|pronounced|conspicuous|severe|marked|bad|much',
      'no different|longer than',
      'no ..1 interval? growth|enlargement of?',
      'not only|just|merely|simply',
      'no|without|beyond any? doubt',
      'without|beyond question',
      'no more|less|fewer than',
      'nothing more|but than?',
      'not ..2 seen|present|identified|noted|visualized|evident|apparent|demonstrated before|previously|earlier',
      'not ..2 seen|present|identified|noted|visualized|evident|apparent|demonstrated on|in the? prior|previous|earlier|older?|last|comparison',
      'not well|fully|completely|optimally|adequately|clearly|entirely seen|visualized|demonstrated|evaluated|identified|appreciated|assessed|included',
      'no comparison|prior|previous',
      `not|never ..2 ${gone}`,
      `not|never ..1 yet? resolve|clear|disappear|subside|vanish`,
      `yet to resolve|clear|disappear|recede`,
      `fail|fails|failed|failure to|of resolve|clear|disappear|improve|subside|resolution`,
      `slow|slowly to? resolve|clear|resolving|clearing`,
      `${partly} completely? ${gone}`,
      `${been} ..1 ${partly} completely? ${gone}`,
      `${been} ..1 ${gone} in part`,
      `${been} ..1 ${gone} to some|a|large ..2 extent|degree`,
      `${been} ..1 ${gone} ..1 except|partially|partly|incompletely|somewhat`,
      `${gone} ..1 except|partially|partly|incompletely|somewhat`,
      'resolved|cleared|gone in part',
      'resolved|cleared to some|a|large ..2 extent|degree',
      'partial|incomplete|near|some|further|slight|subtotal|minimal|mild complete? resolution|clearing|disappearance of?',
      'no|without absence|lack',
      'not absent|gone|without|excluding|free|clear|devoid|lacking|negative of?|from?|for?',
      'not|never ..2 free|clear|devoid of|from',
      'not|never ..1 without',
      'no longer absent|free|clear of?|from?',
      'cannot|not|no be? denied|denying|deny',
      'without|no resolution|clearing',
      'non specific|calcified|displaced|healed|healing|obstructive|tunneled|united|loculated|occlusive|acute',
      'not calcified|loculated|displaced|healed',
      'not a? small|minor|insignificant|trivial|negligible|subtle|surprising|unexpected',
    ],
  },
  {
    id: 'not resolved',
    kind: 'real',
    reach: 'none',
    whole: true,
    phrases: [
      `no ..2 evidence|sign|indication|suggestion|proof ..3 that ..5 ${gone}`,
      'resolution|clearing of ..5 not ..1 complete|finished',
      'resolution|clearing of ..5 incomplete|partial|underway|ongoing',
      'wrong|incorrect|untrue|false|mistaken to|that? ..1 say|state|claim|assume? that? there? is|are|was? no',
      `not ..1 true|case that? there? is|are|was|were? no`,
      `not ..1 mean|imply|exclude ..3 no`,
      'neither resolved|cleared nor improved|changed',
      // "Effusion: no left, small right" states an effusion.
      `:|- none|no|nil|negative|neg ${side} ,|; ..2 ${some}`,
      `:|- ..1 ${some} ${side} ,|;|and|but none|no|nil|negative|neg ${side}`,
      `:|- none|no|nil|negative|neg on ..1 ${side} ,|;|but ..2 ${some}`,
      'if|should ..2 persist|persists',
      `if|once|until|unless|when the|this|these ..2 is|are|has|have ..1 ${gone}`,
      // "Gone on the right and smaller on the left", "the right effusion has resolved, the left persists".
      `${been} ..2 ${gone} ${onSide} ,|and|but|while|with and|but|is|are? ..1 ${still} ${onSide}`,
      `${gone} ${onSide} ,|and|but|while|with and|but|is|are? ..1 ${still} ${onSide}`,
      `${been} ..2 ${gone} ,|;|and|but|while and|but? ${ofSide} ${still} .|,|;|since|from`,
      `${gone} ,|;|and|but|while and|but? ${ofSide} ${still} .|,|;|since|from`,
      `no longer ..1 seen|visible|present|identified|evident ,|;|and|but|while and|but? ${ofSide} ${still} .|,|;|since|from`,
      // "The right-sided effusion is not present while the left-sided is".
      `not ..1 ${seen} ${butOther} is|are .|,|;|${seen}|there`,
      `is|are|was|were ..1 absent ${butOther} is|are ..1 ${seen}|there`,
      `no longer ..1 seen|visible|present|identified|evident ${onSide} ,|and|but|while|with and|but|is|are? ..1 ${still} ${onSide}`,
      `no|without ..4 ${onSide} ,|;|and|but|with and|but? a|an? ${some} one? ${onSide} .|,|;`,
      // A follow-up waits for a finding to go, so it is still there.
      `to|for|till|until ${making} ..3 resolution|clearing|clearance|disappearance of?`,
      `to ${making}|see|show|demonstrate if|whether|that the|this|these|both ..4 is|are|has|have ..1 ${gone}`,
      'until|till|pending|awaiting|await|awaits complete|full? resolution|clearing|clearance of?',
      `${following} ..4 to|until|till|through|after|following|upon complete|full|its|radiographic? resolution|clearing|clearance of?`,
      'resolution|clearing|clearance of ..6 is|are|be awaited|pending|expected|anticipated',
      'resolution|clearing|clearance of ..6 should|must|needs|need|to ..1 be ..1 documented|confirmed|ensured|verified|demonstrated|established',
      // "Most of the effusion has resolved", "it would be premature to say that it has".
      `some|part|half|most|much|third|quarter|portion|fraction|bulk|majority|none|little of ..5 is|are|has|have ..2 ${gone}`,
      `would|might|could be ..1 wrong|incorrect|untrue|false|mistaken|premature|early|inaccurate to|that? ..1 say|state|claim|assume|conclude that? ..5 is|are|has|have ..1 ${gone}`,
      `wrong|incorrect|untrue|false|mistaken|premature|early|inaccurate to|that? ..1 say|state|claim|assume|conclude that? ..5 is|are|has|have ..1 ${gone}`,
      'if|should ..3 does|do|has|have not ..1 resolve|resolved|clear|cleared|improve|improved',
      // "If the effusion enlarges" states an effusion; "if an effusion develops" does not.
      'if|should the|this|these|his|her ..3 enlarge|enlarges|increase|increases|worsen|worsens|grow|grows|progress|progresses|remain|remains|recur|recurs',
      // The doubt is about how the finding has changed, or about its kind, and not about whether it is there.
      `${notSure} ..3 ${sure} if|whether|that the|this|these ..4 is|are|has|have ..2 ${course}`,
      `uncertain|unclear|unsure|unknown|questionable if|whether the|this|these ..4 is|are|has|have ..2 ${course}`,
      `whether|if the|this|these ..4 is|are|has|have ..2 ${course} ..1 is|are|remains|remain|cannot|not`,
      'no|without ..4 except|besides ..1 at|in|on',
      'no|without ..4 except|besides ..3 one',
      'no|without ..4 other than at|in|on',
      'no|without ..4 aside|apart from ..3 one',
      'no|without ..4 other than|besides|except ..1 trace|minimal|tiny amount? on|in|at|.',
      'no|without ..4 apart|aside from ..1 trace|minimal|tiny amount? on|in|at|.',
    ],
  },
];
