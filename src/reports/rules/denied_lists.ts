/**
 * Lists that are denied as a whole by the words before their colon, in one line or in the lines below: "Absent: pneumothorax, effusion", "No evidence
 * of: edema; nodule". In one line the colon may be a dash, or the verb of a sentence that begins with the denial: "Absent are pneumothorax and
 * effusion".
 */

import { assertiveWords, placeWords, verbs } from './clauses.js';

const seen = '(?:seen|present|identified|found|visualized|demonstrated|detected|evident|noted|visible)';
const cue =
  '(?:evidence|sign|signs|suggestion|indication|feature|features|radiographic evidence|convincing evidence|definite evidence)';

/** What denies a list, if it stands alone before the colon, as words with spaces between them. */
const labels: readonly RegExp[] = [
  new RegExp(`^(?:there (?:is|are|was|were) )?(?:no|without)(?: ${cue})?(?: of| for)?(?: any)?(?: the following)?$`),
  /^(?:there (?:is|are|was|were) )?(?:absence|lack|resolution|clearing) of(?: the following)?$/,
  /^(?:the )?(?:chest |study |film |examination |exam )?(?:is )?(?:negative|neg|clear|free) (?:for|of)(?: the following)?$/,
  /^interval (?:resolution|clearing) of(?: the following)?$/,
  new RegExp(`^(?:findings? |the following )?(?:(?:is|are|was|were) )?(?:not|no longer) ${seen}$`),
  new RegExp(`^(?:looked|searched) for (?:and|but) not ${seen}$`),
  /^(?:the following (?:is|are) )?(?:absent|negative|excluded|denied|resolved|ruled out|nil)$/,
  new RegExp(`^none of the following(?: (?:is|are|was|were)(?: ${seen})?)?$`),
  /^(?:pertinent|relevant|significant) negatives?$/,
];

/** The most words of such a label. */
const LONGEST_LABEL = 9;

/** Whether words that stand before a colon deny what follows it. */
export const deniesList = (label: readonly string[]): boolean =>
  label.length > 0 && label.length <= LONGEST_LABEL && labels.some((pattern) => pattern.test(label.join(' ')));

/** A denial that begins a sentence, before its verb: "Not seen are". */
const inverted = new RegExp(
  `^(?:(?:also|both|again|now) )?(?:absent|gone|resolved|excluded|ruled out|(?:not|no longer) ${seen}) (?:is|are|was|were) (?!no|not|now|normal)`,
);

/** The words at the beginning of a sentence that deny the list behind them. */
export interface DenyingLabel {
  /** The place of the colon, the dash or the verb after them. */
  at: number;
  /** Whether the list goes on behind semicolons. */
  isList: boolean;
}

/** The words at the beginning that deny all that follows; undefined if there are none. */
export function denyingLabel(words: readonly string[]): DenyingLabel | undefined {
  const colon = words.indexOf(':');
  if (colon > 0 && deniesList(words.slice(0, colon))) return { at: colon, isList: true };
  // Behind a dash there may also be another statement, and "no" may answer a question: "No - the effusion persists".
  const dash = words.indexOf('-');
  const isAnswer = dash === 1 && /^(?:no|without)$/.test(words[0]!);
  if (dash > 0 && !isAnswer && deniesList(words.slice(0, dash)) && isItem(words.slice(dash + 1)))
    return { at: dash, isList: true };
  const start = inverted.exec(`${words.slice(0, LONGEST_LABEL).join(' ')} `)?.[0];
  return start === undefined ? undefined : { at: start.trim().split(' ').length - 1, isList: false };
}

/**
 * Whether what follows a place is a plain item of a list, up to the next semicolon or full stop: "nodule", "or nodule", but not "nodule in the left
 * lobe", "mild edema" and "heart is large", which say something of their own.
 */
export function isPlainItem(words: readonly string[], before: number): boolean {
  for (let at = before + 1; at < words.length; at++) {
    const word = words[at]!;
    if (word === ';' || word === '.') return at > before + 1;
    if (verbs.has(word) || assertiveWords.has(word) || placeWords.has(word)) return false;
    if (/^(?:[:,]|and|but|no|not|with|without|there)$/.test(word)) return false;
  }
  return words.length > before + 1;
}

/** Whether a line below such a label is one of its items: it has no verb, no label and no denial of its own. */
export const isItem = (words: readonly string[]): boolean =>
  !words.some(
    (word) => verbs.has(word) || /^(?:[:]|no|not|without|but|there|none|negative|absent|positive)$/.test(word),
  );
