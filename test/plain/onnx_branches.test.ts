/** Branches of ONNX models (`If`), and other nodes that follow from constants. Networks run in float64, without a GPU. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readModel } from '../../src/localizer/weights/model.js';
import { type OnnxGraph, type OnnxNode, onnxModel } from '../support/onnx.js';
import { behind, close, convolved, expectedOf, ints, node, relu, run, weights } from '../support/onnx_classifier.js';

/** A graph within a node, with one output. */
const graph = (nodes: OnnxNode[], output: string, tensors: OnnxGraph['tensors'] = {}): OnnxGraph => ({
  ...{ nodes, tensors, outputs: { [output]: [] } },
});
const either = (condition: string, output: string, then: OnnxGraph, otherwise: OnnxGraph): OnnxNode =>
  node('If', condition, output, { then_branch: then, else_branch: otherwise });

/** Whether the convolution's map has so many rows, as exporters ask: a truth value that follows from a shape. */
const hasRows = (rows: number) => ({
  nodes: [
    node('Shape', 'conv', 'shape'),
    node('Gather', 'shape at', 'rows', { axis: 0 }),
    node('Equal', 'rows wanted', 'is'),
  ],
  tensors: {
    at: { dims: [], data: [2], type: 'i64' as const },
    wanted: { dims: [], data: [rows], type: 'i64' as const },
  },
});
const branched = (rows: number, then: OnnxGraph, otherwise: OnnxGraph, before: OnnxNode[] = []): OnnxGraph => {
  const { nodes, tensors } = hasRows(rows);
  return behind([...before, ...nodes, either('is', 'y', then, otherwise)], 'y', tensors);
};
const positive = graph([node('Relu', 'conv', 'inner')], 'inner');
const same = graph([node('Identity', 'conv', 'inner')], 'inner');
const strange = graph([node('Strange', 'nothing', 'inner')], 'inner');

async function refused(model: OnnxGraph, message: RegExp): Promise<void> {
  await readModel(onnxModel(model), {}).then(
    () => assert.unreachable('it was read'),
    (error: Error) => assert.match(error.message, message),
  );
}

test('the branch that a constant condition chooses is read, and the other one is not', async () => {
  close((await run(branched(8, positive, same))).logits, expectedOf(relu));
  close((await run(branched(7, positive, same))).logits, expectedOf(convolved));
  close((await run(branched(8, positive, strange))).logits, expectedOf(relu));
  await refused(branched(7, positive, strange), /Strange 'inner'|Strange '\/inner'/);
});

test('a branch reads values around it that nothing else needs, and values of graphs around those', async () => {
  const outer = [node('Relu', 'conv', 'outer'), node('Strange', 'conv', 'unused')];
  const unused = graph([node('Identity', 'unused', 'inner')], 'inner');
  const inside = graph(
    [node('Neg', 'outer', 'copy'), either('is', 'inner', graph([node('Neg', 'copy', 'deep')], 'deep'), unused)],
    'inner',
  );
  close((await run(branched(8, inside, unused, outer))).logits, expectedOf(relu));
  await refused(branched(7, inside, unused, outer), /Strange '\/unused'/);
});

test('branches read different outputs of one node', async () => {
  const parts = [{ ...node('Split', 'conv', 'top bottom', { axis: 2 }) }];
  const lower = graph([node('Concat', 'top bottom', 'inner', { axis: 2 })], 'inner');
  const first = either('is', 'one', graph([node('Relu', 'top', 'inner')], 'inner'), same);
  const { nodes, tensors } = hasRows(8);
  const both = [
    ...parts,
    ...nodes,
    first,
    either('is', 'two', lower, same),
    node('ReduceMean', 'one', 'mean'),
    node('Add', 'two mean', 'y'),
  ];
  const mean = relu.reduce((sum, map) => sum + map.slice(0, 32).reduce((a, b) => a + b, 0), 0) / 128;
  close((await run(behind(both, 'y', tensors))).logits, expectedOf(convolved.map((map) => map.map((x) => x + mean))));
});

test('branches have weights and names of their own, and patterns of exporters are found in them', async () => {
  const scale = (factor: number) =>
    graph(
      [node('Sigmoid', 'conv', 'gate'), node('Mul', 'conv gate', 'gated'), node('Mul', 'gated factor', 'inner')],
      'inner',
      {
        factor: { dims: [1], data: [factor] },
      },
    );
  const { nodes, tensors } = hasRows(8);
  const not = node('Not', 'is', 'not');
  const both = [
    ...nodes,
    not,
    either('is', 'a', scale(2), same),
    either('not', 'b', same, scale(3)),
    node('Add', 'a b', 'y'),
  ];
  const { logits, operations } = await run(behind(both, 'y', tensors));
  close(logits, expectedOf(convolved.map((map) => map.map((x) => (5 * x) / (1 + Math.exp(-x))))));
  assert.not.ok(operations.includes('sigmoid'));
});

test('weights in a branch may lie in a file beside the model', async () => {
  const factor = { ...weights(4, 1, 1), external: { location: 'w.bin' } };
  const inside = graph([node('Mul', 'conv factor', 'inner')], 'inner', { factor });
  const externalData = { 'w.bin': new Uint8Array(Float32Array.from(factor.data).buffer) };
  const expected = convolved.map((map, c) => map.map((x) => x * factor.data[c]));
  close((await run(branched(8, inside, same), { externalData })).logits, expectedOf(expected));
});

test('branches that cannot be chosen or run are refused by name', async () => {
  const compared = [node('ReduceMax', 'conv', 'peak'), node('Greater', 'peak conv.b', 'is')];
  const computed = behind([...compared, either('is', 'y', positive, same)], 'y');
  await refused(computed, /If '\/y' \(opset 17\): its condition is computed from the image.*onnxsim/);
  const lists = { list: { dims: [2], data: [1, 0], type: 'bool' as const } };
  await refused(
    behind([either('list', 'y', positive, same)], 'y', lists),
    /If '\/y'.*not one truth value; given 2 numbers/,
  );
  const one = { is: { dims: [], data: [1], type: 'bool' as const } };
  await refused(behind([node('If', 'is', 'y')], 'y', one), /it has no then_branch/);
  await refused(
    behind([either('is', 'y', { ...positive, inputs: { x: [1] } }, same)], 'y', one),
    /its then_branch has inputs/,
  );
  await refused(
    behind([either('is', 'y', { ...positive, outputs: {} }, same)], 'y', one),
    /another number of outputs; expected 1; given 0/,
  );
  // A branch that reads what follows from itself.
  const circle = graph([node('Relu', 'after', 'inner')], 'inner');
  await refused(
    behind([either('is', 'before', circle, same), node('Relu', 'before', 'after')], 'after', one),
    /reads before, which no node computes/,
  );
  let deep = positive;
  for (let i = 0; i < 20; i++) deep = graph([either('is', 'inner', deep, same)], 'inner');
  await refused(
    behind([either('is', 'y', deep, same)], 'y', one),
    /within one another too often; expected at most 16 times/,
  );
});

test('the largest numbers of a constant are sorted', async () => {
  const { nodes } = hasRows(8);
  const chosen = [
    ...nodes.slice(0, 1),
    node('TopK', 'shape two', 'sizes places', { axis: 0 }),
    node('Reshape', 'conv wide', 'listed'),
  ];
  const tensors = { two: ints(2), wide: ints(1, 4, -1), ahead: ints(1, 4) };
  const back = [node('Concat', 'ahead sizes', 'whole', { axis: 0 }), node('Reshape', 'listed whole', 'y')];
  close((await run(behind([...chosen, ...back], 'y', tensors))).logits, expectedOf(convolved));
  await refused(behind([node('TopK', 'conv two', 'y places')], 'y', tensors), /TopK .*does not sort.*extract_model/);
});

test.run();
