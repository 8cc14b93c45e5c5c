/** The statistics and tables of the benchmarks that train. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { differences, estimate, tQuantile } from '../../bench/studies/ablations/analysis.js';
import { BLOCKS, configurationsOf, costOf, REFERENCE } from '../../bench/studies/ablations/configurations.js';
import { ablationSummary, type Run } from '../../bench/studies/ablations/summary.js';
import { keepStudy } from '../../bench/studies/training_runs.js';
import { CHEST_XRAY8_LABELS } from '../../src/formats/data_sets/image_table.js';

const folder = mkdtempSync(join(tmpdir(), 'raybox-ablations-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const near = (given: number, expected: number, within = 5e-4) =>
  assert.ok(Math.abs(given - expected) <= within, `${given} instead of ${expected}`);

test('quantiles of Student’s t are those of printed tables', () => {
  const printed = { 1: 12.7062, 2: 4.3027, 3: 3.1824, 4: 2.7764, 5: 2.5706, 10: 2.2281, 30: 2.0423, 120: 1.9799 };
  for (const [freedom, quantile] of Object.entries(printed)) near(tQuantile(Number(freedom)), quantile);
  near(tQuantile(9, 0.99), 3.2498);
  assert.ok(Number.isNaN(tQuantile(0)));
});

test('a mean has an interval if there are two or more runs, clipped to possible values', () => {
  const { mean, low, high } = estimate([0.5, 0.6, 0.7], [0, 1]);
  near(mean, 0.6);
  near(low, 0.6 - 4.3027 * (0.1 / Math.sqrt(3)));
  near(high, 0.6 + 4.3027 * (0.1 / Math.sqrt(3)));
  assert.is(estimate([0.9, 1, Number.NaN], [0, 1]).high, 1);
  assert.ok(Number.isNaN(estimate([0.4], [0, 1]).low));
});

const bySeed = (...values: number[]) => new Map(values.map((value, seed) => [seed, value]));

test('differences are paired, so that what runs of one seed share does not widen the interval', () => {
  const runs = new Map([
    ['a', bySeed(0.1, 0.5, 0.9)],
    ['b', bySeed(0.2, 0.6, 1.0)],
  ]);
  const exact = differences(runs, 'a').of.get('b')!;
  near(exact.mean, 0.1, 1e-12);
  near(exact.high - exact.low, 0, 1e-9);

  // With two configurations it is the paired t-test: differences 1, 2, 3 have the standard error 1 / √3.
  const pair = differences(
    new Map([
      ['a', bySeed(0, 0, 0)],
      ['b', bySeed(1, 2, 3)],
    ]),
    'a',
  ).of.get('b')!;
  near(pair.high, 2 + 4.3027 / Math.sqrt(3));
  // Only seeds that all have count.
  assert.equal(differences(new Map([...runs, ['c', bySeed(1, Number.NaN)]]), 'a').seeds, [0]);
});

test('configurations of a block differ in cost by less than a tenth, and share the reference', () => {
  for (const { title, configurations } of BLOCKS) {
    const costs = configurations.map((each) => costOf(each, 64).megaflops);
    assert.ok(Math.max(...costs) < 1.1 * Math.min(...costs), `${title}: ${costs}`);
    assert.ok(configurations.some(({ id }) => id === REFERENCE.id));
  }
  const [map] = BLOCKS.filter(({ name }) => name === 'map');
  assert.equal(
    map.configurations.map((each) => costOf(each, 64).side),
    [8, 16, 32],
  );
  assert.is(configurationsOf(BLOCKS).length, 19);
});

test('the report has every configuration, and leaves out figures that are not defined', async () => {
  const blocks = BLOCKS.filter(({ name }) => name === 'loss');
  const costs = new Map(configurationsOf(blocks).map((each) => [each.id, costOf(each, 64)]));
  const run = (id: string, seed: number, meanAuc: number): Run => ({
    ...{ id, seed, meanAuc, bestEpoch: 1, seconds: 60, images: 90, truthBoxes: 40 },
    auc: { ...Object.fromEntries(CHEST_XRAY8_LABELS.map((label) => [label, meanAuc])), Pneumonia: null },
    accuracy: [
      ...[0.1, 0.25, 0.5].map((threshold) => ({ measure: 'IoBB' as const, threshold })),
      ...[0.1, 0.3].map((threshold) => ({ measure: 'IoU' as const, threshold })),
    ].map((criterion) => ({ ...criterion, mean: 0.5, averageFalsePositives: 2, of: {} })),
  });
  const runs = [run('lse-10', 1, 0.7), run('lse-10', 2, 0.8), run('cel', 1, 0.6), run('cel', 2, 0.72)];
  const settings = { preset: 'hard', count: 100, size: 64, pretrain: 6, epochs: 8, batch: 16, lr: 3e-3 };
  const { markdown, svg } = await ablationSummary(runs, blocks, costs, settings);
  assert.match(markdown, /6 epochs of the backbone on as many `demo` phantoms, then 8 epochs/);
  assert.match(markdown, /^\| W-CEL +\| +16 \| +25\.1 \| 0\.750 \(0\.115 to 1\.000\) \| 0\.500/m);
  assert.match(markdown, /^\| CEL +\| −0\.090 \(−0\.217 to \+0\.037\) \| 0\.000/m);
  assert.is(
    markdown
      .split('\n')
      .find((line) => line.startsWith('| CEL'))!
      .split('|').length,
    12,
  );
  assert.not.match(markdown, /NaN|undefined/);
  assert.match(svg, /^<svg xmlns=/);
  assert.is(svg.match(/<svg /g)!.length, 4);
  assert.not.match(svg, /NaN|undefined/);
});

test('runs with other settings are not used in a study', async () => {
  const path = join(folder, 'study.json');
  await keepStudy(path, { size: 64, epochs: 8 });
  await keepStudy(path, { size: 64, epochs: 8 });
  await keepStudy(path, { epochs: 9, size: 64 }).then(
    () => assert.unreachable(),
    (error) => assert.match(error.message, /belongs to another study: epochs differs; expected 8; given 9/),
  );
});

test.run();
