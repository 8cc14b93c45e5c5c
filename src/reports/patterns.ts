/**
 * The small language that the lexicon and the rules are written in, and its matcher.
 *
 * A phrase is words with spaces between them. `a|b` is either word, a trailing `?` makes a word optional, and `..3`
 * stands for up to three words of any kind, so that `heart ..4 enlarged` finds "heart size is mildly enlarged".
 * Plural and singular are the same word (see `lemma`), on both sides. Punctuation is a word of its own.
 */

import { lemma } from './words.js';

interface Node<T> {
  next: Map<string, Node<T>>;
  /** Where a gap leads to, and how many words it may swallow. */
  gaps: { reach: number; node: Node<T> }[];
  values: T[];
}

/** All phrases of a list in one prefix tree: a sentence is read once, however many phrases there are. */
type PatternTree<T> = Node<T>;

export interface Match<T> {
  value: T;
  /** Index of the first token, and of the one behind the last. */
  start: number;
  end: number;
  /** The tokens that the phrase names, without those that a gap swallowed. */
  tokens: number[];
}

const node = <T>(): Node<T> => ({ next: new Map(), gaps: [], values: [] });

function childOf<T>(parent: Node<T>, word: string): Node<T> {
  let child = parent.next.get(word);
  if (!child) {
    child = node();
    parent.next.set(word, child);
  }
  return child;
}

function insert<T>(at: Node<T>, parts: readonly string[], index: number, value: T): void {
  const part = parts[index];
  if (part === undefined) {
    at.values.push(value);
    return;
  }
  if (part.startsWith('..')) {
    const reach = Number(part.slice(2));
    let gap = at.gaps.find((other) => other.reach === reach);
    if (!gap) {
      gap = { reach, node: node() };
      at.gaps.push(gap);
    }
    insert(gap.node, parts, index + 1, value);
    return;
  }
  const optional = part.length > 1 && part.endsWith('?');
  for (const word of (optional ? part.slice(0, -1) : part).split('|')) {
    insert(childOf(at, lemma(word)), parts, index + 1, value);
  }
  if (optional) insert(at, parts, index + 1, value);
}

/** Builds the tree. Each phrase carries the value that a match gives back. */
export function compilePatterns<T>(phrases: Iterable<readonly [phrase: string, value: T]>): PatternTree<T> {
  const root = node<T>();
  for (const [phrase, value] of phrases) insert(root, phrase.split(' '), 0, value);
  return root;
}

const nothing: Match<never>[] = [];
const neverTaken = (): boolean => false;

/**
 * The longest phrase that begins at token `start` (most words named, then the shortest gaps), once for each value that
 * it stands for.
 * @param blocks tells which words a gap must not swallow.
 * @param taken tells which tokens no phrase may name any more.
 */
export function matchesAt<T>(
  tree: PatternTree<T>,
  words: readonly string[],
  start: number,
  blocks: (word: string) => boolean,
  taken: (token: number) => boolean = neverTaken,
): readonly Match<T>[] {
  const first = tree.next.get(words[start]!);
  // Most words begin no phrase: nothing is set up for them.
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
  // Counted loops: this is where most of the time goes.
  for (let one = 0; one < at.values.length; one++) take(search, at.values[one]!, index);
  const child = index < words.length ? at.next.get(words[index]!) : undefined;
  if (child && !taken(index)) {
    path.push(index);
    walk(search, child, index + 1);
    path.pop();
  }
  for (let gap = 0; gap < at.gaps.length; gap++) {
    const { reach, node: behind } = at.gaps[gap]!;
    // Where the words behind a gap are optional, the phrase may end before it.
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
