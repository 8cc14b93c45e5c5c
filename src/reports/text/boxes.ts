/** Reads forms: ticked and empty boxes, and tables with a column for yes and one for no. */

import type { Line } from './lines.js';
import type { Token } from './token.js';
import { hasWords, type Sentence, tokenize } from './tokens.js';

const box =
  /\[[ \t_]{0,4}([xX✓✔vV*]?)[ \t_]{0,4}\]|\([ \t]{0,4}([xX✓✔])[ \t]{0,4}\)|\([ \t]{1,4}\)|[☐□◻⬜☑☒✓✔✅✗✘❌]/gu;
/** The longest line of a form. A longer line has boxes by chance and is read as prose. */
const longestForm = 2_000;
/** The most words of a question. If there are more before a box, only the last ones count. */
const longestQuestion = 16;
const ticks = new Set('☑☒✓✔✅');

interface Item {
  ticked: boolean;
  /** Place of the box. */
  at: number;
  /** Places of the words that belong to it. */
  from: number;
  to: number;
}

export function hasBox(text: string, { start, end, blank }: Line): boolean {
  return !blank && end - start <= longestForm && text.slice(start, end).search(box) >= 0;
}

/**
 * The sentences of a line with boxes. There are three forms:
 * - "[x] Effusion [ ] Edema": each box belongs to the words after it.
 * - "Pneumothorax: [ ] yes [x] no": the words before the first box belong to each answer.
 * - "Effusion [x] Edema [ ]": each box belongs to the words before it.
 * @param label the line before, if it ends in a colon. The answers below are then about it.
 */
export function boxedSentences(text: string, line: Line, label?: Line): Sentence[] {
  const found = [...text.slice(line.content, line.end).matchAll(box)].map((match) => ({
    ticked: Boolean(match[1] || match[2]) || ticks.has(match[0]),
    at: line.content + match.index,
    end: line.content + match.index + match[0].length,
  }));
  const wordsIn = (from: number, to: number): boolean => /[\p{L}]/u.test(text.slice(from, to));
  const first = found[0]!;
  const behind = wordsIn(line.content, first.at) && !wordsIn(found.at(-1)!.end, line.end);
  const items = found.map(({ ticked, at, end }, index): Item => {
    if (behind) return { ticked, at, from: index === 0 ? line.content : found[index - 1]!.end, to: at };
    return { ticked, at, from: end, to: found[index + 1]?.at ?? line.end };
  });
  let prefix: Token[] = [];
  const result: Sentence[] = [];
  if (!behind && wordsIn(line.content, first.at)) {
    // Only the last sentence before the boxes can be the question.
    const stop = lastStop(text, line.content, first.at);
    const before = tokenize(text, line.content, stop);
    if (hasWords(before)) result.push(sentenceOf(before));
    prefix = tokenize(text, stop, first.at);
  } else if (label && !behind) prefix = tokenize(text, label.content, label.end);
  prefix = prefix.slice(-longestQuestion);
  if (prefix.length > 0 && prefix.at(-1)!.word !== ':') {
    prefix = [...prefix, { word: ':', start: prefix.at(-1)!.end, end: prefix.at(-1)!.end }];
  }
  for (const { ticked, from, to } of items) {
    const stop = firstStop(text, from, to);
    const own = tokenize(text, from, stop);
    if (own.at(-1)?.word === ',' || own.at(-1)?.word === ';' || own.at(-1)?.word === ':') own.pop();
    if (hasWords(own)) {
      const sentence = sentenceOf([...prefix, ...own]);
      result.push(ticked ? sentence : { ...sentence, unticked: prefix.length });
    }
    const rest = tokenize(text, stop, to);
    if (hasWords(rest)) result.push(sentenceOf(rest));
  }
  return result;
}

const sentenceOf = (tokens: Token[]): Sentence => ({
  start: tokens.reduce((least, { start }) => Math.min(least, start), tokens[0]!.start),
  end: tokens.reduce((most, { end }) => Math.max(most, end), 0),
  tokens,
});

function firstStop(text: string, from: number, to: number): number {
  const found = /\.(?=\s|$)/.exec(text.slice(from, to));
  return found ? from + found.index + 1 : to;
}

function lastStop(text: string, from: number, to: number): number {
  for (let at = to - 1; at >= from; at--) {
    if ((text[at] === '.' || text[at] === ';') && /\s/.test(text[at + 1] ?? ' ')) return at + 1;
  }
  return from;
}

/** What a mark in a column of a table means, by the column's heading. */
const answers = new Map<string, string>();
for (const word of 'yes y present positive + abnormal'.split(' ')) answers.set(word, '');
for (const word of 'no n absent negative - none'.split(' ')) answers.set(word, 'no');
for (const word of 'uncertain possible equivocal indeterminate maybe questionable ?'.split(' '))
  answers.set(word, 'possible');
const marks = /^(?:[xX✓✔☑☒✅*]|\[[xX✓*]\]|\([xX]\)|1)$/u;
const longestRow = 2_000;

interface TableReader {
  /** Whether a line is a row or a header. If so, a sentence of the lines before ends there. */
  begins(line: Line): boolean;
  /** The sentences of a row; undefined if the line is not part of a table. */
  row(line: Line): Sentence[] | undefined;
  end(): void;
}

/** Reads tables such as "Finding | Yes | No" with a mark in each row. Rows like "Effusion | no" need no header. */
export function tableReader(text: string): TableReader {
  let columns: (string | undefined)[] | undefined;
  const cellsOf = ({ start, end }: Line): { value: string; start: number; end: number }[] => {
    const body = text.slice(start, Math.min(end, start + longestRow));
    const separator = body.includes('|') ? '|' : body.includes('\t') ? '\t' : '';
    if (separator === '') return [];
    let at = start;
    const cells = body.split(separator).map((value) => {
      const cell = { value: value.trim(), start: at, end: at + value.length };
      at += value.length + 1;
      return cell;
    });
    if (separator === '|' && cells[0]!.value === '') cells.shift();
    return cells;
  };
  const headerOf = (line: Line): (string | undefined)[] | undefined => {
    if (line.blank) return undefined;
    const said = cellsOf(line).map(({ value }, at) => (at === 0 ? undefined : answers.get(value.toLowerCase())));
    return said.filter((answer) => answer !== undefined).length > 1 ? said : undefined;
  };
  const isRow = (line: Line): boolean => !line.blank && cellsOf(line).length > 1;
  return {
    begins: (line) => (columns ? isRow(line) : headerOf(line) !== undefined || isRow(line)),
    end: () => {
      columns = undefined;
    },
    row(line) {
      const header = headerOf(line);
      if (header) {
        columns = header;
        return [];
      }
      if (!columns) return undefined;
      const cells = cellsOf(line);
      if (cells.length < 2) {
        columns = undefined;
        return undefined;
      }
      const marked = cells.findIndex(({ value }, at) => at > 0 && columns![at] !== undefined && marks.test(value));
      const name = tokenize(text, cells[0]!.start, cells[0]!.end);
      if (marked < 0) {
        // The row has no mark: it is answered in words, or not at all.
        const words = cells.slice(1).some(({ value }) => /\p{L}/u.test(value));
        const tokens = words ? tokenize(text, line.content, Math.min(line.end, line.content + longestRow)) : [];
        return hasWords(tokens) ? [sentenceOf(tokens)] : [];
      }
      if (!hasWords(name)) return [];
      const { start, end } = cells[marked]!;
      const answer = columns[marked]!;
      const said = answer === '' ? [] : [':', answer].map((word) => ({ word, start, end }));
      const rest = cells.slice(marked + 1).filter(({ value }) => /\p{L}{3}/u.test(value));
      return [sentenceOf([...name, ...said]), ...rest.map((cell) => sentenceOf(tokenize(text, cell.start, cell.end)))];
    },
  };
}
