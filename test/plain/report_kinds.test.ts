/** Layouts of reports, and sentences that miners often read wrongly, each with the right answer. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type LabelStatus, mineReport } from '../../src/reports/mine.js';
import { reportCourses } from '../support/report_courses.js';
import { reportDoubts } from '../support/report_doubts.js';
import { moreReportDoubts } from '../support/report_doubts_more.js';
import { reportDoubtTraps } from '../support/report_doubts_traps.js';
import { reportKinds } from '../support/report_kinds.js';
import { reportTraps } from '../support/report_traps.js';
import { moreReportTraps } from '../support/report_traps_more.js';

const signs: Record<LabelStatus, string> = { positive: '+', negative: '-', uncertain: '?' };

const labelsOf = (text: string): string =>
  Object.entries(mineReport(text).labels)
    .map(([name, status]) => `${name} ${signs[status]}`)
    .sort()
    .join(',');

let count = 0;
for (const line of `${reportKinds}${reportTraps}${moreReportTraps}${reportDoubts}${moreReportDoubts}${reportDoubtTraps}${reportCourses}`
  .trim()
  .split('\n')) {
  if (line === '' || line.startsWith('#')) continue;
  count++;
  const [text, said] = line.split(' → ');
  const wanted = said === 'none' ? '' : said.split(',').sort().join(',');
  test(`says: ${text}`, () => assert.is(labelsOf(text.replaceAll('⏎', '\n')), wanted));
  // Line ends of another system change nothing.
  if (text.includes('⏎')) test(`says, CRLF: ${text}`, () => assert.is(labelsOf(text.replaceAll('⏎', '\r\n')), wanted));
}

test('the table has all its rows', () => assert.ok(count > 1530, `${count}`));

/** Whole reports: headings, text without one, preliminary reads and addenda. */
const reports: [text: string, wanted: string][] = [
  ['INDICATION: Pneumothorax.\n\nThe lungs are clear.', ''],
  ['INDICATION: Pneumothorax. The lungs are clear.', ''],
  ['INDICATION: fever, pneumothorax? COMPARISON: effusion film. Lungs are clear. Small effusion.', 'Effusion +'],
  [
    'REASON FOR EXAM: effusion\nCLINICAL DATA: pneumothorax\nPROCEDURE: chest for nodule\n\nHeart is enlarged.',
    'Cardiomegaly +',
  ],
  ['REASON FOR EXAM:\neffusion\n\nHeart is enlarged.', 'Cardiomegaly +'],
  ['HISTORY: 56 year old man. Prior left\npneumothorax. Pain.\nThe heart is enlarged.', 'Cardiomegaly +'],
  [
    'TECHNIQUE: PA and lateral.\nCOMPARISON: CT with a nodule.\nNo effusion.\nHeart enlarged.',
    'Cardiomegaly +,Effusion -',
  ],
  ['Comparison is made to the film of May, which showed a pneumothorax.\n\nNo effusion.', 'Effusion -'],
  ['COMPARISON:\n\nSmall effusion.', 'Effusion +'],
  ['INDICATION:\n\nPneumothorax.\n\nSmall effusion.', 'Effusion +'],
  ['History\nPneumothorax\n\nSmall effusion', 'Effusion +'],
  ['CLINICAL HISTORY/REASON FOR STUDY: pneumothorax\n\nCHEST, PA AND LATERAL: Small effusion.', 'Effusion +'],
  ['INDICATION: pneumothorax\n\nCHEST: Small effusion.\n\nIMPRESSION: Effusion.', 'Effusion +'],
  ['EXAM: CHEST X-RAY\nHISTORY: Cough, pneumothorax\nLungs: clear\nPleura: small effusion', 'Effusion +'],
  ['WET READ: Small right pneumothorax.\n______________\nFINAL REPORT\nNo pneumothorax.', 'Pneumothorax -'],
  [
    'WET READ VERSION #1 SAT 4:47 PM\n Small right pneumothorax.\n______________\n FINAL REPORT\n CHEST RADIOGRAPH\n\n No pneumothorax. Heart enlarged.',
    'Cardiomegaly +,Pneumothorax -',
  ],
  [
    'PRELIMINARY REPORT\nFINDINGS: Left pneumothorax.\nIMPRESSION: Pneumothorax.\n\nFINAL REPORT\nFINDINGS: No pneumothorax.\nIMPRESSION: Normal.',
    'Pneumothorax -',
  ],
  ['Preliminary impression: pneumothorax. Final impression: no pneumothorax.', 'Pneumothorax -'],
  ['WET READ: pneumothorax.\nFINDINGS: No pneumothorax.', 'Pneumothorax -'],
  ['WET READ: Small pneumothorax.', 'Pneumothorax +'],
  ['FINDINGS: Nodule at the right base.\nIMPRESSION: Nodule.\n\nADDENDUM: The nodule is a nipple shadow.', 'Nodule -'],
  [
    'ADDENDUM: There is a small pneumothorax.\n\nFINAL REPORT\nFINDINGS: No pneumothorax. No effusion.',
    'Effusion -,Pneumothorax +',
  ],
  [
    'FINDINGS: No pneumothorax.\nADDENDUM by Dr. Who on 3/2: In retrospect there is a small left pneumothorax.',
    'Pneumothorax +',
  ],
  ['No pneumothorax.\n\nADDENDUM Upon review a small pneumothorax is seen.', 'Pneumothorax +'],
  ['ADDENDUM 1: possible pneumothorax.\nADDENDUM 2: no pneumothorax.', 'Pneumothorax -'],
  ['Resident read: small pneumothorax. Attending: no pneumothorax.', 'Pneumothorax -'],
  ['IMPRESSION: No pneumothorax.\nATTENDING NOTE: Agree.', 'Pneumothorax -'],
  ['IMPRESSION: 1. Pneumonia 2. No effusion', 'Effusion -,Pneumonia +'],
  ['Findings: Small effusion\nComparison: Film with pneumothorax', 'Effusion +'],
  ['COMPARISON: none Findings: Small effusion', 'Effusion +'],
  ['Indication: r/o pneumothorax', ''],
  [
    'CHEST: 3/4/2020\n\nHISTORY: Effusion.\n\nThe heart is enlarged. No\npneumothorax.',
    'Cardiomegaly +,Pneumothorax -',
  ],
  ['Clinical: pneumonia.\nNo effusion.', 'Effusion -'],
  ['Reason: SOB, ?effusion\nReport: No pneumothorax.', 'Pneumothorax -'],
  ['IMPRESSION\n\nSmall effusion.', 'Effusion +'],
  ['**FINDINGS:** Small effusion\n**HISTORY:** pneumothorax', 'Effusion +'],
  [
    'INDICATION: Patient with pneumothorax, interval\nchange after effusion drainage.\nHeart enlarged.',
    'Cardiomegaly +',
  ],
  ['FINAL REPORT\nEXAMINATION: CHEST\nINDICATION: Pneumothorax.\nThe lungs are clear. Small effusion.', 'Effusion +'],
  ['HISTORY: Fever. TECHNIQUE: PA for pneumothorax. Impression: Effusion.', 'Effusion +'],
  ['Patient has history: pneumonia. No effusion.', 'Effusion -,Pneumonia +'],
  ['CORRECTED REPORT: No effusion.', 'Effusion -'],
  ['FINDINGS: Effusion.\nCORRECTION: No effusion.', 'Effusion -'],
  ['IMPRESSION: Effusion.\nRECOMMENDATION: CT to exclude mass.', 'Effusion +'],
];

for (const [text, wanted] of reports) {
  test(`reads: ${text.replaceAll('\n', '⏎')}`, () => assert.is(labelsOf(text), wanted));
}

test('the result for a report in which no sentence counts says so', () => {
  for (const text of ['', ' \n', 'INDICATION: pneumothorax.', 'HISTORY:\nEffusion', '...']) {
    const { empty, normal, labels } = mineReport(text);
    assert.equal([empty, normal, labels], [true, true, {}], text);
  }
  assert.not.ok(mineReport('Lungs clear.').empty);
});

test('an addendum can change whether a report is Normal', () => {
  assert.ok(mineReport('FINDINGS: Small nodule.\nADDENDUM: The nodule has resolved.').normal);
  assert.not.ok(mineReport('FINDINGS: No nodule.\nADDENDUM: Small nodule.').normal);
});

test('evidence says which section it is from, and its offsets hold in forms and tables', () => {
  const text = 'INDICATION: mass.\n\nEffusion | Yes | No\nPneumothorax: [ ] yes [x] no\n[x] Nodule';
  for (const { mention, start, end, section } of mineReport(text).evidence) {
    assert.is(text.slice(start, end), mention);
    assert.is(section, 'body');
  }
});

test.run();
