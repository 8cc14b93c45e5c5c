import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { platform } from '#gpu';
import { type Gpu, openGpu } from '../src/gpu/device.js';
import { listChecks, runCheck } from '../src/graph/check.js';

const gpu: Gpu = await openGpu();
const only = platform.environment('RAYBOX_CASE');

const kernels = suite('kernels');
for (const check of listChecks(gpu)) {
  if (only && !check.label.startsWith(only)) continue;
  kernels(check.label, async () => {
    const { failure } = await runCheck(gpu, check);
    assert.is(failure, undefined, `${failure}\n  again: RAYBOX_CASE='${check.label}' node dist/test/kernels.test.js`);
  });
}
kernels.after(() => gpu.close());
kernels.run();
