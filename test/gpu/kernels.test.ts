/** Proves that every operation computes what its float64 reference does, for all of its cases. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { platform } from '#gpu';
import { type Gpu, openGpu } from '../../src/gpu/device.js';
import { listChecks, runChecks } from '../../src/verify/check.js';
import { partOf } from '../support/part.js';

const gpu: Gpu = await openGpu();
const only = platform.environment('RAYBOX_CASE');

const all = listChecks(gpu);
const part = partOf(all, ({ operation, type, variant }) => `${operation.name} ${type} ${variant}`);
const checks = only ? all.filter(({ label }) => label.startsWith(only)) : part;
const results = runChecks(gpu, checks);

const kernels = suite('kernels');
for (const [index, { label }] of checks.entries()) {
  kernels(label, async () => {
    const { failure } = await results[index];
    assert.is(failure, undefined, `${failure}\n  again: RAYBOX_CASE='${label}' node dist/test/gpu/kernels.test.js`);
  });
}
kernels.after(() => gpu.close());
kernels.run();
