/** Words that bound the reach of rules: where clauses begin, where a negated list ends, what a gap never swallows. */

import { cellEnd } from './signs.js';

/** Words that say a thing seen before is still there: they overrule rules that ask for it. */
export const persistence = new Set(
  'unchanged stable persistent persists persist again redemonstrated redemonstration remains remain remaining continued continues similar decreased decreasing increased increasing improved improving resolving worsened worsening smaller larger residual still known enlarged progressed progression evolving slightly different same unaltered changed change present visible measures measuring worse better grown bigger'.split(
    ' ',
  ),
);

/** A clause ends before these: what is said on one side does not reach the other. */
export const clauseBreaks: readonly string[] = [
  `;|${cellEnd}`,
  'but|however|although|though|except|otherwise|which|while|whereas|yet|albeit|nevertheless',
  'with the? exception',
  'aside|apart from',
  'other than',
  'because|since|despite',
  'there|this|these is|are|has|have|may|could|was|were',
];

/** A negation's list ends behind a comma or "and" where one of these follows and no "or" does: "no effusion, mild edema". */
export const assertiveWords = new Set(
  'a an mild mildly minimal minimally small tiny moderate moderately marked severe slight slightly stable unchanged persistent chronic old calcified degenerative improved increased decreased low borderline prominent tortuous scattered status known normal clear unremarkable enlarged positive pos probable possible possibly likely bilateral right left'.split(
    ' ',
  ),
);

/** Of these, the ones that do so only behind a comma: "no left and right effusion" is one negation. */
export const sideWords = new Set('left right bilateral small low normal clear'.split(' '));

/** Finite verbs that close a list ("no A or B is seen"); after any other verb a new clause has begun. */
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

/** A gap inside a phrase of the lexicon ("heart ..6 enlarged") never swallows these; one inside a rule not even a "not". */
export const gapBlocks = new Set(
  ', ; : . ( ) normal unremarkable clear without with which but no within stable aorta aortic there'.split(' '),
);

/** The same for gaps inside rules: "is seen below the nipple" does not say that it is the nipple. */
export const placeWords = new Set(
  'near below above beside behind adjacent overlying projecting projects over under next medial lateral at in on'.split(
    ' ',
  ),
);
