/** Splits lists that are on one line: "1) No effusion 2) Right pneumothorax", "a) … b) …", "• … • …". */

import type { Line } from './lines.js';

/** Where an item ends, and where the words of the next one begin. */
type Cut = [stop: number, next: number];

const bullet = /[ \t](?:[•▪●◦‣][ \t]?|\/\/[ \t]|\*[ \t](?=\p{Lu})|-[ \t])(?=\p{L})/gu;

/**
 * A way to number items. Only numbers that count up from the first make a list; a single "1." or "b)" in a line of prose does not.
 */
interface Numbering {
  mark: RegExp;
  values: readonly string[];
  /** A fast check whether a line may have such numbers. */
  possible(body: string): boolean;
}

const closed = (body: string): boolean => body.includes(')') || body.includes(']');
const numerals: Numbering = {
  mark: /(?<=^|[\s.;,:])[([]?(\d{1,2})(?:[.)\]]|[:/](?=[ \t]))[ \t]{0,8}(?=[\p{L}?[(☐☑])|(?<=^|[\s.;,:])(?:#(\d{1,2})|(\d{1,2})[ \t]-)[ \t]{1,8}(?=\p{L})/gu,
  values: Array.from({ length: 99 }, (_, at) => String(at + 1)),
  possible: (body) => /\d/.test(body),
};
const numberings: readonly Numbering[] = [
  numerals,
  {
    mark: /(?<=^|[\s.;,:])[([]?([a-h])[.)\]:][ \t]{1,8}(?=\p{L})/giu,
    values: [...'abcdefgh'],
    possible: (body) => closed(body) || /^a[.:]/i.test(body),
  },
  {
    mark: /(?<=^|[\s.;,:])\(?(i{1,3}|iv|vi{0,3}|ix|x)[.)][ \t]{1,8}(?=\p{L})/giu,
    values: 'i ii iii iv v vi vii viii ix x'.split(' '),
    possible: (body) => closed(body) || /^i\./i.test(body),
  },
];

/** The items of a line, as places in the text. */
export function listItems(text: string, line: Line, end: number): [from: number, to: number][] {
  const body = text.slice(line.content, end);
  const cuts = [...bulletCuts(body, line), ...numberCuts(text.slice(line.start, end), line)].sort(([a], [b]) => a - b);
  const items: [number, number][] = [];
  let from = 0;
  for (const [stop, next] of cuts) {
    if (stop < from) continue;
    if (stop > from) items.push([line.content + from, line.content + stop]);
    from = next;
  }
  items.push([line.content + from, end]);
  return items;
}

function bulletCuts(body: string, line: Line): Cut[] {
  const bulleted = line.content > line.start && line.number === 0;
  if (!bulleted && !/[•▪●◦‣]|[ \t]\/\/[ \t]|[ \t]\*[ \t]/.test(body)) return [];
  const cuts: Cut[] = [];
  for (const match of body.matchAll(bullet)) {
    // A dash is only a bullet before a capital, because it may also be before an answer: "effusion - none".
    if (match[0].includes('-') && !(bulleted && /\p{Lu}/u.test(body[match.index + match[0].length]!))) continue;
    cuts.push([match.index, match.index + match[0].length]);
  }
  return cuts;
}

/** @param whole the line with the marker at its start, which may be the first of the list. */
function numberCuts(whole: string, line: Line): Cut[] {
  const shift = line.content - line.start;
  for (const { mark, values, possible } of numberings) {
    if (!possible(whole)) continue;
    const found: Cut[] = [];
    // The number at the start of the line has been read already.
    const read = values === numerals.values ? line.number : 0;
    for (const match of whole.matchAll(mark)) {
      const value = (match[1] ?? match[2] ?? match[3])!.toLowerCase();
      if ((match.index < shift && read > 0) || value !== values[read + found.length]) continue;
      found.push([Math.max(0, match.index - shift), Math.max(0, match.index + match[0].length - shift)]);
    }
    if (read > 0 ? found.length > 0 : found.length > 1) return found;
  }
  return [];
}
