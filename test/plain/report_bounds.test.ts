/**
 * Hostile reports and XML: work must grow with length, not with its square, and nothing may overflow the stack. A text
 * that breaks this keeps the test running into the limit of its file.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import { seededRandom } from '../../src/random.js';
import { mineChexpert } from '../../src/reports/chexpert.js';
import { mineReport } from '../../src/reports/mine.js';
import { readOpenI } from '../../src/reports/openi.js';
import { rules } from '../../src/reports/rules/rules.js';

const megabyte = 1 << 20;

/** Pieces of text that rules, layout and headings react to, alone and in combinations. */
const pieces = [
  ...[
    'no ',
    'not ',
    ' ',
    '\t',
    '\n',
    '\r',
    '\r\n',
    '\n\n',
    '1',
    '1.',
    '1) ',
    '(',
    ')',
    '[',
    '[ ]',
    '[x]',
    '(x) b ',
    '{',
  ],
  ...[
    'a',
    'a ',
    'A',
    'A A:',
    'A:',
    ':',
    ': ',
    'Aa: ',
    'effusion ',
    'effusion: no ',
    '|',
    'yes|no|x\n',
    'a\tno\n',
    '.',
    '. ',
  ],
  ...['?', '?a', ' - ', '- A\n', '• A ', 'and ', ', and is ', 'heart ', 'nodule or ', '\0', '肺', '👍', 'FINDINGS: a '],
  ...['COMPARISON: a\n', 'ADDENDUM: a\n', 'WET READ b\n', 'resolution of ', 'is nipple ', 'nodule thyroid ', 'in the '],
  ...[
    '_',
    '---\n',
    '=',
    '✓ ',
    'status post ',
    'no evidence that ',
    'Dr. ',
    'e.g. ',
    'Lungs and a: ',
    'x\n',
    '.\n',
    '0.',
    '½',
  ],
];

for (const piece of pieces) {
  test(`a quarter of a megabyte of ${JSON.stringify(piece)}`, () => {
    const text = piece.repeat(Math.ceil(megabyte / 4 / piece.length));
    assert.ok(mineReport(text, { explain: false }).findings.length >= 0);
  });
}

test('seeded mixtures of such pieces, long and short', () => {
  const random = seededRandom(20);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const words = rules.flatMap(({ phrases }) => phrases.map((phrase) => `${phrase.replace(/\?/g, '').split('|')[0]} `));
  for (let round = 0; round < 300; round++) {
    const parts = round % 2 === 0 ? pieces : [...words, 'effusion ', 'nodule ', ', ', '. ', '\n'];
    const length = round % 50 === 0 ? 50_000 : 200;
    let text = '';
    while (text.length < length) text += pick(parts).repeat(random() < 0.1 ? 40 : 1);
    const { evidence, labels, findings } = mineReport(text);
    for (const { mention, start, end } of evidence) assert.is(text.slice(start, end), mention);
    for (const name of findings) assert.ok(labels[name]);
    for (const { mention, start, end } of mineChexpert(text).evidence) assert.is(text.slice(start, end), mention);
  }
});

test('XML that is deep, wide, long or full of entities gives a report or an InputError', () => {
  const findings = (content: string): string =>
    `<Abstract><AbstractText Label="FINDINGS">${content}</AbstractText></Abstract>`;
  const texts = [
    '<a>'.repeat(megabyte / 2),
    `${'<Abstract>'.repeat(100_000)}${'</Abstract>'.repeat(100_000)}`,
    `<a ${Array.from({ length: 100_000 }, (_, at) => `a${at}="1"`).join(' ')}/>`,
    `<a b="${'x'.repeat(megabyte)}"/>`,
    findings('&amp;'.repeat(megabyte / 5)),
    findings('&#65;'.repeat(megabyte / 5)),
    findings('<![CDATA[a]]>'.repeat(megabyte / 13)),
    findings('&'.repeat(megabyte)),
    findings(`&${'a'.repeat(megabyte)};`),
    `<!DOCTYPE a [${'<!ELEMENT a ANY>'.repeat(megabyte / 16)}]>${findings('x')}`,
    `<!DOCTYPE a [<!ENTITY a "${'x'.repeat(megabyte)}">]>${findings('&a;')}`,
    `<!DOCTYPE ${'['.repeat(megabyte)}`,
    `<!--${'-'.repeat(megabyte)}`,
    `<?a ${'?'.repeat(megabyte)}`,
    '<'.repeat(megabyte),
    ']]>'.repeat(megabyte / 3),
    ' '.repeat(megabyte),
  ];
  for (const text of texts) {
    try {
      assert.ok(readOpenI(text, 'x.xml').text.length <= text.length + 40);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
    }
  }
});

test('seeded mutants of an XML report give a report or an InputError', () => {
  const random = seededRandom(21);
  const whole = `<?xml version="1.0"?><e><uId id="CXR1"/><Abstract><AbstractText Label="FINDINGS">No &lt; <b>effusion</b>.</AbstractText></Abstract></e>`;
  for (let round = 0; round < 3000; round++) {
    let text = whole;
    for (let times = 0; times < 1 + random() * 4; times++) {
      const at = Math.floor(random() * text.length);
      const insert = ['', '<', '>', '&', '"', '</e>', '<![CDATA[', '\0', '&a;', ']]>', text.slice(at, at + 20)];
      text =
        text.slice(0, at) + insert[Math.floor(random() * insert.length)] + text.slice(at + Math.floor(random() * 4));
    }
    try {
      mineReport(readOpenI(text).text);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
    }
  }
});

test.run();
