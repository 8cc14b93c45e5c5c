/** `raybox quantize`: a file of integers that every command reads, what it says about them, and what it refuses. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PNG } from 'pngjs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readCheckpoint } from '../../src/formats/weights/read_checkpoint.js';
import { readSafetensors } from '../../src/formats/weights/safetensors.js';
import { tinyPicture, tinyWeights } from '../support/tiny.js';

const folder = mkdtempSync(join(tmpdir(), 'raybox-quantize-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);
const program = fileURLToPath(new URL('../../src/cli/cli.js', import.meta.url));
const run = (...args: string[]) => spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', cwd: folder });

const HEAD = { pooling: 'average', transition: { channels: 24, kernel: 1, activation: 'relu' } } as const;
writeFileSync(at('w.safetensors'), tinyWeights(1, ['Mass', 'Nodule'], 32, HEAD));
mkdirSync(at('data/images'), { recursive: true });
const names = ['a.png', 'b.png', 'c.png', 'd.png'];
for (const [seed, name] of names.entries()) {
  const { data, width, height } = tinyPicture(seed);
  const png = new PNG({ width, height, colorType: 0, inputColorType: 0 });
  png.data = Buffer.from(data as Uint8Array);
  writeFileSync(
    at(`data/images/${name}`),
    PNG.sync.write(png, { colorType: 0, inputColorType: 0, inputHasAlpha: false }),
  );
}
const rows = names.map((name, i) => `${name},${i % 2 ? 'Mass' : 'No Finding'},0,${i},40Y,M,PA,1024,1024,0.1,0.1`);
writeFileSync(
  at('data/Data_Entry_2017.csv'),
  `Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,OriginalImageWidth,OriginalImageHeight,OriginalImagePixelSpacing_x,OriginalImagePixelSpacing_y\n${rows.join('\n')}\n`,
);
writeFileSync(at('data/test_list.txt'), 'd.png\n');

test('weights become integers, and it says by how much weights and probabilities move', () => {
  const { status, stdout, stderr } = run('quantize', 'w.safetensors', '--out', 'q.safetensors', '--data', 'data');
  assert.is(status, 0, stderr);
  assert.match(stdout, /^head\.transition\.weight +24×32×1×1 +0\.\d\d %$/m);
  assert.match(
    stdout,
    /q\.safetensors: \d tensors? with \d+ numbers as 8-bit integers, \d+ other numbers as they were/,
  );
  assert.match(stdout, /On 3 images/, 'the test image is left out');
  assert.match(stdout, /^Mass +0\.\d+ +0\.\d+ +1\.00000 +\d +\S+ +\S+$/m);
  const { tensors, metadata } = readSafetensors(readFileSync(at('q.safetensors')));
  assert.is(metadata.int8_weights, 'scale-per-output-channel');
  assert.ok(!tensors.has('head.prediction.weight.int8_scale'), 'the prediction layer stays');
});

test('other commands read it, and write floating-point numbers again', async () => {
  const inspected = run('inspect', 'q.safetensors');
  assert.match(inspected.stdout, /^Stored +\d tensors? as 8-bit integers/m);
  assert.is(run('convert', 'q.safetensors', '--out', 'back.safetensors', '--dtype', 'f32').status, 0);
  const [back, quantized] = await Promise.all(
    ['back.safetensors', 'q.safetensors'].map(async (name) => readCheckpoint(readFileSync(at(name)))),
  );
  assert.equal(back.metadata, quantized.metadata);
  for (const [name, { data }] of back.tensors) assert.equal(data, quantized.tensors.get(name)!.data);
  assert.is(run('export', 'q.safetensors', '--out', 'q.onnx').status, 0);
  assert.is(run('export', 'back.safetensors', '--out', 'back.onnx').status, 0);
  assert.equal(readFileSync(at('q.onnx')), readFileSync(at('back.onnx')));
});

test('calibrated weights can be computed with 8-bit integers, by localize too', () => {
  const args = ['w.safetensors', '--out', 'c.safetensors', '--calibrate', 'data', '--percentile', '100'];
  const { status, stdout, stderr } = run('quantize', ...args, '--data', 'data');
  assert.is(status, 0, stderr);
  assert.match(stdout, /^1 layer can be computed with 8-bit integers .* measured on 3 images$/m);
  assert.match(stdout, /^On 3 images, before, and with 8-bit arithmetic:$/m);
  const { metadata } = readSafetensors(readFileSync(at('c.safetensors')));
  const ranges = JSON.parse(metadata.activation_ranges);
  assert.equal(Object.keys(ranges), ['head.transition.weight']);
  const [low, high] = ranges['head.transition.weight'];
  assert.ok(low === 0 && high > 0, metadata.activation_ranges);
  assert.match(run('inspect', 'c.safetensors').stdout, /^8-bit arithmetic +ranges of activations for 1 layer$/m);
  const found = run('localize', 'data/images/a.png', '--weights', 'c.safetensors', '--precision', 'int8');
  assert.is(found.status, 0, found.stderr);
  assert.match(found.stdout, /"--precision":"int8"/);
  const refused = run('localize', 'data/images/a.png', '--weights', 'q.safetensors', '--precision', 'int8');
  assert.match(refused.stderr, /no ranges of activations/);
});

test('what cannot be done is refused', () => {
  for (const [args, code, message] of [
    [['q.safetensors'], 1, /q\.safetensors: .*8-bit integers already/],
    [['w.safetensors', '--keep', 'nothing'], 2, /--keep nothing/],
    [['w.safetensors', '--list', 'data/test_list.txt'], 2, /--list needs --data/],
    [['w.safetensors', '--data', 'nowhere'], 1, /nowhere: there is no such folder/],
    [['w.safetensors', '--calibrate', 'nowhere'], 1, /nowhere: there is no such folder/],
    [['w.safetensors', '--calibration-list', 'data/test_list.txt'], 2, /--calibration-list needs --calibrate/],
  ] as const) {
    const { status, stderr } = run('quantize', ...args, '--out', 'none.safetensors');
    assert.is(status, code, `${args.join(' ')}: ${stderr}`);
    assert.match(stderr, message);
    assert.not(existsSync(at('none.safetensors')));
  }
  assert.is(run('quantize', 'w.safetensors', '--out', 'q.safetensors').status, 2, 'nothing is written over');
});

test.run();
