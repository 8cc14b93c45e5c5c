import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { GpuUnavailableError } from '../../src/errors.js';
import { openGpu } from '../../src/gpu/device.js';
import { environmentOf, NO_ADAPTER, readOutcome } from '../run.js';

const tests = fileURLToPath(new URL('../../../test', import.meta.url));

const closing = (total: number, passed: number) => `  Total:     ${total}\n  Passed:    ${passed}\n  Skipped:   0\n`;

test('a file in which no test ran counts as failed', () => {
  assert.is(readOutcome('empty', '', 0).failed, 1);
  assert.is(readOutcome('empty', closing(0, 0), 0).failed, 1);
});

test('a crash after passing tests counts as failed', () => {
  assert.is(readOutcome('crashed', closing(3, 3), 1).failed, 1);
});

test('passing and failing tests are counted', () => {
  assert.equal(readOutcome('good', closing(3, 3), 0), { name: 'good', passed: 3, failed: 0, skipped: 0 });
  assert.is(readOutcome('bad', closing(3, 1), 1).failed, 2);
});

test('tests are in the folder for what they need, and those in plain get no adapter', async () => {
  const files = (readdirSync(tests, { recursive: true }) as string[]).filter((name) => name.endsWith('.test.ts'));
  assert.ok(files.length > 50);
  for (const name of files) assert.match(name, /^(plain|gpu|browser|cli|docs)[/\\]\w+\.test\.ts$/);
  assert.equal(environmentOf('gpu/boxes.test.js'), { RAYBOX_BACKEND: 'webgpu' });
  assert.equal(environmentOf('plain/run.test.js'), { RAYBOX_BACKEND: 'webgpu', RAYBOX_ADAPTER: NO_ADAPTER });
  const error = await openGpu({ adapter: NO_ADAPTER }).catch((reason: Error) => reason);
  assert.instance(error, GpuUnavailableError);
});

test.run();
