/** Boxes outside of lungs and heart. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type MarkedImage, measureRegion, regionOf } from '../../bench/studies/weights/lung_region.js';
import { bestFindings, type Finding } from '../../src/formats/findings.js';
import { withLungMask } from '../../src/localizer/lung_region.js';
import type { WarningCode } from '../../src/warnings.js';

const image = { width: 800, height: 1600, warnings: [] };
/** A finding whose box is given in sixteenths of the image. */
const finding = (x: number, y: number, width: number, height: number): Finding => ({
  label: 'Mass',
  score: 0.5,
  box: { x: 50 * x, y: 100 * y, width: 50 * width, height: 100 * height },
});

const lung = finding(3, 4, 3, 6);
const heart = finding(6, 7, 5, 5);
const corner = finding(0, 0, 3, 3);
const abdomen = finding(4, 14, 8, 2);
const whole = finding(0, 0, 16, 16);

test('boxes of which less than half lies in the region are marked, or dropped, whatever the size of the image', () => {
  const all = [lung, corner, heart, abdomen];
  const marked = withLungMask(all, image, 'auto');
  assert.equal(
    marked.map(({ outsideLungs = false }) => outsideLungs),
    [false, true, false, true],
  );
  assert.equal(withLungMask(all, image, 'drop'), [lung, heart]);
  assert.is(corner.outsideLungs, undefined, 'the given findings are not changed');
  // Row 3 of the region begins in column 2: of this box exactly half is inside.
  assert.equal(withLungMask([finding(0, 3, 4, 1), finding(0, 3, 3.9, 1)], image, 'drop'), [finding(0, 3, 4, 1)]);
  assert.equal(withLungMask([whole], image, 'drop'), [whole], 'the region covers a little more than half of the image');
});

test('nothing is marked on an image that looks like no chest X-ray', () => {
  for (const code of ['image-not-xray', 'image-inverted', 'image-turned', 'image-range'] as WarningCode[])
    assert.equal(withLungMask([corner], { ...image, warnings: [{ code, message: '' }] }, 'drop'), [corner]);
  const other = { ...image, warnings: [{ code: 'image-other-kind' as const, message: '' }] };
  assert.equal(withLungMask([corner], other, 'drop'), []);
});

test('a box outside of the lungs is the best one only if its class has no other', () => {
  const small = { ...finding(4, 4, 1, 1), area: 1 };
  const outside = { ...corner, outsideLungs: true };
  assert.equal(bestFindings([outside, small], image), [small]);
  assert.equal(bestFindings([outside], image), [outside]);
});

test('a region is where boxes lie, on both sides alike, without cells that are covered rarely', () => {
  const left = { x: 1 / 8, y: 1 / 4, width: 1 / 8, height: 1 / 2 };
  const rare = { x: 0, y: 15 / 16, width: 1 / 16, height: 1 / 16 };
  const region = regionOf([...Array.from({ length: 11 }, () => left), rare]);
  assert.equal(
    region,
    Array.from({ length: 16 }, (_, row) => (row >= 4 && row < 12 ? '..##........##..' : '.'.repeat(16))),
  );
  assert.equal(regionOf([rare]), [...Array.from({ length: 15 }, () => '.'.repeat(16)), '#..............#']);
  assert.equal(
    regionOf([]),
    Array.from({ length: 16 }, () => '.'.repeat(16)),
  );
});

test('boxes with and without those outside of the region of other patients are counted', () => {
  const mark = { label: 'Mass', box: { x: 1 / 4, y: 1 / 4, width: 1 / 4, height: 1 / 2 } };
  const stray = { label: 'Mass', box: { x: 0, y: 0, width: 1 / 8, height: 1 / 8 } };
  const of = (patient: string, isFound: boolean): MarkedImage => ({
    ...{ patient, marks: [mark] },
    boxes: [mark, stray, { ...stray, label: 'Hernia' }].map((one) => ({ ...one, isFound })),
  });
  const images = ['1', '2', '3', '4', '5', '6'].map((patient) => of(patient, patient === '1'));
  const { marksOutside, marks, patients, effects } = measureRegion(images, ['Mass'], {
    ...{ parts: 3, replicates: 20, seed: 0 },
  });
  assert.equal([marks, patients, marksOutside], [6, 6, 0]);
  const [known, found] = effects;
  assert.equal(known.all, { boxes: 12, right: 0.5, hit: 1, f1: 2 / 3 });
  assert.equal(known.inside, { boxes: 6, right: 1, hit: 1, f1: 1 });
  assert.ok(Math.abs(known.gain.low - 1 / 3) < 1e-12 && Math.abs(known.gain.high - 1 / 3) < 1e-12);
  assert.equal(found.all, { boxes: 2, right: 0.5, hit: 1 / 6, f1: 0.25 });
});

test.run();
