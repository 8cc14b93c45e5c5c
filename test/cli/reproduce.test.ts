/** `raybox reproduce` from reports to a scored network, as small as it gets. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const folder = mkdtempSync(join(tmpdir(), 'raybox-reproduce-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const out = join(folder, 'paper');
const cli = fileURLToPath(new URL('../../src/cli/cli.js', import.meta.url));
const reproduce = (...args: string[]) =>
  spawnSync(process.execPath, [cli, 'reproduce', '--out', out, ...args], { encoding: 'utf8' });

test('phantoms, mined labels, training and evaluation', () => {
  const network = ['--size', '16', '--backbone', '{"family":"vgg","layers":[4,"M",8],"batchNorm":true}'];
  const small = ['--phantom', '160', '--epochs', '1', '--seed', '3', ...network];
  const first = reproduce(...small);
  assert.is(first.status, 0, first.stderr);
  assert.match(first.stderr, /labels mined from reports: \d+ as drawn, \d+ too many, \d+ missed \(F1 (1|0\.9)/);
  assert.match(first.stdout, /^mean AUC 0\.\d{3} on the test images; the page of results: .*evaluation\.html$/m);
  assert.ok(existsSync(join(out, 'evaluation', 'evaluation.html')));
  const result = JSON.parse(readFileSync(join(out, 'evaluation', 'evaluation.json'), 'utf8'));
  assert.is(result.overall.length, 8);
  assert.ok(result.localization.truthBoxes > 0);
  assert.match(readFileSync(join(out, 'training', 'best.md'), 'utf8'), /160 raybox phantoms, preset demo, seed 3/);

  const larger = reproduce(...small, '--size', '32');
  assert.is(larger.status, 1);
  assert.match(
    larger.stderr,
    /was begun with other options: --size differs; expected 16; given 32; give the options of/,
  );
  const other = reproduce(...small, '--phantom', '161');
  assert.is(other.status, 1);
  assert.match(other.stderr, /holds other phantoms: count differs; expected 161; given 160/);
});

test.run();
