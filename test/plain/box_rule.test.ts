/** The choice of heat thresholds and minRegion on truth boxes, as `npm run weights` makes it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bestRule, PAPER_RULE, type Sample, scoreRule } from '../../bench/studies/weights/box_rule.js';
import { rulesByClass } from '../../bench/studies/weights/class_rules.js';

const square = (x: number, y: number, side: number) => ({ x, y, width: side, height: side });
const region = (threshold: number, peak: number, box: ReturnType<typeof square>) => ({
  ...{ threshold, peak, box },
  area: box.width * box.height,
});

/** A truth box that the region at 120 fits, a region at 60 that is too large, one at 180 that is too small, and specks elsewhere. */
const sample: Sample = {
  label: 'Mass',
  patient: '1',
  heatmapBorder: 0,
  cellArea: 16,
  truth: [square(40, 40, 20)],
  regions: [
    region(60, 255, square(0, 0, 90)),
    region(120, 255, square(41, 41, 20)),
    region(120, 130, square(80, 10, 3)),
    region(120, 125, square(10, 80, 3)),
    region(180, 255, square(48, 48, 2)),
  ],
};

test('heat thresholds whose boxes fit, and a minRegion that leaves specks out, are chosen', () => {
  const { heatThresholds, minRegion, f1, falseBoxes } = bestRule([sample]);
  assert.equal(
    { heatThresholds, minRegion, f1, falseBoxes },
    { heatThresholds: [120], minRegion: 1, f1: 1, falseBoxes: 0 },
  );
});

test('a rule is scored by F1, in the mean over criteria and findings', () => {
  const { f1, falseBoxes, labels } = scoreRule([sample], PAPER_RULE);
  // By IoU neither of the two boxes is right. By IoBB the small one is, so half of the boxes and all of the truth.
  assert.is(f1, 2 / 3 / 4);
  assert.is(falseBoxes, 2);
  assert.equal(labels, [{ label: 'Mass', truthBoxes: 1, boxes: 2, f1: 2 / 3 / 4 }]);
  const missed: Sample = { ...sample, label: 'Nodule', regions: [] };
  assert.is(scoreRule([sample, missed], PAPER_RULE).f1, 1 / 3 / 4, 'a finding without boxes counts as 0');
});

test('a border is chosen where the heat at the edges is false', () => {
  const bordered: Sample = { ...sample, heatmapBorder: 2 };
  const edge = region(120, 255, square(0, 0, 12));
  const hotAtTheEdge: Sample = { ...sample, regions: [...sample.regions, edge] };
  assert.is(bestRule([hotAtTheEdge, bordered]).heatmapBorder, 2);
  assert.is(bestRule([sample, bordered]).heatmapBorder, 0, 'of equal ones the smaller one');
});

/** Findings of as many patients, of which each is fitted by the region at one threshold alone. */
function fittedBy(label: string, threshold: number, patients: number): Sample[] {
  const regions = [60, 120, 180].map((one) =>
    region(one, 255, one === threshold ? square(40, 40, 20) : square(0, 0, 5)),
  );
  const truth = [square(40, 40, 20)];
  return Array.from({ length: patients }, (_, i) => ({ ...sample, label, patient: `${label} ${i}`, truth, regions }));
}

test('classes get rules of their own where these hold for other patients', () => {
  const samples = [...fittedBy('Mass', 60, 40), ...fittedBy('Nodule', 180, 40), ...fittedBy('Hernia', 120, 5)];
  const { rules, crossValidated } = rulesByClass(samples, bestRule(samples));
  assert.equal(
    Object.entries(rules).map(([label, { heatThresholds }]) => [label, heatThresholds]),
    [
      ['Mass', [60]],
      ['Nodule', [180]],
    ],
    'Hernia has too few truth boxes',
  );
  assert.ok(crossValidated.byClass > crossValidated.oneRule, JSON.stringify(crossValidated));
});

test('classes that one rule fits, or whose rules hold for no other patient, have none of their own', () => {
  const alike = [...fittedBy('Mass', 120, 30), ...fittedBy('Nodule', 120, 30)];
  assert.equal(rulesByClass(alike, bestRule(alike)).rules, {});
  const one = fittedBy('Mass', 60, 30).map((each) => ({ ...each, patient: 'the same' }));
  assert.equal(rulesByClass(one, bestRule(one)).rules, {}, 'nobody is left to test them on');
});

test.run();
