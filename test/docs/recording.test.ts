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
import { writeSafetensors } from '../../src/formats/weights/safetensors.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import { readModel } from '../../src/localizer/weights/model.js';
import { platform } from '../../src/node/platform.js';
import { seededRandom } from '../../src/random.js';
import { evaluateReference } from '../../src/verify/reference.js';
import { readPage } from '../support/markdown.js';
import { onnxModel } from '../support/onnx.js';
import { tinyWeights } from '../support/tiny.js';

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

test('an activation that belongs to no layer is not passed over', async () => {
  const weights = tinyWeights(1);
  const model = await readModel(weights, {});
  const g = createGraph();
  const image = g.input('image', [1, 32, 32, 1]);
  const graph = g.finish([model.network(g, image).logits]);
  const values = new Map(
    [...g.parameters].map(([name, of]) => [of, Float64Array.from(model.checkpoint.tensors.get(name)!.data)]),
  );
  const input = Float64Array.from({ length: 32 * 32 }, (_, i) => Math.sin(i * i));
  const results = evaluateReference(graph, values.set(image, input));
  const { outputs } = graph.nodes.find(({ operation }) => operation.name === 'linear')!;
  const recorded = (name: string) =>
    writeSafetensors(
      new Map([
        ['input', { shape: [1, 1, 32, 32], data: Float32Array.from(input) }],
        // The weight of this layer is also read by the class activation maps, which are not what a recording of it has.
        ['model.head.prediction', { shape: [1, 2], data: Float32Array.from(results.get(outputs[0])!) }],
        [name, { shape: [1], data: Float32Array.of(0) }],
      ]),
      {},
    );
  const [file, reference] = ['tiny.safetensors', 'tiny_recorded.safetensors'].map((name) => join(folder, name));
  writeFileSync(file, weights);
  writeFileSync(reference, recorded('layer9'));
  const { code, stderr } = await verify(file, reference);
  assert.is(code, 1, stderr);
  assert.match(stderr, /no layer of the network, or more than one, has such a name: layer9\n/);
  assert.match(stderr, /All that were compared agree\. Nothing is known about 1 other/);
  assert.is((await verify(file, reference, '--partial', '--json')).code, 0);
});

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
  assert.match(
    right.stderr,
    /Not compared, because raybox computes these only as a part of other layers: scaled, pooled.*\n.*All that were compared agree\./,
  );

  writeFileSync(weights, model([0, 0, 1, 1]));
  const wrong = await verify(weights, recorded);
  assert.is(wrong.code, 1);
  assert.match(wrong.stderr, /The first layer that differs is halved: padding/);
});

test.run();
