/** Base forms of words, as the lexicon and the rules use them: in lower case, with one form for singular and plural. */

/** Irregular plurals, and variant spellings. */
const irregular: Record<string, string> = {
  apices: 'apex',
  atelectases: 'atelectasis',
  bases: 'base',
  bronchi: 'bronchus',
  bullae: 'bulla',
  bronchiectases: 'bronchiectasis',
  calluses: 'callus',
  diagnoses: 'diagnosis',
  hila: 'hilum',
  hilus: 'hilum',
  metastases: 'metastasis',
  pneumothoraces: 'pneumothorax',
  pneumothoracies: 'pneumothorax',
  hydropneumothoraces: 'hydropneumothorax',
  prostheses: 'prosthesis',
  pleurae: 'pleura',
  scolioses: 'scoliosis',
  vertebrae: 'vertebra',
  xray: 'radiograph',
};

/** Words that end in "s" but are not plurals. */
const unchanged = new Set(['is', 'was', 'has', 'does', 'as', 'this', 'its', 'series', 'versus', 'vs', 'lens', 'yes']);

const known = new Map<string, string>();

/** The base form of a word: "Effusions" → "effusion", "opacities" → "opacity", "masses" → "mass". */
export function lemma(raw: string): string {
  let base = known.get(raw);
  if (base === undefined) {
    base = baseForm(raw.toLowerCase());
    // The cache is bounded, because a hostile file could have any number of different words.
    if (known.size < 50_000) known.set(raw, base);
  }
  return base;
}

/** A code of the ICD-10: of chapter J, or with a decimal. "T12" without one is a vertebra. */
const code = /^(?:j\d\d|[a-z]\d\d\.\d{1,4})$/;

function baseForm(word: string): string {
  if (code.test(word)) return 'icdcode';
  if (Object.hasOwn(irregular, word)) return irregular[word]!;
  if (word.length < 4 || unchanged.has(word) || !word.endsWith('s')) return word;
  if (/(ss|us|is)$/.test(word)) return word;
  if (word.endsWith('ies') && word.length > 5) return `${word.slice(0, -3)}y`;
  if (/(sses|xes|ches|shes)$/.test(word)) return word.slice(0, -2);
  return word.slice(0, -1);
}

/** The base forms of the words in a text. */
export const wordSet = (text: string): Set<string> => new Set(text.split(' ').map(lemma));
