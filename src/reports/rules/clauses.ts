/** Words that limit where rules apply: where clauses begin, where a negated list ends, and what a gap of a phrase never matches. */

import { cellEnd } from '../text/signs.js';

/** Words that say that an earlier finding is still there. Rules with `unlessPersisting` do not apply in a sentence with one of them. */
export const persistence = new Set(
  'unchanged stable persistent persists persist again redemonstrated redemonstration remains remain remaining continued continues similar decreased decreasing increased increasing improved improving resolving worsened worsening smaller larger residual still known enlarged progressed progression evolving slightly different same unaltered changed change present visible measures measuring worse better grown bigger'.split(
    ' ',
  ),
);

/** Phrases before which a clause ends. Rules do not apply beyond the end of a clause. */
export const clauseBreaks: readonly string[] = [
  `;|${cellEnd}`,
  'but|however|although|though|except|otherwise|which|where|while|whereas|yet|albeit|nevertheless',
  'with the? exception',
  'aside|apart from',
  'other than',
  'because|since|despite',
  'there|this|these is|are|has|have|may|could|was|were',
];

/** A negated list ends at a comma or "and" if one of these words follows and there is no "or" later: "no effusion, mild edema". */
export const assertiveWords = new Set(
  'a an mild mildly minimal minimally small tiny moderate moderately marked severe slight slightly stable unchanged persistent chronic old calcified degenerative improved increased decreased low borderline prominent tortuous scattered status known normal clear unremarkable enlarged positive pos probable possible possibly likely bilateral right left'.split(
    ' ',
  ),
);

/** Those of `assertiveWords` that only do so after a comma: "no left and right effusion" is one negation. */
export const sideWords = new Set('left right bilateral small low normal clear'.split(' '));

/** Finite verbs. With one of `closingVerbs` after it, such a verb ends a list ("no A or B is seen"); without, it shows a new clause. */
export const verbs = new Set(
  'is are was were has have appears appear remains remain demonstrates demonstrate shows show persists persist'.split(
    ' ',
  ),
);
export const closingVerbs = new Set(
  'seen identified noted present evident appreciated visualized visible demonstrated detected observed apparent found suggested suspected definite'.split(
    ' ',
  ),
);

/** Words that a gap inside a phrase ("heart ..6 enlarged") never matches. In the phrases of rules, a gap does not match "not" either. */
export const gapBlocks = new Set(
  ', ; : . ( ) normal unremarkable clear without with which but no within stable aorta aortic there'.split(' '),
);

/** More words that gaps inside the phrases of rules never match: "is seen below the nipple" does not say that it is the nipple. */
export const placeWords = new Set(
  'near below above beside behind adjacent overlying projecting projects over under next medial lateral at in on'.split(
    ' ',
  ),
);
