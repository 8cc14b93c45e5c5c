/** Mutators for text: JSON, lines of fields, XML, prose. */
import { type Dice, MAX_MUTANT_BYTES, type Mutator } from './mutate.js';

export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const onText =
  (change: (text: string, dice: Dice, others: readonly string[]) => string): Mutator =>
  (bytes, dice, others) =>
    bytesOf(change(textOf(bytes), dice, others.map(textOf)));

/** `unit` repeated up to a random length, at most that of the longest mutant. */
export const many = (unit: string, dice: Dice): string =>
  unit.repeat(Math.max(1, Math.floor(dice.length(MAX_MUTANT_BYTES - 4096) / unit.length)));

// JSON

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const VALUES: readonly Json[] = [
  ...[null, true, false, 0, -0, -1, 1.5, 1e308, 5e-324, 2 ** 53, -(2 ** 31), '', ' ', '\u0000', '\ud800', '1', 'NaN'],
  ...['__proto__', 'constructor', 'toString', '=1+1', '../x', 'a\nb', [], {}, [[]], [null], { a: null }],
];
const KEYS = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'length', '', '0', 'id', 'name', '\ud800'];

/** All places in a JSON value: the array or object, and the key in it. */
function placesOf(root: Json): { holder: Json[] | { [key: string]: Json }; key: string | number }[] {
  const found: { holder: Json[] | { [key: string]: Json }; key: string | number }[] = [];
  const walk = (value: Json) => {
    if (typeof value !== 'object' || value === null) return;
    for (const key of Object.keys(value)) {
      found.push({ holder: value, key });
      walk((value as { [key: string]: Json })[key]);
    }
  };
  walk(root);
  return found;
}

/** Sets a value by defining the property rather than assigning it, so that `__proto__` is a key like any other. */
const put = (holder: object, key: string | number, value: Json) =>
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });

/** Replaces, removes, doubles, renames or moves one value. Text that is not JSON is returned unchanged. */
export function changeJson(text: string, dice: Dice): string {
  let root: Json;
  try {
    root = JSON.parse(text);
  } catch {
    return text;
  }
  const places = placesOf(root);
  if (places.length === 0) return JSON.stringify(dice.pick(VALUES));
  const { holder, key } = dice.pick(places);
  const value = (holder as { [key: string]: Json })[key];
  const other = dice.pick(places);
  switch (dice.below(7)) {
    case 0:
      put(holder, key, dice.pick(VALUES));
      break;
    case 1:
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete holder[key];
      break;
    case 2:
      if (Array.isArray(holder)) holder.splice(Number(key), 0, value);
      else put(holder, dice.pick(KEYS), value);
      break;
    case 3:
      put(holder, key, structuredClone((other.holder as { [key: string]: Json })[other.key]));
      break;
    case 4:
      put(holder, key, typeof value === 'number' ? value * dice.pick([-1, 2, 1e9, 0.5, 1e300]) : [value]);
      break;
    case 5:
      put(holder, key, typeof value === 'string' ? changeWord(value, dice) : wordOf(value));
      break;
    default: // the same key twice, which is only possible in text
      return JSON.stringify(root).replace(/"(\w+)":/, (name) => `${name}${JSON.stringify(dice.pick(VALUES))},${name}`);
  }
  return JSON.stringify(root);
}

// An object may hold a key toString by now, which String() would call.
const wordOf = (value: Json) => (typeof value === 'object' ? JSON.stringify(value) : String(value));

const changeWord = (word: string, dice: Dice): string => {
  const at = dice.below(word.length + 1);
  return dice.pick([
    word.slice(0, at),
    `${word}${word}`,
    `${word.slice(0, at)}${dice.pick(ODD)}${word.slice(at)}`,
    word.toUpperCase(),
    ` ${word} `,
  ]);
};

const JSON_UNITS: readonly ((dice: Dice) => string)[] = [
  (dice) => many('[', dice),
  (dice) => many('{"a":', dice),
  (dice) => many('[{"a":', dice),
  (dice) => {
    const depth = dice.length(1e6);
    return `${'['.repeat(depth)}${']'.repeat(depth)}`;
  },
  (dice) => {
    const depth = dice.length(5e5);
    return `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
  },
  (dice) => `"${many(dice.pick(['\\n', '\\\\', '\\"', '\\u0041', 'a', ' ', '\\ud800']), dice)}"`,
  (dice) => `[${many('{},', dice)}{}]`,
  (dice) => `[${many('[],', dice)}[]]`,
  (dice) => `[${many('0,', dice)}0]`,
  (dice) => `[${many('"",', dice)}""]`,
  (dice) =>
    `{${Array.from({ length: dice.length(3e5) }, (_, i) => `"k${i}":${dice.pick(['0', '{}', '""'])}`).join(',')}}`,
  (dice) => many(dice.pick(['1', '0.', '-', '1e', ' ', '\n']), dice),
];

/** Replaces one value by millions of brackets, escapes, entries or digits. */
export function amplifyJson(text: string, dice: Dice): string {
  const values = [...text.matchAll(/(?<=[:,[]\s{0,9})(?:"[^"\\]{0,80}"|-?\d[\d.e+-]{0,20}|\[\]|\{\}|null|true)/g)];
  const unit = dice.pick(JSON_UNITS)(dice);
  if (values.length === 0) return unit;
  const { index, 0: value } = dice.pick(values);
  return `${text.slice(0, index)}${unit}${text.slice(index + value.length)}`;
}

export const json: Mutator = onText(changeJson);
export const amplifiedJson: Mutator = onText(amplifyJson);
/** Changes one line of a text whose lines are JSON. */
export const jsonLine: Mutator = onText((text, dice) => onLine(text, dice, changeJson));
export const amplifiedJsonLine: Mutator = onText((text, dice) => onLine(text, dice, amplifyJson));

function onLine(text: string, dice: Dice, change: (line: string, dice: Dice) => string): string {
  const lines = text.split('\n');
  const at = dice.below(lines.length);
  lines[at] = change(lines[at], dice);
  return lines.join('\n');
}

// Lines and fields

const ODD: readonly string[] = [
  ...['"', '""', "'", ',', ';', '|', '\t', '\r', '\n', '\r\n', '\0', '\ufeff', '\u2028', '\ud800', 'é', '𝔸', '\\', '/'],
  ...['../', '..\\', '=cmd', '@x', '+1', '-1', '0', 'NaN', 'Infinity', '1e999', '-0', '0x10', '1_000', '9'.repeat(400)],
  ...[
    '__proto__',
    'constructor',
    'null',
    'true',
    'No Finding',
    'Mass|Mass',
    '00000001_000.png',
    '999Y',
    '<',
    '&',
    '%00',
  ],
];

/** Doubles, removes, moves or changes a line or one of its fields. */
export const lines: Mutator = onText((text, dice, others) => {
  const rows = text.split('\n');
  const at = dice.below(rows.length);
  const other = dice.pick(others).split('\n');
  const fields = rows[at].split(',');
  const column = dice.below(fields.length);
  switch (dice.below(8)) {
    case 0:
      rows.splice(at, 1);
      break;
    case 1:
      rows.splice(at, 0, rows[at]);
      break;
    case 2:
      rows.splice(at, 0, dice.pick(other));
      break;
    case 3:
      fields.splice(column, 1);
      rows[at] = fields.join(',');
      break;
    case 4:
      fields.splice(column, 0, dice.pick(ODD));
      rows[at] = fields.join(',');
      break;
    case 5:
      fields[column] = dice.pick(ODD);
      rows[at] = fields.join(',');
      break;
    case 6:
      fields[column] = changeWord(fields[column], dice);
      rows[at] = fields.join(',');
      break;
    default:
      return rows.join(dice.pick(['\r\n', '\r', '\n\n', '\n\r']));
  }
  return rows.join('\n');
});

/** Inserts unusual characters at a random place. */
export const odd: Mutator = onText((text, dice) => {
  const at = dice.below(text.length + 1);
  return `${text.slice(0, at)}${dice.pick(ODD)}${text.slice(at + dice.below(3))}`;
});

/** Repeats a piece of the text, or a character, very many times. */
export const repeated: Mutator = onText((text, dice) => {
  const at = dice.below(text.length + 1);
  const piece = text.slice(at, at + dice.length(40));
  const unit =
    dice.chance(0.4) && piece !== '' ? piece : dice.pick([...ODD, ' ', 'a', 'A ', '.', 'no ', '1.', ': ', '- ']);
  return `${text.slice(0, at)}${many(unit, dice)}${text.slice(at)}`;
});

// XML

const MARKUP: readonly string[] = [
  ...[
    '<a>',
    '</a>',
    '<a/>',
    '<Abstract>',
    '</Abstract>',
    '<AbstractText Label="FINDINGS">',
    '</AbstractText>',
    '<uId id="x"/>',
  ],
  ...[
    '<![CDATA[',
    ']]>',
    '<!--',
    '-->',
    '<?xml version="1.1"?>',
    '<?x ?>',
    '<!DOCTYPE a>',
    '<!DOCTYPE a [<!ENTITY b "c">]>',
  ],
  ...[
    '&amp;',
    '&lt;',
    '&b;',
    '&#0;',
    '&#xd800;',
    '&#x110000;',
    '&#99999999999;',
    '<a b="',
    '" c=\'',
    '<a b="1" b="2">',
    '<a:b:c>',
  ],
  ...[
    'xmlns="x"',
    '<',
    '>',
    '&',
    '<AbstractText Label="IMPRESSION"><AbstractText>',
    '<!DOCTYPE a SYSTEM "file:///etc/passwd">',
  ],
];

export const xml: Mutator = onText((text, dice) => {
  const tags = [...text.matchAll(/<[^<>]{1,200}>/g)];
  const at = dice.chance(0.5) && tags.length > 0 ? dice.pick(tags).index : dice.below(text.length + 1);
  const tag = dice.chance(0.3) && tags.length > 0 ? dice.pick(tags)[0].length : 0;
  return `${text.slice(0, at)}${dice.pick(MARKUP)}${text.slice(at + tag)}`;
});

export const amplifiedXml: Mutator = onText((text, dice) => {
  const at = dice.below(text.length + 1);
  const unit = dice.pick([...MARKUP, ' a="1"', 'a', ' ', '&amp;', '<a ', '<!ENTITY a "b">']);
  return `${text.slice(0, at)}${many(unit, dice)}${text.slice(at)}`;
});
