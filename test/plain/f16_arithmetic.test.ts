/** The arithmetic of the study of f16 sums: rounding as of the conversion to f16, and the order of roundings. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { newTally, roundHalf, sumOf } from '../../bench/studies/f16_arithmetic/half_sums.js';
import { f16ToF32, f32ToF16 } from '../../src/formats/half.js';
import { normal, seededRandom } from '../../src/random.js';

const converted = (values: ArrayLike<number>) => f16ToF32(f32ToF16(Float32Array.from(values)));

test('numbers, and the middles between them, are rounded as by the conversion to f16', () => {
  const halves = f16ToF32(Uint16Array.from({ length: 0x7c01 }, (_, bits) => bits));
  const values: number[] = [];
  for (let i = 0; i + 1 < halves.length; i++) {
    const next = Number.isFinite(halves[i + 1]) ? halves[i + 1] : 65536;
    const middle = (halves[i] + next) / 2;
    values.push(halves[i], middle, middle * (1 - 2 ** -20), middle * (1 + 2 ** -20));
  }
  const expected = converted(values);
  values.forEach((value, i) => {
    assert.is(roundHalf(value), expected[i], `${value}`);
    assert.is(roundHalf(-value), -expected[i], `${-value}`);
  });
  assert.ok(Number.isNaN(roundHalf(Number.NaN)));
  assert.is(roundHalf(1 + 2 ** -11 + 2 ** -50), 1 + 2 ** -10); // an f32 would lose the last bit, and round to 1
});

test('chains are rounded step by step, and their sums added in f32', () => {
  const at = (chain: number, fused = false, flushed = false) => ({ chain, fused, flushed });
  const sum = (x: number[], w: number[], how: ReturnType<typeof at>) =>
    sumOf(Float64Array.from(x), Float64Array.from(w), how, newTally());
  // 2048 + 1 is a tie, and even is 2048. Added in f32, nothing is lost.
  assert.is(sum([2048, 1, 1], [1, 1, 1], at(Number.POSITIVE_INFINITY)), 2048);
  assert.is(sum([2048, 1, 1], [1, 1, 1], at(1)), 2050);
  assert.is(sum([2048, 1, 1], [1, 1, 1], at(2)), 2049);
  // (1 + 2^-10)² − 1 − 2^-9 is 2^-20, which is lost when the product is rounded.
  const root = 1 + 2 ** -10;
  assert.is(sum([-1 - 2 ** -9, root], [1, root], at(2)), 0);
  assert.is(sum([-1 - 2 ** -9, root], [1, root], at(2, true)), 2 ** -20);
  assert.is(sum([2 ** -8], [2 ** -8], at(1)), 2 ** -16);
  assert.is(sum([2 ** -8], [2 ** -8], at(1, false, true)), 0);
  const tally = newTally();
  assert.is(
    sumOf(Float64Array.of(300, 2 ** -8), Float64Array.of(300, 2 ** -8), at(1), tally),
    Number.POSITIVE_INFINITY,
  );
  assert.equal(tally, { rounded: 2, subnormal: 1, overflows: 1, largest: Number.POSITIVE_INFINITY });
});

test('errors of chains stay within chain · 2^-11 · Σ|x · w|', () => {
  const random = seededRandom(3);
  for (const chain of [1, 2, 4, 8, 16]) {
    const [x, w] = [0, 1].map(() => Float64Array.from(converted(Array.from({ length: 100 }, () => normal(random)))));
    const products = x.map((value, i) => value * w[i]);
    const exact = products.reduce((sum, value) => sum + value, 0);
    const most = products.reduce((sum, value) => sum + Math.abs(value), 0);
    const error = Math.abs(sumOf(x, w, { chain, fused: false, flushed: false }, newTally()) - exact);
    assert.ok(error > 0 && error <= chain * 2 ** -11 * most, `${chain}: ${error}`);
  }
});

test.run();
