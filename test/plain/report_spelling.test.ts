/** Misspelt findings are read, and words that mean something else are not read as findings. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { abnormalityPhrases } from '../../src/reports/abnormalities.js';
import { mineChexpert } from '../../src/reports/chexpert.js';
import { chexpertDenials, chexpertOtherMeanings, chexpertPhrases } from '../../src/reports/chexpert_phrases.js';
import { denials, diseasePhrases, otherMeanings, vagueTerms } from '../../src/reports/lexicon.js';
import { mineReport } from '../../src/reports/mine.js';
import { rules } from '../../src/reports/rules/rules.js';
import { mend } from '../../src/reports/text/spelling.js';
import { lemma } from '../../src/reports/text/words.js';

const slips: [word: string, read: string][] = [
  ['pnuemothorax', 'pneumothorax'],
  ['pnemothorax', 'pneumothorax'],
  ['pnumothroax', 'pneumothorax'],
  ['neumothorax', 'pneumothorax'],
  ['atelectesis', 'atelectasis'],
  ['atalectisis', 'atelectasis'],
  ['atlectasis', 'atelectasis'],
  ['cardiomegally', 'cardiomegaly'],
  ['cardimegaly', 'cardiomegaly'],
  ['effusuion', 'effusion'],
  ['efusion', 'effusion'],
  ['efussion', 'effusion'],
  ['ffusion', 'effusion'],
  ['consoldiation', 'consolidation'],
  ['consilidaton', 'consolidation'],
  ['infilrate', 'infiltrate'],
  ['pnuemonia', 'pneumonia'],
  ['emphesema', 'emphysema'],
  ['fibrosos', 'fibrosis'],
  ['edmea', 'edema'],
  ['edemma', 'edema'],
  ['nodlue', 'nodule'],
  ['herina', 'hernia'],
  ['opactiy', 'opacity'],
  ['granluoma', 'granuloma'],
  ['fractrue', 'fracture'],
  ['wihtout', 'without'],
];
for (const [word, read] of slips) test(`reads ${word} as ${read}`, () => assert.is(mend(word), read));

/** Words that are similar to a finding's name but mean something else. */
const others =
  'infusion diffusion perfusion transfusion suffusion affusion effusive mask massive module modular noddle enema hermetic hemithorax pleura plural consolation conversation citation ticketing sparring starring connection convention clarification pacification fibrosus fibroids filtration infiltrative pneumonic pneumatic ammonia peacemaker degenerate tortious lobular capacity capacious features metaplasia regenerative hypoinflated within throughout enlarge';
for (const word of others.split(' ')) test(`leaves ${word} alone`, () => assert.is(mend(word), undefined));

test('no word of the lexicon and the rules is read as another word', () => {
  const lists: readonly (readonly string[])[] = [
    ...Object.values(diseasePhrases),
    ...Object.values(abnormalityPhrases),
    ...Object.values(denials),
    ...Object.values(chexpertPhrases),
    ...Object.values(chexpertDenials),
    ...vagueTerms.map(({ phrases }) => phrases),
    ...rules.map(({ phrases }) => phrases),
    otherMeanings,
    chexpertOtherMeanings,
  ];
  const words = lists.flat().flatMap((phrase) => phrase.split(/[ |]/).map((word) => word.replace(/\?$/, '')));
  const wrong = [...new Set(words.map(lemma))].flatMap((word) => {
    const read = mend(word);
    return read === undefined ? [] : [`${word} as ${read}`];
  });
  assert.ok(words.length > 3000);
  assert.equal(wrong, []);
});

test('the evidence says what a misspelt word was read as', () => {
  const { evidence, labels, normal } = mineReport('Small left pnuemothorax. No efusion.');
  assert.equal(labels, { Pneumothorax: 'positive', Effusion: 'negative' });
  assert.is(normal, false);
  assert.equal(
    evidence.map(({ mention, readAs }) => [mention, readAs]),
    [
      ['pnuemothorax', 'pneumothorax'],
      ['efusion', 'effusion'],
    ],
  );
  assert.not('readAs' in mineReport('Small left pneumothorax.').evidence[0]!);
});

test('a report with a misspelt abnormality is not Normal', () => {
  for (const text of ['Old rib fracutre.', 'Calcified granuolma.', 'Mild scoloisis.', 'Basilar opactiy.'])
    assert.is(mineReport(text).normal, false, text);
  assert.is(mineReport('Infusion port removed. Face mask. Normal perfusion.').normal, true);
});

test('misspelt words are also corrected for the columns of CheXpert', () => {
  const { values } = mineChexpert('Mild cardiomegally. No pnuemonia.');
  assert.is(values.Cardiomegaly, 1);
  assert.is(values.Pneumonia, 0);
});

test('a text with very many different words is read in reasonable time', () => {
  const word = (at: number): string => [...String(at)].map((digit) => 'aeiopntrsx'[Number(digit)]).join('');
  const text = Array.from({ length: 20_000 }, (_, at) => `pneum${word(at)}`).join(' ');
  assert.ok(mineReport(`${text}. Effusion.`).findings.includes('Effusion'));
});

test.run();
