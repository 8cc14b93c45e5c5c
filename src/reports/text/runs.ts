/**
 * Separates findings that follow one another without punctuation, as in dictation and in forms that have lost their line breaks: "no effusion
 * no pneumothorax left atelectasis", "Pneumothorax none Effusion small Edema none".
 */

import { assertiveWords } from '../rules/clauses.js';
import type { Token } from './token.js';
import type { Sentence } from './tokens.js';
import { wordSet } from './words.js';

/** Answers that only come after a finding. "No" and "negative" may also begin the next one. */
const plainAnswers = wordSet('none nil absent yes present nothing');
const answers = new Set([...plainAnswers, ...wordSet('no negative positive neg pos true false y n _')]);
/** Words that a form may have after the name of a finding, in addition to an answer. */
const values = new Set([
  ...answers,
  ...wordSet(
    'small mild moderate large tiny trace minimal severe marked slight left right bilateral bibasilar basilar basal apical upper middle lower lobe apex base lung stable unchanged new improved worse',
  ),
]);
/** Words that belong to the name of the finding after them. */
const nameParts = wordSet('pleural pulmonary lung focal hiatal hiatus acute airspace interstitial and or /');
/** Words with which a finding, or what is said about it, ends. */
const closers = wordSet(
  'seen identified present noted evident visible normal clear unremarkable size stable unchanged left right bilaterally base lobe lung apex none',
);
/** Words that can begin a finding after a negated one. */
const openers = new Set([
  ...wordSet(
    'bibasilar bibasal basilar basal apical upper lower lobar lingular perihilar retrocardiac subsegmental linear discoid patchy multiple hiatal heart cardiac cardiomediastinal aorta mediastinum trachea',
  ),
  ...[...assertiveWords].filter((word) => !['normal', 'clear', 'known', 'status'].includes(word)),
]);
const separators = new Set(['/', '-']);
/** Verbs that end a negation: "no effusion seen". */
const closingVerbs = wordSet('seen identified noted evident visible visualized appreciated demonstrated detected');
/** Words over which a negation continues: "no effusion on the left or right". */
const connecting = wordSet(
  'and or nor , ; : . with without of in on at is are was were has have to from for by than over no not ( ) / -',
);
/** The most words that may describe a finding before its name: "left lower lobe subsegmental". */
const longestDescription = 6;

interface Place {
  start: number;
  end: number;
}

/**
 * Splits such a sentence into one for each finding; undefined if it is not a run.
 * @param mentions the mentions in the sentence, in order.
 */
export function splitRun(
  sentence: Sentence,
  words: readonly string[],
  mentions: readonly Place[],
): Sentence[] | undefined {
  if (mentions.length < 2 || sentence.unticked !== undefined) {
    return mentions.length === 1 ? splitBlank(sentence, words, mentions[0]!) : undefined;
  }
  return splitAnswers(sentence, words, mentions) ?? splitDenials(sentence, words, mentions);
}

/** "Pneumothorax ___": the name of a field and its blank, without a colon between them. */
function splitBlank(sentence: Sentence, words: readonly string[], { start, end }: Place): Sentence[] | undefined {
  if (words[end] !== '_' || words[end + 1] !== '.' || startOfName(words, start) !== 0) return undefined;
  return [withColon(sentence, 0, sentence.tokens.length, end)];
}

const startOfName = (words: readonly string[], start: number): number => {
  let at = start;
  while (at > 0 && nameParts.has(words[at - 1]!)) at--;
  return at;
};

/** "Pneumothorax none Effusion small Edema none": each name is followed by its value. */
function splitAnswers(
  sentence: Sentence,
  words: readonly string[],
  mentions: readonly Place[],
): Sentence[] | undefined {
  if (startOfName(words, mentions[0]!.start) !== 0 || !mentions.some(({ end }) => answers.has(words[end]!)))
    return undefined;
  const starts = mentions.map(({ start }) => startOfName(words, start));
  const ends = [...starts.slice(1), words.indexOf('.', mentions.at(-1)!.end)];
  const valued = mentions.map(({ end }, at) => {
    if (end >= ends[at]!) return false;
    for (let word = end; word < ends[at]!; word++) if (!values.has(words[word]!)) return false;
    return true;
  });
  const answered = mentions.map(({ end }, at) => valued[at]! && answers.has(words[end]!));
  const plain = mentions.map(({ end }, at) => valued[at]! && plainAnswers.has(words[end]!));
  const whole = valued.every(Boolean) && answered.some(Boolean);
  // "Effusion none Pneumothorax …" is a form, whatever comes next. "Effusion no pneumothorax …" is one only if each name has an answer.
  if (!whole && !plain.slice(0, -1).some(Boolean)) return undefined;
  const parts: Sentence[] = [];
  let from = 0;
  for (const [at, { end }] of mentions.entries()) {
    const own = whole ? answered[at]! : plain[at]!;
    if (!whole && !own && at < mentions.length - 1) continue;
    const to = at < mentions.length - 1 ? ends[at]! : sentence.tokens.length;
    parts.push(own ? withColon(sentence, from, to, end) : part(sentence.tokens.slice(from, to)));
    from = to;
  }
  return parts.length > 1 ? parts : undefined;
}

/** "no effusion no pneumothorax left atelectasis": a negation ends where the next finding begins. */
function splitDenials(
  sentence: Sentence,
  words: readonly string[],
  mentions: readonly Place[],
): Sentence[] | undefined {
  if (!words.includes('no')) return undefined;
  const ends = new Set(mentions.map(({ end }) => end));
  const cuts: number[] = [];
  let denied = false;
  for (let at = 0; at < sentence.tokens.length; at++) {
    const word = words[at]!;
    const before = separators.has(words[at - 1] ?? '') ? at - 1 : at;
    const ended = ends.has(closingVerbs.has(words[before - 1] ?? '') ? before - 1 : before);
    if (word === 'no') {
      if (at > 0 && (ended || closers.has(words[before - 1] ?? ''))) cuts.push(at);
      denied = true;
    } else if (word === ',' || word === ';' || word === ':' || word === 'but') denied = false;
    else if (denied && ended && openers.has(word) && opensFinding(words, at, mentions)) {
      cuts.push(at);
      denied = false;
    }
  }
  if (cuts.length === 0) return undefined;
  return [0, ...cuts].map((from, at) => part(sentence.tokens.slice(from, cuts[at] ?? sentence.tokens.length)));
}

/** Whether a finding is described from `at` on and then named, without an "or" after it which would show that the negation continues. */
function opensFinding(words: readonly string[], at: number, mentions: readonly Place[]): boolean {
  const next = mentions.find(({ start }) => start >= at);
  if (!next || next.start - at > longestDescription) return false;
  for (let word = at; word < next.start; word++) if (connecting.has(words[word]!)) return false;
  for (let word = next.end; word < words.length; word++) {
    if (words[word] === 'or' || words[word] === 'nor') return false;
    if (words[word] === 'no' || words[word] === '.' || words[word] === ',' || words[word] === ';') break;
  }
  return true;
}

/** Findings of other organs than lungs and pleura. They are hardly ever in the middle of a list of findings of those. */
const otherOrgans = new Set<unknown>(['Cardiomegaly', 'Hernia']);

/**
 * Whether it is unclear if a negation applies to a mention, as in "no effusion cardiomegaly": a finding of the heart directly after one of the
 * lungs or the pleura, without a later word that makes it a list. It may just as well be a sentence of its own. In the five places where OpenI
 * leaves out a comma after a negated finding, the negation applies to all ("no pneumothorax large pleural effusion"), but none of them is
 * about the heart.
 */
export function isDeniedInDoubt(
  words: readonly string[],
  mentions: readonly { end: number; value: { concept: string | null } }[],
  { start, end, value }: Place & { value: { concept: string | null } },
): boolean {
  if (!otherOrgans.has(value.concept)) return false;
  if (!mentions.some((one) => one.end === start && one.value.concept !== null)) return false;
  return !words.slice(end).some((word) => joining.has(word));
}
const joining = new Set(['or', 'nor', 'and', ',', '/']);

/** Makes a sentence of some tokens, without a separator at its end. */
function part(tokens: Token[]): Sentence {
  const last = tokens.length > 1 && separators.has(tokens.at(-1)!.word) ? -1 : tokens.length;
  const own = tokens.slice(0, last);
  return { start: own[0]!.start, end: own.at(-1)!.end, tokens: own };
}

/** Makes a sentence of the tokens `from` to `to`, with a colon before the one at `answer`. */
function withColon({ tokens }: Sentence, from: number, to: number, answer: number): Sentence {
  const at = tokens[answer - 1]!.end;
  return part([...tokens.slice(from, answer), { word: ':', start: at, end: at }, ...tokens.slice(answer, to)]);
}
