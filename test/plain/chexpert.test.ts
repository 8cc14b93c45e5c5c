/** The columns of the CheXpert labeller: order, values, and what counts as which. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { chexpertLabels, mineChexpert } from '../../src/reports/chexpert.js';
import { chexpertPhrases } from '../../src/reports/chexpert_phrases.js';

const short: Record<string, string> = {
  'Enlarged Cardiomediastinum': 'Wide',
  Cardiomegaly: 'Heart',
  'Lung Lesion': 'Lesion',
  'Lung Opacity': 'Opacity',
  'Pleural Effusion': 'Effusion',
  'Pleural Other': 'Pleura',
  'Support Devices': 'Device',
  'No Finding': 'None',
};

/** "Heart 1, Effusion 0": the columns that have a value, in order. */
const said = (text: string): string =>
  chexpertLabels
    .flatMap((name) => {
      const value = mineChexpert(text).values[name];
      return value === null ? [] : [`${short[name] ?? name} ${value}`];
    })
    .join(', ');

const table: [text: string, wanted: string][] = [
  [
    'Heart size normal and lungs clear. No edema or pneumonia. No effusion.',
    'None 1, Heart 0, Edema 0, Pneumonia 0, Effusion 0',
  ],
  [
    'Left effusion with adjacent atelectasis. Cardiomegaly without edema.',
    'Heart 1, Edema 0, Atelectasis 1, Effusion 1',
  ],
  [
    'Airspace disease in the lingula, may reflect atelectasis or consolidation.',
    'Opacity 1, Consolidation -1, Atelectasis -1',
  ],
  ['The lungs are clear.', 'None 1'],
  ['', 'None 1'],
  ['A PICC line ends in the right atrium. No pneumothorax.', 'None 1, Pneumothorax 0, Device 1'],
  ['The chest tube has been removed. No pneumothorax.', 'None 1, Pneumothorax 0, Device 0'],
  ['Dual-chamber pacemaker with intact leads.', 'None 1, Device 1'],
  ['Possible right rib fracture.', 'Fracture -1'],
  ['No acute fracture.', 'None 1, Fracture 0'],
  ['Old healed left rib fractures.', 'Fracture 1'],
  ['Compression deformity of T8.', 'Fracture 1'],
  ['Widened mediastinum.', 'Wide 1'],
  ['The mediastinum is not widened.', 'None 1, Wide 0'],
  ['Mediastinal widening cannot be excluded.', 'Wide -1'],
  ['The mediastinal contours are within normal limits.', 'None 1, Wide 0'],
  ['The cardiomediastinal silhouette is unremarkable.', 'None 1, Wide 0'],
  ['The cardiomediastinal silhouette is enlarged.', 'Wide 1'],
  ['Heart size and mediastinal contours are normal.', 'None 1, Wide 0, Heart 0'],
  ['The heart is normal in size.', 'None 1, Heart 0'],
  ['The cardiac silhouette is enlarged.', 'Heart 1'],
  ['Cardiac silhouette: enlarged', 'Heart 1'],
  ['The heart is mildly enlarged.', 'Heart 1'],
  ['Borderline heart size.', 'Heart -1'],
  ['The heart size is not normal.', 'None 1'],
  ['Right lower lobe opacity.', 'Opacity 1'],
  ['No focal opacity.', 'None 1, Opacity 0'],
  ['Bibasilar infiltrates.', 'Opacity 1'],
  ['Increased interstitial markings.', 'Opacity 1'],
  ['Ground-glass opacities, possibly pneumonia.', 'Opacity 1, Pneumonia -1'],
  ['Lung mass in the right apex.', 'Lesion 1'],
  ['Nodular opacity at the left base.', 'Lesion 1'],
  ['No nodule or mass.', 'None 1, Lesion 0'],
  ['Cavitary lesion in the left apex.', 'Lesion 1'],
  ['Thyroid nodule.', 'None 1'],
  ['Breast carcinoma.', 'None 1'],
  ['Pulmonary vascular congestion.', 'Edema 1'],
  ['No congestive heart failure.', 'None 1, Edema 0'],
  ['Kerley B lines.', 'Edema 1'],
  ['Consolidation in the left base compatible with infection.', 'Consolidation 1, Pneumonia 1'],
  ['Small pericardial effusion.', 'None 1'],
  ['Pleural and pericardial effusions.', 'Effusion 1'],
  ['Shoulder joint effusion.', 'None 1'],
  ['Apical pleural thickening.', 'Pleura 1'],
  ['Calcified pleural plaques.', 'Pleura 1'],
  ['No pleural thickening, no effusion.', 'None 1, Effusion 0, Pleura 0'],
  ['Pulmonary fibrosis.', 'Pleura 1'],
  ['Plate-like atelectasis.', 'Atelectasis 1'],
  ['A pleural line is seen at the apex: pneumothorax.', 'Pneumothorax 1'],
  ['No effusion. Possible effusion. Small effusion.', 'Effusion 1'],
  ['No effusion. Possible effusion.', 'Effusion -1'],
  ['INDICATION: Rib fracture.\n\nPacemaker.', 'None 1, Device 1'],
  ['[x] Fracture [ ] Pneumothorax', 'Pneumothorax 0, Fracture 1'],
  ['FINDINGS: Rib fracture.\nADDENDUM: No fracture.', 'None 1, Fracture 0'],
  ['Scoliosis.', 'None 1'],
];

for (const [text, wanted] of table) test(`chexpert: ${text}`, () => assert.is(said(text), wanted));

/** Tubes and lines that were taken out, and those that only should be or were moved. */
const tubes: [text: string, supportDevices: 0 | 1][] = [
  ['ET tube removed.', 0],
  ['ET tube has been removed.', 0],
  ['Interval removal of the endotracheal tube.', 0],
  ['The PICC line has been withdrawn.', 0],
  ['The PICC has been withdrawn by 2 cm.', 1],
  ['The ETT was withdrawn slightly.', 1],
  ['The ET tube has been pulled back.', 1],
  ['Chest tube pulled.', 0],
  ['Chest tube has been pulled.', 0],
  ['The Swan-Ganz catheter was discontinued.', 0],
  ['Right IJ line taken out.', 0],
  ['The tube should be withdrawn 3 cm.', 1],
  ['Recommend removal of the line.', 1],
  ['The line can be removed.', 1],
  ['The NG tube needs to be removed.', 1],
  ['All lines and tubes have been removed.', 0],
  ['All lines have been removed except the PICC.', 1],
  ['The right chest tube has been removed; the left chest tube remains.', 1],
  ['The left chest tube has been removed, the right remains in place.', 1],
  ['Pacemaker explanted.', 0],
  ['The NG tube is out.', 0],
  ['Chest tube is no longer seen.', 0],
  ['No lines or tubes.', 0],
  ['Status post removal of the chest tube.', 0],
  ['ET tube removed, PICC unchanged.', 1],
  ['Removed ET tube.', 0],
  ['Endotracheal tube removed since the prior film.', 0],
  ['Interval extubation, NG tube removed.', 0],
  ['The PICC was removed and replaced by a port.', 1],
  ['The chest tube is in place.', 1],
  ['The ET tube has been repositioned.', 1],
  ['The catheter has been partially withdrawn.', 1],
  ['The PICC has been withdrawn into the axillary vein.', 1],
  ['The ET tube, NG tube and Swan have been removed.', 0],
  ['Tubes out.', 0],
  ['Prior chest tube no longer present.', 0],
  ['The tube was not removed.', 1],
  ['The ET tube has not been removed.', 1],
  ['Device has been removed in the interval.', 0],
  ['The previously seen PICC line is gone.', 0],
  ['Tube tip is out of the field of view.', 1],
  ['Removal of the ET tube with new atelectasis.', 0],
  ['Withdrawal of the Swan-Ganz catheter into the main pulmonary artery.', 1],
  ['Interval withdrawal of the PICC.', 0],
];

for (const [text, wanted] of tubes) {
  test(`chexpert, tubes: ${text}`, () => assert.is(mineChexpert(text).values['Support Devices'], wanted));
}

test('the columns are in the order of the labeller', () => {
  assert.is(chexpertLabels.length, 14);
  assert.equal(
    [chexpertLabels[0], chexpertLabels[4], chexpertLabels.at(-1)],
    ['No Finding', 'Lung Opacity', 'Support Devices'],
  );
  assert.equal([...chexpertLabels].slice(1).sort(), Object.keys(chexpertPhrases).sort());
  assert.equal(Object.keys(mineChexpert('Mass.').values), [...chexpertLabels]);
});

test('every value has evidence that points at its words', () => {
  const text = 'FINDINGS: Rib fracture, no effusion.';
  const { evidence, empty } = mineChexpert(text);
  assert.not.ok(empty);
  assert.equal(
    evidence.map(({ concept, status, mention, start, end }) => [concept, status, text.slice(start, end) === mention]),
    [
      ['Fracture', 'positive', true],
      ['Pleural Effusion', 'negative', true],
    ],
  );
});

test.run();
