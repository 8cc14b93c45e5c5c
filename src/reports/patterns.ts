/**
 * The small language in which the lexicon and the rules are written, and its matcher.
 *
 * A phrase consists of words with spaces between them. `a|b` matches either word, a trailing `?` makes a word optional, and `..3` stands for
 * up to three words of any kind (a gap). So `heart ..4 enlarged` finds "heart size is mildly enlarged". Singular and plural count as the same
 * word (see `lemma`), in phrases and in reports. A punctuation mark is a word of its own.
 */

import { lemma } from './text/words.js';

interface Node<T> {
  next: Map<string, Node<T>>;
  /** Gaps that follow here: the most words that each may match, and the node after it. */
  gaps: { reach: number; node: Node<T> }[];
  values: T[];
}

/** All phrases of a list in one prefix tree, so that the time for reading a sentence hardly depends on their number. */
type PatternTree<T> = Node<T>;

export interface Match<T> {
  value: T;
  /** Index of the first token. */
  start: number;
  /** Index after the last token. */
  end: number;
  /** The tokens that the phrase names, without those that a gap has matched. */
  tokens: number[];
}

const node = <T>(): Node<T> => ({ next: new Map(), gaps: [], values: [] });

/** For each part of a phrase that is being added: the nodes that have been copied, and their copies with the rest of the phrase. */
type Added<T> = Map<Node<T> | undefined, Node<T>>[];

/**
 * A copy of a node with the rest of a phrase added. Nodes are shared: in `a|b c|d`, "a" and "b" lead to the same node. Otherwise a few lists
 * of synonyms in a row would make hundreds of thousands of nodes. Because a shared node belongs to other phrases too, it is copied and never
 * changed.
 */
function withRest<T>(
  at: Node<T> | undefined,
  parts: readonly string[],
  index: number,
  value: T,
  added: Added<T>,
): Node<T> {
  added[index] ??= new Map();
  const before = added[index].get(at);
  if (before) return before;
  const copy: Node<T> = at ? { next: new Map(at.next), gaps: at.gaps.slice(), values: at.values.slice() } : node();
  addRest(copy, parts, index, value, added);
  added[index].set(at, copy);
  return copy;
}

/** Adds the rest of a phrase to a node that nothing else leads to yet. */
function addRest<T>(at: Node<T>, parts: readonly string[], index: number, value: T, added: Added<T>): void {
  const part = parts[index];
  if (part === undefined) {
    at.values.push(value);
    return;
  }
  if (part.startsWith('..')) {
    const reach = Number(part.slice(2));
    const known = at.gaps.findIndex((gap) => gap.reach === reach);
    const behind = withRest(at.gaps[known]?.node, parts, index + 1, value, added);
    at.gaps[known < 0 ? at.gaps.length : known] = { reach, node: behind };
    return;
  }
  const optional = part.length > 1 && part.endsWith('?');
  for (const word of (optional ? part.slice(0, -1) : part).split('|')) {
    const key = lemma(word);
    at.next.set(key, withRest(at.next.get(key), parts, index + 1, value, added));
  }
  if (optional) addRest(at, parts, index + 1, value, added);
}

/** Builds the tree. A match gives the value of its phrase. */
export function compilePatterns<T>(phrases: Iterable<readonly [phrase: string, value: T]>): PatternTree<T> {
  const root = node<T>();
  for (const [phrase, value] of phrases) addRest(root, phrase.split(' '), 0, value, []);
  return root;
}

const nothing: Match<never>[] = [];
const neverTaken = (): boolean => false;

/**
 * Matches the longest phrase that begins at token `start`: that with the most named words and then with the shortest gaps. If it is there
 * with several values, there is a match for each.
 * @param blocks whether a gap must not match a word.
 * @param taken whether a token has been named already, so that no phrase may name it.
 */
export function matchesAt<T>(
  tree: PatternTree<T>,
  words: readonly string[],
  start: number,
  blocks: (word: string) => boolean,
  taken: (token: number) => boolean = neverTaken,
): readonly Match<T>[] {
  const first = tree.next.get(words[start]!);
  // Most words begin no phrase, so nothing is allocated for them.
  if (!first || taken(start)) return nothing;
  const search: Search<T> = { words, start, blocks, taken, path: [start], found: [] };
  walk(search, first, start + 1);
  return search.found;
}

interface Search<T> {
  words: readonly string[];
  start: number;
  blocks: (word: string) => boolean;
  taken: (token: number) => boolean;
  /** The tokens named so far. */
  path: number[];
  /** The best matches so far, all of one length. */
  found: Match<T>[];
}

function take<T>(search: Search<T>, value: T, end: number): void {
  const { found, path, start } = search;
  const best = found[0];
  const longer = best ? path.length - best.tokens.length || best.end - end : 1;
  if (longer < 0) return;
  if (longer > 0) found.length = 0;
  if (!found.some((other) => other.value === value)) found.push({ value, start, end, tokens: path.slice() });
}

function walk<T>(search: Search<T>, at: Node<T>, index: number): void {
  const { words, taken, path, blocks } = search;
  // Counted loops are faster, and most of the time is spent here.
  for (let one = 0; one < at.values.length; one++) take(search, at.values[one]!, index);
  const child = index < words.length ? at.next.get(words[index]!) : undefined;
  if (child && !taken(index)) {
    path.push(index);
    walk(search, child, index + 1);
    path.pop();
  }
  for (let gap = 0; gap < at.gaps.length; gap++) {
    const { reach, node: behind } = at.gaps[gap]!;
    // If the words after a gap are optional, the phrase may end before it.
    for (let one = 0; one < behind.values.length; one++) take(search, behind.values[one]!, index);
    for (let skipped = 0; skipped <= reach && index + skipped < words.length; skipped++) {
      if (skipped > 0 && blocks(words[index + skipped - 1]!)) break;
      const next = behind.next.get(words[index + skipped]!);
      if (!next || taken(index + skipped)) continue;
      path.push(index + skipped);
      walk(search, next, index + skipped + 1);
      path.pop();
    }
  }
}
