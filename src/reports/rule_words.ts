/** Words that several lists of rules share. */

export const been = 'is|are|was|were|be|been|has|have|had|now|since|also';
export const gone =
  'resolved|cleared|disappeared|vanished|subsided|dissolved|abated|gone|absent|resorbed|reabsorbed|dissipated|regressed completely?';
export const partly =
  'partially|partly|nearly|mostly|almost|incompletely|largely|virtually|practically|essentially|somewhat|only|subtotally';
export const earlier = 'prior|previous|earlier|old|outside|last|comparison';
export const examination = 'film|radiograph|study|exam|examination|ct|image|scan|report';
