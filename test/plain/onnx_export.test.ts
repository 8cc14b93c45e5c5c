/** Localizers written as ONNX models: read back as the same weights, or as what the nodes say where those were changed. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ROWS } from '../../src/export/graph.js';
import { writeModel } from '../../src/export/write.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import type { Tensor } from '../../src/graph/ir/tensor.js';
import { readModel as readOnnx } from '../../src/import/onnx/read.js';
import { exportOnnx } from '../../src/index.js';
import { readModel } from '../../src/localizer/weights/model.js';
import type { ModelOptions, WeightsInput } from '../../src/localizer/weights/weights_input.js';
import { coreOperations } from '../../src/nets/written/core_operations.js';
import { graphOperations } from '../../src/nets/written/graph_operations.js';
import { evaluateReference } from '../../src/verify/reference.js';
import { tinyWeights } from '../support/tiny.js';

async function run(weights: WeightsInput, options: ModelOptions = {}) {
  const model = await readModel(weights, options);
  const { inputWidth: side } = model.metadata;
  const g = createGraph();
  const image = g.input('image', [1, side, side, 1]);
  const { logits, heatmaps } = model.network(g, image);
  const values = new Map<Tensor, Float64Array>([
    [image, Float64Array.from({ length: side * side }, (_, i) => Math.sin(i * i))],
  ]);
  for (const [name, tensor] of g.parameters)
    values.set(tensor, Float64Array.from(model.checkpoint.tensors.get(name)!.data));
  const results = evaluateReference(g.finish([logits, heatmaps!]), values);
  return { model, numbers: [...results.get(logits)!, ...results.get(heatmaps!)!] };
}

/** The same file with other bytes of the same number in place of a text. */
function replaced(bytes: Uint8Array, from: string, to: string): Uint8Array {
  const text = new TextDecoder('latin1').decode(bytes);
  assert.ok(text.includes(from) && from.length === to.length);
  return Uint8Array.from(text.replaceAll(from, to), (letter) => letter.charCodeAt(0));
}

test('what is written is read back as the same localizer, to the bit', async () => {
  const weights = tinyWeights(3);
  const { bytes, warnings } = await exportOnnx(weights, { operatingThresholds: { Mass: 0.25, Nodule: 0.5 } });
  assert.equal(warnings, []);
  const [before, after] = [await run(weights), await run(bytes)];
  assert.equal(after.numbers, before.numbers);
  assert.equal(after.model.warnings, []);
  assert.equal(after.model.metadata, {
    ...before.model.metadata,
    operatingThresholds: { Mass: 0.25, Nodule: 0.5 },
    heatThresholds: [60, 180], // written for other readers, also where the weights do not say them
  });
});

test('the values of the written nodes are known as the layers of the network, so that recordings of them can be compared', async () => {
  const { model } = await run((await exportOnnx(tinyWeights(3))).bytes);
  const { inputWidth: side } = model.metadata;
  const g = createGraph();
  const { logits, probabilities } = model.network(g, g.input('image', [1, side, side, 1]));
  const layers = g.finish([logits, probabilities]).nodes.map(({ outputs }) => outputs[0].name);
  const known = [...model.checkpoint.activations!];
  assert.equal(
    layers.filter((layer) => !known.some(([, tensor]) => tensor === layer)),
    [],
  );
  assert.equal(Object.fromEntries(known).logits, logits.name);
  assert.ok(
    known.some(([, tensor]) => tensor === undefined),
    'the nodes of a pooling of several are parts of a layer',
  );
});

test('weights that are written as f16 take less space, and give nearly the same results', async () => {
  const [whole, half] = await Promise.all(
    (['f32', 'f16'] as const).map(
      async (dtype) => (await exportOnnx(tinyWeights(3, ['Mass', 'Nodule'], 256), { dtype })).bytes,
    ),
  );
  assert.ok(half.length < whole.length);
  const sizes = [whole, half].map((bytes) => [...readOnnx(bytes, new Map()).constants].map(([, { count }]) => count));
  assert.equal(sizes[0], sizes[1]);
  const [before, after] = [await run(whole), await run(half)];
  assert.equal(after.model.warnings, []);
  for (const [i, value] of after.numbers.entries()) assert.ok(Math.abs(value - before.numbers[i]) < 1e-2);
});

test('a program that does not know raybox’s metadata computes the same from the nodes', async () => {
  const { bytes } = await exportOnnx(tinyWeights(3));
  const foreign = await run(replaced(bytes, 'raybox_weights', 'rayb0x_weights'), { output: 'probabilities' });
  assert.is(foreign.model.checkpoint.network?.graph.family, 'graph');
  const own = await run(bytes);
  for (const [i, value] of foreign.numbers.entries()) assert.ok(Math.abs(value - own.numbers[i]) < 1e-6);
});

test('if the nodes were changed, they are followed instead of the metadata, with a warning', async () => {
  const { bytes } = await exportOnnx(tinyWeights(3));
  const { nodes } = readOnnx(bytes, new Map());
  assert.ok(nodes.some(({ operator }) => operator === 'Relu'));
  // The operator's name follows the number of its field and its length.
  const { model, numbers } = await run(replaced(bytes, '"\x04Relu', '"\x04Tanh'));
  assert.ok(model.warnings.some(({ message }) => message.includes('its nodes have been changed since')));
  assert.not.equal(numbers, (await run(bytes)).numbers);
});

test('every operation that a file can hold is written', () => {
  assert.equal(
    [...graphOperations(coreOperations).keys()].filter((name) => !ROWS.has(name)),
    [],
  );
});

test('a network that was given as a function is written, and its file needs the function no more', async () => {
  const weights = tinyWeights(3);
  const { network } = await readModel(weights, {});
  const calls: number[] = [];
  const own: typeof network = (g, image) => {
    calls.push(image.shape[0]);
    return network(g, image);
  };
  const { bytes } = await exportOnnx(weights, { network: own, classes: ['Edema', 'Hernia'] });
  assert.ok(calls.length > 0);
  const { model, numbers } = await run(bytes);
  assert.equal(model.metadata.classes, ['Edema', 'Hernia']);
  assert.equal(numbers, (await run(weights)).numbers);
});

test('the tensors of a written model are the parameters of a network that is given with it', async () => {
  const weights = tinyWeights(3);
  const { network } = await readModel(weights, {});
  const { bytes } = await exportOnnx(weights);
  const given = { network, classes: ['Edema', 'Hernia'], inputWidth: 32, inputHeight: 32, inputChannels: 1 } as const;
  const { model, numbers } = await run(bytes, { ...given, classes: [...given.classes] });
  assert.equal(model.metadata.classes, ['Edema', 'Hernia']);
  assert.equal(numbers, (await run(weights)).numbers);
});

test('a model of more than 2 GiB is refused before its bytes are put together', () => {
  // Tensors that share their data count each time.
  const data = new Float32Array(2 ** 22);
  const tensors = Array.from({ length: 128 }, (_, i) => ({ name: `t${i}`, shape: [data.length], data }));
  const rest = { nodes: [], inputs: {}, outputs: {}, metadata: {}, description: '' };
  assert.throws(
    () => writeModel({ ...rest, tensors }),
    /too large for one file; expected at most 2 GiB; given 2\.00 GiB/,
  );
  // As files of their own they may be larger than that together.
  assert.ok(writeModel({ ...rest, tensors: tensors.map((one) => ({ ...one, file: one.name })) }).length < 10_000);
});

test('options that do not exist are refused by name', async () => {
  for (const options of [{ dtype: 'f64' }, { precision: 'f16' }, { dtyp: 'f16' }])
    await exportOnnx(tinyWeights(3), options as object).then(
      () => assert.unreachable(),
      (error: Error) => assert.match(error.message, /dtype|precision|dtyp/),
    );
});

test.run();
