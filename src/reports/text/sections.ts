/**
 * Finds the sections of a report that count. Findings and Impression do; so does text without a heading, unless there are Findings. Text under
 * Indication, Comparison, History, Technique and similar headings never does. A final text replaces a preliminary one. Addenda get ranks of
 * their own, since they correct the report.
 */

import { type Heading, type HeadingKind, headingOf, opensPart, type ReportPart } from './headings.js';
import { endsAtBreak, linesOf, widthOf } from './lines.js';
import type { Place } from './questions.js';
import { sentences } from './sentences.js';

export type SectionKind = 'findings' | 'impression' | 'body';

export interface Section {
  kind: SectionKind;
  part: ReportPart;
  /**
   * 0 for the report, and 1, 2, … for addenda. What a section of higher rank says about a finding replaces what others say about it.
   */
  rank: number;
  /** Offsets in the report's text, without the heading. */
  start: number;
  end: number;
  /** The place of the question that it answers. */
  asked?: Place;
}

interface Block {
  kind: HeadingKind;
  part: ReportPart;
  rank: number;
  start: number;
  end: number;
  asked?: Place;
}

interface FoundHeading {
  /** Where the heading begins. */
  at: number;
  /** Where the text under it begins. */
  end: number;
  kind: HeadingKind;
  part?: ReportPart;
  role?: Heading['role'];
}

/** The most characters of a heading. Only this many before a colon are read, so that the work grows linearly with the text. */
const longestHeading = 60;
const decoration = /^[ \t*#>_=-]{0,40}(?:\d{1,2}[.)][ \t]{1,4})?/;
/** Headings that may be in the middle of a line, although they are not in capitals. */
const strong = /^(?:Findings?|Impression|Comparison|Indication|History|Technique|Conclusion|Examination)$/;

/** The headings of a text in order. */
function headingsIn(text: string): FoundHeading[] {
  const found: FoundHeading[] = [];
  // The next colon is searched for only once and kept. Otherwise a text of many lines without a colon would be searched to its end from each.
  let nextColon = text.indexOf(':');
  const colonFrom = (from: number): number => {
    if (nextColon >= 0 && nextColon < from) nextColon = text.indexOf(':', from);
    return nextColon;
  };
  for (const { start, end, blank } of linesOf(text, 0, text.length)) {
    if (blank) continue;
    const lineStart = start + decoration.exec(text.slice(start, Math.min(end, start + 48)))![0].length;
    const add = (at: number, to: number, exact = false): boolean => {
      const heading = headingOf(text.slice(at, to), exact);
      if (heading) found.push({ at, end: exact ? to : to + 1, ...heading });
      return heading !== undefined;
    };
    const length = end - lineStart;
    if (length <= longestHeading && /[A-Z]/.test(text[lineStart] ?? '') && add(lineStart, end, true)) continue;
    const opening = opensPart.exec(text.slice(lineStart, Math.min(end, lineStart + 24)))?.[0].length;
    let free = lineStart;
    if (opening) {
      const head = /^[^.!?]*?:(?!\d)/.exec(text.slice(lineStart, Math.min(end, lineStart + longestHeading)))?.[0]
        .length;
      if (head) add(lineStart, lineStart + head - 1);
      else add(lineStart, lineStart + opening, true);
      free = lineStart + (head ?? opening);
    }
    for (let colon = colonFrom(free); colon >= 0 && colon < end; colon = colonFrom(colon + 1)) {
      const from = Math.max(free, colon - longestHeading);
      free = colon + 1;
      // A colon before a digit belongs to a time of day.
      if (/\d/.test(text[colon + 1] ?? '')) continue;
      const window = text.slice(from, colon);
      for (const { index } of window.matchAll(/(?<![\p{L}'])\p{L}/gu)) {
        if (mayBegin(text, from + index, lineStart, window.slice(index)) && add(from + index, colon)) break;
      }
    }
  }
  return found;
}

/** A heading is at the start of a line or of a sentence, or it is in capitals. */
function mayBegin(text: string, at: number, lineStart: number, name: string): boolean {
  if (at === lineStart) return true;
  if (!/^[A-Z]/.test(name)) return false;
  const trimmed = name.trim();
  if (trimmed === trimmed.toUpperCase() && trimmed.length > 2) return true;
  return strong.test(trimmed) || /[.!?;:][ \t]{0,4}$/.test(text.slice(Math.max(lineStart, at - 5), at));
}

function blocksOf(text: string): Block[] {
  let part: ReportPart = 'final';
  let rank = 0;
  /** Whether the current preliminary text or addendum has words before any other heading. */
  let spoken = false;
  const blocks: Block[] = [{ kind: 'body', part, rank, start: 0, end: text.length }];
  let questioned = false;
  for (const heading of headingsIn(text)) {
    const last = blocks.at(-1)!;
    // "A:" and "Response:" are only headings after a question.
    if (heading.role === 'answer' && !questioned) continue;
    last.end = heading.at;
    if (blocks.length > 1 && last.kind === 'body') spoken ||= /\p{L}{2}/u.test(text.slice(last.start, last.end));
    if (heading.part) {
      if (heading.part === 'addendum') rank++;
      part = heading.part;
      spoken = false;
    } else if (spoken && part !== 'final' && heading.kind !== 'body') {
      // In "WET READ: pneumothorax. FINDINGS: …" the wet read has text of its own, so it ends where the next section begins.
      part = 'final';
    }
    blocks.push({
      kind: heading.kind,
      part,
      rank: part === 'addendum' ? rank : 0,
      start: heading.end,
      end: text.length,
      ...(heading.role === 'answer' ? { asked: { start: last.start, end: last.end } } : {}),
    });
    questioned = heading.role === 'question';
  }
  return blocks;
}

/** The paragraphs of a block, separated by blank lines or by rows of dashes. */
function paragraphsOf(text: string, start: number, end: number): ReturnType<typeof linesOf>[] {
  const paragraphs: ReturnType<typeof linesOf>[] = [];
  let open = false;
  for (const line of linesOf(text, start, end)) {
    if (line.blank) open = false;
    else if (open) paragraphs.at(-1)!.push(line);
    else {
      paragraphs.push([line]);
      open = true;
    }
  }
  return paragraphs;
}

/**
 * Where the text of a section that does not count ends, and the body begins: at the end of its paragraph, or at the end of a line where a
 * sentence ends.
 */
function endOfOther(text: string, { start, end }: Block): number {
  const paragraphs = paragraphsOf(text, start, end);
  const [first] = paragraphs;
  if (!first) return end;
  const headingLine = /^[ \t]*\S/.test(text.slice(start, Math.min(end, start + 200)));
  // If the heading is alone in its line, the paragraph below it is its text. If there is only one paragraph and a blank line before it, it is
  // the report instead.
  if (!headingLine) {
    const close = /^[ \t]*(?:\r\n|\n|\r)[ \t]*\S/.test(text.slice(start, Math.min(end, start + 400)));
    if (!close && paragraphs.length === 1) return start;
    return first.at(-1)!.end;
  }
  const width = widthOf(first);
  for (let at = 0; at + 1 < first.length; at++) {
    const line = first[at]!;
    const stops = /[.!?]["')]?$/.test(text.slice(Math.max(line.start, line.end - 3), line.end));
    if (stops || endsAtBreak(text, line, first[at + 1]!, width, true)) return line.end;
  }
  return first.at(-1)!.end;
}

const isCounted = (block: Block): block is Section => block.kind !== 'other';

/** The sections from which labels are read, in order. */
export function countedSections(text: string): Section[] {
  const blocks = blocksOf(text);
  const filled = ({ start, end }: Block): boolean => /\p{L}/u.test(text.slice(start, end));
  const parts = blocks.flatMap((block): Block[] => {
    if (block.kind !== 'other') return [block];
    const end = endOfOther(text, block);
    return [
      { ...block, end },
      { ...block, kind: 'body', start: end },
    ];
  });
  const last = blocks.at(-1)!;
  const counted = parts.filter(filled).filter(isCounted);
  if (last.kind === 'other' && !counted.some(({ start }) => start > blocks[1]!.start)) {
    // Nothing is left after the headings, because all is on one line. Then only the first sentence belongs to the last heading.
    const [first] = sentences(text, last.start, Math.min(last.end, last.start + 2_000));
    const rest: Section = { ...last, kind: 'body', start: first?.end ?? last.end };
    if (filled(rest)) counted.push(rest);
  }
  return select(counted);
}

function select(filled: Section[]): Section[] {
  const of = (part: ReportPart): Section[] => {
    const own = filled.filter((section) => section.part === part);
    // If there is a section of findings, text without a heading does not count.
    return own.some(({ kind }) => kind === 'findings') ? own.filter(({ kind }) => kind !== 'body') : own;
  };
  const final = of('final');
  const addenda = of('addendum');
  return [...(final.length > 0 ? final : of('preliminary')), ...addenda];
}
