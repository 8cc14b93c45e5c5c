/** ONNX models: what their numbers are read as, what their networks compute, and what is refused. Networks run in float64, without a GPU. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import { writeSafetensors } from '../../src/formats/weights/safetensors.js';
import { formatWeightsMetadata } from '../../src/formats/weights/weights.js';
import { readTensor } from '../../src/import/onnx/tensor.js';
import { readModel } from '../../src/localizer/weights/model.js';
import { type OnnxGraph, type OnnxNode, type OnnxTensor, onnxModel, tensorBytes } from '../support/onnx.js';
import {
  average,
  behind,
  CONV,
  close,
  convolution,
  convolved,
  expectedOf,
  HEAD,
  ints,
  node,
  relu,
  run,
  SIZE,
  weights,
} from '../support/onnx_classifier.js';

test('operators newer than those that raybox knows are read as the newest that it knows, with a warning', async () => {
  for (const [opset, told] of [
    [28, 0],
    [29, 1],
  ]) {
    const { logits, model } = await run(behind([node('Relu', 'conv', 'relu')], 'relu', {}, opset));
    close(logits, expectedOf(relu));
    const about = model.warnings.filter(({ message }) =>
      /has opset 29, and raybox knows .* up to opset 28/.test(message),
    );
    assert.is(about.length, told);
    // Converted weights say the same.
    const converted = writeSafetensors(model.checkpoint.tensors, formatWeightsMetadata(model.metadata));
    assert.equal((await readModel(converted, {})).warnings, model.warnings);
  }
});

test('a classifier gives its logits, and maps whose averages they are', async () => {
  const { logits, heatmaps, probabilities, model } = await run(behind([node('Relu', 'conv', 'relu')], 'relu'));
  close(logits, expectedOf(relu));
  close(
    probabilities,
    logits.map((value) => 1 / (1 + Math.exp(-value))),
  );
  const positions = SIZE * SIZE;
  const maps = [0, 1].map((c) => average(heatmaps.slice(c * positions, (c + 1) * positions)) + HEAD['fc.b'].data[c]);
  close(maps, logits);
  assert.is(model.metadata.inputWidth, SIZE);
  assert.is(model.sources.inputWidth, 'file');
  const told = model.warnings.map(({ message }) => message).join('\n');
  assert.match(told, /does not end with a sigmoid or softmax\. A sigmoid was assumed/);
  assert.match(told, /do not name their 2 outputs/);
});

test('numbers are read from every field and type', () => {
  const values = (tensor: OnnxTensor) => Array.from(readTensor(tensorBytes(tensor), new Map()).values());
  const halves = [0x3c00, 0xc100, 0x3800];
  const cases: [OnnxTensor, number[]][] = [
    [{ dims: [2], data: [1.5, -2] }, [1.5, -2]],
    [{ dims: [2], data: [1.5, -2], field: 4 }, [1.5, -2]],
    [{ dims: [2], data: [1.5, -2], type: 'f64' }, [1.5, -2]],
    [{ dims: [2], data: [1.5, -2], type: 'f64', field: 10 }, [1.5, -2]],
    [{ dims: [3], data: halves, type: 'f16' }, [1, -2.5, 0.5]],
    [{ dims: [3], data: halves, type: 'f16', field: 5 }, [1, -2.5, 0.5]],
    [{ dims: [2], data: [0x3f80, 0xc020], type: 'bf16' }, [1, -2.5]],
    [{ dims: [2], data: [200, 3], type: 'u8' }, [200, 3]],
    [{ dims: [2], data: [-7, 3], type: 'i8' }, [-7, 3]],
    [{ dims: [2], data: [-7, 3], type: 'i8', field: 5 }, [-7, 3]],
    [{ dims: [2], data: [-70000, 3], type: 'i32', field: 5 }, [-70000, 3]],
    [{ dims: [2], data: [-70000, 3], type: 'i32' }, [-70000, 3]],
    [{ dims: [2], data: [-1, 2 ** 40], type: 'i64' }, [-1, 2 ** 40]],
    [{ dims: [2], data: [-1, 2 ** 40], type: 'i64', field: 7 }, [-1, 2 ** 40]],
    [{ dims: [], data: [5] }, [5]],
    [{ dims: [0], data: [], type: 'i64' }, []],
  ];
  for (const [tensor, expected] of cases) assert.equal(values(tensor), expected, JSON.stringify(tensor));
  assert.throws(() => values({ dims: [3], data: [1] }), /does not fit its shape.*expected 12 bytes.*given 4/);
  assert.throws(() => values({ dims: [3], data: [1], field: 4 }), /expected 3 numbers/);
  assert.throws(() => values({ dims: [2 ** 30, 2 ** 30], data: [1] }), /overflows/);
  assert.throws(() => values({ dims: [1], data: [1], type: 'f8' }), /float8e4m3fn/);
});

/** Activations and what they are written as, with the function of one number that they are. */
const ACTIVATIONS: [string, (x: number) => number, OnnxNode[], OnnxGraph['tensors']?, number?][] = [
  [
    'Clip by attributes',
    (x) => Math.min(Math.max(x, -0.25), 0.5),
    [node('Clip', 'conv', 'y', { min: -0.25, max: 0.5 })],
    {},
    9,
  ],
  [
    'Clip by inputs',
    (x) => Math.min(Math.max(x, 0), 0.5),
    [node('Clip', 'conv low high', 'y')],
    { low: { dims: [], data: [0] }, high: { dims: [], data: [0.5] } },
  ],
  ['Clip from below', (x) => Math.max(x, 0), [node('Clip', 'conv low', 'y')], { low: { dims: [], data: [0] } }],
  ['LeakyRelu', (x) => (x < 0 ? 0.1 * x : x), [node('LeakyRelu', 'conv', 'y', { alpha: 0.1 })]],
  ['HardSigmoid', (x) => Math.min(Math.max(0.2 * x + 0.5, 0), 1), [node('HardSigmoid', 'conv', 'y')]],
  ['HardSwish', (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6, [node('HardSwish', 'conv', 'y')]],
  [
    'hard swish of PyTorch before opset 14',
    (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6,
    [
      node('Add', 'conv three', 'a'),
      node('Clip', 'a zero six', 'b'),
      node('Mul', 'conv b', 'c'),
      node('Div', 'c six', 'y'),
    ],
    { three: { dims: [], data: [3] }, zero: { dims: [], data: [0] }, six: { dims: [], data: [6] } },
  ],
  ['SiLU', (x) => x / (1 + Math.exp(-x)), [node('Sigmoid', 'conv', 's'), node('Mul', 's conv', 'y')]],
  [
    'GELU by erf',
    (x) => x * phi(x),
    [
      node('Div', 'conv root', 'a'),
      node('Erf', 'a', 'b'),
      node('Add', 'b one', 'c'),
      node('Mul', 'conv c', 'd'),
      node('Mul', 'd half', 'y'),
    ],
    { root: { dims: [], data: [Math.SQRT2] }, one: { dims: [], data: [1] }, half: { dims: [], data: [0.5] } },
  ],
  ['Max with a number', (x) => Math.max(x, 0.1), [node('Max', 'conv low', 'y')], { low: { dims: [], data: [0.1] } }],
  ['Neg', (x) => -x, [node('Neg', 'conv', 'y')]],
  ['a number less a value', (x) => 2 - x, [node('Sub', 'two conv', 'y')], { two: { dims: [], data: [2] } }],
  [
    'Identity and Dropout',
    (x) => x,
    [node('Identity', 'conv', 'a'), node('Dropout', 'a', 'y mask', { ratio: 0.5 })],
    {},
    10,
  ],
  ['a value added to itself', (x) => 2 * x, [node('Add', 'conv conv', 'y')]],
  [
    'quantised and real again',
    (x) => Math.min(Math.max(x, 0), 1),
    [node('QuantizeLinear', 'conv scale zero', 'q'), node('DequantizeLinear', 'q scale zero', 'y')],
    { scale: { dims: [], data: [1 / 255] }, zero: { dims: [], data: [0], type: 'u8' } },
  ],
];

/** The distribution function of the standard normal distribution, by its series. */
function phi(x: number): number {
  let [sum, term] = [0, x];
  for (let k = 0; k < 60; k++) {
    sum += term / (2 * k + 1);
    term *= -(x * x) / (2 * (k + 1));
  }
  return 0.5 + sum / Math.sqrt(2 * Math.PI);
}

for (const [what, of, nodes, tensors, opset] of ACTIVATIONS) {
  test(`activation: ${what}`, async () => {
    const { logits } = await run(behind(nodes, 'y', tensors, opset));
    close(logits, expectedOf(convolved.map((map) => map.map(of))));
  });
}

test('exporters’ patterns become one operation', async () => {
  const names = ['SiLU', 'GELU by erf', 'hard swish of PyTorch before opset 14'];
  for (const [, , nodes, tensors] of ACTIVATIONS.filter(([name]) => names.includes(name))) {
    const { operations } = await run(behind(nodes, 'y', tensors));
    assert.equal(operations.slice(0, 3), ['conv2d', 'activation', 'lse_pool']);
  }
});

test('constants along channels, in any rank, are a factor and a summand', async () => {
  const factor = weights(4, 1, 1);
  const summand = weights(1, 4, 1, 1);
  const nodes = [node('Mul', 'conv m', 'a'), node('Add', 's a', 'b'), node('Relu', 'b', 'y')];
  const { logits, operations } = await run(behind(nodes, 'y', { m: factor, s: summand }));
  const expected = convolved.map((map, c) => map.map((x) => Math.max(0, x * factor.data[c] + summand.data[c])));
  close(logits, expectedOf(expected));
  assert.is(operations.filter((name) => name === 'batch_norm').length, 1);
});

test('two values that are each scaled are added', async () => {
  const [m, n] = [weights(4, 1, 1), weights(4, 1, 1)];
  const nodes = [node('Mul', 'conv m', 'a'), node('Mul', 'conv n', 'b'), node('Add', 'a b', 'y')];
  const { logits } = await run(behind(nodes, 'y', { m, n }));
  close(logits, expectedOf(convolved.map((map, c) => map.map((x) => x * m.data[c] + x * n.data[c]))));
});

test('constants and values of any shape', async () => {
  const rows = weights(8, 1);
  const swapped = [
    node('Transpose', 'conv', 't', { perm: [0, 1, 3, 2] }),
    node('Mul', 't rows', 'm'),
    node('Transpose', 'm', 'y', { perm: [0, 1, 3, 2] }),
  ];
  const byColumn = convolved.map((map) => map.map((x, p) => x * rows.data[p % SIZE]));
  close((await run(behind(swapped, 'y', { rows }))).logits, expectedOf(byColumn));

  const normalised = [
    node('ReduceMax', 'conv', 'most', { axes: [1], keepdims: 1 }),
    node('Sub', 'conv most', 'less'),
    node('Exp', 'less', 'e'),
    node('ReduceSum', 'e channels', 'sum'),
    node('Div', 'e sum', 'y'),
  ];
  const sums = convolved[0].map((_, p) => convolved.reduce((sum, map) => sum + Math.exp(map[p]), 0));
  const shares = convolved.map((map) => map.map((x, p) => Math.exp(x) / sums[p]));
  close((await run(behind(normalised, 'y', { channels: ints(1) }))).logits, expectedOf(shares));
  close((await run(behind([node('Softmax', 'conv', 'y', { axis: 1 })], 'y'))).logits, expectedOf(shares));

  const turned = [node('Slice', 'conv from to axes steps', 's'), node('Concat', 's s', 'y', { axis: 2 })];
  const tensors = { from: ints(-1), to: ints(-9), axes: ints(2), steps: ints(-2) };
  const odd = convolved.map((map) => map.filter((_, p) => Math.floor(p / SIZE) % 2 === 1));
  close((await run(behind(turned, 'y', tensors))).logits, expectedOf(odd));

  const reflected = [node('Pad', 'conv pads', 'y', { mode: 'reflect' })];
  const wider = convolved.map((map) => [...map, ...map.filter((_, p) => p % SIZE === 1 || p % SIZE === 6)]);
  close((await run(behind(reflected, 'y', { pads: ints(0, 0, 0, 1, 0, 0, 0, 1) }))).logits, expectedOf(wider));
});

test('channels in groups are exchanged by reshape, transpose and reshape', async () => {
  const nodes = [
    node('Reshape', 'conv apart', 'a'),
    node('Transpose', 'a', 'b', { perm: [0, 2, 1, 3, 4] }),
    node('Reshape', 'b together', 'y'),
  ];
  const { logits } = await run(behind(nodes, 'y', { apart: ints(0, 2, 2, 8, -1), together: ints(1, -1, 8, 8) }));
  close(logits, expectedOf([0, 2, 1, 3].map((c) => convolved[c])));
});

test('channels are split, sliced and joined', async () => {
  const nodes = [
    node('Split', 'conv widths', 'a b', { axis: 1 }),
    node('Slice', 'conv from to axes', 'c'),
    node('Concat', 'b c', 'y', { axis: -3 }),
  ];
  const tensors = { widths: ints(1, 3), from: ints(-2), to: ints(-1), axes: ints(1) };
  const { logits } = await run(behind(nodes, 'y', tensors));
  close(logits, expectedOf([1, 2, 3, 2].map((c) => convolved[c])));
});

test('shapes are computed: Shape, Gather, Unsqueeze, Concat, Reshape', async () => {
  const nodes = [
    convolution,
    node('GlobalAveragePool', 'conv', 'pooled'),
    node('Shape', 'pooled', 'shape'),
    node('Gather', 'shape zero', 'n', { axis: 0 }),
    node('Unsqueeze', 'n axes', 'first'),
    node('Constant', '', 'rest', { value: ints(-1) }),
    node('Concat', 'first rest', 'wanted', { axis: 0 }),
    node('Cast', 'wanted', 'whole', { to: 7 }),
    node('Reshape', 'pooled whole', 'flat'),
    node('Gemm', 'flat fc.w fc.b', 'output', { transB: 1 }),
  ];
  const zero: OnnxTensor = { dims: [], data: [0], type: 'i64' };
  const tensors = { ...CONV, ...HEAD, zero, axes: ints(0) };
  const open = { inputs: { input: [null, 1, 8, 8] }, outputs: { output: [null, 2] } };
  close((await run({ nodes, tensors, ...open })).logits, expectedOf(convolved));
});

test('a head in other words: means, 1×1 convolutions, MatMul and Add, norms', async () => {
  const transposed: OnnxTensor = {
    dims: [4, 2],
    data: Array.from({ length: 8 }, (_, i) => HEAD['fc.w'].data[(i % 2) * 4 + Math.floor(i / 2)]),
  };
  const heads: [OnnxNode[], OnnxGraph['tensors']?][] = [
    [
      [
        node('ReduceMean', 'conv', 'm', { axes: [2, -1], keepdims: 0 }),
        node('MatMul', 'm t', 'x'),
        node('Add', 'x fc.b', 'output'),
      ],
      { axes: ints(2, -1), t: transposed },
    ],
    [
      [
        node('Conv', 'conv point fc.b', 'p'),
        node('AveragePool', 'p', 'a', { kernel_shape: [8, 8] }),
        node('Squeeze', 'a axes', 'output'),
      ],
      { point: { ...HEAD['fc.w'], dims: [2, 4, 1, 1] }, axes: ints(2, 3) },
    ],
    [
      [node('GlobalAveragePool', 'conv', 'g'), node('Conv', 'g point fc.b', 'p'), node('Flatten', 'p', 'output')],
      { point: { ...HEAD['fc.w'], dims: [2, 4, 1, 1] } },
    ],
    [
      [
        node('GlobalAveragePool', 'conv', 'g'),
        node('Flatten', 'g', 'f'),
        node('BatchNormalization', 'f one zero zero one', 'n', { epsilon: 0 }),
        node('Gemm', 'n t fc.b', 'output'),
      ],
      { t: transposed, one: { dims: [4], data: [1, 1, 1, 1] }, zero: { dims: [4], data: [0, 0, 0, 0] } },
    ],
    [
      [
        node('Transpose', 'conv', 'l', { perm: [0, 2, 3, 1] }),
        node('MatMul', 'l t', 'x'),
        node('Add', 'x fc.b', 'y'),
        node('ReduceMean', 'y', 'output', { axes: [1, 2], keepdims: 0 }),
      ],
      { axes: ints(1, 2), t: transposed },
    ],
  ];
  for (const [nodes, tensors = {}] of heads) {
    const { logits, heatmaps } = await run({
      nodes: [convolution, ...nodes],
      tensors: { ...CONV, ...HEAD, ...tensors },
    });
    close(logits, expectedOf(convolved));
    // A map's average is the logit without what does not depend on the position.
    const rest = logits.map((logit, c) => logit - average(heatmaps.slice(c * 64, (c + 1) * 64)));
    close(rest, HEAD['fc.b'].data);
  }
});

test('a map that is flattened for a dense layer keeps its order', async () => {
  const flat = weights(2, 16);
  const nodes = [
    node('AveragePool', 'conv', 'small', { kernel_shape: [4, 4], strides: [4, 4] }),
    node('Flatten', 'small', 'f'),
    node('Gemm', 'f flat fc.b', 'hidden', { transB: 1 }),
    node('Unsqueeze', 'hidden axes', 'map'),
    node('GlobalAveragePool', 'map', 'g'),
    node('Flatten', 'g', 'output'),
  ];
  const graph = { nodes: [convolution, ...nodes], tensors: { ...CONV, ...HEAD, flat, axes: ints(2, 3) } };
  const { logits, model } = await run(graph);
  const small = convolved.flatMap((channel) =>
    [0, 4, 32, 36].map((from) =>
      average(
        channel.filter(
          (_, p) => p % 8 >= from % 8 && p % 8 < (from % 8) + 4 && p >= from - (from % 8) && p < from - (from % 8) + 32,
        ),
      ),
    ),
  );
  close(
    logits,
    [0, 1].map((o) => small.reduce((sum, value, i) => sum + value * flat.data[o * 16 + i], HEAD['fc.b'].data[o])),
  );
  // The layer has weights of its own for each position, so that the maps come from gradients.
  assert.is(model.metadata.heatmapMethod, 'hirescam');
});

test('softmax and sigmoid at the end are taken for what they are', async () => {
  const graph = behind([node('Relu', 'conv', 'relu')], 'relu');
  const ending = (op: string): OnnxGraph => ({
    ...graph,
    nodes: [...graph.nodes.slice(0, -1), node('Gemm', 'flat fc.w fc.b', 'z', { transB: 1 }), node(op, 'z', 'output')],
  });
  const one = await run(ending('Sigmoid'));
  close(one.logits, expectedOf(relu));
  assert.not.ok(one.model.warnings.some(({ code }) => code === 'assumed-network'));
  const both = await run(ending('Softmax'));
  close(both.logits, expectedOf(relu));
  close([both.probabilities[0] + both.probabilities[1]], [1]);
  assert.match(both.model.warnings.map(({ message }) => message).join(), /their sum is 1/);
  close((await run(graph, { probabilities: 'softmax' })).probabilities, both.probabilities);
});

test('outputs that are probabilities already are taken as they are, if the caller says so', async () => {
  const graph = behind([node('Relu', 'conv', 'relu')], 'relu');
  const root: OnnxGraph = {
    ...graph,
    nodes: [
      ...graph.nodes.slice(0, -1),
      node('Gemm', 'flat fc.w fc.b', 'z', { transB: 1 }),
      node('Sigmoid', 'z', 's'),
      node('Sqrt', 's', 'output'),
    ],
  };
  const roots = expectedOf(relu).map((z) => Math.sqrt(1 / (1 + Math.exp(-z))));
  const { model, probabilities } = await run(root, { probabilities: 'none' });
  close(probabilities, roots);
  assert.not.match(model.warnings.map(({ message }) => message).join(), /A sigmoid was assumed/);
  assert.match((await run(root)).model.warnings.map(({ message }) => message).join(), /A sigmoid was assumed/);
  const slip = await run(root, { probabilities: 'sofmax' as never }).catch((error) => error);
  assert.match(String(slip), /InputError: probabilities; expected sigmoid, softmax, none; given sofmax/);
});

test('images in other orders, sizes and ranges', async () => {
  const last = behind([node('Relu', 'conv', 'relu')], 'relu');
  const first = node('Transpose', 'pixels', 'input', { perm: [0, 3, 1, 2] });
  const channelsLast: OnnxGraph = { ...last, nodes: [first, ...last.nodes], inputs: { pixels: [1, 8, 8, 1] } };
  close((await run(channelsLast)).logits, expectedOf(relu));

  const open: OnnxGraph = { ...last, inputs: { input: [null, 1, null, null] } };
  const { metadata, sources } = await readModel(onnxModel(open), {});
  assert.equal([metadata.inputWidth, sources.inputWidth], [224, 'assumed']);
  close((await run(open, { inputWidth: 8, inputHeight: 8 })).logits, expectedOf(relu));

  const bytes = await readModel(
    onnxModel({
      ...last,
      inputType: 'u8',
      nodes: [
        node('Cast', 'input', 'real', { to: 1 }),
        { ...convolution, inputs: ['real', 'conv.w', 'conv.b'] },
        ...last.nodes.slice(1),
      ],
    }),
    {},
  );
  assert.equal([bytes.metadata.mean, bytes.metadata.std, bytes.sources.mean], [[0], [1 / 255], 'file']);

  const own: OnnxGraph = {
    ...last,
    nodes: [
      node('Sub', 'input mean', 'a'),
      node('Div', 'a std', 'b'),
      { ...convolution, inputs: ['b', 'conv.w', 'conv.b'] },
      ...last.nodes.slice(1),
    ],
    tensors: { ...last.tensors, mean: { dims: [1], data: [0.5] }, std: { dims: [1], data: [0.25] } },
  };
  const normalised = await readModel(onnxModel(own), {});
  assert.equal([normalised.metadata.mean, normalised.metadata.std, normalised.sources.mean], [[0], [1], 'assumed']);
});

test('names of classes come from the model’s metadata, and are never guessed', async () => {
  const graph = behind([], 'conv');
  const named = await readModel(onnxModel({ ...graph, metadata: { classes: '["Mass","Nodule"]' } }), {});
  assert.equal(named.metadata.classes, ['Mass', 'Nodule']);
  assert.is(named.sources.classes, 'file');
  const without = await readModel(onnxModel(graph), {});
  assert.equal(without.metadata.classes, ['output 0', 'output 1']);
});

test('tensors in a file beside the model', async () => {
  const place = (location: string): OnnxGraph => ({
    ...behind([], 'conv'),
    tensors: { ...CONV, ...HEAD, 'fc.w': { ...HEAD['fc.w'], external: { location, offset: '4', length: '32' } } },
  });
  const bytes = new Uint8Array(36);
  bytes.set(new Uint8Array(Float32Array.from(HEAD['fc.w'].data).buffer), 4);
  close((await run(place('w.bin'), { externalData: { 'w.bin': bytes } })).logits, expectedOf(convolved));
  const refused = async (location: string, data: Uint8Array) =>
    readModel(onnxModel(place(location)), { externalData: { [location]: data } }).then(
      () => 'read',
      (error: Error) => `${error.name}: ${error.message}`,
    );
  assert.match(await refused('w.bin', bytes.subarray(1)), /InputError.*lies behind the end of w.bin/);
  for (const location of ['../w.bin', '/etc/passwd', 'a/../../b', 'C:\\w', 'http://x/y', '\\\\server\\x', 'a%2f..', ''])
    assert.match(await refused(location, bytes), /InputError.*not beside the model/, location);
  await readModel(onnxModel(place('w.bin')), {}).then(
    () => assert.unreachable(),
    (error: Error) => assert.match(error.message, /another file, w.bin.*externalData/),
  );
});

/** What is wrong with a model, and what the refusal says. */
const REFUSED: [string, OnnxGraph, RegExp][] = [
  [
    'an unknown operator',
    behind([node('Strange', 'conv', 'y')], 'y'),
    /Strange '\/y' \(opset 17\): raybox does not have this operator/,
  ],
  ['another domain', behind([{ ...node('Gelu', 'conv', 'y'), domain: 'com.other' }], 'y'), /com\.other::Gelu/],
  ['a detector', behind([node('GridSample', 'conv', 'y')], 'y'), /networks that classify an image do not have it/],
  [
    'boxes that the model chooses itself',
    behind([node('NonMaxSuppression', 'conv', 'y')], 'y'),
    /detects boxes by itself.*given NonMaxSuppression.*networks that detect/,
  ],
  [
    'an unknown attribute',
    behind([node('Relu', 'conv', 'y', { strange: 1 })], 'y'),
    /does not know its attribute strange/,
  ],
  ['an old opset', { ...behind([], 'conv'), opset: 6 }, /opset 6 is too old.*convert_version/],
  [
    'batch statistics',
    behind([node('BatchNormalization', 'conv fc.b fc.b fc.b fc.b', 'y', { training_mode: 1 })], 'y'),
    /statistics of a batch.*model\.eval\(\)/,
  ],
  [
    'a map as output',
    { ...behind([], 'conv'), nodes: [convolution, node('Relu', 'conv', 'output')] },
    /a map and not a number for each class|not a list of numbers/,
  ],
  [
    'two inputs',
    { ...behind([], 'conv'), inputs: { input: [1, 1, 8, 8], other: [1, 4] } },
    /2 inputs.*its other inputs as constants/,
  ],
  ['open channels', { ...behind([], 'conv'), inputs: { input: [1, null, 8, 8] } }, /how many channels.*inputChannels/],
  ['a bias of another length', behind([], 'conv', { 'conv.b': weights(3) }), /conv\.b .*elements; expected 4; given 3/],
  ['whole numbers', behind([node('QLinearConv', 'conv', 'y')], 'y'), /QLinearConv '\/y'.*QuantFormat\.QDQ/],
  ['no image', { ...behind([], 'conv'), inputs: { input: [1, 64] } }, /not an image/],
  ['two channels', { ...behind([], 'conv'), inputs: { input: [1, 2, 8, 8] } }, /number of channels.*given 2/],
  ['an oblong image', { ...behind([], 'conv'), inputs: { input: [1, 1, 8, 16] } }, /not square; given 16 × 8/],
  ['eight images at once', { ...behind([], 'conv'), inputs: { input: [8, 1, 8, 8] } }, /for 8 images at once/],
  ['several outputs', { ...behind([], 'conv'), outputs: { output: [1, 2], flat: [1, 4] } }, /2 outputs.*--output NAME/],
  [
    'a value that no node computes',
    behind([node('Relu', 'nothing', 'y')], 'y'),
    /reads nothing, which no node computes/,
  ],
  [
    'a constant as output',
    { nodes: [node('Constant', '', 'output', { value: ints(1, 2) })] },
    /does not depend on the image/,
  ],
  [
    'a reshape that does not fit',
    behind([node('Reshape', 'conv wanted', 'y')], 'y', { wanted: ints(1, 5, -1, 8) }),
    /Reshape '\/y'.*does not fit/,
  ],
  [
    'far too many numbers',
    behind([node('ConstantOfShape', 'big', 'c'), node('Add', 'conv c', 'y')], 'y', { big: ints(1, 4, 65536, 65536) }),
    /far larger than its file/,
  ],
];

for (const [what, graph, message] of REFUSED) {
  test(`refused: ${what}`, async () => {
    await readModel(onnxModel(graph), {}).then(
      () => assert.unreachable('it was read'),
      (error: unknown) => {
        assert.instance(error, InputError);
        assert.match((error as Error).message, message);
      },
    );
  });
}

test('an output is chosen by name', async () => {
  const graph = { ...behind([], 'conv'), outputs: { output: [1, 2], conv: [1, 4, 8, 8] } };
  const { model, logits } = await run(graph);
  close(logits, expectedOf(convolved));
  assert.match(model.warnings.map(({ message }) => message).join(), /output was taken.*not used: conv/);
  assert.not.ok((await run(graph, { output: 'output' })).model.warnings.some(({ code }) => code === 'ignored-data'));
});

test.run();
