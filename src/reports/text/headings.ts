/** The headings of radiology reports, as data, and what kind of text follows each. */

/** The text under a heading of kind `other` is left out; `body` is text without a heading. */
export type HeadingKind = 'findings' | 'impression' | 'other' | 'body';
/** A preliminary read is replaced by the final text; an addendum corrects it. */
export type ReportPart = 'preliminary' | 'final' | 'addendum';

export interface Heading {
  kind: HeadingKind;
  /** Whether the text under it is a question, or the answer to the question before it. */
  role?: 'question' | 'answer';
  /** The part of the report that begins here; undefined if no new part begins. */
  part?: ReportPart;
}

const findings = [
  'findings',
  'finding',
  'report',
  'observations',
  'description',
  'chest findings',
  'radiographic findings',
  'radiological findings',
  'imaging findings',
  'interpretation of findings',
];
const impression = [
  'impression',
  'impressions',
  'conclusion',
  'conclusions',
  'summary',
  'opinion',
  'interpretation',
  'diagnosis',
  'radiological diagnosis',
  'findings/impression',
  'findings and impression',
  'impression and plan',
  'impression/plan',
  'impression and recommendation',
  'impression and recommendations',
  'impression/recommendation',
  'impression/recommendations',
  'assessment',
];
const other = [
  'comparison',
  'comparisons',
  'comparison study',
  'comparison studies',
  'indication',
  'indications',
  'clinical indication',
  'history',
  'clinical history',
  'patient history',
  'clinical information',
  'clinical data',
  'clinical details',
  'clinical statement',
  'reason for exam',
  'reason for examination',
  'reason for study',
  'reason for this examination',
  'technique',
  'procedure',
  'examination',
  'accession',
  'accession number',
  'admitting diagnosis',
  'age',
  'cc',
  'compared to',
  'compared with',
  'contrast',
  'correlation',
  'date',
  'date of exam',
  'date of study',
  'dictated by',
  'dose',
  'electronically signed by',
  'exam',
  'exam date',
  'exam type',
  'exams',
  'hpi',
  'hx',
  'icd code',
  'medical condition',
  'mrn',
  'name',
  'notification',
  'order',
  'ordering diagnosis',
  'ordering physician',
  'patient',
  'patient name',
  'pmh',
  'preop diagnosis',
  'preoperative diagnosis',
  'postoperative diagnosis',
  'presenting complaint',
  'prior study',
  'prior studies',
  'prior exam',
  'prior exams',
  'previous exam',
  'previous exams',
  'previous study',
  'previous studies',
  'protocol',
  'provisional diagnosis',
  'recommendation',
  'recommendation(s)',
  'recommendations',
  'reason',
  'referral',
  'referral diagnosis',
  'referring diagnosis',
  'referring physician',
  'request',
  'sex',
  'signed',
  'signed by',
  'study',
  'study date',
  'transcribed by',
  'type of exam',
  'type of study',
  'underlying medical condition',
  'view',
  'views',
  'number of views',
  'working diagnosis',
];
/** A heading that contains one of these words is about the request or the examination: "REASON FOR STUDY/HISTORY". */
const otherWords =
  /\b(?:comparisons?|indications?|histor(?:y|ies)|techniques?|procedures?|examinations?|clinical|symptoms?|complaints?|hx|reason for)\b/;

/** Headings of questions and answers: "QUESTION: pneumonia? ANSWER: No". */
const questions = ['question', 'questions', 'clinical question', 'clinical questions', 'q'];
const answers = ['answer', 'answers', 'a', 'response'];
/** Headings of notes for teaching, billing or filing. Diseases that are named there are not findings. */
const asides = [
  'teaching point',
  'teaching points',
  'teaching file',
  'teaching',
  'learning point',
  'learning points',
  'educational note',
  'take home point',
  'take home points',
  'pearl',
  'pearls',
  'key point',
  'key points',
  'takeaway',
  'take away',
  'reference',
  'references',
  'disclaimer',
  'billing',
  'billing code',
  'billing codes',
  'code',
  'codes',
  'coding',
  'cpt',
  'cpt code',
  'cpt codes',
  'diagnosis code',
  'diagnosis codes',
  'diagnostic code',
  'diagnostic codes',
  'dx code',
  'dx codes',
  'procedure code',
  'icd',
  'icd codes',
  'icd 9',
  'icd 10',
  'icd9',
  'icd10',
  'icd 10 cm',
  'icd 9 code',
  'icd 9 codes',
  'icd 10 code',
  'icd 10 codes',
  'radiologist',
  'reading physician',
  'interpreting physician',
  'interpreted by',
  'read by',
  'reported by',
  'approved by',
  'reviewed by',
  'verified by',
  'finalized by',
];
const roles = new Map<string, Heading['role']>();
for (const name of questions) roles.set(name, 'question');
for (const name of answers) roles.set(name, 'answer');
const kinds = new Map<string, HeadingKind>();
for (const name of findings) kinds.set(name, 'findings');
for (const name of impression) kinds.set(name, 'impression');
for (const name of [...other, ...asides, ...questions]) kinds.set(name, 'other');

/** Headings that begin a part of the report, alone or together with another heading ("PRELIMINARY IMPRESSION"). */
const parts: readonly [RegExp, ReportPart][] = [
  [/^(?:addend(?:um|a)|corrected|correction|amended|amendment|revised)\b/, 'addendum'],
  [
    /^(?:wet|prelim(?:inary)?|resident'?s?|overnight|night ?hawk|initial|provisional|ed|er) (?:read(?:ing)?|report|interpretation|impression|findings?|result)\b/,
    'preliminary',
  ],
  [/^(?:wet ?read|prelim(?:inary)?)$/, 'preliminary'],
  [
    /^(?:final|original|attending'?s?|staff|over ?read)(?: (?:attending|radiologist))?(?: (?:read(?:ing)?|report|interpretation|impression|findings?|result|review|note|addendum|diagnosis))?$/,
    'final',
  ],
];
/** Words that no heading begins with, or contains: "In comparison with the film of May:" is a sentence. */
const sentenceWords =
  /^(?:in|as|on|when|upon|by|for|with|no|not|the|there|this|see)\b|\b(?:is|are|was|were|has|have|shows?|showed|demonstrates?|demonstrated|reveals?|revealed|made)\b/;

/**
 * What kind of heading some words are; undefined if they are not a heading. Only the first 60 characters are read.
 * @param exact whether only names in the lists count. This is for words without a colon after them.
 */
export function headingOf(name: string, exact = false): Heading | undefined {
  const plain = name
    .slice(0, 60)
    .toLowerCase()
    .replace(/[\s_*-]+/g, ' ')
    .replace(/ ?\/ ?/g, '/')
    .replace(/[ .:]+$/, '')
    .trim();
  // "Final" alone in a line may mean anything, but "Final:" begins the final text.
  if (plain === '' || (exact && (plain === 'final' || plain === 'original'))) return undefined;
  const kind = kinds.get(plain);
  const role = roles.get(plain);
  if (role === 'answer') return exact ? undefined : { kind: 'impression', role };
  if (kind) return role ? { kind, role } : { kind };
  if (sentenceWords.test(plain)) return undefined;
  for (const [opening, part] of parts) {
    const found = opening.exec(plain)?.[0];
    if (found === undefined) continue;
    if (exact && !/^(?: (?:begins?|starts?|version)| #?\d{1,2}){0,2}$/.test(plain.slice(found.length)))
      return undefined;
    const inner = /\bimpression\b/.test(plain) ? 'impression' : /\bfindings?\b/.test(plain) ? 'findings' : 'body';
    return { kind: inner, part: /\baddendum\b/.test(plain) ? 'addendum' : part };
  }
  if (exact || plain.split(/[ /]/).length > 7) return undefined;
  if (/\bfindings?\b|\bimpressions?\b/.test(plain) && !/\bclinical\b/.test(plain)) return undefined;
  return otherWords.test(plain) ? { kind: 'other' } : undefined;
}

/** Headings that may also be followed by their text without a colon, at the start of a line: "ADDENDUM Upon review …". */
export const opensPart =
  /^(?:ADDENDUM|Addendum|WET READ|Wet read|Wet Read|PRELIMINARY (?:REPORT|READ)|Preliminary (?:report|read)|FINAL REPORT|Final report|FINAL READ|Final read|ATTENDING (?:READ|NOTE|ADDENDUM|REVIEW|IMPRESSION)|Attending (?:read|note|review|impression))\b/;
