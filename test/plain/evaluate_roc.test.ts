/**
 * Proves that figures of classification (ROC, intervals, thresholds, calibration) equal published examples and examples that were worked
 * out by hand.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import { applyScaling, fitPlatt, fitTemperature, logit, reliability, sigmoid } from '../../src/evaluate/calibration.js';
import { bootstrap, normalQuantile, numberClusters, quantile, wilsonInterval } from '../../src/evaluate/intervals.js';
import { fitThreshold, operatingPoint } from '../../src/evaluate/operating_points.js';
import {
  bootstrapRankings,
  deLong,
  rank,
  rankingScores,
  rocCurve,
  thinCurve,
  weightedScores,
} from '../../src/evaluate/roc.js';
import { seededRandom, shuffle } from '../../src/random.js';

const near = (actual: number, wanted: number, within: number, what = '') =>
  assert.ok(Math.abs(actual - wanted) <= within, `${what} ${actual} is not within ${within} of ${wanted}`);
const auc = (scores: number[], labels: number[]) => rankingScores(rank(scores, labels)).auc;

// Worked by hand. Positives score 0.9, 0.8, 0.4, negatives 0.7, 0.4, 0.1. Of the nine pairs the first two positives win
// three each, the third wins one, ties one and loses one: AUC = (3 + 3 + 1.5) / 9 = 5/6.
// DeLong: what positives beat: 1, 1, 1/2, variance (1/36 + 1/36 + 1/9) / 2 = 1/12; what beats negatives: 2/3, 5/6, 1,
// variance (1/36 + 0 + 1/36) / 2 = 1/36. Variance of the area: (1/12) / 3 + (1/36) / 3 = 1/27.
// Average precision: recall grows by a third at 0.9 (precision 1), 0.8 (1) and 0.4 (3/5): 13/15.
const SCORES = [0.9, 0.7, 0.8, 0.4, 0.4, 0.1];
const LABELS = [1, 0, 1, 1, 0, 0];

test('an example that was worked out by hand: area, DeLong variance, average precision, curve', () => {
  const ranking = rank(SCORES, LABELS);
  const { variance, interval } = deLong(ranking);
  near(rankingScores(ranking).auc, 5 / 6, 1e-15);
  near(rankingScores(ranking).averagePrecision, 13 / 15, 1e-15);
  near(variance, 1 / 27, 1e-15);
  near(interval.low, 5 / 6 - 1.959963984540054 / Math.sqrt(27), 1e-9);
  assert.is(interval.high, 1, 'clipped');
  const rates = rocCurve(ranking).map((point) => [point.falsePositiveRate * 3, point.truePositiveRate * 3]);
  assert.equal(
    rates.map((pair) => pair.map(Math.round)),
    [
      [0, 0],
      [0, 1],
      [0, 2],
      [1, 2],
      [2, 3],
      [3, 3],
    ],
  );
});

test('areas and intervals equal published examples', () => {
  // scikit-learn's documentation of roc_auc_score and average_precision_score.
  const small = rankingScores(rank([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]));
  near(small.auc, 0.75, 1e-15);
  near(small.averagePrecision, 0.83, 0.005);
  // Hanley & McNeil, Radiology 143 (1982): 109 CT images rated in five categories, area 0.893. Stata's manual (roctab)
  // gives DeLong's figures for them: area 0.8932, standard error 0.0307, interval 0.83295 to 0.95339.
  const counts = { 0: [33, 6, 6, 11, 2], 1: [3, 2, 2, 11, 33] };
  const scores: number[] = [];
  const labels: number[] = [];
  for (const [label, ratings] of Object.entries(counts)) {
    for (const [rating, count] of ratings.entries()) {
      for (let i = 0; i < count; i++) {
        scores.push(rating);
        labels.push(Number(label));
      }
    }
  }
  const { auc: area, variance, interval } = deLong(rank(scores, labels));
  near(area, 0.8932, 5e-5);
  near(Math.sqrt(variance), 0.0307, 5e-5);
  near(interval.low, 0.83295, 5e-6);
  near(interval.high, 0.95339, 5e-6);
});

const sample = fc
  .array(fc.tuple(fc.integer({ min: -20, max: 20 }), fc.integer({ min: 0, max: 1 })), { minLength: 2, maxLength: 60 })
  .filter((items) => new Set(items.map(([, label]) => label)).size === 2)
  .map((items) => ({ scores: items.map(([score]) => score / 4), labels: items.map(([, label]) => label) }));

test('the area does not change with increasing functions of the scores or the order of items; flipped labels give its complement (properties)', () => {
  fc.assert(
    fc.property(sample, fc.integer(), ({ scores, labels }, seed) => {
      const area = auc(scores, labels);
      for (const map of [(x: number) => 3 * x - 7, Math.exp, Math.atan, (x: number) => x ** 3]) {
        near(auc(scores.map(map), labels), area, 1e-12);
      }
      near(
        auc(
          scores.map((x) => -x),
          labels,
        ),
        1 - area,
        1e-12,
        'negated scores',
      );
      near(
        auc(
          scores,
          labels.map((label) => 1 - label),
        ),
        1 - area,
        1e-12,
        'flipped labels',
      );
      const order = shuffle(
        scores.map((_, i) => i),
        seededRandom(seed),
      );
      near(
        auc(
          order.map((i) => scores[i]),
          order.map((i) => labels[i]),
        ),
        area,
        1e-12,
        'permuted',
      );
    }),
  );
});

test('area and variance agree with all pairs, and with the trapezoids under the curve (properties)', () => {
  fc.assert(
    fc.property(sample, ({ scores, labels }) => {
      const positives = scores.filter((_, i) => labels[i] === 1);
      const negatives = scores.filter((_, i) => labels[i] === 0);
      const beats = (a: number, b: number) => (a > b ? 1 : a === b ? 0.5 : 0);
      const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
      const spread = (values: number[]) =>
        values.reduce((sum, value) => sum + (value - mean(values)) ** 2, 0) / (values.length - 1) / values.length;
      const ofPositives = positives.map((a) => mean(negatives.map((b) => beats(a, b))));
      const ofNegatives = negatives.map((b) => mean(positives.map((a) => beats(a, b))));
      const ranking = rank(scores, labels);
      const result = deLong(ranking);
      near(result.auc, mean(ofPositives), 1e-12);
      if (positives.length > 1 && negatives.length > 1) {
        near(result.variance, spread(ofPositives) + spread(ofNegatives), 1e-12);
      } else {
        assert.ok(Number.isNaN(result.variance));
      }
      for (const curve of [rocCurve(ranking), thinCurve(rocCurve(ranking))]) {
        let area = 0;
        for (let i = 1; i < curve.length; i++) {
          const width = curve[i].falsePositiveRate - curve[i - 1].falsePositiveRate;
          area += (width * (curve[i].truePositiveRate + curve[i - 1].truePositiveRate)) / 2;
        }
        near(area, result.auc, 1e-12, 'trapezoids');
      }
    }),
  );
});

test('a weight of k gives the same as k copies of the item (property)', () => {
  fc.assert(
    fc.property(sample, fc.infiniteStream(fc.integer({ min: 0, max: 3 })), ({ scores, labels }, stream) => {
      const weights = scores.map(() => stream.next().value as number);
      const repeat = (values: number[]) => values.flatMap((value, i) => Array(weights[i]).fill(value) as number[]);
      const weighted = weightedScores(rank(scores, labels), Uint32Array.from(scores.keys()))(Uint16Array.from(weights));
      const repeated = rankingScores(rank(repeat(scores), repeat(labels)));
      for (const key of ['auc', 'averagePrecision'] as const) {
        if (Number.isNaN(repeated[key])) assert.ok(Number.isNaN(weighted[key]));
        else near(weighted[key], repeated[key], 1e-12, key);
      }
    }),
  );
});

test('scores that cannot be ranked are refused; without positives or negatives there is no area', () => {
  for (const run of [() => rank([1, 2], [1]), () => rank([Number.NaN], [1]), () => rank([1], [2])]) {
    assert.throws(run, (error: unknown) => error instanceof InputError);
  }
  assert.ok(Number.isNaN(auc([1, 2], [1, 1])));
  assert.equal(rocCurve(rank([1, 2], [0, 0])), []);
  assert.is(fitThreshold(rank([1, 2], [0, 0])), undefined);
});

test('quantiles and Wilson intervals against published values', () => {
  near(normalQuantile(0.975), 1.959963984540054, 1e-8);
  near(normalQuantile(0.999), 3.090232306167813, 1e-8);
  near(normalQuantile(0.1), -1.2815515655446004, 1e-8);
  assert.is(quantile([1, 2, 4], 0.75), 3);
  // Newcombe, Statistics in Medicine 17 (1998), Table I, method 3.
  const published = [
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ];
  for (const [successes, trials, low, high] of published) {
    const interval = wilsonInterval(successes, trials);
    near(interval.low, low, 5e-5);
    near(interval.high, high, 5e-5);
  }
  assert.is(wilsonInterval(7, 7).high, 1);
  assert.ok(Number.isNaN(wilsonInterval(0, 0).low));
});

test('the bootstrap is the same for the same seed, covers as often as it should, and draws whole clusters', () => {
  const random = seededRandom(4);
  const values = Array.from({ length: 200 }, () => random());
  const mean = (weights: Uint16Array) => {
    let sum = 0;
    let count = 0;
    for (const [i, weight] of weights.entries()) {
      sum += weight * values[i];
      count += weight;
    }
    return [sum / count];
  };
  const [interval] = bootstrap(200, mean, { seed: 1 });
  assert.equal(bootstrap(200, mean, { seed: 1 })[0], interval);
  assert.not.equal(bootstrap(200, mean, { seed: 2 })[0], interval);
  // The standard error of the mean of 200 uniform numbers is 0.0204: the interval is four of them wide.
  near(interval.high - interval.low, 4 * 0.0204, 0.012);
  assert.ok(interval.low < 0.5 && interval.high > 0.5);
  assert.equal(numberClusters(4, [7, 3, 7, 9]), { clusterOf: Uint32Array.of(0, 1, 0, 2), count: 3 });
  // Each item twice, drawn as pairs: as wide as without doubling. Drawn one by one it would look surer than it is.
  const doubled = rank([...SCORES, ...SCORES], [...LABELS, ...LABELS]);
  const clusters = [...SCORES.keys(), ...SCORES.keys()];
  const asPairs = bootstrapRankings([doubled], { seed: 3, clusters });
  assert.equal(asPairs, bootstrapRankings([rank(SCORES, LABELS)], { seed: 3 }));
  assert.ok(bootstrapRankings([doubled], { seed: 3 }).meanAuc.low > asPairs.meanAuc.low);
  assert.ok(Number.isNaN(bootstrap(200, mean, { replicates: 0 })[0].low));
  const area = bootstrapRankings([rank(SCORES, LABELS)], { seed: 3 }).classes[0].auc;
  assert.ok(area.low < 5 / 6 && area.high >= 5 / 6);
});

test('operating thresholds: Youden, fixed sensitivity or specificity, counts at a threshold', () => {
  // At 0.8: sensitivity 2/3, no false alarm, J = 2/3. At 0.4: sensitivity 1, specificity 1/3, J = 1/3.
  const ranking = rank(SCORES, LABELS);
  assert.is(fitThreshold(ranking), 0.8);
  assert.is(fitThreshold(ranking, { rule: 'sensitivity', target: 0.9 }), 0.4);
  assert.is(fitThreshold(ranking, { rule: 'sensitivity', target: 1 / 3 }), 0.9);
  assert.is(fitThreshold(ranking, { rule: 'specificity', target: 1 }), 0.8);
  assert.is(fitThreshold(ranking, { rule: 'specificity', target: 0.3 }), 0.4);
  assert.throws(() => fitThreshold(ranking, { rule: 'specificity', target: 2 }), /A specificity to reach lies in/);
  assert.throws(() => fitThreshold(ranking, { rule: 'sensitivity', target: 0 }), /lies in \(0, 1\]/);
  const point = operatingPoint(ranking, 0.5);
  const { truePositives, falsePositives, trueNegatives, falseNegatives } = point;
  assert.equal([truePositives, falsePositives, trueNegatives, falseNegatives], [2, 1, 2, 1]);
  near(point.precision, 2 / 3, 1e-15);
  near(point.f1, 2 / 3, 1e-15);
});

test('the rule of Youden finds the best of all thresholds (property)', () => {
  fc.assert(
    fc.property(sample, ({ scores, labels }) => {
      const ranking = rank(scores, labels);
      const index = (threshold: number) => {
        const { sensitivity, specificity } = operatingPoint(ranking, threshold);
        return sensitivity + specificity - 1;
      };
      const best = Math.max(...scores.map(index));
      near(index(fitThreshold(ranking) as number), best, 1e-9);
    }),
  );
});

test('reliability of an example that was worked out by hand', () => {
  // Bins of a half: {0.1, 0.2, 0.3} with one positive, {0.6, 1} with two. Errors |1 − 0.6| and |2 − 1.6| over 5 items.
  const { bins, ece, brier } = reliability([0.1, 0.2, 0.3, 0.6, 1], [0, 0, 1, 1, 1], { bins: 2 });
  assert.equal(
    bins.map(({ count, positives }) => [count, positives]),
    [
      [3, 1],
      [2, 2],
    ],
  );
  near(ece, 0.8 / 5, 1e-12);
  near(brier, (0.01 + 0.04 + 0.49 + 0.16) / 5, 1e-12);
});

test('Platt scaling has a closed form for two logits; both scalings recover a known distortion', () => {
  // 10 images at each of ±1, with 8 and 3 positives. Targets are smoothed to 12/13 and 1/11; the fitted probabilities
  // at ±1 are the mean targets there.
  const logits = Array.from({ length: 20 }, (_, i) => (i < 10 ? 1 : -1));
  const labels = Array.from({ length: 20 }, (_, i) => ((i < 10 ? i < 8 : i < 13) ? 1 : 0));
  const [high, low] = [12 / 13, 1 / 11];
  const above = logit((8 * high + 2 * low) / 10);
  const below = logit((3 * high + 7 * low) / 10);
  const fitted = fitPlatt(logits, labels);
  assert.ok(fitted);
  near(fitted.slope, (above - below) / 2, 1e-6);
  near(fitted.offset, (above + below) / 2, 1e-6);

  const random = seededRandom(9);
  const truth = Array.from({ length: 20_000 }, () => 4 * random() - 3);
  const drawn = truth.map((x) => (random() < sigmoid(x) ? 1 : 0));
  const distorted = truth.map((x) => 2.5 * x + 4);
  const platt = fitPlatt(distorted, drawn);
  assert.ok(platt);
  near(platt.slope, 1 / 2.5, 0.02);
  near(platt.offset, -4 / 2.5, 0.05);
  const before = reliability(distorted.map(sigmoid), drawn).ece;
  const after = reliability(
    distorted.map((x) => applyScaling(x, platt)),
    drawn,
  ).ece;
  assert.ok(before > 0.2 && after < 0.02, `${before} and ${after}`);
  const temperature = fitTemperature(
    truth.map((x) => 3 * x),
    drawn,
  );
  assert.ok(temperature);
  near(1 / temperature.slope, 3, 0.1);
  assert.is(temperature.offset, 0);
});

test('scaling of separable and of one-sided classes stays finite', () => {
  const separable = fitPlatt([-3, -2, 2, 3], [0, 0, 1, 1]);
  assert.ok(separable && Number.isFinite(separable.slope) && Number.isFinite(separable.offset));
  const steep = fitTemperature([-300, 300], [0, 1]);
  assert.ok(steep && Number.isFinite(steep.slope));
  assert.is(fitPlatt([1, 2], [1, 1]), undefined);
  assert.is(sigmoid(-1000), 0);
  assert.is(sigmoid(1000), 1);
});

test.run();
