/** `raybox export` as a process: the file, what is refused, and that a file which is there stays as it is. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { exportOnnx } from '../../src/index.js';
import { readModel } from '../../src/localizer/weights/model.js';
import { tinyWeights } from '../support/tiny.js';

const folder = mkdtempSync(join(tmpdir(), 'raybox-export-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);
const weights = at('tiny.safetensors');
writeFileSync(weights, tinyWeights(3, ['Mass', 'Nodule'], 256));

const program = fileURLToPath(new URL('../../src/cli/cli.js', import.meta.url));
const run = (...args: string[]) => spawnSync(process.execPath, [program, 'export', ...args], { encoding: 'utf8' });

test('it writes what exportOnnx gives, in full and in halves', async () => {
  for (const dtype of ['f32', 'f16'] as const) {
    const out = at(`${dtype}.onnx`);
    const { status, stdout, stderr } = run(weights, '--out', out, '--dtype', dtype);
    assert.is(status, 0, stderr);
    const { bytes } = await exportOnnx(readFileSync(weights), { dtype });
    assert.ok(readFileSync(out).equals(bytes));
    assert.ok(stdout.includes(out) && stdout.includes(bytes.length.toLocaleString('en')), stdout);
  }
});

test('options that say what the weights do not say are followed', async () => {
  const out = at('named.onnx');
  assert.is(run(weights, '--out', out, '--names', 'Edema,Hernia', '--mean', '0.25').status, 0);
  const { metadata } = await readModel(readFileSync(out), {});
  assert.equal([metadata.classes, metadata.mean], [['Edema', 'Hernia'], [0.25]]);
});

test('what is refused leaves no file, and a file that is there stays', () => {
  const out = at('refused.onnx');
  const kept = at('kept.onnx');
  writeFileSync(kept, 'mine');
  const broken = at('broken.safetensors');
  writeFileSync(broken, readFileSync(weights).subarray(0, 5000));
  const cases: [args: string[], status: number, message: RegExp][] = [
    [[weights, '--out', kept], 2, /kept\.onnx is there already/],
    [[broken, '--out', out], 1, /broken\.safetensors: /],
    [[at('none.safetensors'), '--out', out], 1, /none\.safetensors/],
    [[weights, '--out', out, '--heatmaps', 'grad-cam'], 1, /come from gradients/],
    [[weights, '--out', out, '--dtype', 'bf16'], 2, /f32, f16/],
    [[weights], 2, /--out/],
  ];
  for (const [args, status, message] of cases) {
    const found = run(...args);
    assert.match(found.stderr, message);
    assert.is(found.status, status, args.join(' '));
    assert.not.match(found.stderr, /\n\s+at /);
  }
  assert.is(existsSync(out), false);
  assert.is(readFileSync(kept, 'utf8'), 'mine');
  assert.equal(
    readdirSync(folder).filter((name) => !/\.(onnx|safetensors)$/.test(name)),
    [],
  );
});

test.run();
