/** Activations of frozen layers in a folder. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { activationCache } from '../../src/node/caches/activation_cache.js';

const folder = mkdtempSync(join(tmpdir(), 'raybox-activations-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const record = (value: number) => new Uint8Array(8).fill(value);

test('records are found again, damaged ones are not, and one process at a time has them open', async () => {
  const open = (key: string) => activationCache(folder).open(key, 8, 3);
  const first = await open('abc');
  await first.add('one', record(1));
  await first.add('two', record(2));
  assert.equal(await first.find('one'), record(1));
  assert.is(await first.find('three'), undefined);
  assert.match(
    await open('abc').catch((error) => error.message),
    /activations-abc\.bin is being written by another process/,
  );
  await first.close();

  const other = await open('def');
  assert.is(await other.find('one'), undefined);
  await other.close();

  const path = join(folder, 'activations-abc.bin');
  const damaged = readFileSync(path);
  damaged[0] = 7;
  writeFileSync(path, damaged);
  const again = await open('abc');
  assert.is(await again.find('one'), undefined);
  assert.equal(await again.find('two'), record(2));
  await again.add('one', record(1));
  assert.equal(await again.find('one'), record(1));
  await again.close();
  assert.equal(readdirSync(folder).sort(), [
    'activations-abc.bin',
    'activations-abc.tsv',
    'activations-def.bin',
    'activations-def.tsv',
  ]);
});

test('more activations than the disk has room for are refused at once', async () => {
  const error = await activationCache(folder)
    .open('big', 2 ** 40, 2 ** 10)
    .catch((one) => one);
  assert.match(
    error.message,
    /no room for the activations.*expected 1048576\.0 GiB free; given .*--activation-type f16/,
  );
});

test.run();
