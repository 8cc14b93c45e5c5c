/** Proves that labels are mined correctly from report texts: phrases, negation, doubt, sections and sentences. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import { abnormalityPhrases } from '../../src/reports/abnormalities.js';
import { type Disease, diseasePhrases, diseases, vagueTerms } from '../../src/reports/lexicon.js';
import { type LabelStatus, mineReport } from '../../src/reports/mine.js';
import { readOpenI } from '../../src/reports/openi.js';
import { compilePatterns, matchesAt } from '../../src/reports/patterns.js';
import { rules } from '../../src/reports/rules/rules.js';
import { countedSections } from '../../src/reports/text/sections.js';
import { sentences } from '../../src/reports/text/sentences.js';
import { lemma } from '../../src/reports/text/words.js';
import { reportSentences } from '../support/report_sentences.js';

type Expected = Partial<Record<Disease, LabelStatus>>;

/** Each sentence with the status of every disease that it mentions. */
const sentenceTable: [text: string, expected: Expected][] = [
  // The problem sentences that NegBio and CheXpert published.
  ['No evidence of pneumothorax or large pleural effusion.', { Pneumothorax: 'negative', Effusion: 'negative' }],
  ['Heart size is enlarged but stable.', { Cardiomegaly: 'positive' }],
  ['Previously seen effusion has resolved.', { Effusion: 'negative' }],
  ['May reflect atelectasis or consolidation.', { Atelectasis: 'uncertain', Consolidation: 'uncertain' }],
  ['No change in the right effusion.', { Effusion: 'positive' }],
  // Negation, and how far it reaches.
  [
    'No consolidation, effusion, nodule or mass.',
    { Consolidation: 'negative', Effusion: 'negative', Nodule: 'negative', Mass: 'negative' },
  ],
  [
    'The lungs are free of infiltrates and the pleural spaces hold no fluid.',
    { Infiltration: 'negative', Effusion: 'negative' },
  ],
  ['Negative for pneumonia.', { Pneumonia: 'negative' }],
  ['Neither effusion nor pneumothorax.', { Effusion: 'negative', Pneumothorax: 'negative' }],
  ['Cardiomegaly without edema.', { Cardiomegaly: 'positive', Edema: 'negative' }],
  ['Pneumothorax is no longer seen.', { Pneumothorax: 'negative' }],
  ['A pneumothorax or an effusion is not identified.', { Pneumothorax: 'negative', Effusion: 'negative' }],
  ['The heart is not enlarged.', { Cardiomegaly: 'negative' }],
  ['There is no pneumothorax, but a small left effusion is new.', { Pneumothorax: 'negative', Effusion: 'positive' }],
  ['No pneumothorax; moderate effusion on the left.', { Pneumothorax: 'negative', Effusion: 'positive' }],
  ['No pneumothorax, and the heart is enlarged.', { Pneumothorax: 'negative', Cardiomegaly: 'positive' }],
  ['No infiltrate with a small effusion on the right.', { Infiltration: 'negative', Effusion: 'positive' }],
  ['No pneumothorax, stable cardiomegaly.', { Pneumothorax: 'negative', Cardiomegaly: 'positive' }],
  ['Apart from basal atelectasis, no consolidation.', { Atelectasis: 'positive', Consolidation: 'negative' }],
  ['No consolidation except for a lingular infiltrate.', { Consolidation: 'negative', Infiltration: 'positive' }],
  ['Infiltrates in both bases have resolved.', { Infiltration: 'negative' }],
  ['Interval resolution of the pneumothorax.', { Pneumothorax: 'negative' }],
  ['There is no focal opacity to suggest pneumonia.', { Pneumonia: 'negative' }],
  ['There was an effusion, which has resolved.', { Effusion: 'negative' }],
  ['Pneumonia has been ruled out.', { Pneumonia: 'negative' }],
  // Phrases that look like a negation but are not one.
  ['The effusion has not resolved.', { Effusion: 'positive' }],
  ['No significant interval change in the bilateral effusions.', { Effusion: 'positive' }],
  ['Nodule in the left apex, not significantly changed.', { Nodule: 'positive' }],
  ['No decrease in the pneumothorax.', { Pneumothorax: 'positive' }],
  ['Not only atelectasis but consolidation.', { Atelectasis: 'positive', Consolidation: 'positive' }],
  ['The effusion is resolving.', { Effusion: 'positive' }],
  ['Unchanged moderate cardiomegaly.', { Cardiomegaly: 'positive' }],
  // Doubt.
  ['Pneumonia cannot be excluded.', { Pneumonia: 'uncertain' }],
  ['Cannot exclude a small effusion.', { Effusion: 'uncertain' }],
  ['Possible nodule at the right base.', { Nodule: 'uncertain' }],
  ['Findings concerning for pneumonia.', { Pneumonia: 'uncertain' }],
  ['Atelectasis versus infiltrate at the left base.', { Atelectasis: 'uncertain', Infiltration: 'uncertain' }],
  ['Borderline large heart.', { Cardiomegaly: 'uncertain' }],
  ['Opacity that may be due to infiltrate.', { Infiltration: 'uncertain' }],
  ['Superimposed pneumonia should be considered.', { Pneumonia: 'uncertain' }],
  ['No pneumothorax, possible small effusion.', { Pneumothorax: 'negative', Effusion: 'uncertain' }],
  // Other times, and possibilities.
  ['History of pneumonia.', {}],
  ['Follow-up to exclude pneumonia is recommended.', {}],
  ['Previously noted nodule is unchanged.', { Nodule: 'positive' }],
  ['This view is not sensitive for small nodules.', {}],
  // Words that mean something else, and words that mean two things.
  ['Subcutaneous emphysema in the neck.', {}],
  ['Mild mass effect on the trachea.', {}],
  ['Left hydropneumothorax.', { Effusion: 'positive', Pneumothorax: 'positive' }],
  ['Left-sided pneumothoraces and multiple nodules.', { Pneumothorax: 'positive', Nodule: 'positive' }],
  ['Both heart and mediastinum are at the upper limit of normal width.', {}],
  ['Oedema of both ankles; the lungs show no oedema.', { Edema: 'negative' }],
  ['Cystic fibrosis with bronchiectasis.', {}],
  ['Thickening of the minor fissure.', { Pleural_Thickening: 'positive' }],
  ['A much enlarged cardiac silhouette.', { Cardiomegaly: 'uncertain' }],
  ['Nodular density over the left base.', { Nodule: 'uncertain' }],
  ['There are no changes of emphysema or fibrosis.', { Emphysema: 'negative', Fibrosis: 'negative' }],
  ['Nodule seen on the frontal view, not identified on the lateral view.', { Nodule: 'positive' }],
  ['The first rib is not well seen, effusion on the left.', { Effusion: 'positive' }],
  ['Non-loculated effusion.', { Effusion: 'positive' }],
];

const statuses: Record<string, LabelStatus> = { '+': 'positive', '-': 'negative', '?': 'uncertain' };

for (const line of reportSentences.trim().split('\n')) {
  const [text, said] = line.split('|').map((part) => part.trim());
  const pairs = said.split(',').filter(Boolean);
  sentenceTable.push([text, Object.fromEntries(pairs.map((pair) => [pair.slice(0, -2), statuses[pair.at(-1)!]]))]);
}

for (const [text, expected] of sentenceTable) {
  test(`mine: ${text}`, () => assert.equal(sorted(mineReport(text).labels), sorted(expected)));
}

test('if mentions differ, stated counts before uncertain, and uncertain before negated', () => {
  const { labels, findings } = mineReport('No effusion. Possible effusion on the left. Small left effusion.');
  assert.equal(labels, { Effusion: 'positive' });
  assert.equal(findings, ['Effusion']);
  assert.equal(mineReport('No effusion. Possible effusion.').labels, { Effusion: 'uncertain' });
});

test('the policy decides what an uncertain mention counts as', () => {
  const findingsOf = (text: string, uncertain: 'drop' | 'keep' | 'cue') => mineReport(text, { uncertain }).findings;
  for (const text of ['Possible nodule.', 'Probable nodule.']) {
    assert.equal(findingsOf(text, 'drop'), [], text);
    assert.equal(findingsOf(text, 'keep'), ['Nodule'], text);
  }
  assert.equal(findingsOf('Possible nodule.', 'cue'), []);
  assert.equal(findingsOf('Probable nodule.', 'cue'), ['Nodule']);
  assert.equal(mineReport('Possible nodule.', { likelihoods: { possible: 0.9 } }).findings, ['Nodule']);
});

test('Normal means no abnormality at all', () => {
  const normal = (text: string) => mineReport(text).normal;
  assert.ok(normal('The heart is normal in size. The lungs are clear. No effusion.'));
  for (const text of [
    'Small effusion.',
    'Calcified granuloma in the right apex. No acute disease.',
    'Mild scoliosis. The lungs are clear.',
    'Pacemaker in place. The lungs are clear.',
    'Possible nodule.',
  ]) {
    assert.not.ok(normal(text), text);
  }
  assert.ok(normal('Osteophytes at the left knee. The lungs are clear.'), 'another part of the body');
});

test('each label explains itself', () => {
  const text =
    'FINDINGS: The aorta is normal. No effusion, but there is probable atelectasis.\nIMPRESSION: Atelectasis.';
  const { evidence } = mineReport(text);
  const [effusion, probable, stated] = evidence;
  assert.equal([effusion.concept, effusion.status, effusion.rule], ['Effusion', 'negative', 'no']);
  assert.equal([probable.concept, probable.status, probable.rule], ['Atelectasis', 'uncertain', 'probable']);
  assert.ok(probable.likelihood! > 0.5);
  assert.equal([stated.status, stated.rule, stated.section], ['positive', 'stated', 'impression']);
  assert.is(probable.sentence, 'No effusion, but there is probable atelectasis.');
  for (const { mention, start, end } of evidence) assert.is(text.slice(start, end), mention);
});

test('only findings and impression count', () => {
  const text = `EXAMINATION: Chest, two views
INDICATION: Pneumonia?
COMPARISON: Earlier film with a pneumothorax.
FINDINGS:
HEART: Mild cardiomegaly.
LUNGS: Clear.
IMPRESSION
No effusion.`;
  assert.equal(mineReport(text).labels, { Cardiomegaly: 'positive', Effusion: 'negative' });
  assert.equal(
    countedSections(text).map(({ kind }) => kind),
    ['findings', 'impression'],
  );
});

test('reports on one line, and reports without headings', () => {
  const line =
    'Indication: pneumonia. Findings: Small effusion. Impression: Small effusion. Recommendation: exclude mass.';
  assert.equal(mineReport(line).labels, { Effusion: 'positive' });
  assert.equal(mineReport('Small effusion.').labels, { Effusion: 'positive' });
  assert.equal(
    mineReport('History: cough.\nSmall effusion.').labels,
    { Effusion: 'positive' },
    'neither: the whole report',
  );
  assert.equal(mineReport('FINDINGS:\n\nIMPRESSION: Effusion.').labels, { Effusion: 'positive' });
  assert.equal(mineReport('The following findings: effusion.').labels, { Effusion: 'positive' });
});

test('headings on a line of their own, in the middle of a line, and in a report that is wrapped at a fixed width', () => {
  const alone = 'History\nPneumonia.\nFindings\nSmall effusion. Impression\nof a mass is wrong.\nImpression\nEffusion.';
  assert.equal(mineReport(alone).labels, { Effusion: 'positive', Mass: 'positive' });
  assert.equal(mineReport('COMPARISON: Film with a mass FINDINGS: Small effusion').labels, { Effusion: 'positive' });
  const wrapped = `                 FINAL REPORT
 EXAMINATION:  CHEST (PA AND LAT)

 INDICATION:  ___F with cough  // pneumonia?

 FINDINGS:

 There is no focal consolidation, pleural effusion or
 pneumothorax.  Heart size
 is mildly enlarged.

 IMPRESSION:

 1. No pneumonia.
 2. Cardiomegaly.`;
  assert.equal(sorted(mineReport(wrapped).labels), {
    Cardiomegaly: 'positive',
    Consolidation: 'negative',
    Effusion: 'negative',
    Pneumonia: 'negative',
    Pneumothorax: 'negative',
  });
});

test('text is split into sentences at the right places', () => {
  const split = (text: string) => sentences(text).map(({ start, end }) => text.slice(start, end));
  assert.equal(split('A 1.5 cm nodule. Seen by Dr. Who at 3 p.m. today.'), [
    'A 1.5 cm nodule.',
    'Seen by Dr. Who at 3 p.m. today.',
  ]);
  assert.equal(split('Lungs clear.No effusion'), ['Lungs clear.', 'No effusion']);
  assert.equal(
    split('1. Effusion.\n2. Mass.'),
    ['1. Effusion.', '2. Mass.'].flatMap((part) => part.split(/(?<=\d\.) /)).filter((part) => /[a-z]/i.test(part)),
  );
  assert.equal(split('No effusion or\r\npneumothorax.'), ['No effusion or\r\npneumothorax.'], 'wrapped lines');
  assert.equal(split('Heart normal\n\nLungs clear'), ['Heart normal', 'Lungs clear']);
  assert.equal(
    split('- No effusion\n- Small nodule'),
    ['- No effusion', '- Small nodule'].map((part) => part.slice(2)),
  );
  assert.equal(split(''), []);
});

test('singular and plural are the same word', () => {
  const pairs =
    'Effusions effusion|opacities opacity|masses mass|Pneumothoraces pneumothorax|bases base|apices apex|is is';
  for (const [word, base] of pairs.split('|').map((pair) => pair.split(' '))) assert.is(lemma(word), base);
});

test('the phrase language: alternatives, options, gaps', () => {
  const tree = compilePatterns([['large|big left? ..2 effusion', 'x'] as const]);
  const found = (text: string) => matchesAt(tree, text.split(' '), 0, (word) => word === ',').length > 0;
  for (const text of ['big effusion', 'large left effusion', 'large left and right effusion'])
    assert.ok(found(text), text);
  for (const text of ['small effusion', 'large , effusion', 'large left a b c effusion'])
    assert.not.ok(found(text), text);
});

/** Every wording of a phrase, gaps left empty. */
function wordings(phrase: string): string[] {
  return phrase.split(' ').reduce<string[]>(
    (texts, part) => {
      if (part.startsWith('..')) return texts;
      const options = part.replace(/(?<=.)\?$/, '').split('|');
      if (part.length > 1 && part.endsWith('?')) options.push('');
      return texts.flatMap((text) => options.map((option) => `${text} ${option}`.trim()));
    },
    [''],
  );
}

test('every phrase of the lexicon is found as its concept', () => {
  const others: string[] = [];
  for (const [disease, phrases] of Object.entries(diseasePhrases)) {
    for (const text of phrases.flatMap(wordings)) {
      const found = mineReport(`${text}.`).evidence.map(({ concept }) => concept as string);
      if (!found.includes(disease)) others.push(`${disease}: ${text} (${found})`);
    }
  }
  for (const { concept, phrases } of vagueTerms) {
    for (const text of phrases.flatMap(wordings)) {
      if (mineReport(`${text}.`).labels[concept] !== 'uncertain') others.push(`${concept}: ${text}`);
    }
  }
  for (const phrases of Object.values(abnormalityPhrases)) {
    for (const text of phrases.flatMap(wordings)) if (mineReport(`${text}.`).normal) others.push(`normal: ${text}`);
  }
  assert.equal(others, []);
});

test('the rules are valid: known kinds, likelihoods for every rule of doubt, no phrase twice in a rule', () => {
  for (const { id, kind, likelihood, phrases } of rules) {
    assert.is(likelihood !== undefined, kind === 'uncertain', id);
    if (likelihood !== undefined) assert.ok(likelihood >= 0 && likelihood <= 1, id);
    assert.is(new Set(phrases).size, phrases.length, id);
  }
});

const abstract =
  '<AbstractText Label="FINDINGS">Small effusion &amp; a large heart.</AbstractText><AbstractText Label="IMPRESSION"/>';
const openI = (mesh: string, caption: string) => `<?xml version="1.0" encoding="utf-8"?>
<eCitation><uId id="CXR0"/><MedlineCitation><Article><Abstract>
<AbstractText Label="COMPARISON">Earlier pneumothorax.</AbstractText>
<AbstractText Label="INDICATION">Pneumonia.</AbstractText>
${abstract}</Abstract></Article></MedlineCitation>${mesh}
<parentImage id="CXR0_1">${caption}</parentImage></eCitation>`;

test('OpenI XML: findings and impression, never the MeSH codes or captions', () => {
  const full = readOpenI(openI('<MeSH><major>Nodule/lung</major></MeSH>', '<caption>Lung mass.</caption>'));
  assert.equal(full, { id: 'CXR0', text: 'FINDINGS: Small effusion & a large heart.\n\n' });
  assert.equal(readOpenI(openI('', '')), full);
  assert.equal(readOpenI(openI('<MeSH><AbstractText Label="FINDINGS">Mass.</AbstractText></MeSH>', '')), full);
});

test('malformed or dangerous OpenI XML is refused with the reason', () => {
  const bomb = `<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>${openI('', '')
    .replace(/<\?.*\?>/, '')
    .replace('Small', '&b;')}`;
  const cases: [xml: string, message: RegExp][] = [
    [bomb, /declares entities/],
    [openI('', '').replace('Small', '&b;'), /undefined entity/],
    [openI('', '').slice(0, 300), /no well-formed XML/],
    ['<a><b></a>', /no well-formed XML/],
    ['<html></html>', /no report/],
    ['', /no well-formed XML|no report/],
    ['not xml', /no well-formed XML/],
  ];
  for (const [xml, message] of cases) {
    assert.throws(
      () => readOpenI(xml, 'x.xml'),
      (error: unknown) => error instanceof InputError && message.test(error.message),
      xml.slice(0, 40),
    );
  }
});

const words = [
  ...'no not without may probable effusion nodule heart enlarged , . ; : and or with is seen the \n FINDINGS: IMPRESSION: - 1.5 ä é 肺'.split(
    ' ',
  ),
  ' ',
];
const reportText = fc.oneof(
  fc.string({ maxLength: 400, unit: 'binary' }),
  fc.array(fc.constantFrom(...words), { maxLength: 80 }).map((list) => list.join(' ')),
);

test('property: any text is mined without an error, and its evidence lies in it', () => {
  fc.assert(
    fc.property(reportText, (text) => {
      const { labels, findings, normal, evidence } = mineReport(text);
      for (const { mention, start, end } of evidence) assert.is(text.slice(start, end), mention);
      for (const name of findings) assert.ok(labels[name] === 'positive' || labels[name] === 'uncertain');
      for (const name of Object.keys(labels)) assert.ok((diseases as readonly string[]).includes(name));
      if (normal) assert.equal(findings, []);
    }),
    { numRuns: 500 },
  );
});

test('property: line ends, space around the text and reading it again change nothing', () => {
  const outcome = (text: string) => {
    const { labels, findings, normal } = mineReport(text);
    return { labels, findings, normal };
  };
  fc.assert(
    fc.property(reportText, (raw) => {
      const text = raw.replace(/\r/g, '');
      const expected = outcome(text);
      assert.equal(outcome(text.replace(/\n/g, '\r\n')), expected);
      assert.equal(outcome(`${text} \n\n `), expected);
      assert.equal(outcome(text), expected);
    }),
    { numRuns: 500 },
  );
});

test('time grows linearly with the length of a text, also for hostile ones', () => {
  for (const part of [
    ' ',
    ',',
    'no ',
    '. ',
    'a',
    ', and is ',
    'heart ',
    '\n#',
    'FINDINGS:',
    'nodule or ',
    '\u0000',
    '肺',
  ]) {
    mineReport(part.repeat(200_000 / part.length));
  }
});

const sorted = (labels: Expected) => Object.fromEntries(Object.entries(labels).sort());

test('a list in lines below a label that denies it is denied, and what comes after the list is not', () => {
  const lists: Record<string, Record<string, string>> = {
    'There is no evidence of:\n  - pneumothorax\n  - pleural effusion': {
      Pneumothorax: 'negative',
      Effusion: 'negative',
    },
    'ABSENT:\r\n1. Pneumothorax\r\n2. Edema': { Pneumothorax: 'negative', Edema: 'negative' },
    'No evidence of:\n- Mass\nHeart is enlarged.': { Mass: 'negative', Cardiomegaly: 'positive' },
    'Small nodule. Negative for:\npneumothorax\neffusion\n\nMass on the left.': {
      Nodule: 'positive',
      ...{ Pneumothorax: 'negative', Effusion: 'negative', Mass: 'positive' },
    },
    'Findings:\n- effusion\n- mass': { Effusion: 'positive', Mass: 'positive' },
  };
  for (const [text, labels] of Object.entries(lists)) assert.equal(mineReport(text).labels, labels, text);
});

test.run();
