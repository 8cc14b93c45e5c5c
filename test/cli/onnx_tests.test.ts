/** `raybox verify --onnx-tests`: what passes, what fails, what raybox cannot run, and what a folder may not be. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type OnnxGraph, type OnnxTensor, onnxModel, tensorBytes } from '../support/onnx.js';

const test = suite<{ folder: string }>('onnx tests', { folder: '' });
const cli = fileURLToPath(new URL('../../src/cli/cli.js', import.meta.url));

function verify(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, 'verify', ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

function write(folder: string, graph: OnnxGraph, inputs: OnnxTensor[], outputs: OnnxTensor[], set = 0): void {
  const data = join(folder, `test_data_set_${set}`);
  mkdirSync(data, { recursive: true });
  writeFileSync(join(folder, 'model.onnx'), onnxModel(graph));
  for (const [i, tensor] of inputs.entries()) writeFileSync(join(data, `input_${i}.pb`), tensorBytes(tensor));
  for (const [i, tensor] of outputs.entries()) writeFileSync(join(data, `output_${i}.pb`), tensorBytes(tensor));
}

const graphOf = (op: string, shapes: number[][], types: OnnxGraph['types'] = {}): OnnxGraph => ({
  nodes: [{ op, inputs: shapes.map((_, i) => `x${i}`), outputs: ['y'], name: 'the node' }],
  inputs: Object.fromEntries(shapes.map((shape, i) => [`x${i}`, shape])),
  outputs: { y: [] },
  types,
});

const ramp = (dims: number[], step = 1): OnnxTensor => ({
  dims,
  data: Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => i * step),
});

/** Tests of every kind, in folders within folders. */
function examples(root: string): void {
  // Two images: they are a dimension like any other.
  const x = ramp([2, 2, 1, 2]);
  const weight: OnnxTensor = { dims: [1, 2, 1, 1], data: [1, 10] };
  write(
    join(root, 'node', 'conv'),
    graphOf('Conv', [
      [2, 2, 1, 2],
      [1, 2, 1, 1],
    ]),
    [x, weight],
    [{ dims: [2, 1, 1, 2], data: [20, 31, 64, 75] }],
  );
  const add = graphOf('Add', [[3, 2], [2]]);
  write(join(root, 'node', 'add'), add, [ramp([3, 2]), ramp([2], 10)], [{ dims: [3, 2], data: [0, 11, 2, 13, 4, 15] }]);
  write(join(root, 'node', 'add'), add, [ramp([3, 2]), ramp([2])], [{ dims: [3, 2], data: [0, 2, 2, 4, 4, 6] }], 1);
  const bytes: OnnxTensor = { dims: [2], data: [200, 3], type: 'u8' };
  write(
    join(root, 'node', 'folded'),
    graphOf('Add', [[2], [2]], { x0: 'u8', x1: 'u8', y: 'u8' }),
    [bytes, bytes],
    [{ dims: [2], data: [144, 6], type: 'u8' }],
  );
  const greater = graphOf('Greater', [[3], [3]], { y: 'bool' });
  write(
    join(root, 'node', 'greater'),
    greater,
    [ramp([3]), { dims: [3], data: [1, 0, 5] }],
    [{ dims: [3], data: [0, 1, 0], type: 'bool' }],
  );
  write(join(root, 'other', 'einsum'), graphOf('Einsum', [[2]]), [ramp([2])], [ramp([2])]);
  const words = graphOf('GRU', [[2]]);
  write(join(root, 'other', 'gru'), words, [ramp([2])], [ramp([2])]);
}

test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'raybox-onnx-tests-'));
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true, force: true }));

test('what raybox runs passes, and what it cannot run is named and does not fail', ({ folder }) => {
  examples(folder);
  const { status, stdout, stderr } = verify('--onnx-tests', folder);
  assert.is(status, 0, stderr);
  assert.match(stdout, /node\/conv +passed +Conv/);
  assert.match(stdout, /other\/einsum +not ours +Einsum +onnx: Einsum 'the node' \(opset 17\): raybox does not have/);
  assert.match(stderr, /4 passed \(3 on the adapter, 1 from constants alone\), 0 failed, 2 are not ours/);
});

test('a wrong output, type or shape fails and says where', ({ folder }) => {
  const add = graphOf('Add', [[2], [2]]);
  write(join(folder, 'value'), add, [ramp([2]), ramp([2])], [{ dims: [2], data: [0, 2.5] }]);
  write(join(folder, 'shape'), add, [ramp([2]), ramp([2])], [{ dims: [1, 2], data: [0, 2] }]);
  write(join(folder, 'type'), add, [ramp([2]), ramp([2])], [{ dims: [2], data: [0, 2], type: 'i64' }]);
  write(join(folder, 'damaged'), add, [ramp([2]), ramp([2])], [ramp([2])]);
  writeFileSync(join(folder, 'damaged', 'test_data_set_0', 'input_1.pb'), Uint8Array.of(255, 255));
  write(join(folder, 'lacking'), add, [ramp([2])], [ramp([2])]);
  write(join(folder, 'folder'), add, [ramp([2])], [ramp([2])]);
  mkdirSync(join(folder, 'folder', 'test_data_set_0', 'input_1.pb'));
  mkdirSync(join(folder, 'empty'));
  writeFileSync(join(folder, 'empty', 'model.onnx'), onnxModel(add));
  const { status, stdout } = verify('--onnx-tests', folder, '--json');
  assert.is(status, 1);
  const result = JSON.parse(stdout);
  assert.equal([result.passed, result.failed, result.notOurs], [0, 7, 0]);
  const why = Object.fromEntries(result.tests.map((one: { name: string; why: string }) => [one.name, one.why]));
  assert.match(why.value, /^y: 2 instead of 2\.5 at 1 of 2$/);
  assert.match(why.shape, /^y is 2 instead of 1×2$/);
  assert.match(why.type, /^y has the type F32 instead of I64$/);
  assert.match(why.damaged, /damaged/);
  assert.match(why.lacking, /reads x1, which no node computes/);
  assert.match(why.folder, /cannot read .*input_1\.pb.*given a folder/);
  assert.match(why.empty, /no test_data_set_0/);
});

test('--filter chooses tests; a folder without tests, and options that do not fit, are refused', ({ folder }) => {
  examples(folder);
  const chosen = verify('--onnx-tests', folder, '--filter', 'add');
  assert.is(chosen.status, 0);
  assert.match(chosen.stderr, /1 passed/);
  // A link could lead anywhere, or in a circle.
  symlinkSync(folder, join(folder, 'circle'));
  assert.match(
    verify('--onnx-tests', folder, '--filter', 'circle').stderr,
    /there is no test in .*none whose name contains circle/,
  );
  assert.match(verify('--onnx-tests', join(folder, 'missing')).stderr, /cannot read .*no such folder/);
  assert.match(verify('--onnx-tests', folder, '--op', 'conv2d').stderr, /--op does not go with --onnx-tests/);
  assert.match(verify('--filter', 'add').stderr, /--filter goes with --onnx-tests/);
});

/** ONNX's own tests of some operators, as its Python package makes them. */
const generator = `
import importlib, os, sys, numpy
for name, kind in dict(float=float, bool=bool, int=int, object=object, str=str, complex=complex).items():
    setattr(numpy, name, kind)
from onnx import numpy_helper
package = 'onnx.backend.test.case.node'
node = importlib.import_module(package)
for name in 'add conv batchnorm gemm averagepool reducemean softmax slice pow where'.split():
    importlib.import_module(package + '.' + name)
for case in {case.name: case for case in node._NodeTestCases}.values():
    for i, (inputs, outputs) in enumerate(case.data_sets):
        folder = os.path.join(sys.argv[1], case.name, 'test_data_set_%d' % i)
        os.makedirs(folder, exist_ok=True)
        for kind, list in (('input', inputs), ('output', outputs)):
            for j, one in enumerate(list):
                tensor = one if hasattr(one, 'SerializeToString') else numpy_helper.from_array(numpy.asarray(one))
                open(os.path.join(folder, '%s_%d.pb' % (kind, j)), 'wb').write(tensor.SerializeToString())
    open(os.path.join(sys.argv[1], case.name, 'model.onnx'), 'wb').write(case.model.SerializeToString())
`;

test("ONNX's own tests of some operators pass, where its Python package is installed", ({ folder }) => {
  const made = spawnSync('python3', ['-c', generator, folder], { encoding: 'utf8' });
  if (made.status !== 0) return console.log('skipped: python3 has no onnx');
  const { status, stdout, stderr } = verify('--onnx-tests', folder, '--json');
  assert.is(status, 0, stderr);
  const { passed, failed } = JSON.parse(stdout);
  assert.is(failed, 0);
  assert.ok(passed >= 40, `${passed} passed`);
});

test.run();
