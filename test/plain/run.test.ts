/** Proves that the test runner counts crashes and files without tests as failed, and repeats a shuffled order. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { GpuUnavailableError } from '../../src/errors.js';
import { openGpu } from '../../src/gpu/device.js';
import { environmentOf, NO_ADAPTER, readOutcome, seedOf } from '../run.js';
import { shuffle } from '../support/shuffle.js';

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
  const common = { RAYBOX_BACKEND: 'webgpu', RAYBOX_TUNE: 'false' };
  assert.equal(environmentOf('gpu/boxes.test.js'), common);
  assert.equal(environmentOf('plain/run.test.js'), { ...common, RAYBOX_ADAPTER: NO_ADAPTER });
  const error = await openGpu({ adapter: NO_ADAPTER }).catch((reason: Error) => reason);
  assert.instance(error, GpuUnavailableError);
});

test('--shuffle has a seed, with which an order can be repeated', () => {
  assert.is(seedOf(['plain/']), undefined);
  assert.is(seedOf(['--shuffle=7', 'plain/']), 7);
  assert.ok(Number.isInteger(seedOf(['--shuffle'])));
  assert.throws(() => seedOf(['--shuffle=often']), /the seed must be a whole number/);
  const list = Array.from({ length: 20 }, (_, index) => index);
  assert.equal(shuffle([...list], 7), shuffle([...list], 7));
  assert.not.equal(shuffle([...list], 7), list);
  assert.equal(
    shuffle([...list], 7).sort((a, b) => a - b),
    list,
  );
});

test('--shuffle also changes the order of the tests in a file', () => {
  // Beside this file, so that it finds uvu.
  const folder = mkdtempSync(join(fileURLToPath(new URL('.', import.meta.url)), 'shuffled-'));
  try {
    const file = join(folder, 'letters.js');
    const tests = [...'abcdefgh'].map((letter) => `test('${letter}', () => console.log('ran ${letter}'));`);
    writeFileSync(file, `import { test } from 'uvu';\n${tests.join('\n')}\ntest.run();\n`);
    const orderOf = (seed: number) => {
      const preload = new URL('../support/shuffled.js', import.meta.url).href;
      const env = { ...process.env, RAYBOX_SHUFFLE: String(seed) };
      const output = execFileSync(process.execPath, ['--import', preload, file], { env, encoding: 'utf8' });
      return [...output.matchAll(/ran (\w)/g)].map(([, letter]) => letter);
    };
    const orders = [1, 2, 1].map(orderOf);
    assert.equal([...orders[0]].sort().join(''), 'abcdefgh');
    assert.not.equal(orders[0], orders[1]);
    assert.equal(orders[0], orders[2]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
