/**
 * Lists that are denied as a whole by the words before their colon, in one line or in the lines below: "Absent: pneumothorax, effusion", "No evidence
 * of: edema; nodule".
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

/** The place of the colon after words at the beginning that deny all that follows; undefined if there is none. */
export function denyingColon(words: readonly string[]): number | undefined {
  const colon = words.indexOf(':');
  return colon > 0 && deniesList(words.slice(0, colon)) ? colon : undefined;
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
