/** Proves that the benchmark program checks results before it times them, reports failures, and refuses options that make no sense. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkResults } from '../../bench/collected/layout.js';
import { describeMachine, writeJson } from '../../bench/machine.js';
import { measure, median, quantile } from '../../bench/measure.js';
import { benchNetwork } from '../../bench/networks.js';
import { benchOperation, listBenchmarks } from '../../bench/operations.js';
import { formatRoofs, formatTable, type Row, rates } from '../../bench/results.js';
import { measureRoofs, type Roofs } from '../../bench/roofs.js';
import { main, readSettings } from '../../bench/run.js';
import { benchTraining } from '../../bench/training.js';
import { openGpu } from '../../src/gpu/device.js';
import type { Operation } from '../../src/graph/ir/operation.js';
import type { ResNet } from '../../src/nets/families/resnet.js';
import type { Check } from '../../src/verify/check.js';

const open = () => openGpu();
const gpu = await open();
const brief = { seconds: 0.01, minSamples: 2 };
const roofs: Roofs = { arithmetic: { f32: 100, f16: 200 }, copy: 50, upload: 5, readback: 1 };
const folder = mkdtempSync(join(tmpdir(), 'raybox-bench-'));

test.after(() => {
  gpu.close();
  rmSync(folder, { recursive: true });
});

const row = (more: Partial<Row>): Row => ({
  suite: 'operations',
  engine: 'raybox',
  label: 'linear #8 (1×2048, 8×2048, 8)',
  type: 'f32',
  variant: 'default',
  ...more,
});

test('a table has only columns with values, is aligned, and lists failures below', () => {
  const text = formatTable([
    row({ medianMs: 1.23456, quartilesMs: [1, 1.5], gflops: 12345, gbs: 0.5, share: 0.0123, samples: 7 }),
    row({ variant: 'tiled', medianMs: 20, samples: 5 }),
    row({ variant: 'broken', failure: 'wrong result: NMSE 1.00e+0, at most 1e-11 allowed' }),
  ]);
  const [head, rule, first, second, failure] = text.split('\n');
  assert.match(
    head,
    /^\| engine \| case +\| type \| variant \| median ms \| +half of them \| GFLOP\/s \| +GB\/s \| of roof \| samples \|$/,
  );
  assert.match(rule, /^\| -+ \| -+ \| -+ \| -+ \| -+: \|/);
  assert.match(first, /\| +1\.23 \| +1\.00 to 1\.50 \| +12345 \| +0\.500 \| +1\.2 % \| +7 \|$/);
  assert.match(second, /\| +20\.0 \| +\| +\| +\| +\| +5 \|$/);
  assert.is(new Set([head, rule, first, second].map((line) => line.length)).size, 1);
  assert.is(
    failure,
    'not timed: linear #8 (1×2048, 8×2048, 8) f32 broken: wrong result: NMSE 1.00e+0, at most 1e-11 allowed',
  );
});

test('the share of the roof is computed from the lower roof of each dispatch', () => {
  const arithmetic = { flops: 50e9, bytes: 1e9 }; // half a second of multiply-adds
  const traffic = { flops: 1e9, bytes: 25e9 }; // half a second of copying
  const { gflops, gbs, share } = rates([arithmetic, traffic], { medianMs: 2000 }, 'f32', roofs);
  assert.is(gflops, 25.5);
  assert.is(gbs, 13);
  assert.is(share, 0.5);
  assert.is(rates([arithmetic], { medianMs: 500 }, 'f16', roofs).share, 0.5, 'f16 has a roof of its own');
  assert.is(rates([arithmetic], { medianMs: 500 }, 'f32', undefined).share, undefined);
});

test('the JSON has everything that is needed for comparisons', () => {
  const path = join(folder, 'deep', 'results.json');
  writeJson(path, { ...describeMachine(gpu), roofs, rows: [row({ medianMs: 1 })] });
  const results = JSON.parse(readFileSync(path, 'utf8'));
  assert.match(results.date, /^\d{4}-\d\d-\d\dT/);
  assert.type(results.adapter.name, 'string');
  assert.equal(Object.keys(results.versions), ['raybox', 'node', 'webgpu']);
  assert.is(results.roofs.copy, 50);
  assert.is(results.rows[0].medianMs, 1);
  checkResults(results, path);
});

test('options that make no sense are refused', () => {
  assert.throws(() => readSettings(['--type', 'f64']), /--type/);
  assert.throws(() => readSettings(['--suite', 'kernels']), /--suite/);
  assert.throws(() => readSettings(['--batch', '1,0.5']), /--batch/);
  assert.throws(() => readSettings(['--seconds', '-1']), /--seconds/);
  assert.throws(() => readSettings(['--sizes', '224']), /--sizes/);
  assert.equal(readSettings(['Conv2D f32', '--batch', '1,4']).patterns, ['conv2d', 'f32']);
});

test('measured roofs are plausible for an adapter', async () => {
  const { arithmetic, copy, upload, readback } = await measureRoofs(gpu, 0.01);
  for (const value of [arithmetic.f32, arithmetic.f16 ?? 1, copy, upload, readback]) {
    assert.ok(value > 1e-4 && value < 1e7, String(value));
  }
  assert.is(arithmetic.f16 === undefined, !gpu.features.has('shader-f16'));
  assert.match(formatRoofs({ arithmetic, copy, upload, readback }), /GFLOP\/s f32.*copy.*GB\/s/);
});

test('a workload that throws does not affect others', async () => {
  let runs = 0;
  const good = {
    label: 'good',
    enqueue(repeats: number) {
      runs += repeats;
    },
  };
  let calls = 0;
  const late = {
    label: 'late',
    enqueue() {
      // Calibration takes at most five calls; at least four follow.
      if (++calls > 5) throw new Error('broke while being timed');
    },
  };
  const bad = { label: 'bad', enqueue: () => Promise.reject(new Error('broke at once')) };
  const [first, second, third] = await measure(gpu, [bad, good, late], brief);
  assert.is((first as Error).message, 'broke at once');
  assert.not.instance(second, Error);
  assert.ok(
    'samples' in second && second.samples >= 2 && second.medianMs > 0 && runs >= second.samples * second.repeats,
  );
  assert.is((third as Error).message, 'broke while being timed');
  assert.is(median([3, 1, 2]), 2);
  assert.is(median([4, 1, 2, 3]), 2.5);
  assert.is(quantile([4, 1, 2, 3], 0.25), 1.75);
});

const softmax = [...listBenchmarks(gpu, (line) => line.startsWith('softmax')).values()][0].slice(0, 1);

test('an operation is timed only if its results are right', async () => {
  const [right] = softmax;
  const strict: Check = { ...right, case: { ...right.case, bound: 0 } };
  const wrong: Check = { ...right, index: right.index + 1, operation: breakKernel(right.operation) };
  const rows = await benchOperation(open, [right, wrong, strict], roofs, brief);
  assert.equal(
    rows.map(({ engine, suite, failure }) => [engine, suite, failure === undefined]),
    [
      ['raybox', 'operations', true],
      ['raybox', 'operations', false],
      ['raybox', 'operations', false],
    ],
  );
  assert.ok(rows[0].medianMs! > 0 && rows[0].gflops! > 0 && rows[0].gbs! > 0 && rows[0].share! > 0);
  assert.is(rows[0].gpuMs === undefined, !gpu.features.has('timestamp-query'));
  assert.match(rows[1].failure!, /^wrong result: NMSE/);
  assert.match(rows[2].failure!, /^wrong result: NMSE .*, at most 0 allowed/);
  assert.is(rows[1].medianMs, undefined);
});

// Every dispatch computes a little less than it should.
function breakKernel(operation: Operation): Operation {
  return {
    ...operation,
    lower: (node, context) =>
      operation.lower(node, {
        ...context,
        dispatch: (dispatch) => {
          const source = dispatch.kernel.source.replaceAll('exp(', '0.5 + exp(');
          context.dispatch({ ...dispatch, kernel: { ...dispatch.kernel, source } });
        },
      }),
  };
}

test('a network is compared with the reference and timed', async () => {
  const options = { network: 'squeezenet1_1', size: 32, type: 'f32', batches: [1], tune: 0.1 } as const;
  const [only, tuned, ...more] = await benchNetwork(open, options, roofs, { seconds: 0.01 });
  assert.is(only.failure, undefined);
  assert.equal([tuned.failure, tuned.variant, more.length], [undefined, 'tuned', 0]);
  assert.ok(tuned.medianMs! > 0);
  for (const { variant, preferred } of tuned.choices!) assert.is.not(variant, preferred);
  assert.ok(only.medianMs! > 0 && only.firstMs! > 0 && only.memoryBytes! > 4e6);
  assert.ok(only.pipelines! > 3 && only.dispatches! > 25);
});

test('training is timed, with falling losses', async () => {
  const backbone: ResNet = { family: 'resnet', block: 'basic', layers: [1, 1], widths: [8, 16], stem: 8 };
  const [own, ...more] = await benchTraining(open, { size: 16, batch: 2, seconds: 0.01, backbone });
  assert.is(more.length, 0);
  assert.ok(own.medianMs! > 0 && Math.abs(own.imagesPerSecond! * own.medianMs! - 2000) < 1e-6);
  assert.ok(own.losses![2] < own.losses![0]);
});

test('the whole program writes its times, and says if there is nothing to time', async () => {
  const path = join(folder, 'all.json');
  const args = ['softmax', 'f32', '--suite', 'operations', '--seconds', '0.01', '--json', path];
  assert.is(await main([...args, '--verify']), 0);
  const results = checkResults(JSON.parse(readFileSync(path, 'utf8')), path);
  assert.ok(results.rows.length > 0 && results.verification!.checked > 0 && results.verification!.left === 0);
  assert.equal(results.verification!.failures, []);
  assert.is(await main([...args, '--against', path, '--suite', 'none', '--add']), 0);
  assert.equal(JSON.parse(readFileSync(path, 'utf8')), results, 'nothing was to be done');
  const nothing = await main(['no such thing', '--suite', 'operations', '--json', path]).catch((error) => error);
  assert.match(nothing.message, /^nothing matches/);
});

test('the bundle for machines without npm packages loads, with all its parts', async () => {
  const { bundleBench } = await import(new URL('../../../.ci/build.js', import.meta.url).href);
  const outdir = join(folder, 'dist', 'bench');
  await bundleBench(outdir);
  for (const name of ['gpu', 'peers']) {
    const outfile = join(outdir, `${name}.bundle.js`);
    const result = await promisify(execFile)(process.execPath, [outfile, '--type', 'f64']).catch((error) => error);
    assert.is(result.code, 2, name);
    assert.match(result.stderr, /^error: option '--type/);
  }
});

test.run();
