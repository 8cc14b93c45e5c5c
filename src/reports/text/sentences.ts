/** Splits the text of a report into sentences. */

import { boxedSentences, hasBox, tableReader } from './boxes.js';
import { deniedLines } from './denied_lines.js';
import { endsAtBreak, type Line, linesOf, widthOf } from './lines.js';
import { listItems } from './lists.js';
import { hasWords, type Sentence, tokenize } from './tokens.js';

/** A full stop after one of these does not end a sentence. */
const abbreviations = new Set(
  'dr drs prof mr mrs ms vs approx no st fig resp incl cf e.g i.e e.g. i.e. a.m p.m inc dept ext lat ant post inf sup neg pos'.split(
    ' ',
  ),
);
/** The most characters of a sentence. Longer ones, in files that are not reports, are cut, so that the work grows linearly with the text. */
const longestSentence = 5_000;

/** Whether the mark at `index` ends a sentence, and is not part of an abbreviation, a list number or a decimal. */
function endsSentence(text: string, index: number, end: number, sentenceStart: number): boolean {
  const mark = text[index]!;
  const next = text[index + 1] ?? ' ';
  // In "?pneumonia" and "opacity ? pneumonia" the mark puts the next words in doubt, and in "Pneumonia? No." an answer follows. Neither ends
  // a sentence.
  if (mark === '?') {
    const before = index === sentenceStart ? ' ' : text[index - 1]!;
    const rest = text.slice(index + 1, Math.min(end, index + 20));
    if (before === '(' && next === ')') return false;
    return !((/[\s(/]/.test(before) && /^ {0,2}[\p{L}]/u.test(rest)) || answered.test(rest));
  }
  if (mark !== '.') return true;
  // Dots before an answer: "Effusion ..... none".
  if (next === '.' || text.slice(Math.max(sentenceStart, index - 3), index) === '...') return false;
  if (/\d/.test(next)) return false;
  // In "clear.No effusion" the space is missing; in "e.g." and "p.m." it is not.
  if (!/\s/.test(next) && index + 1 < end) return /[A-Z]/.test(next) && /[a-z)]/.test(text[index - 1] ?? '');
  const before = text.slice(Math.max(sentenceStart, index - 12), index);
  const word = /[\p{L}.]+$/u.exec(before)?.[0].toLowerCase() ?? '';
  // An initial, as in "Dr. J. Smith".
  if (/\b(?:dr|drs|mr|mrs|ms|prof)\.? \p{L}$/iu.test(before)) return false;
  if (!abbreviations.has(word)) return true;
  // "No." before a number means "number". As an answer it ends the sentence.
  const following = text.slice(index + 1, Math.min(end, index + 8)).trimStart();
  if (word === 'neg' || word === 'pos') return !/^for\b/i.test(following);
  return word === 'no' ? !/^\d/.test(following) : false;
}

const answered =
  /^ {0,2}(?:(?:no|none|yes|absent|nil|negative|not (?:seen|present|identified|visible|evident|noted))(?:[.,;\r\n]|$)|[([](?:no|none|yes|n|y)[)\]])/i;

/** The sentences of `text[start, end)`, from list items, lines of a template, boxes, rows of a table, and prose. */
export function sentences(text: string, start = 0, end = text.length): Sentence[] {
  const result: Sentence[] = [];
  const lines = linesOf(text, start, end);
  const width = widthOf(lines);
  const table = tableReader(text);
  let prose = false;
  let label: Line | undefined;
  for (let at = 0; at < lines.length; at++) {
    const first = lines[at]!;
    if (first.blank) {
      table.end();
      continue;
    }
    if (at === 0 || lines[at - 1]!.blank) prose = isProse(text, lines, at);
    const row = table.row(first);
    if (row) {
      for (const sentence of row) result.push(sentence);
      continue;
    }
    if (hasBox(text, first)) {
      for (const sentence of boxedSentences(text, first, label)) result.push(sentence);
      continue;
    }
    const denied = deniedLines(text, lines, at);
    if (denied) {
      prosePart(text, first.content, denied.from, result);
      for (const sentence of denied.sentences) result.push(sentence);
      at = denied.last;
      continue;
    }
    let last = first;
    while (
      at + 1 < lines.length &&
      !hasBox(text, lines[at + 1]!) &&
      !table.begins(lines[at + 1]!) &&
      !endsAtBreak(text, last, lines[at + 1]!, width, prose)
    ) {
      last = lines[++at]!;
    }
    label = text[last.end - 1] === ':' ? last : undefined;
    for (const [from, to] of listItems(text, first, last.end)) prosePart(text, from, to, result);
  }
  return result;
}

/** Whether a paragraph has full stops after words. */
function isProse(text: string, lines: readonly Line[], from: number): boolean {
  let to = from;
  while (to + 1 < lines.length && !lines[to + 1]!.blank) to++;
  return /\p{L}{2}[.!](?:\s|$)/u.test(text.slice(lines[from]!.content, lines[to]!.end));
}

/** Parts of the chest, and findings, that templates have before a colon. */
const templateLabels = new Set(
  'airway airways aorta bones bone chest diaphragm diaphragms effusion effusions heart hila hilum impression line lines lung lungs mediastinum other pleura pleurae pneumothorax pneumothoraces size skeleton spaces space spine structures tissues tissue trachea tubes vasculature vessels cardiomediastinum consolidation consolidations edema atelectasis cardiomegaly nodules nodule mass masses pneumonia hernia devices'.split(
    ' ',
  ),
);

/** Where the label before a colon begins, if it begins a new field of a template as in "no consolidation Pleura: …". Otherwise −1. */
function labelStart(text: string, colon: number, from: number): number {
  const next = text[colon + 1] ?? ' ';
  if (/\d/.test(next)) return -1;
  const window = text.slice(Math.max(from, colon - 40), colon);
  const found = /(\p{Lu}[\p{L}]*(?:[ \t/&]{1,3}\p{Ll}+){0,3})[ \t]{0,3}$/u.exec(window);
  if (!found) return -1;
  const name = found[1]!.toLowerCase();
  const known = templateLabels.has(/\p{L}+$/u.exec(name)![0]!);
  const shouting = found[1]! === found[1]!.toUpperCase();
  if (!known && (shouting || !/^\p{Lu}\p{Ll}/u.test(found[1]!))) return -1;
  const at = colon - window.length + found.index;
  const before = text.slice(Math.max(from, at - 60), at).trimEnd();
  // The words before must be a finding of their own, not the first part of the label.
  if (!/\p{Ll}$|[\])]$/u.test(before) && !shouting) return -1;
  if (!/\p{L}{2}/u.test(before) || /(?:^|[ \t])(?:of|the|with|and|or|dr|by|in|on|at|to|a)$/i.test(before.slice(-8)))
    return -1;
  return at;
}

/** Adds the sentences of running text to `result`. */
function prosePart(text: string, start: number, end: number, result: Sentence[]): void {
  let from = start;
  const close = (to: number): void => {
    let tokens = tokenize(text, from, to);
    // "(?) small effusion" is read as "? small effusion". After its words, the mark keeps its brackets.
    if (tokens[0]?.word === '(' && tokens[1]?.word === '?' && tokens[2]?.word === ')')
      tokens = [tokens[1], ...tokens.slice(3)];
    if (hasWords(tokens)) result.push({ start: tokens[0]!.start, end: tokens.at(-1)!.end, tokens });
    from = to;
  };
  for (let index = start; index < end; index++) {
    const mark = text[index]!;
    if (mark === '.' || mark === '!' || mark === '?') {
      if (endsSentence(text, index, end, from)) close(index + 1);
    } else if (mark === ':') {
      const label = labelStart(text, index, from);
      if (label > from) close(label);
    } else if (index - from >= longestSentence && (/\s/.test(mark) || index - from >= 2 * longestSentence)) {
      close(index);
    }
  }
  close(end);
}
