/**
 * The lines of a report, and which line breaks end a sentence. Some reports are wrapped at a fixed width, so that most breaks do not; others
 * have one finding in each line.
 */

import { signPlaces } from './signs.js';

export interface Line {
  /** Offsets in the text, without the line break and the space around the words. */
  start: number;
  end: number;
  /** Whether it has no words: it is empty, or only a row of dashes or underscores. */
  blank: boolean;
  /** Where the words begin, after a bullet or a list number if there is one. */
  content: number;
  /** The list number at its start; 0 if there is none. */
  number: number;
}

/** The marker of a list item at the start of a line: a bullet, "1.", "1)", "[1]", "#1", "1 -" or "a)". */
const marker =
  /^(?:[-*+>•·▪●◦‣–—]{1,3}[ \t]{0,8}(?=\S)|[([]?#?(\d{1,2})(?:[.):\]]|\/(?=[ \t]))(?!\d)[ \t]{0,8}|#(\d{1,2})[ \t]{1,8}|(\d{1,2})[ \t]-[ \t]{1,8}(?=\p{L})|\(?[a-hA-H][.)][ \t]{1,8})/u;
/** A label at the start of a line that says which part of the chest it is about: "Lungs: ", "Heart and mediastinum:", "PLEURA - ". */
const labelled = /^[\p{L}][\p{L} \t/&,()-]{1,40}(?::(?!\d)|[ \t]-[ \t])/u;
/** The smallest width at which a report may be wrapped, in characters. */
const shortestWidth = 50;

/** Words that cannot end a sentence. */
const unfinished = new Set(
  'and or nor but of the a an in on at to for with without no not by from is are was were be been has have than as that which who versus vs per over under between within into plus minus any'.split(
    ' ',
  ),
);
/** Words that need a noun after them. The next line can only continue with it if it begins in lower case. */
const asksForNoun = new Set(
  'focal acute large small tiny trace mild moderate severe minimal marked pleural new left right bilateral bibasilar lower upper middle basilar apical patchy stable unchanged evidence enlarged chronic pulmonary cardiac loculated'.split(
    ' ',
  ),
);
/** Lines that end with an answer: "Effusion    No", "Pneumothorax? No". "There is no" is not one, because a noun is missing. */
const shortAnswer =
  /^(?!.*\b(?:there|is|are|was|were|has|have|had|with|and|or|but|shows?|demonstrates?|reveals?|seen|clear|normal)\b)(?:[\p{L}/()-]{2,30}[ \t?]{1,60}){1,4}no$/iu;
/** The same with punctuation before the answer: "Effusion,No", "Effusion = no". */
const partedAnswer =
  /^(?!.*\b(?:is|are|was|were|has|have|had|clear|normal|with)\b)[\p{L} \t/()-]{2,40}(?:[,;=|]|[=-]>)[ \t]{0,8}no$/iu;
/** Lines that end with a sign as the answer: "Effusion +", "Pneumothorax -". */
const signed = /^[\p{L} /]{3,36}[ \t][-+–]$/u;
/** Words that do not begin a sentence. */
const carriesOn = new Set(
  'is are was were has have and or nor of which that than as but with without due seen noted identified present evident compatible consistent'.split(
    ' ',
  ),
);
/** Words that begin a finding, even if they are in lower case. */
const opens = new Set(
  'no left right bilateral small mild moderate large tiny trace new stable unchanged heart lungs lung there the'.split(
    ' ',
  ),
);

/** The lines of `text[start, end)`. */
export function linesOf(text: string, start: number, end: number): Line[] {
  const lines: Line[] = [];
  let from = start;
  // A loop instead of a search, because `indexOf` would look beyond `end` up to the end of the text, once for each section.
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
  // A row of dashes or the like: its first characters show it, if nothing else follows.
  if (/^[-_=*~.]{3,}$/.test(head) && /^[-_=*~. \t]*$/.test(text.slice(start, Math.min(end, start + 400)))) {
    return { ...line, blank: end - start < 400 };
  }
  // In "-ptx, +eff", "-ve for effusion" and "+/- effusion" the first character is a sign and not a bullet.
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

/** The length of the longest line, taken as the width at which the text was wrapped. */
export function widthOf(lines: readonly Line[]): number {
  return lines.reduce((width, { start, end }) => Math.max(width, end - start), shortestWidth);
}

const lastWord = (text: string): string => /[\p{L}]{1,20}$/u.exec(text)?.[0] ?? '';
const firstWord = (text: string): string => /^[\p{L}\p{N}]{1,20}/u.exec(text)?.[0] ?? '';

/**
 * Whether the break between two lines ends a sentence that has no full stop.
 * @param width the width of the text (`widthOf`). A line that had room for the first word of the next line was ended on purpose.
 * @param prose whether the paragraph has full stops. If so, a line that begins in lower case continues the sentence.
 */
export function endsAtBreak(text: string, line: Line, next: Line, width: number, prose: boolean): boolean {
  if (line.blank || next.blank || next.content > next.start) return true;
  const tail = text.slice(Math.max(line.start, line.end - 40), line.end);
  const head = text.slice(next.start, Math.min(next.end, next.start + 60));
  // A full stop ends a sentence at any place, so it is treated elsewhere.
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
  // In a text that is all in capitals only the width shows it. In others a capital begins a sentence, or an abbreviation such as CT.
  if (capital && shouting)
    return last === last.toUpperCase() && asksForNoun.has(last.toLowerCase()) ? word === 'no' : hadRoom;
  if (capital) return true;
  if (asksForNoun.has(last.toLowerCase())) return word === 'no' && hadRoom;
  return hadRoom && (!prose || opens.has(word));
}
