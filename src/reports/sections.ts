/** Which part of a report counts: Findings and Impression; the whole report where it has neither. */

export type SectionKind = 'findings' | 'impression' | 'other';

export interface Section {
  kind: SectionKind;
  /** Offsets in the report's text, heading excluded. */
  start: number;
  end: number;
}

/** Headings as radiologists write them. Everything but findings and impression is known only to be left out. */
const headings: Record<SectionKind, readonly string[]> = {
  findings: ['findings', 'finding', 'report', 'observations', 'description', 'chest findings', 'radiographic findings'],
  impression: [
    'impression',
    'impressions',
    'conclusion',
    'conclusions',
    'summary',
    'opinion',
    'interpretation',
    'diagnosis',
    'findings/impression',
    'findings and impression',
    'impression and plan',
    'assessment',
  ],
  other: [
    'comparison',
    'comparisons',
    'comparison study',
    'indication',
    'indications',
    'clinical indication',
    'history',
    'clinical history',
    'patient history',
    'clinical information',
    'clinical data',
    'clinical statement',
    'reason for exam',
    'reason for examination',
    'reason for study',
    'reason for this examination',
    'technique',
    'procedure',
    'exam',
    'examination',
    'exam type',
    'study',
    'type of study',
    'views',
    'date',
    'exam date',
    'addendum by',
    'signed',
    'electronically signed by',
    'dictated by',
    'notification',
    'recommendation',
    'recommendations',
    'recommendation(s)',
    'final report',
    'wet read',
    'attending',
    'medical condition',
    'underlying medical condition',
  ],
};

const kinds = new Map<string, SectionKind>();
for (const kind of Object.keys(headings) as SectionKind[]) for (const name of headings[kind]) kinds.set(name, kind);

/**
 * A heading starts a line or a sentence and ends with a colon ("Findings:"), stands in capitals anywhere ("none FINDINGS:"),
 * or alone on its line. Names that are not in the list above ("LUNGS:", "Heart:") are subheadings: nothing changes.
 */
const headingPattern =
  /(^|[\r\n]|[.!?;:](?=[ \t])|[ \t](?=[A-Z][A-Z /()]{2,40}:))([ \t*#>]{0,40})([A-Za-z][A-Za-z /()]{2,40}?)[ \t*]{0,4}(?::|(?=[\r\n]))/g;

/** The named parts of a report, in order. Text before the first heading is 'other'. */
function sections(text: string): Section[] {
  const found: Section[] = [{ kind: 'other', start: 0, end: text.length }];
  headingPattern.lastIndex = 0;
  for (let match = headingPattern.exec(text); match; match = headingPattern.exec(text)) {
    const name = match[3]!.trim().toLowerCase().replace(/\s+/g, ' ');
    const kind = kinds.get(name);
    const alone = !match[0].endsWith(':');
    const aloneOnLine = /^[\r\n]?$/.test(match[1]!) && /^[A-Z]/.test(match[3]!);
    const heading = kind !== undefined && (!alone || aloneOnLine);
    // What follows may open with the delimiter, and what is no heading may have one inside.
    headingPattern.lastIndex = match.index + (heading ? Math.max(1, match[0].length - 1) : 1);
    if (!heading) continue;
    found.at(-1)!.end = match.index + match[1]!.length;
    found.push({ kind, start: match.index + match[0].length, end: text.length });
  }
  return found;
}

/** The parts that labels are read from. */
export function countedSections(text: string): Section[] {
  const all = sections(text);
  const counted = all.filter(({ kind, start, end }) => kind !== 'other' && text.slice(start, end).trim() !== '');
  return counted.length > 0 ? counted : [{ kind: 'other', start: 0, end: text.length }];
}
