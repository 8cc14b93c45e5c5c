/** Proves that figures of localization (IoU, accuracy, FROC, pointing game) equal examples that were worked out by hand. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import { medianBoxBaseline, randomMapBaseline } from '../../src/evaluate/baselines.js';
import { evaluate } from '../../src/evaluate/evaluate.js';
import { froc, pointingGame } from '../../src/evaluate/froc.js';
import { type BoxedImage, iobb, iou, PAPER_CRITERIA, scoreLocalization } from '../../src/evaluate/localization.js';
import type { EvaluationOptions } from '../../src/evaluate/options.js';
import {
  PUBLISHED_AUC,
  PUBLISHED_BOXES,
  PUBLISHED_LOCALIZATION,
  PUBLISHED_LOCALIZATION14,
} from '../../src/evaluate/page/published.js';
import { readDataEntry } from '../../src/formats/data_sets/chestxray.js';
import type { Prediction } from '../../src/formats/findings.js';

const box = (x: number, y: number, width: number, height: number) => ({ x, y, width, height });
const near = (actual: number, wanted: number, within = 1e-12) =>
  assert.ok(Math.abs(actual - wanted) <= within, `${actual} is not within ${within} of ${wanted}`);

/**
 * Worked by hand. Truth: Mass at (0,0) 10×10 in A; Mass at (0,0) 10×10 and Nodule at (50,50) 4×4 in B. So three truth
 * rows, two of Mass.
 *
 * | image | detected           | intersection     | IoBB | IoU                  |
 * | A     | Mass (5,0) 10×10   | 5×10 = 50        | 0.5  | 50 / 150 = 1/3       |
 * | A     | Mass (2,2) 2×2     | 4                | 1    | 4 / 100 = 0.04       |
 * | B     | Mass (20,20) 5×5   | 0                | 0    | 0                    |
 * | B     | Nodule (48,48) 8×8 | 4×4 = 16         | 0.25 | 16 / 64 = 0.25       |
 *
 * IoBB > 0.1: Mass hits 1 of 2, false 1 (the one in B); Nodule hits 1 of 1, false 0.
 * IoBB > 0.25: Nodule's 0.25 does not exceed 0.25: 0 of 1, false 1. Mass as before.
 * IoBB > 0.5: Mass (5,0) is false now too, (2,2) still hits: 1 of 2, false 2.
 * IoU > 0.2: Mass (5,0) right, (2,2) false: 1 of 2, false 2. IoU > 0.4: none right, 0 of 2, false 3.
 * Average false positives divide by the three truth rows. Mean IoU of Mass: (1/3 + 0) / 2 = 1/6, of Nodule 1/4.
 */
const IMAGES: BoxedImage[] = [
  {
    image: 'A',
    truth: [{ label: 'Mass', box: box(0, 0, 10, 10) }],
    detected: [
      { label: 'Mass', score: 0.9, box: box(5, 0, 10, 10) },
      { label: 'Mass', score: 0.6, box: box(2, 2, 2, 2) },
    ],
  },
  {
    image: 'B',
    truth: [
      { label: 'Mass', box: box(0, 0, 10, 10) },
      { label: 'Nodule', box: box(50, 50, 4, 4) },
    ],
    detected: [
      { label: 'Mass', score: 0.8, box: box(20, 20, 5, 5) },
      { label: 'Nodule', score: 0.7, box: box(48, 48, 8, 8) },
    ],
  },
];

test('IoU and IoBB: by hand, bounds and symmetry (properties)', () => {
  const side = fc.integer({ min: 1, max: 30 });
  const anyBox = fc.record({ x: side, y: side, width: side, height: side });
  near(iou(box(0, 0, 10, 10), box(5, 0, 10, 10)), 1 / 3);
  near(iobb(box(48, 48, 8, 8), box(50, 50, 4, 4)), 0.25);
  assert.is(iou(box(0, 0, 10, 10), box(10, 0, 10, 10)), 0, 'half-open boxes that touch share nothing');
  assert.is(iobb(box(0, 0, 0, 0), box(0, 0, 4, 4)), 0, 'a box without area');
  fc.assert(
    fc.property(anyBox, anyBox, (a, b) => {
      assert.ok(iou(a, b) >= 0 && iou(a, b) <= iobb(a, b) && iobb(a, b) <= 1);
      near(iou(a, b), iou(b, a));
      assert.is(iou(a, a), 1);
    }),
  );
});

test('accuracy and average false positives of a set that was worked out by hand', () => {
  const [mass, nodule, all] = scoreLocalization(IMAGES, ['Mass', 'Nodule'], { replicates: 50 });
  const at = (score: typeof mass, measure: string, threshold: number) => {
    const figures = score.figures.find((each) => each.measure === measure && each.threshold === threshold);
    assert.ok(figures);
    return [figures.hits, figures.falseBoxes, figures.accuracy, figures.averageFalsePositives];
  };
  assert.equal(at(mass, 'IoBB', 0.1), [1, 1, 1 / 2, 1 / 3]);
  assert.equal(at(nodule, 'IoBB', 0.1), [1, 0, 1, 0]);
  assert.equal(at(nodule, 'IoBB', 0.25), [0, 1, 0, 1 / 3]);
  assert.equal(at(mass, 'IoBB', 0.5), [1, 2, 1 / 2, 2 / 3]);
  assert.equal(at(mass, 'IoU', 0.2), [1, 2, 1 / 2, 2 / 3]);
  assert.equal(at(mass, 'IoU', 0.4), [0, 3, 0, 1]);
  assert.equal(at(all, 'IoBB', 0.1), [2, 1, 2 / 3, 1 / 3]);
  assert.is(all.figures[0].falseBoxesPerImage, 1 / 2);
  near(mass.meanIou, 1 / 6);
  near(nodule.meanIou, 1 / 4);
  assert.equal([mass.truthBoxes, mass.detectedBoxes, all.truthBoxes, all.detectedBoxes], [2, 3, 3, 4]);
  const { averageFalsePositives, averageFalsePositivesInterval: interval } = mass.figures[0];
  assert.ok(interval.low <= averageFalsePositives && averageFalsePositives <= interval.high);
});

test('a stricter threshold never gives more hits or fewer false boxes; another disease changes nothing (properties)', () => {
  const side = fc.integer({ min: 1, max: 12 });
  const labelled = fc.record({
    label: fc.constantFrom('Mass', 'Nodule'),
    score: fc.constant(1),
    box: fc.record({ x: side, y: side, width: side, height: side }),
  });
  const images = fc.array(
    fc.record({
      image: fc.string(),
      truth: fc.array(labelled, { minLength: 1, maxLength: 3 }),
      detected: fc.array(labelled, { maxLength: 4 }),
    }),
    { minLength: 1, maxLength: 4 },
  );
  fc.assert(
    fc.property(images, (some) => {
      const scores = scoreLocalization(some, ['Mass', 'Nodule'], { replicates: 0 });
      for (const { figures, detectedBoxes } of scores) {
        for (const [i, figure] of figures.entries()) {
          assert.ok(figure.falseBoxes <= detectedBoxes);
          const next = figures[i + 1];
          if (next?.measure === figure.measure) {
            assert.ok(next.hits <= figure.hits && next.falseBoxes >= figure.falseBoxes);
          }
        }
      }
      const without = some.map((image) => ({
        ...image,
        detected: image.detected.filter(({ label }) => label === 'Mass'),
      }));
      assert.equal(scoreLocalization(without, ['Mass', 'Nodule'], { replicates: 0 })[0], scores[0]);
    }),
    { numRuns: 60 },
  );
});

test('FROC of an example that was worked out by hand', () => {
  // IoBB > 0.1, scores falling: 0.9 hits A's Mass (1 of 3); 0.8 is false (1/2 per image); 0.7 hits the Nodule (2 of 3);
  // 0.6 hits A's Mass again: neither hit nor false. The point at 0.8 is left out, where the curve only runs on.
  const { points, atRates, meanSensitivity } = froc(IMAGES, { measure: 'IoBB', threshold: 0.1 }, { replicates: 20 });
  assert.equal(
    points.map(({ score, falseBoxesPerImage, sensitivity }) => [score, falseBoxesPerImage, sensitivity]),
    [
      [0.9, 0, 1 / 3],
      [0.7, 0.5, 2 / 3],
      [0.6, 0.5, 2 / 3],
    ],
  );
  assert.equal(
    atRates.map(({ sensitivity }) => sensitivity),
    [1 / 3, 1 / 3, 2 / 3, 2 / 3, 2 / 3, 2 / 3, 2 / 3],
  );
  near(meanSensitivity, (2 / 3 + 10 / 3) / 7);
});

test('the pointing game counts pairs of image and disease', () => {
  const points: Record<string, [number, number]> = { 'A Mass': [9.9, 0], 'B Mass': [10, 5] };
  const point = ({ image }: BoxedImage, label: string) => points[`${image} ${label}`];
  const [mass, nodule] = pointingGame(IMAGES, ['Mass', 'Nodule'], point);
  assert.equal([mass.pairs, mass.hits, nodule.pairs, nodule.hits], [2, 1, 1, 0]);
  assert.is(pointingGame(IMAGES, ['Mass'], point, 1)[0].hits, 2, 'with tolerance');
});

test('baselines: the median box is that of the other images; random maps are the same for the same seed and stay in the image', () => {
  const truth = [box(0, 0, 10, 10), box(2, 4, 20, 8), box(10, 6, 12, 30)];
  const images = truth.map((each, i) => ({ image: `${i}`, truth: [{ label: 'Mass', box: each }], detected: [] }));
  const median = medianBoxBaseline(images, () => ['Mass']);
  assert.equal(
    median[0].detected.map((each) => each.box),
    [box(6, 5, 16, 19)],
  );
  assert.equal(
    median[1].detected.map((each) => each.box),
    [box(5, 3, 11, 20)],
  );
  assert.equal(medianBoxBaseline(images.slice(0, 1), () => ['Mass'])[0].detected, []);

  const frameOf = () => ({ width: 640, height: 480 });
  const maps = randomMapBaseline(images, () => ['Mass', 'Nodule'], { seed: 5, frameOf });
  assert.equal(
    randomMapBaseline(images, () => ['Mass', 'Nodule'], { seed: 5, frameOf }),
    maps,
  );
  assert.not.equal(
    randomMapBaseline(images, () => ['Mass', 'Nodule'], { seed: 6, frameOf }),
    maps,
  );
  for (const { detected } of maps) {
    assert.ok(['Mass', 'Nodule'].every((label) => detected.filter((each) => each.label === label).length >= 2));
    for (const { box: each } of detected) {
      assert.ok(each.x >= 0 && each.y >= 0 && each.x + each.width <= 640 && each.y + each.height <= 480);
      assert.ok(each.width > 0 && each.height > 0);
    }
  }
});

test('the published accuracies are whole numbers divided by the number of boxes of the disease, and false positives by 984', () => {
  const boxes = PUBLISHED_BOXES.reduce((sum: number, count) => sum + count, 0);
  assert.is(boxes, 984);
  const printed = (value: number, of: number) => {
    const digits = `${value}`.split('.')[1]?.length ?? 0;
    const unit = 10 ** -Math.max(digits, 3);
    return [Math.round(value * of), Math.ceil(value * of)].some((k) => Math.abs(k / of - value) < unit);
  };
  let figures = 0;
  for (const { measure, threshold, accuracy, averageFalsePositives } of [
    ...PUBLISHED_LOCALIZATION,
    ...PUBLISHED_LOCALIZATION14,
  ]) {
    assert.ok(PAPER_CRITERIA.some((each) => each.measure === measure && each.threshold === threshold));
    for (const [i, count] of PUBLISHED_BOXES.entries()) {
      assert.ok(printed(accuracy[i], count), `${measure} ${threshold}: accuracy ${accuracy[i]}`);
      assert.ok(printed(averageFalsePositives[i], boxes), `${measure} ${threshold}: AFP ${averageFalsePositives[i]}`);
      figures += 1;
    }
  }
  assert.is(figures, 136);
  for (const { labels, auc } of PUBLISHED_AUC) assert.is(auc.length, labels.length);
});

const HEADER = 'Image Index,Finding Labels,Patient ID,Patient Age,Patient Gender,View Position';

/** Twenty images of ten patients; every other one has Mass, the first four of them with a box. */
function smallSet() {
  const rows = Array.from({ length: 20 }, (_, i) => {
    const labels = i % 2 === 0 ? 'Mass' : 'No Finding';
    return `${i}.png,${labels},${i >> 1},${5 * i},${i % 4 < 2 ? 'F' : 'M'},${i < 8 ? 'AP' : 'PA'}`;
  });
  const table = readDataEntry([HEADER, ...rows].join('\n'));
  const boxes = [0, 2, 4, 6].map((i) => ({ image: `${i}.png`, label: 'Mass', box: box(10 * i, 10, 20, 20) }));
  const predictions: Prediction[] = table.images.map((image, i) => {
    const probability = i % 2 === 0 ? 0.6 + i / 100 : 0.4 + i / 100;
    const findings = [{ label: 'Mass', score: probability, box: box(10 * i, 10, 20, i < 4 ? 20 : 80) }];
    return { image, width: 256, height: 256, probabilities: { Mass: probability }, findings };
  });
  return { table, boxes, predictions };
}

test('evaluate: operating thresholds fitted on validation, groups, both ways of choosing boxes, baselines', () => {
  const { table, boxes, predictions } = smallSet();
  const validation = [16, 17, 18, 19].map((i) => `${i}.png`);
  const options = { validation, replicates: 50, seed: 1 };
  const result = evaluate({ table, boxes, predictions }, options);
  assert.equal([result.images, result.patients, result.validationImages, result.classes], [16, 8, 4, ['Mass']]);
  assert.is(result.scoreSource, 'probabilities');
  const former = { thresholds: { Mass: 0.62 } } as EvaluationOptions;
  assert.throws(() => evaluate({ table, boxes, predictions }, former), /thresholds is called operatingThresholds/);
  assert.equal(result.operatingThresholds.Mass, { value: 0.76, source: 'validation' });
  assert.is(result.overall[0].auc, 1);
  assert.is(result.meanAuc, 1);
  assert.ok(result.overall[0].calibrationAfterScaling);
  const groups = result.groups.map(({ by, group, images }) => `${by} ${group} ${images}`);
  assert.equal(groups, [
    'view AP 8',
    'view PA 8',
    'sex F 8',
    'sex M 8',
    'age under 18 4',
    'age 18–39 4',
    'age 40–59 4',
    'age 60–79 4',
  ]);
  const { localization } = result;
  assert.ok(localization);
  assert.equal([localization.images, localization.truthBoxes], [4, 4]);
  const iouHalf = (scores: typeof localization.known.scores) =>
    scores[0].figures.find(({ measure, threshold }) => measure === 'IoU' && threshold === 0.5);
  assert.is(iouHalf(localization.known.scores)?.hits, 2);
  assert.is(localization.gated.scores[0].detectedBoxes, 0, 'no boxed image reaches 0.76');
  assert.is(localization.pointSource, 'box centre');
  assert.equal(evaluate({ table, boxes, predictions }, options), result, 'the same again');
  assert.is(
    evaluate({ table, boxes, predictions }, { operatingThresholds: { Mass: 0.62 } }).operatingThresholds.Mass.source,
    'given',
  );
  const given = evaluate({ table, boxes, predictions }, { operatingThresholds: { Mass: 0.62 }, replicates: 10 });
  assert.is(given.localization?.gated.scores[0].detectedBoxes, 3, 'images 2, 4 and 6 reach 0.62');
});

test('evaluate: logits only, boxes only, no boxes; inputs that do not fit each other are refused', () => {
  const { table, boxes, predictions } = smallSet();
  const quick = { replicates: 10 };
  const logits = predictions.map(({ image, probabilities }) => {
    const p = probabilities?.Mass as number;
    return { image, logits: { Mass: Math.log(p / (1 - p)) } };
  });
  const byLogits = evaluate({ table, boxes, predictions: logits }, quick);
  assert.is(byLogits.localization, undefined, 'nothing localized');
  near(byLogits.overall[0].auc, evaluate({ table, boxes, predictions }, quick).overall[0].auc);

  const boxOnly = predictions.map(({ image, findings }) => ({ image, findings }));
  const byBoxes = evaluate({ table, boxes, predictions: boxOnly }, quick);
  assert.equal([byBoxes.scoreSource, byBoxes.overall[0].calibration], ['boxes', undefined]);
  assert.is(byBoxes.localization?.gated.scores[0].detectedBoxes, 4, 'without a threshold any box counts');

  const refused = (run: () => unknown, message: RegExp) =>
    assert.throws(run, (error: unknown) => error instanceof InputError && message.test(error.message));
  refused(() => evaluate({ table, predictions: [] }), /No predicted image is in the label file.*no predictions/);
  refused(
    () => evaluate({ table, predictions: [{ image: 'x.png', probabilities: { Mass: 1 } }] }),
    /names like 0\.png/,
  );
  refused(() => evaluate({ table, predictions: [...predictions, predictions[3]] }), /3\.png is predicted twice/);
  refused(() => evaluate({ table, predictions }, { classes: ['Gout'] }), /Gout is not a class/);
  refused(() => evaluate({ table, predictions }, { classes: ['Nodule'] }), /0\.png has no score for Nodule/);
  refused(() => evaluate({ table, predictions: [{ image: '1.png', probabilities: { Mass: 3 } }] }), /not in \[0, 1\]/);
  refused(() => evaluate({ table, predictions: [{ image: '1.png', probabilities: { Gout: 1 } }] }), /no class/);
  const unknown = evaluate({ table, predictions: [...predictions, { image: 'x.png', probabilities: {} }] }, quick);
  assert.is(unknown.unknownImages, 1);
  const partly = evaluate({ table, predictions: predictions.slice(0, 6) }, { ...quick, test: table.images });
  assert.equal([partly.images, partly.unpredictedImages], [6, 14]);
});

test.run();
