/** What the miner reads: the words of a text. */

/** A word, or a punctuation mark. */
export interface Token {
  /** The base form in lower case, or a punctuation mark. */
  word: string;
  start: number;
  end: number;
  /** Whether the word is misspelt in the text (see `spelling.ts`). */
  mended?: true;
}
