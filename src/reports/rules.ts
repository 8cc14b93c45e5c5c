/**
 * How a mention is to be taken, as data: phrases (in `patterns.ts`'s language) that negate, doubt or date what stands
 * before or behind them, and how far they reach. The idea of triggers with scopes is NegEx's (Chapman et al., 2001) and
 * ConText's (Harkema et al., 2009); the lists and the boundaries are raybox's own.
 */

/**
 * What a rule does to the mentions in its reach. `real` cancels nothing: it only occupies words that look like a
 * negation, and negates what stands between them ("no degenerative change").
 */
export type RuleKind = 'negated' | 'uncertain' | 'historical' | 'hypothetical' | 'real';

export interface Rule {
  /** What an explanation calls it. */
  id: string;
  kind: RuleKind;
  /** Which way it reaches from its own words: to the mentions behind it, before it, or both. */
  reach: 'behind' | 'before' | 'both' | 'none';
  /** How many words it reaches at most; to the end of its clause by default. */
  within?: number;
  /**
   * How often human indexers coded a mention under this cue as present (see README.md). Only for uncertain rules:
   * from 0.5 on, the `cue` policy takes it as present.
   */
  likelihood?: number;
  /** It says nothing in a sentence with a word of `persistence`. */
  unlessPersisting?: true;
  /** It takes diseases only: prior pneumonia is over, prior granulomatous disease is still to be seen. */
  diseasesOnly?: true;
  phrases: readonly string[];
}

export const rules: readonly Rule[] = [
  // Negation, cue first: "no", "without", "free of".
  {
    id: 'no',
    kind: 'negated',
    reach: 'behind',
    phrases: [
      'no|without|nor|neither|never|nothing|denies',
      'no|without ..3 change of',
      'not|don|cannot see|show|demonstrate|identify|reveal|have|appreciate|suggest',
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
      'negative for',
      'free|clear|cleared of|from',
      'rather than',
      'instead of',
      'excludes',
      'interval|complete? resolution|clearing of',
      'fail|fails|failed to show|demonstrate|reveal',
      'removal of',
      'unlikely to be|represent|reflect',
    ],
  },
  { id: 'resolved', kind: 'negated', reach: 'behind', within: 3, phrases: ['resolved|absent'] },
  { id: 'less likely', kind: 'negated', reach: 'behind', within: 4, phrases: ['less likely', 'unlikely|doubtful'] },
  // Negation, cue last: "... is not seen", "... has resolved".
  {
    id: 'not seen',
    kind: 'negated',
    reach: 'before',
    phrases: [
      'not ..2 seen|identified|visualized|visible|appreciated|demonstrated|evident|present|apparent|detected|observed|noted|found|suspected',
      'cannot ..2 seen|identified|visualized|appreciated|demonstrated|detected',
      'not ..1 enlarged',
      ': none|no|negative|absent .|,|;',
      'is|are none',
      'no longer ..2 seen|identified|visualized|visible|appreciated|demonstrated|evident|present|apparent|noted',
    ],
  },
  {
    id: 'resolved',
    kind: 'negated',
    reach: 'before',
    phrases: [
      'has|have|is|are|now|since|interval|completely ..1 resolved|cleared|disappeared|removed',
      'resolved|absent .|,|;|and|but|since|from|on|in|now|compared',
      'has|have ..1 been? ruled out',
      'is|are|was|were ruled out',
      'is|are|was|were|has|have ..1 excluded|absent',
      'is|are|was|were ..1 removed',
      'interval|complete resolution|clearing',
    ],
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
  // Words that look like negation and are none.
  {
    id: 'no change',
    kind: 'real',
    reach: 'none',
    phrases: [
      'no|without ..4 change|changed',
      'no|without ..2 interval|significant change of|in',
      'not ..3 changed|changing',
      'no|without ..2 increase|decrease|progression|worsening|improvement|resolution',
      'no|not ..1 increased|decreased|worsened|improved|resolved|cleared',
      'not only',
      'no doubt',
      'not ..2 seen|present|identified|noted|visualized|evident|apparent|demonstrated before|previously',
      'not ..2 seen|present|identified|noted|visualized|evident|apparent|demonstrated on|in the? prior|previous|earlier',
      'not well|fully|completely|optimally|adequately seen|visualized|demonstrated|evaluated|identified|appreciated|assessed',
      'no comparison|prior|previous',
      'not ..2 resolved|cleared',
      'partially|nearly|mostly|almost|incompletely|largely completely? resolved|cleared',
      'partial|incomplete|near|some|further complete? resolution|clearing of?',
      'no|without absence',
      'not absent',
      'without resolution|clearing',
      'non specific|calcified|displaced|healed|healing|obstructive|tunneled|united|loculated|occlusive|acute',
      'not calcified',
    ],
  },
  // Doubt. Likelihoods by cue.
  { id: 'may', kind: 'uncertain', reach: 'behind', likelihood: 0.03, phrases: ['may|might|maybe'] },
  { id: 'could', kind: 'uncertain', reach: 'behind', likelihood: 0.02, phrases: ['could|can|would'] },
  {
    id: 'possible',
    kind: 'uncertain',
    reach: 'behind',
    likelihood: 0.07,
    phrases: ['possible|possibly|possibility|potential|potentially|perhaps|conceivably'],
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
    phrases: ['is|are ..1 likely|probable|favored .|,|;|and|but'],
  },
  { id: 'borderline', kind: 'uncertain', reach: 'both', likelihood: 0.8, within: 6, phrases: ['borderline'] },
  {
    id: 'questionable',
    kind: 'uncertain',
    reach: 'behind',
    likelihood: 0.1,
    phrases: ['question|questionable|questioned|equivocal|suspected|suspect|indeterminate|doubt', '?'],
  },
  { id: 'versus', kind: 'uncertain', reach: 'both', within: 5, likelihood: 0.91, phrases: ['versus|vs'] },
  {
    id: 'cannot exclude',
    kind: 'uncertain',
    reach: 'behind',
    likelihood: 0.13,
    phrases: ['cannot|not ..2 exclude|excluded', 'cannot|not ..3 rule|ruled out', 'difficult|hard to exclude'],
  },
  {
    id: 'not excluded',
    kind: 'uncertain',
    reach: 'before',
    likelihood: 0.23,
    phrases: [
      'cannot|not|difficult ..4 excluded|exclude',
      'cannot|not ..3 ruled out',
      'is|are|be|remains ..1 questioned|suspected|considered',
      'is|are|remains ..1 possible|questionable|equivocal .|,|;|and|but',
      'is|are ..1 possibility|consideration',
      'should|could|may|might|would ..1 be considered|suspected',
      'unlikely|doubtful .|,|;|and|but',
      'less likely .|,|;|and|but',
      'difficult|hard to exclude',
      'may|might|could be present|there',
      'in the differential',
      'less likely than',
      'could|may|might|can have|give|produce|cause this|similar|such|the? appearance',
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
  // Other times.
  { id: 'history of', kind: 'historical', reach: 'behind', within: 6, phrases: ['history of', 'h / o'] },
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
    id: 'prior',
    kind: 'historical',
    reach: 'behind',
    within: 1,
    unlessPersisting: true,
    diseasesOnly: true,
    phrases: ['prior|previous|former|remote'],
  },
  // Other worlds.
  {
    id: 'to look for',
    kind: 'hypothetical',
    reach: 'behind',
    phrases: [
      'to|for|further evaluate|assess|evaluation|assessment|exclude|excluding|rule|ensure|document|confirm',
      'evaluate|assess|evaluation|assessment for|of',
      'if|should|unless|whether',
      'if|whether this|these|there is|are|represents|represent?',
      'correlate|correlation|concern ..2 regarding|for',
      'risk of|for',
      'rule out',
      'to exclude|confirm|document|ensure',
      'not|more|less|limited? sensitivity|sensitive for|to|in',
      'screening|screen for',
      'obscure|obscures|mask|masks|simulate|simulates|mimic|mimics',
    ],
  },
];

/** Words that say a thing seen before is still there: they overrule rules that ask for it. */
export const persistence = new Set(
  'unchanged stable persistent persists persist again redemonstrated redemonstration remains remain remaining continued continues similar decreased decreasing increased increasing improved improving resolving worsened worsening smaller larger residual still known enlarged progressed progression evolving slightly'.split(
    ' ',
  ),
);

/** A clause ends before these: what is said on one side does not reach the other. */
export const clauseBreaks: readonly string[] = [
  ';',
  'but|however|although|though|except|otherwise|which|while|whereas|yet|albeit|nevertheless',
  'with the? exception',
  'aside|apart from',
  'other than',
  'because|since|despite',
  'there|this|these is|are|has|have|may|could|was|were',
];

/** A negation's list ends behind a comma or "and" where one of these follows and no "or" does: "no effusion, mild edema". */
export const assertiveWords = new Set(
  'mild mildly minimal minimally small tiny moderate moderately marked severe slight slightly stable unchanged persistent chronic old calcified degenerative improved increased decreased low borderline prominent tortuous scattered status known normal clear unremarkable enlarged probable possible possibly likely bilateral right left'.split(
    ' ',
  ),
);

/** Of these, the ones that do so only behind a comma: "no left and right effusion" is one negation. */
export const sideWords = new Set('left right bilateral small low normal clear'.split(' '));

/** Finite verbs that close a list ("no A or B is seen"); after any other verb a new clause has begun. */
export const verbs = new Set(
  'is are was were has have appears appear remains remain demonstrates demonstrate shows show'.split(' '),
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
