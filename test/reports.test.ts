import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Disease } from '../src/reports/lexicon.js';
import { type LabelStatus, mineReport } from '../src/reports/mine.js';

type Expected = Partial<Record<Disease, LabelStatus>>;

/** Each sentence with the status of every disease that it mentions. */
const sentenceTable: [text: string, expected: Expected][] = [
  // The problem sentences that NegBio and CheXpert published.
  ['No evidence of pneumothorax or large pleural effusion.', { Pneumothorax: 'negative', Effusion: 'negative' }],
  ['Heart size is enlarged but stable.', { Cardiomegaly: 'positive' }],
  ['Previously seen effusion has resolved.', { Effusion: 'negative' }],
  ['May reflect atelectasis or consolidation.', { Atelectasis: 'uncertain', Consolidation: 'uncertain' }],
  ['No change in the right effusion.', { Effusion: 'positive' }],
  // Negation and its reach.
  [
    'No consolidation, effusion, nodule or mass.',
    { Consolidation: 'negative', Effusion: 'negative', Nodule: 'negative', Mass: 'negative' },
  ],
  ['The lungs are free of infiltrates and the pleural spaces hold no fluid.', { Infiltration: 'negative' }],
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
  ['Pneumonia has been ruled out.', { Pneumonia: 'negative' }],
  // What looks like negation and is none.
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
  ['Borderline heart size.', { Cardiomegaly: 'uncertain' }],
  ['Opacity that may be due to infiltrate.', { Infiltration: 'uncertain' }],
  ['Superimposed pneumonia should be considered.', { Pneumonia: 'uncertain' }],
  ['No pneumothorax, possible small effusion.', { Pneumothorax: 'negative', Effusion: 'uncertain' }],
  // Other times and other worlds.
  ['History of pneumonia.', {}],
  ['Follow-up to exclude pneumonia is recommended.', {}],
  ['Previously noted nodule is unchanged.', { Nodule: 'positive' }],
  ['This view is not sensitive for small nodules.', {}],
  // Words that mean something else, and words that mean two things.
  ['Subcutaneous emphysema in the neck.', {}],
  ['Mild mass effect on the trachea.', {}],
  ['Left hydropneumothorax.', { Effusion: 'positive', Pneumothorax: 'positive' }],
  ['Left-sided pneumothoraces and multiple nodules.', { Pneumothorax: 'positive', Nodule: 'positive' }],
  ['Heart size is at the upper limits of normal.', {}],
];

for (const [text, expected] of sentenceTable) {
  test(`mine: ${text}`, () => assert.equal(sorted(mineReport(text).labels), sorted(expected)));
}

const sorted = (labels: Expected) => Object.fromEntries(Object.entries(labels).sort());

test.run();
