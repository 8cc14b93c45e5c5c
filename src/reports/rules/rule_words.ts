/** Words that several lists of rules share. */

export const been = 'is|are|was|were|be|been|has|have|had|now|since|also';
export const gone =
  'resolved|cleared|disappeared|vanished|subsided|dissolved|abated|gone|absent|resorbed|reabsorbed|dissipated|regressed completely?';
export const partly =
  'partially|partly|nearly|mostly|almost|incompletely|largely|virtually|practically|essentially|somewhat|only|subtotally';
export const earlier = 'prior|previous|earlier|old|outside|last|comparison';
export const examination = 'film|radiograph|study|exam|examination|ct|image|scan|report';

/** Words for being sure, and words that negate it, as in "cannot say", "hard to tell", "not certain". */
export const sure =
  'say|said|state|stated|claim|claimed|certain|sure|convinced|confident|guarantee|guaranteed|assert|asserted|conclude|concluded|clear|assured|tell|assume|assumed|confirm|confirmed|ensure|know|known|determine|determined|decide|judge|discern|ascertain|establish|established|evaluate|assess|assessed';
export const notSure = `cannot|not|can't|couldn't|nobody|difficult|hard|tough|tricky|challenging|impossible|unable|hesitate|reluctant`;
