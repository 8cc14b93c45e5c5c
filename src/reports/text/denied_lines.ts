/** A list in lines of its own below a label that denies it: "There is no evidence of:" and then "- pneumothorax", "- effusion". */

import { deniesList, isItem } from '../rules/denied_lists.js';
import type { Line } from './lines.js';
import { type Sentence, tokenize } from './tokens.js';

/** The most items of a list, and words of an item. More than that is no list of findings. */
const [MOST_ITEMS, LONGEST_ITEM] = [40, 12];

interface DeniedLines {
  /** Where the label begins. Before it the line may have other sentences. */
  readonly from: number;
  /** A sentence for each item: the words of the label, and those of the item. */
  readonly sentences: readonly Sentence[];
  /** The index of the last line of the list. */
  readonly last: number;
}

/** The list below a line; undefined if the line does not end with such a label, or if no item follows. */
export function deniedLines(text: string, lines: readonly Line[], at: number): DeniedLines | undefined {
  const line = lines[at]!;
  if (text[line.end - 1] !== ':') return undefined;
  const before = /[.!?;][ \t][^.!?;]*$/.exec(text.slice(Math.max(line.content, line.end - 200), line.end));
  const from = before ? line.end - before[0].length + 1 : line.content;
  const label = tokenize(text, from, line.end);
  if (!deniesList(label.slice(0, -1).map(({ word }) => word))) return undefined;
  const sentences: Sentence[] = [];
  let last = at;
  while (last + 1 < lines.length && !lines[last + 1]!.blank && sentences.length < MOST_ITEMS) {
    const { content, end } = lines[last + 1]!;
    const item = tokenize(text, content, end);
    if (item.length > LONGEST_ITEM || !isItem(item.map(({ word }) => word))) break;
    sentences.push({ start: label[0]!.start, end, tokens: [...label, ...item] });
    last += 1;
  }
  return sentences.length > 0 ? { from, sentences, last } : undefined;
}
