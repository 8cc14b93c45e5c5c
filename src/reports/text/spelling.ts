/**
 * Corrects misspelt findings: "pnuemothorax", "atelectesis", "effusuion". Without this, a report whose only finding is misspelt would count as
 * Normal.
 *
 * A word is read as one of the list below if it differs from it by few mistakes: a letter that is added, missing or wrong, or two letters that
 * are swapped. The number of mistakes depends on the length, since short words are similar to many others:
 *
 * - One mistake, unless the first letter is a different one: "affusion" is another word.
 * - Two mistakes in the long names of diseases, if the first letter is right.
 * - In words of 5 and 6 letters one mistake, if the first letter is right.
 *
 * Words that mean something else are never changed. They were found by trying the rule on the words of a large English and a medical word list,
 * and on those of the lexicon and the rules; a test repeats the latter.
 */

import { editDistance } from '../../edit_distance.js';
import { lemma } from './words.js';

/** Names of diseases that are long enough for two mistakes. */
const longNames =
  'atelectasis atelectatic cardiomegaly consolidation infiltration pneumothorax hydropneumothorax hemopneumothorax bronchopneumonia emphysematous'.split(
    ' ',
  );
/** Other words for findings, and "without", which turns a finding into its opposite. */
const names =
  'effusion infiltrate pneumonia pneumonitis emphysema fibrosis fibrotic thickening pleural nodular edema oedema nodule hernia opacity opacification granuloma granulomatous calcification calcified fracture scoliosis degenerative osteophyte bronchiectasis hyperinflation hyperinflated congestion lymphadenopathy adenopathy tortuous tortuosity aneurysm atherosclerotic osteopenia osteoporosis kyphosis spondylosis interstitial malignancy metastasis metastatic pneumoperitoneum pneumomediastinum sarcoidosis tuberculosis aspiration pacemaker hydrothorax hemothorax enlarged enlargement without'.split(
    ' ',
  );
/** Plurals that lose more than an "s". */
const plurals = new Map([
  ['pneumothorace', 'pneumothorax'],
  ['atelectase', 'atelectasis'],
]);

/** Words that are similar to those above but mean something else. */
const others = new Set(
  // Words of the lexicon and the rules.
  (
    'hemithorax haemothorax atelectasia pleura osteopenic pneumonic tuberculous infiltrated infiltrative consolidative consolidated consolidating ' +
    // English words.
    'plural pacification peacemaker spiration congelation consolation consociation enlarge enlarger fractured fractural facture enema noddle noule noduled tortious torturous infiltrator infiltrating opacify consolidator ' +
    // Words of medicine.
    'fibrosus fibrosi fibrotics arthrosclerosis hernial herniae pneumoniae malignance malignant tuberculose tuberculosa interstitially hemathorax granulosa pneumococcus spondylous adrenopathy interstitia pleurale emphysematosa'
  ).split(' '),
);

interface Known {
  word: string;
  reads: string;
  slips: number;
  letters: number;
}

/** A bit for each letter that a word contains. Words that differ in many letters are told apart quickly by it. */
function lettersOf(word: string): number {
  let letters = 0;
  for (let at = 0; at < word.length; at++) letters |= 1 << (word.charCodeAt(at) - 97);
  return letters;
}

const known: readonly Known[] = [
  ...longNames.map((word) => ({ word, reads: word, slips: 2 })),
  ...names.map((word) => ({ word, reads: word, slips: 1 })),
  ...[...plurals].map(([word, reads]) => ({ word, reads, slips: 1 })),
].map((entry) => ({ ...entry, letters: lettersOf(entry.word) }));
const exact = new Set(known.filter(({ word, reads }) => word === reads).map(({ word }) => word));

/** Words with fewer or more letters than these are not corrected. */
const shortest = 5;
const longest = 20;
/** From this length on, a mistake may also be in the first letter. */
const long = 7;
const onlyLetters = /^[a-z]+$/;

/** The word that a misspelt one is read as; undefined if it is spelt correctly or is another word. */
export function mend(word: string): string | undefined {
  const { length } = word;
  if (length < shortest || length > longest || exact.has(word) || others.has(word) || !onlyLetters.test(word))
    return undefined;
  const letters = lettersOf(word);
  for (const { word: right, reads, slips, letters: own } of known) {
    if (Math.abs(right.length - length) > slips || bits(letters ^ own) > 2 * slips) continue;
    if (isNear(word, right, slips)) return reads;
  }
  return undefined;
}

/** A word of a text as lexicon and rules see it, and whether its spelling was corrected. */
export interface ReadWord {
  word: string;
  mended?: true;
}

const readWords = new Map<string, ReadWord>();

export function readWord(raw: string): ReadWord {
  let read = readWords.get(raw);
  if (read === undefined) {
    const base = lemma(raw);
    const right = mend(base);
    read = right === undefined ? { word: base } : { word: right, mended: true };
    // The cache is bounded, because a hostile file could have any number of different words.
    if (readWords.size < 50_000) readWords.set(raw, read);
  }
  return read;
}

function bits(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++;
  return count;
}

function isNear(word: string, right: string, slips: number): boolean {
  // Letters that are doubled in the wrong place count as one mistake together, as in "efussion".
  const doubles = right.length >= long && withoutDoubles(word) === withoutDoubles(right);
  const count = doubles ? 1 : editDistance(word, right);
  if (count > slips) return false;
  const sameStart = word[0] === right[0];
  if (count > 1 || right.length < long) return sameStart;
  // With a different first letter it is another word. A first letter that is missing, added or swapped is a mistake.
  return sameStart || word.length !== right.length || isSwap(word, right);
}

const withoutDoubles = (word: string): string => word.replace(/(.)\1/g, '$1');

/** Whether the only difference is that two neighbouring letters are swapped. */
function isSwap(word: string, right: string): boolean {
  let at = 0;
  while (at < word.length && word[at] === right[at]) at++;
  return (
    word.length === right.length &&
    word[at] === right[at + 1] &&
    word[at + 1] === right[at] &&
    word.slice(at + 2) === right.slice(at + 2)
  );
}
