/** Folds, pooled areas, differences and the report of the cross-validation. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { patientFolds, refuseSharedPatients } from '../../bench/studies/real_images/folds.js';
import { armScores, aucDifferences, type FoldResult, meanBoxScores } from '../../bench/studies/real_images/scores.js';
import { type Arm, crossValidationSummary } from '../../bench/studies/real_images/summary.js';
import { type LocalizationScore, scoreLocalization } from '../../src/evaluate/localization.js';
import { readDataEntry } from '../../src/formats/data_sets/chestxray.js';
import { labelsOf } from '../../src/formats/data_sets/image_table.js';
import { seededRandom } from '../../src/random.js';

const classes = ['Mass', 'Nodule'];
const random = seededRandom(5);
const rows = Array.from({ length: 120 }, (_, i) => {
  const labels = classes.filter(() => random() < 0.3).join('|') || 'No Finding';
  return `${i}.png,${labels},0,${100 + Math.floor(i / 3)},60,M,PA,1024,1024,0.14,0.14`;
});
const HEADER =
  'Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]';
const tableOf = (lines: readonly string[]) => readDataEntry(`${[HEADER, ...lines].join('\n')}\n`, { source: 'labels' });
const table = tableOf(rows);
const all = new Set(table.images);

test('folds keep the images of a patient together, and each image is in one fold', () => {
  const patientOf = new Map(table.images.map((image, row) => [image, table.patients[row]]));
  const folds = patientFolds(table, all, { folds: 5, share: 0.15, seed: 3 });
  assert.equal(folds.flatMap((fold) => fold.test).sort(), [...all].sort());
  for (const { train, validation, test: tested } of folds) {
    assert.is(train.length + validation.length + tested.length, 120);
    assert.ok(Math.abs(tested.length - 24) <= 3 && Math.abs(validation.length - 0.15 * 96) <= 3);
    const parts = [train, validation, tested].map((images) => new Set(images.map((image) => patientOf.get(image))));
    assert.is(parts[0].size + parts[1].size + parts[2].size, 40);
  }
  assert.equal(patientFolds(table, all, { folds: 5, share: 0.15, seed: 3 }), folds);
  assert.not.equal(patientFolds(table, all, { folds: 5, share: 0.15, seed: 4 }), folds);
  assert.throws(() => patientFolds(table, all, { folds: 30, share: 0.1, seed: 0 }), /too few patients/);
});

test('no patient with boxes in the test set is in the training set', () => {
  refuseSharedPatients(table, tableOf([rows[0].replace(',100,', ',7,')]));
  assert.throws(() => refuseSharedPatients(table, tableOf([rows[0]])), /1 in both, the first 100/);
});

/** Logits that know the labels to some degree, and drift from fold to fold. */
function resultsOf(skill: number, drift: number, seed: number): FoldResult[] {
  const noise = seededRandom(seed);
  const rowOf = new Map(table.images.map((image, row) => [image, row]));
  return patientFolds(table, all, { folds: 4, share: 0.2, seed: 1 }).map((fold, k) => ({
    ...{ bestEpoch: 1, seconds: 1 },
    predictions: fold.test.map((image) => {
      const truth = labelsOf(table, rowOf.get(image) as number);
      const logit = (label: string) => skill * Number(truth.includes(label)) + noise() + drift * k;
      return { image, logits: Object.fromEntries(classes.map((label) => [label, logit(label)])) };
    }),
  }));
}

const options = { replicates: 300, seed: 1 };

test('areas under the curve are computed over all images together and within each fold', () => {
  const perfect = armScores(table, resultsOf(2, 0, 1), classes, options);
  assert.is(perfect.meanAuc.value, 1);
  // Each fold's network is perfect, but they do not agree on what a logit means.
  const drifting = armScores(table, resultsOf(2, 5, 1), classes, options);
  assert.is(drifting.withinFolds, 1);
  assert.ok(drifting.meanAuc.value < 0.8);
});

test('differences between arms are paired by patient', () => {
  const predictions = (folds: FoldResult[]) => folds.flatMap((fold) => fold.predictions);
  const weak = resultsOf(0.1, 0, 2);
  const strong = resultsOf(0.9, 0, 3);
  const gap = aucDifferences(table, predictions(strong), predictions(weak), classes, options);
  const [a, b] = [strong, weak].map((folds) => armScores(table, folds, classes, options));
  assert.ok(Math.abs(gap.mean.value - (a.meanAuc.value - b.meanAuc.value)) < 1e-12);
  assert.ok(gap.mean.low > 0 && gap.mean.low < gap.mean.value && gap.mean.value < gap.mean.high);
  assert.equal(aucDifferences(table, predictions(weak), predictions(weak), classes, options).mean, {
    value: 0,
    low: 0,
    high: 0,
  });
});

const box = { x: 0, y: 0, width: 10, height: 10 };
const boxesFound = (hit: boolean): LocalizationScore[] =>
  scoreLocalization(
    [
      {
        image: 'a',
        truth: [{ label: 'Mass', box }],
        detected: hit ? [{ label: 'Mass', box, score: 1 }] : [],
      },
    ],
    ['Mass'],
    { replicates: 0 },
  );

test('scores of boxes are means over the networks, with intervals for the number of boxes', () => {
  const [mass] = meanBoxScores([boxesFound(true), boxesFound(false)]);
  assert.is(mass.truthBoxes, 1);
  const [{ value, low, high }] = mass.accuracy;
  assert.is(value, 0.5);
  assert.ok(low > 0 && low < 0.1 && high > 0.9 && high < 1);
});

test('the report shows the arms side by side', () => {
  const boxes = { network: boxesFound(true), medianBox: boxesFound(false), randomMap: boxesFound(false) };
  const arm = (name: string, folds: FoldResult[]): Arm => ({ name, folds: folds.map((fold) => ({ ...fold, boxes })) });
  const arms = [arm('fresh', resultsOf(0.1, 0, 2)), arm('known', resultsOf(0.9, 0, 3))];
  const settings = { ...options, classes, folds: 4, images: 120 };
  const { markdown } = crossValidationSummary(table, arms, { ...settings, reference: 'fresh' });
  assert.match(markdown, /^\| AUC less fresh’s +\| +known \|$/m);
  assert.match(markdown, /^\| mean +\| +\+0\.\d{3} \(0\.\d{3} to 0\.\d{3}\) \|$/m);
  assert.match(markdown, /^\| median box +\| 0\.000/m);
  assert.not.match(markdown, /NaN|undefined/);
  assert.throws(() => crossValidationSummary(table, arms, { ...settings, reference: 'other' }), /no whole arm other/);
});

test.run();
