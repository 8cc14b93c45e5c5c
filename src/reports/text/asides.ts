/**
 * Removes asides between a finding and what is said about it: "effusion, however, cannot be excluded", "pneumonia, on this view, is not
 * seen". This is done before a sentence is read, because many rules do not apply beyond a comma.
 */

import type { Token } from './token.js';
import { wordSet } from './words.js';

/** Verbs with which a sentence can continue after an aside. */
const verbs = wordSet(
  'is are was were has have had cannot can could may might should must would will does do did remains remain persists persist appears appear seems seem',
);
/** Words with which it can also continue if the verb is left out or comes before: "effusion, however, not excluded". */
const said = new Set([...verbs, ...wordSet('not excluded seen identified possible unlikely probable present absent')]);
/** Words with which it continues if the aside is within the verb: "pneumonia cannot, therefore, be excluded". */
const verbGoesOn = wordSet('be been not excluded ruled seen identified');
/** Linking words that can be asides by themselves, with or without commas. */
const links = wordSet('however nevertheless nonetheless therefore thus though accordingly consequently');
/** Words between commas are more than an aside if they begin with one of `opensMore` or contain one of `tellsMore`. */
const opensMore = wordSet('and or nor if which that who but with');
const tellsMore = wordSet('resolved cleared gone absent removed resected excised drained treated excluded if');
/** Words that, alone between commas, put the finding before them in doubt: "pneumonia, possible, …". */
const doubts = wordSet('possible probable questionable suspected likely unlikely doubtful');
/** The most words of an aside. */
const longest = 7;

/** The words of a sentence without its asides. If it has none, the same array is returned. */
export function withoutAsides(tokens: Token[], isNamed: (from: number, to: number) => boolean): Token[] {
  let kept: Token[] | undefined;
  let from = 0;
  let verbSeen = false;
  for (let at = 0; at < tokens.length; at++) {
    const { word } = tokens[at]!;
    if (verbs.has(word)) verbSeen = true;
    else if (word === ';' || word === '.' || word === 'but' || word === ':') verbSeen = false;
    if (at === 0 || !(word === ',' || links.has(word))) continue;
    const inVerb = verbs.has(tokens[at - 1]!.word) || tokens[at - 1]!.word === 'not';
    if (verbSeen && !inVerb) continue;
    const goesOn = inVerb ? verbGoesOn : undefined;
    const end = word === ',' ? endOfAside(tokens, at, isNamed, goesOn) : endOfLink(tokens, at, goesOn);
    if (end === undefined) continue;
    kept ??= [];
    for (let index = from; index < at; index++) kept.push(tokens[index]!);
    from = end;
    at = end - 1;
  }
  return kept ? [...kept, ...tokens.slice(from)] : tokens;
}

/** The place after "however" or "however,", if the sentence continues there. */
function endOfLink(tokens: readonly Token[], at: number, goesOn: ReadonlySet<string> = said): number | undefined {
  const end = tokens[at + 1]?.word === ',' ? at + 2 : at + 1;
  return goesOn.has(tokens[end]?.word ?? '') ? end : undefined;
}

/** The place after the second comma, if the words between the two commas are an aside. */
function endOfAside(
  tokens: readonly Token[],
  comma: number,
  isNamed: (from: number, to: number) => boolean,
  goesOn: ReadonlySet<string> | undefined,
): number | undefined {
  const first = tokens[comma + 1]?.word ?? '';
  if (links.has(first)) return endOfLink(tokens, comma + 1, goesOn);
  if (opensMore.has(first)) return undefined;
  let close = comma + 1;
  for (; close < tokens.length && tokens[close]!.word !== ','; close++) {
    if (close - comma > longest || tellsMore.has(tokens[close]!.word)) return undefined;
  }
  if (close === comma + 1 || (close === comma + 2 && doubts.has(first))) return undefined;
  const next = tokens[close + 1]?.word ?? '';
  return (goesOn ?? verbs).has(next) && !isNamed(comma, close) ? close + 1 : undefined;
}
