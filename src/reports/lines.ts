/** The lines of a report, and which line breaks end a sentence: reports are wrapped at a fixed width, or hold a finding a line. */

import { signPlaces } from './signs.js';

export interface Line {
  /** Offsets in the text, without the line break and the space around the words. */
  start: number;
  end: number;
  /** Without a word in it: empty, or a rule of dashes or underscores. */
  blank: boolean;
  /** Where the words begin behind a bullet or a list number; `start` where there is neither. */
  content: number;
  /** Of a list number; 0 where there is none. */
  number: number;
}

/** A bullet, "1.", "1)", "[1]", "#1", "1 -" or "a)" at the start of a line. What it marks follows. */
const marker =
  /^(?:[-*+>•·▪●◦‣–—]{1,3}[ \t]{0,8}(?=\S)|[([]?#?(\d{1,2})(?:[.):\]]|\/(?=[ \t]))(?!\d)[ \t]{0,8}|#(\d{1,2})[ \t]{1,8}|(\d{1,2})[ \t]-[ \t]{1,8}(?=\p{L})|\(?[a-hA-H][.)][ \t]{1,8})/u;
/** "Lungs: ", "Heart and mediastinum:", "PLEURA - ": the part of the chest that a line is about. */
const labelled = /^[\p{L}][\p{L} \t/&,()-]{1,40}(?::(?!\d)|[ \t]-[ \t])/u;
/** More than any wrapped line has; a paragraph on one line is no measure for where others were wrapped. */
const shortestWidth = 50;

/** Words behind which a sentence cannot end. */
const unfinished = new Set(
  'and or nor but of the a an in on at to for with without no not by from is are was were be been has have than as that which who versus vs per over under between within into plus minus any'.split(
    ' ',
  ),
);
/** Words that ask for a noun, which lower case may bring on the next line and a capital does not. */
const asksForNoun = new Set(
  'focal acute large small tiny trace mild moderate severe minimal marked pleural new left right bilateral bibasilar lower upper middle basilar apical patchy stable unchanged evidence enlarged chronic pulmonary cardiac loculated'.split(
    ' ',
  ),
);
/** "Effusion    No", "Pneumothorax? No": here the last word answers and asks for nothing more. "There is no" does. */
const shortAnswer =
  /^(?!.*\b(?:there|is|are|was|were|has|have|had|with|and|or|but|shows?|demonstrates?|reveals?|seen|clear|normal)\b)(?:[\p{L}/()-]{2,30}[ \t?]{1,60}){1,4}no$/iu;
/** The same with a sign before the answer: "Effusion,No", "Effusion = no". */
const partedAnswer =
  /^(?!.*\b(?:is|are|was|were|has|have|had|clear|normal|with)\b)[\p{L} \t/()-]{2,40}(?:[,;=|]|[=-]>)[ \t]{0,8}no$/iu;
/** "Effusion +", "Pneumothorax -". */
const signed = /^[\p{L} /]{3,36}[ \t][-+–]$/u;
/** Words that begin no sentence. */
const carriesOn = new Set(
  'is are was were has have and or nor of which that than as but with without due seen noted identified present evident compatible consistent'.split(
    ' ',
  ),
);
/** Words that begin a finding, also in lower case. */
const opens = new Set(
  'no left right bilateral small mild moderate large tiny trace new stable unchanged heart lungs lung there the'.split(
    ' ',
  ),
);

/** The lines of `text[start, end)`. */
export function linesOf(text: string, start: number, end: number): Line[] {
  const lines: Line[] = [];
  let from = start;
  // By hand: a search would look for a break beyond `end`, to the end of the text, once for each section.
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code !== 10 && code !== 13) continue;
    lines.push(lineOf(text, from, at));
    if (code === 13 && at + 1 < end && text.charCodeAt(at + 1) === 10) at++;
    from = at + 1;
  }
  lines.push(lineOf(text, from, end));
  return lines;
}

const isSpace = (code: number): boolean => code <= 32 || code === 160;

function lineOf(text: string, from: number, to: number): Line {
  let start = from;
  let end = to;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  const line = { start, end, blank: end === start, content: start, number: 0 };
  if (line.blank) return line;
  const head = text.slice(start, Math.min(end, start + 24));
  // A rule across the page: its first characters tell, and that nothing else follows.
  if (/^[-_=*~.]{3,}$/.test(head) && /^[-_=*~. \t]*$/.test(text.slice(start, Math.min(end, start + 400)))) {
    return { ...line, blank: end - start < 400 };
  }
  // "-ptx, +eff", "-ve for effusion", "+/- effusion": a sign, and no bullet.
  const signed =
    /^[-+–]/.test(head) &&
    (signPlaces(text.slice(start, Math.min(end, start + 200))).size > 0 || /^(?:[-+]ve\b|\+\/-)/.test(head));
  const match = signed ? null : marker.exec(head);
  if (match && start + match[0].length < end) {
    line.content = start + match[0].length;
    line.number = Number(match[1] ?? match[2] ?? match[3] ?? 0);
  }
  return line;
}

/** The longest line, which is where a wrapped text was wrapped. */
export function widthOf(lines: readonly Line[]): number {
  return lines.reduce((width, { start, end }) => Math.max(width, end - start), shortestWidth);
}

const lastWord = (text: string): string => /[\p{L}]{1,20}$/u.exec(text)?.[0] ?? '';
const firstWord = (text: string): string => /^[\p{L}\p{N}]{1,20}/u.exec(text)?.[0] ?? '';

/**
 * Whether the break between two lines ends a sentence that has no full stop.
 * @param width of the text (`widthOf`): a line that had room for the next one's first word was ended on purpose.
 * @param prose whether the paragraph has full stops. Then a lower-case letter carries a sentence on.
 */
export function endsAtBreak(text: string, line: Line, next: Line, width: number, prose: boolean): boolean {
  if (line.blank || next.blank || next.content > next.start) return true;
  const tail = text.slice(Math.max(line.start, line.end - 40), line.end);
  const head = text.slice(next.start, Math.min(next.end, next.start + 60));
  // A full stop ends a sentence wherever it stands, and a label belongs to what follows.
  if (/[.!?]["')]?$/.test(tail)) return false;
  if (labelled.test(head)) return true;
  if (signed.test(tail) && signed.test(text.slice(next.start, Math.min(next.end, next.start + 60)))) return true;
  if (/[:,/(&-]$/.test(tail)) return false;
  const last = lastWord(tail);
  const first = firstWord(head);
  const word = first.toLowerCase();
  if (unfinished.has(last.toLowerCase())) {
    const own = text.slice(line.content, line.end);
    return shortAnswer.test(own) || partedAnswer.test(own);
  }
  if (carriesOn.has(word)) return false;
  const hadRoom = line.end - line.start + 1 + first.length <= width;
  const capital = /^\p{Lu}/u.test(head);
  const shouting = first.length > 1 && first === first.toUpperCase();
  // In a text in capitals only the width tells; in others they mark a sentence, or an abbreviation such as CT.
  if (capital && shouting)
    return last === last.toUpperCase() && asksForNoun.has(last.toLowerCase()) ? word === 'no' : hadRoom;
  if (capital) return true;
  if (asksForNoun.has(last.toLowerCase())) return word === 'no' && hadRoom;
  return hadRoom && (!prose || opens.has(word));
}
