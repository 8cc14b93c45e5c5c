/** The study of frozen features: power laws, draws of patients, and mined labels beside radiologists' reads. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { adjudicatedOf, agreementOf, type Comparison, readsOf } from '../../bench/studies/real_images/label_noise.js';
import { drawImages, fitPowerLaw, ridgeLogits, scoreCurve } from '../../bench/studies/real_images/learning_curve.js';
import { seededRandom } from '../../src/random.js';

test('a power law is found again, and never promises more than an AUC of 1 or a fall with more images', () => {
  const sizes = [500, 1000, 2000, 4000, 8000];
  const law = fitPowerLaw(
    sizes,
    sizes.map((size) => 0.8 - 1.5 * size ** -0.4),
  );
  assert.ok(Math.abs(law.limit - 0.8) < 1e-3 && Math.abs(law.exponent - 0.4) < 0.006, JSON.stringify(law));
  assert.ok(Math.abs(law.at(112_120) - (0.8 - 1.5 * 112_120 ** -0.4)) < 1e-3);
  assert.ok(fitPowerLaw(sizes, [0.5, 0.6, 0.7, 0.8, 0.9]).at(1e9) <= 1);
  const falling = fitPowerLaw(sizes, [0.7, 0.69, 0.68, 0.67, 0.66]);
  assert.ok(Math.abs(falling.at(1e9) - 0.68) < 1e-9);
});

test('draws are whole patients but for the last', () => {
  const patients = Array.from({ length: 60 }, (_, row) => `${Math.floor(row / 4)}`);
  const rows = Array.from({ length: 40 }, (_, row) => row + 20);
  const drawn = drawImages(rows, patients, 10, 3);
  assert.is(new Set(drawn).size, 10);
  assert.is(new Set(drawn.map((row) => patients[row])).size, 3);
  assert.ok(drawn.every((row) => row >= 20));
  assert.not.equal(drawImages(rows, patients, 10, 4), drawn);
});

test('a curve from features that tell the label rises, and is scored on other patients', () => {
  const random = seededRandom(1);
  const labels = Uint8Array.from({ length: 400 }, () => (random() < 0.5 ? 1 : 0));
  const values = Float32Array.from(
    { length: 400 * 20 },
    (_, i) => random() + (i % 20 < 8 ? labels[Math.floor(i / 20)] / 4 : 0),
  );
  const features = { values, width: 20, labels, classes: ['Mass'], patients: [...labels.keys()].map(String) };
  const rows = [...labels.keys()];
  const [held, rest] = [rows.slice(0, 150), rows.slice(150)];
  const points = [20, 60, 240].map((images) => ({
    images,
    draws: [1, 2].map((seed) =>
      ridgeLogits(features, drawImages(rest, features.patients, images, seed), held, {
        penalties: [10],
        folds: 2,
        seed: 1,
      }),
    ),
  }));
  const truth = { labels: labels.slice(0, 150), classes: ['Mass'], patients: features.patients.slice(0, 150) };
  const scores = scoreCurve(points, truth, { more: [1000], replicates: 50, seed: 1 });
  const [first, , last] = scores.points.map(({ auc }) => auc);
  assert.ok(last.value > first.value && last.low < last.value && last.value < last.high, JSON.stringify(scores.points));
  const [{ auc }] = scores.extrapolated;
  assert.ok(auc.value >= last.value - 0.02 && auc.low <= auc.high && auc.high <= 1, JSON.stringify(auc));
});

test('agreement of mined labels with reads: a table of counts, kappa, and the AUC by either truth', () => {
  const comparison: Comparison = {
    reader: 'RSNA',
    finding: 'Lung opacity',
    read: ['Lung Opacity'],
    mined: ['Pneumonia', 'Infiltration'],
  };
  // 20 images of both, 10 only read, 5 only mined, 65 of neither. Scores follow the reads.
  const images = Array.from({ length: 100 }, (_, i) => ({
    patient: String(i),
    read: i < 30 ? ['Lung Opacity'] : ['Normal'],
    mined: i < 20 ? ['Infiltration', 'Mass'] : i >= 30 && i < 35 ? ['Pneumonia'] : [],
    logits: { Pneumonia: -9, Infiltration: i < 30 ? 1 : -1 },
  }));
  const { positives, kappa, found, right, auc } = agreementOf(comparison, images, { replicates: 100, seed: 1 });
  assert.equal(positives, { read: 30, mined: 25, both: 20 });
  const byChance = 0.3 * 0.25 + 0.7 * 0.75;
  assert.ok(Math.abs(kappa.value - (0.85 - byChance) / (1 - byChance)) < 1e-12);
  assert.equal([found.value, right.value], [20 / 30, 20 / 25]);
  assert.ok(found.low < found.value && found.value < found.high);
  assert.is(auc?.read.value, 1);
  // 20 of 25 above 65 of 75, the others equal.
  assert.ok(Math.abs((auc?.mined.value ?? 0) - (0.8 * (65 / 75) + (0.8 * (10 / 75) + 0.2 * (65 / 75)) / 2)) < 1e-12);
  const unscored = images.map(({ logits: _, ...image }) => image);
  assert.is(agreementOf(comparison, unscored, { replicates: 0, seed: 1 }).auc, undefined);
});

test('tables of reads', () => {
  const rows = [
    { image: 'a.png', source: 'ChestX-Det', n_boxes: '2', read: 'Effusion|Mass' },
    { image: 'b.png', source: 'RSNA_pneumonia', n_boxes: '0', read: 'Normal' },
  ];
  assert.equal([...readsOf(rows, 'ChestX-Det')], [['a.png', ['Effusion', 'Mass']]]);
  assert.throws(() => readsOf(rows, 'nobody'), /no reads of nobody; expected the columns image, source, read/);
  const adjudicated = [{ 'Image Index': 'c.png', Fracture: 'NO', 'Nodule or mass': 'YES', Set: 'val' }];
  assert.equal([...adjudicatedOf(adjudicated)], [['c.png', ['Nodule or mass']]]);
});

test.run();
