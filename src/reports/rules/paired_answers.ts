/**
 * Names that share a colon, with an answer for each of them in the same order: "Effusion/pneumothorax: no/yes". The rules for answers would give
 * the last answer to all of the names.
 */

/** An answer that denies, and words for a finding that is there. */
const denials = new Set('no none nil negative neg absent n false'.split(' '));
const values = new Set(
  'yes positive pos present y true small mild moderate large tiny trace minimal severe possible'.split(' '),
);
const stops = new Set(['.', ';', ',']);

export interface PairedAnswers {
  /** The place of the colon, and that after the last answer. */
  colon: number;
  end: number;
  /** Where the names begin. */
  from: number;
  /** The places of the names that are denied; undefined if there are not as many answers as names, so that it is not known which belongs to which. */
  denied: readonly { from: number; to: number }[] | undefined;
}

/** The parts of a range of words between separators, as places. */
function partsOf(
  words: readonly string[],
  from: number,
  to: number,
  separator: string,
): { from: number; to: number }[] {
  const parts: { from: number; to: number }[] = [];
  let start = from;
  for (let at = from; at <= to; at++) {
    if (at < to && words[at] !== separator) continue;
    parts.push({ from: start, to: at });
    start = at + 1;
  }
  return parts;
}

/** The answers to several names in a sentence, where some of them deny and others do not. If all are alike, the rules for answers are right. */
export const pairedAnswers = (words: readonly string[]): PairedAnswers[] =>
  words.flatMap((word, at) => (word === ':' && at > 0 ? (pairedAt(words, at) ?? []) : []));

function pairedAt(words: readonly string[], colon: number): PairedAnswers | undefined {
  let end = colon + 1;
  while (end < words.length && !stops.has(words[end]!)) end++;
  const separator = words[colon + 2]!;
  if (separator !== '/' && separator !== 'and') return undefined;
  const answers = partsOf(words, colon + 1, end, separator).map(({ from, to }) =>
    to === from + 1 ? words[from]! : '',
  );
  if (!answers.every((word) => denials.has(word) || values.has(word))) return undefined;
  if (new Set(answers.map((word) => denials.has(word))).size < 2) return undefined;
  let from = colon;
  while (from > 0 && !stops.has(words[from - 1]!)) from--;
  const names = partsOf(words, from, colon, separator);
  const isPaired = names.length === answers.length;
  return { colon, end, from, denied: isPaired ? names.filter((_, at) => denials.has(answers[at]!)) : undefined };
}
