/** A short soak test, and a test that a leak would be found. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { soak } from '../../bench/robustness/soak.js';
import { trendOf } from '../../bench/robustness/trend.js';
import { seededRandom } from '../../src/random.js';

test('a leak is detected, but noise and a cache that fills up are not taken for one', () => {
  const random = seededRandom(1);
  const calls = Array.from({ length: 200 }, (_, i) => 50 * (i + 1));
  const series = (value: (call: number) => number) => ({ calls, values: calls.map(value) });
  const noisy = (call: number) => 5e7 + random() * 4e5 + 0 * call;
  assert.ok(trendOf(series(noisy), 1 << 20).flat);
  assert.ok(
    trendOf(
      series(() => 123),
      0,
    ).flat,
  );
  assert.ok(
    trendOf(
      series((call) => noisy(call) + 1e7 * Math.min(1, call / 4000)),
      1 << 20,
    ).flat,
  );
  assert.ok(
    trendOf(
      series((call) => noisy(call) - 100 * call),
      1 << 20,
    ).flat,
  );
  // 300 bytes a call over the 5,000 of the second half.
  const leak = trendOf(
    series((call) => noisy(call) + 300 * call),
    1 << 20,
  );
  assert.not.ok(leak.flat);
  assert.ok(Math.abs(leak.rise - 300 * 4950) < 1e5, `${leak.rise}`);
  assert.not.ok(
    trendOf(
      series((call) => 1000 + Math.floor(call / 1000)),
      0,
    ).flat,
    'a byte in a thousand calls',
  );
});

test('images of many sizes, options, aborts and errors leave nothing on the GPU', async () => {
  const { calls, outcomes, samples, trends } = await soak({ calls: 120, seed: 3, every: 10 });
  assert.ok(calls >= 120);
  assert.ok(outcomes.results > 40 && outcomes.refused > 3 && outcomes.aborted > 1, JSON.stringify(outcomes));
  assert.ok(samples.length >= 10);
  for (const measure of ['gpu', 'heap', 'external', 'rss'] as const) {
    assert.ok(samples.every((sample) => sample[measure] > 0));
    assert.ok(Number.isFinite(trends[measure].rise));
  }
  // The caches are full long before, so the memory on the GPU only varies by a few box plans.
  const gpu = samples.slice(samples.length >> 1).map((sample) => sample.gpu);
  assert.ok(Math.max(...gpu) < 64 << 20, `${Math.max(...gpu)} bytes`);
});

test.run();
