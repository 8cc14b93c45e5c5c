/** Boxes outside of lungs and heart. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
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

test.run();
