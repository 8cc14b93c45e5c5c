/** Files with results of benchmarks: their layout, what is shared of them, and comparisons. All that were collected are checked. */
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { formatAgainst } from '../../bench/collected/against.js';
import { checkResults } from '../../bench/collected/layout.js';
import { shared, withoutPaths } from '../../bench/collected/shared.js';
import { differencesOf } from '../../bench/peers/contest.js';
import { LAYOUT, type Results, type Row } from '../../bench/results.js';
import { formatKernels, formatShares, sharesOf } from '../../bench/shares.js';
import { parseJson } from '../../src/formats/json.js';

const folder = new URL('../../../bench/results/', import.meta.url);

const row = (more: Partial<Row>): Row => ({
  ...{ suite: 'operations', engine: 'raybox', label: 'conv2d #1 (1×8×8×8)', type: 'f32', variant: 'direct' },
  ...more,
});

const results = (more: Partial<Results>): Results => ({
  layout: LAYOUT,
  date: '2026-11-28T09:00:00.000Z',
  adapter: { name: 'llvmpipe', software: true, features: ['subgroups'] },
  machine: { cpu: 'AMD EPYC', cores: 2, platform: 'linux x64' },
  versions: { raybox: '0.1.0', node: '20.20.2', webgpu: '0.6.2' },
  rows: [],
  ...more,
});

for (const name of readdirSync(folder).filter((one) => one !== 'README.md')) {
  test(`bench/results/${name} has the layout of results, and no personal data`, () => {
    assert.match(name, /^[a-z0-9-]+\.json$/);
    const content = checkResults(parseJson(readFileSync(new URL(name, folder), 'utf8'), name), name);
    assert.equal(content, shared(content));
  });
}

test('what is not of the layout is refused, with its place', () => {
  const refused = (value: object) => {
    try {
      checkResults(value, 'a.json');
    } catch (error) {
      return (error as Error).message;
    }
    return 'taken';
  };
  const good = results({ rows: [row({ medianMs: 1, quartilesMs: [1, 2] })] });
  assert.is(refused(good), 'taken');
  assert.match(refused({ ...good, user: 'me' }), /^a\.json: user; expected only layout, date/);
  assert.match(refused({ ...good, layout: 1 }), /^a\.json: layout; expected 2; another version/);
  assert.match(refused({ ...good, rows: [row({}), row({ medianMs: -1 })] }), /^a\.json: rows\[1\]\.medianMs/);
  assert.match(refused({ ...good, rows: [{ ...row({}), host: 'x' }] }), /^a\.json: rows\[0\]\.host/);
  assert.match(refused({ ...good, machine: { ...good.machine, host: 'x' } }), /^a\.json: machine/);
  assert.match(refused([]), /not an object/);
});

test('what is shared has the day, no paths, and only fields that are known', () => {
  const failure = "cannot open '/home/someone/raybox/dist/bench/run.js'\n    at file:///home/someone/x.js:1:1";
  const given = { ...results({ rows: [row({ failure })] }), host: 'mine' } as Results;
  const copy = shared(given);
  assert.is(copy.date, '2026-11-28');
  assert.not.match(JSON.stringify(copy), /someone|mine/);
  assert.is(copy.rows[0].failure, "cannot open '…/run.js'");
  assert.is(withoutPaths('C:\\Users\\someone\\a.js is not there'), '…\\a.js is not there');
  assert.is(withoutPaths('NMSE 1.0e-3 over 1e-11 in 3/4 of 1×2'), 'NMSE 1.0e-3 over 1e-11 in 3/4 of 1×2');
  checkResults(copy, 'copy');
});

test('a comparison with a former run has ratios with their spread, and says what else differs', () => {
  const timing = { medianMs: 10, quartilesMs: [9, 12] as const, samples: 5 };
  const former = results({ rows: [row(timing), row({ variant: 'tiled', medianMs: 4 }), row({ variant: 'old' })] });
  const now = results({
    versions: { ...former.versions, webgpu: '0.7.0' },
    rows: [
      row({ ...timing, medianMs: 5, quartilesMs: [4.5, 6] }),
      row({ variant: 'tiled', failure: 'wrong result' }),
      row({ variant: 'new', medianMs: 1 }),
    ],
  });
  const text = formatAgainst(now, former);
  assert.match(text, /another version of webgpu: 0\.6\.2 before, 0\.7\.0 now/);
  assert.match(text, /\| +10\.0 \| +5\.00 \| 0\.500 \(0\.375 to 0\.667\) \|/);
  assert.match(text, /wrong now, and not before: .* tiled/);
  assert.match(text, /1 cases are only in this run, 1 only in the former/);
});

test('shares of the roof are given by operation, and by kernel of a network', () => {
  const rows = [
    row({ share: 0.1 }),
    row({ share: 0.4, variant: 'tiled' }),
    row({ label: 'conv2d #2 (1)', share: 0.2 }),
  ];
  assert.match(formatShares(rows), /\| conv2d +\| +f32 \| +2 \| +30 % \| +20 % \| +40 % \|/);
  const roofs = { arithmetic: { f32: 1 }, copy: 1, upload: 1, readback: 1 };
  const time = { label: '', kernel: 'a', nanoseconds: 2e6, flops: 1e6, bytes: 0 };
  const kernels = sharesOf([time, { ...time, kernel: 'b', nanoseconds: 3e6 }, time], 'f32', roofs);
  assert.equal(kernels, [
    { kernel: 'a', dispatches: 2, gpuMs: 4, share: 0.5 },
    { kernel: 'b', dispatches: 1, gpuMs: 3, share: 1 / 3 },
  ]);
  assert.match(formatKernels([row({ kernels })]), /\| a +\| +2 \| +4\.00 \| +57 % \| +50 % \|/);
});

test('outputs of a peer are compared by their range; numbers that are none, or missing, are infinitely off', () => {
  assert.equal(differencesOf([[1, 2.5]], [[1, 2]]), [0.25]);
  assert.equal(differencesOf([[1, Number.NaN]], [[1, 2]]), [Number.POSITIVE_INFINITY]);
  assert.equal(differencesOf([[1]], [[1, 2]]), [Number.POSITIVE_INFINITY]);
});

test.run();
