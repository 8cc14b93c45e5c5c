/**
 * The page's scripts record a network's activations with PyTorch and onnxruntime, and `raybox verify --reference` finds that raybox agrees
 * with them. Where `python3` (or $PYTHON) has no PyTorch, or the package onnxruntime-node is not installed, tests count as skipped.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { platform } from '../../src/node/platform.js';
import { seededRandom } from '../../src/random.js';
import { readPage } from '../support/markdown.js';
import { onnxModel } from '../support/onnx.js';

const PYTHON = process.env.PYTHON ?? 'python3';
const cli = new URL('../../src/cli/cli.js', import.meta.url).pathname;
const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'raybox-recording-'));
test.after(() => rmSync(folder, { recursive: true }));

const hasTorch = spawnSync(PYTHON, ['-c', 'import torch, torchvision']).status === 0;
if (!hasTorch) console.log(`skipped: ${PYTHON} has no torch and torchvision`);

/** A SqueezeNet whose head is raybox's, with random weights, in the way that the page's script is used. */
const USE = `
import sys
torch.manual_seed(1)
model = torch.nn.Sequential()
model.add_module('features', __import__('torchvision').models.squeezenet1_1(weights=None).features)
model.add_module('pool', torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()))
model.add_module('classifier', torch.nn.Linear(512, 3))
torch.save(model.state_dict(), sys.argv[1])
if sys.argv[3] == 'wrong':
    model.features[3].squeeze.bias.data += 0.5
record(model, torch.randn(1, 3, 65, 65), sys.argv[2])
`;

const { blocks } = readPage('src/verify/README.md');
const [scripts, programs] = ['py', 'js'].map((wanted) => blocks.filter(({ language }) => language === wanted));
const whereTorch = hasTorch ? test : test.skip;

const runtime = await platform.onnxruntime.load().then(
  () => true,
  () => false,
);
const whereRuntime = runtime ? test : test.skip;

async function verify(weights: string, reference: string, ...more: string[]) {
  const args = ['verify', '--weights', weights, '--reference', reference, ...more];
  return run(process.execPath, [cli, ...args]).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
}

test('the page has one script of each kind that records', () => {
  assert.equal([scripts.length, programs.length], [1, 1]);
  assert.match(scripts[0].code, /^def record\(model, image, file\):$/m);
  assert.match(programs[0].code, /^export async function record\(modelFile, image, file\) \{$/m);
});

for (const kind of ['right', 'wrong']) {
  whereTorch(`the page's script with a ${kind} network`, async () => {
    const [script, weights, recorded] = ['record.py', 'weights.pth', 'recorded.npz'].map((name) => join(folder, name));
    writeFileSync(script, scripts[0].code + USE);
    await run(PYTHON, [script, weights, recorded, kind]);
    const { code, stdout } = await verify(weights, recorded);
    assert.is(code, kind === 'right' ? 0 : 1, stdout);
    if (kind === 'wrong') assert.match(stdout, /features\.3\.squeeze/);
  });
}

/** A network with values that no tensor has: a factor that goes into the next layer, and a pooling that the head replaces. */
function model(pads: readonly number[]): Uint8Array {
  const random = seededRandom(4);
  const tensor = (...dims: number[]) => ({
    dims,
    data: Array.from({ length: dims.reduce((a, b) => a * b) }, () => random() - 0.5),
  });
  return onnxModel({
    inputs: { image: [1, 3, 12, 12] },
    outputs: { scores: [1, 2] },
    tensors: {
      w0: tensor(4, 3, 3, 3),
      factor: tensor(4, 1, 1),
      summand: tensor(4, 1, 1),
      w1: tensor(4, 4, 3, 3),
      w2: tensor(2, 4),
      b2: tensor(2),
    },
    nodes: [
      { op: 'Conv', name: 'first', inputs: ['image', 'w0'], outputs: ['maps'], attributes: { pads: [1, 1, 1, 1] } },
      { op: 'Mul', inputs: ['maps', 'factor'], outputs: ['scaled'] },
      { op: 'Add', inputs: ['scaled', 'summand'], outputs: ['moved'] },
      { op: 'Relu', inputs: ['moved'], outputs: ['lit'] },
      { op: 'Conv', inputs: ['lit', 'w1'], outputs: ['halved'], attributes: { pads, strides: [2, 2] } },
      { op: 'GlobalAveragePool', inputs: ['halved'], outputs: ['pooled'] },
      { op: 'Flatten', inputs: ['pooled'], outputs: ['flat'] },
      { op: 'Gemm', inputs: ['flat', 'w2', 'b2'], outputs: ['scores'], attributes: { transB: 1 } },
    ],
  });
}

whereRuntime('the page’s program with onnxruntime: values of the model are found by their names', async () => {
  const [program, weights, recorded] = ['record.mjs', 'model.onnx', 'recorded.safetensors'].map((name) =>
    join(folder, name),
  );
  // The program imports packages by name, so it has to lie where they are found.
  symlinkSync(fileURLToPath(new URL('../../../node_modules', import.meta.url)), join(folder, 'node_modules'));
  writeFileSync(
    program,
    `${programs[0].code}
import { Tensor } from 'onnxruntime-node';
const image = Float32Array.from({ length: 3 * 12 * 12 }, (_, i) => Math.sin(i * i));
await record(process.argv[2], new Tensor('float32', image, [1, 3, 12, 12]), process.argv[3]);`,
  );
  writeFileSync(weights, model([1, 1, 1, 1]));
  await run(process.execPath, [program, weights, recorded]);
  const right = await verify(weights, recorded, '--json');
  assert.is(right.code, 0, right.stderr);
  const names = (JSON.parse(right.stdout) as { layers: { name: string }[] }).layers.map(({ name }) => name);
  assert.equal(names, ['maps', 'moved', 'lit', 'halved', 'scores']);
  assert.match(right.stderr, /Not found in the network: scaled, pooled/);

  writeFileSync(weights, model([0, 0, 1, 1]));
  const wrong = await verify(weights, recorded);
  assert.is(wrong.code, 1);
  assert.match(wrong.stderr, /The first layer that differs is halved: padding/);
});

test.run();
