/** TensorFlow.js models: layers models and graph models, their weights, and what is refused. Networks run in float64, without a GPU. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import { readModel } from '../../src/localizer/weights/model.js';
import { functional, jsonBytes, layer, type Model, modelOf, node, type Stored } from '../support/tensorflow.js';
import {
  BIAS,
  CONV,
  close,
  conv,
  convolution,
  convolved,
  DENSE,
  graph,
  HEAD,
  head,
  IMAGE,
  image,
  ints,
  KERNEL,
  keras,
  logitsOf,
  mean,
  numbers,
  OFFSET,
  run,
  SIZE,
  shape,
  weights,
} from '../support/tensorflow_network.js';

test('a layers model: padding that is not the same on both sides, sigmoid, exact maps', async () => {
  for (const [size, stride] of [
    [7, 2],
    [8, 2],
    [7, 1],
  ]) {
    const pixels = numbers(size * size);
    const shape = { batch_input_shape: [null, size, size, 1] };
    const layers = [layer('InputLayer', 'image', shape), convolution({ strides: [stride, stride] }), ...head('conv')];
    const { logits, probabilities, heatmaps, model } = await run(
      modelOf({ model_config: functional(layers, 'image', 'fc') }, { ...CONV, ...HEAD }, 3),
      {},
      pixels,
    );
    const { maps, side } = convolved(pixels, stride, true, size);
    close(logits, logitsOf(maps));
    close(
      probabilities,
      logits.map((value) => 1 / (1 + Math.exp(-value))),
    );
    close(
      [0, 1].map((c) => mean(heatmaps.slice(c * side * side, (c + 1) * side * side)) + OFFSET.data[c]),
      logits,
    );
    assert.equal(model.metadata.classes, ['output 0', 'output 1']);
  }
});

/** Layers between convolution and pooling, with what they make of one number. */
const POINTWISE: [string, Record<string, unknown>, (x: number) => number][] = [
  ['ReLU', { max_value: 0.5 }, (x) => Math.min(Math.max(x, 0), 0.5)],
  ['ReLU', { negative_slope: 0.1 }, (x) => (x < 0 ? 0.1 * x : x)],
  ['ReLU', { negative_slope: 0.1, max_value: 0.3 }, (x) => Math.min(x < 0 ? 0.1 * x : x, 0.3)],
  ['LeakyReLU', {}, (x) => (x < 0 ? 0.3 * x : x)],
  ['Activation', { activation: 'relu6' }, (x) => Math.min(Math.max(x, 0), 6)],
  ['Activation', { activation: 'swish' }, (x) => x / (1 + Math.exp(-x))],
  ['Activation', { activation: 'hard_sigmoid' }, (x) => Math.min(Math.max(0.2 * x + 0.5, 0), 1)],
  ['Activation', { activation: 'tanh' }, Math.tanh],
  ['Activation', { activation: { class_name: 'ReLU', config: { max_value: 6 } } }, (x) => Math.min(Math.max(x, 0), 6)],
  ['Dropout', { rate: 0.5 }, (x) => x],
  ['Rescaling', { scale: 0.5, offset: -0.25 }, (x) => 0.5 * x - 0.25],
];

for (const [kind, config, of] of POINTWISE) {
  test(`layer ${kind} ${JSON.stringify(config)}`, async () => {
    const { logits } = await run(keras([convolution(), layer(kind, 'between', config, ['conv'])]));
    close(logits, logitsOf(convolved(image, 1, true).maps.map((map) => map.map(of))));
  });
}

test('batch norm without factor, products and sums of branches, a shared layer, a nested model', async () => {
  const [beta, moving, variance] = [weights(4), weights(4), { shape: [4], data: [0.5, 1, 2, 0.25] }];
  const nested = {
    ...layer('Functional', 'inner', {}, ['norm']),
    config: functional(
      [layer('InputLayer', 'own', { batch_input_shape: [null, 7, 7, 4] }), layer('ReLU', 'relu', {}, ['own'])],
      'own',
      'relu',
    ).config,
  };
  const layers = [
    convolution({ padding: 'valid' }),
    layer(
      'ZeroPadding2D',
      'pad',
      {
        padding: [
          [1, 1],
          [1, 1],
        ],
      },
      ['conv'],
    ),
    layer('BatchNormalization', 'norm', { axis: 3, scale: false, epsilon: 0.001 }, ['pad']),
    nested,
    layer('Multiply', 'product', {}, ['inner', 'norm']),
    layer('Average', 'between', {}, ['product', 'norm']),
  ];
  const own = { 'norm/beta': beta, 'norm/moving_mean': moving, 'norm/moving_variance': variance };
  const { logits } = await run(keras(layers, own));
  const maps = convolved(image, 1, false).maps.map((map, c) => {
    const padded = Array.from({ length: 49 }, (_, p) => {
      const [y, x] = [Math.floor(p / 7) - 1, (p % 7) - 1];
      return y >= 0 && y < 5 && x >= 0 && x < 5 ? map[y * 5 + x] : 0;
    });
    const normed = padded.map((v) => (v - moving.data[c]) / Math.sqrt(variance.data[c] + 0.001) + beta.data[c]);
    return normed.map((v) => (Math.max(v, 0) * v + v) / 2);
  });
  close(logits, logitsOf(maps));
});

test('depthwise and separable convolutions, pooling and concatenation', async () => {
  const [deep, point] = [weights(3, 3, 4, 2), weights(1, 1, 8, 4)];
  const layers = [
    convolution(),
    layer('DepthwiseConv2D', 'deep', { kernel_size: 3, padding: 'valid', depth_multiplier: 2, use_bias: false }, [
      'conv',
    ]),
    layer('Conv2D', 'point', { filters: 4, kernel_size: 1, use_bias: false }, ['deep']),
    layer(
      'SeparableConv2D',
      'between',
      { filters: 4, kernel_size: 3, padding: 'valid', depth_multiplier: 2, use_bias: false },
      ['conv'],
    ),
  ];
  const own = { 'deep/depthwise_kernel': deep, 'point/kernel': point };
  const separable = { 'between/depthwise_kernel': deep, 'between/pointwise_kernel': point };
  const apart = await run(keras(layers.slice(0, 3), own, 'point'));
  const one = await run(keras([layers[0], layers[3]], separable));
  close(one.logits, apart.logits);
  const maps = convolved(image, 1, true).maps;
  const expected = [0, 1, 2, 3].map((o) =>
    Array.from({ length: 25 }, (_, p) => {
      let sum = 0;
      for (let c = 0; c < 4; c++)
        for (let m = 0; m < 2; m++)
          for (let i = 0; i < 9; i++) {
            const at = (Math.floor(p / 5) + Math.floor(i / 3)) * 7 + (p % 5) + (i % 3);
            sum += maps[c][at] * deep.data[(i * 4 + c) * 2 + m] * point.data[(c * 2 + m) * 4 + o];
          }
      return sum;
    }),
  );
  close(one.logits, logitsOf(expected));
});

test('a Sequential model, flattened rows first, with what its pixels are', async () => {
  const layers = [
    {
      class_name: 'Rescaling',
      config: { name: 'scale', scale: 1 / 255, offset: 0, batch_input_shape: [null, 7, 7, 1] },
    },
    { class_name: 'Conv2D', config: { name: 'conv', filters: 4, kernel_size: [3, 3], padding: 'same' } },
    { class_name: 'AveragePooling2D', config: { name: 'pool', pool_size: [7, 7], padding: 'valid' } },
    { class_name: 'Flatten', config: { name: 'flat' } },
    { class_name: 'Dense', config: { name: 'fc', units: 2, activation: 'softmax' } },
  ];
  const model = modelOf({ class_name: 'Sequential', config: layers }, { ...CONV, ...HEAD });
  const { logits, probabilities, model: read } = await run(model);
  close(
    logits,
    logitsOf(
      convolved(
        image.map((x) => x / 255),
        1,
        true,
      ).maps,
    ),
  );
  close([probabilities[0] + probabilities[1]], [1]);
  assert.equal([read.metadata.mean, read.metadata.std, read.sources.mean], [[0], [1 / 255], 'file']);
});

test('Keras 3: inputs are arguments of a call', async () => {
  const argument = (name: string) => ({ class_name: '__keras_tensor__', config: { keras_history: [name, 0, 0] } });
  const call = (entry: ReturnType<typeof layer>, from?: string) => ({
    ...entry,
    inbound_nodes: from ? [{ args: [argument(from)], kwargs: { training: false, mask: null } }] : [],
  });
  const layers = [
    call(layer('InputLayer', 'image', { batch_shape: [null, 7, 7, 1] })),
    call(convolution(), 'image'),
    call(layer('GlobalAveragePooling2D', 'pool'), 'conv'),
    call(layer('Dense', 'fc', { units: 2, activation: { class_name: 'function', config: 'sigmoid' } }), 'pool'),
  ];
  const config = {
    ...functional(layers, 'image', 'fc').config,
    input_layers: ['image', 0, 0],
    output_layers: ['fc', 0, 0],
  };
  const { logits } = await run(
    modelOf({ keras_version: '3.3.0', model_config: { class_name: 'Functional', config } }, { ...CONV, ...HEAD }),
  );
  close(logits, logitsOf(convolved(image, 1, true).maps));
});

const strided = convolved(image, 2, true).maps;

test('a graph model: fused and separate layers give the same', async () => {
  const fused = graph([conv('_FusedConv2D', 'y', { fused_ops: ['BiasAdd', 'Relu6'] })], 'y');
  const apart = graph([conv('Conv2D', 'c'), node('BiasAdd', 'a', ['c', 'b']), node('Relu6', 'y', ['a'])], 'y');
  const expected = logitsOf(strided.map((map) => map.map((x) => Math.min(Math.max(x, 0), 6))));
  for (const model of [fused, apart]) close((await run(model)).logits, expected);
});

test('a graph model: norms, padding, shapes that are computed, slices, hard swish', async () => {
  const plain = conv('_FusedConv2D', 'y', { fused_ops: ['BiasAdd'] });
  const four: Record<string, Stored> = {
    g: weights(4),
    o: weights(4),
    m: weights(4),
    v: { shape: [4], data: [1, 2, 3, 4] },
  };
  const cases: [unknown[], string, Record<string, Stored>, (x: number, c: number) => number][] = [
    [
      [node('FusedBatchNormV3', 'n', ['y', 'g', 'o', 'm', 'v'], { epsilon: 0.001, is_training: false })],
      'n',
      four,
      (x, c) => ((x - four.m.data[c]) / Math.sqrt(four.v.data[c] + 0.001)) * four.g.data[c] + four.o.data[c],
    ],
    [
      [
        node('AddV2', 'a', ['y', 'three']),
        node('Relu6', 'r', ['a']),
        node('Mul', 'p', ['y', 'r']),
        node('Mul', 'n', ['p', 'sixth']),
      ],
      'n',
      { three: { shape: [], data: [3] }, sixth: { shape: [], data: [1 / 6] } },
      (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6,
    ],
    [
      [
        node('Shape', 's', ['y']),
        node('StridedSlice', 'first', ['s', 'zero', 'one', 'one'], { shrink_axis_mask: 1 }),
        node('Pack', 'wanted', ['first', 'side', 'side', 'four'], { axis: 0 }),
        node('Reshape', 'n', ['y', 'wanted']),
      ],
      'n',
      { zero: ints(0), one: ints(1), side: { ...ints(4), shape: [] }, four: { ...ints(4), shape: [] } },
      (x) => x,
    ],
  ];
  for (const [nodes, from, own, of] of cases) {
    const { logits } = await run(graph([plain, ...nodes], from, own, Object.keys(own)));
    close(logits, logitsOf(strided.map((map, c) => map.map((x) => of(x, c)))));
  }
});

test('a graph model that was converted from channels first: paddings are merged, and transposes cost nothing', async () => {
  const own: Record<string, Stored> = {
    sides: { shape: [4, 2], data: [0, 0, 0, 0, 1, 1, 1, 1], dtype: 'int32' },
    last: ints(0, 2, 3, 1),
    first: ints(0, 3, 1, 2),
    factor: { shape: [1, 4, 1, 1], data: [2, 2, 2, 2] },
    summand: { shape: [1, 4, 1, 1], data: Array.from(BIAS.data, (value) => 2 * value) },
    places: ints(2, 3),
    sizes: ints(1, 4),
  };
  const stored = { k: KERNEL, 'fc/k': DENSE, 'fc/b': OFFSET, ...own };
  const nodes = [
    node('Placeholder', 'image', [], { shape: shape(1, 1, SIZE, SIZE), dtype: { type: 'DT_FLOAT' } }),
    ...Object.keys(stored).map((name) => node('Const', name, [])),
    node('Pad', 'padded', ['image', 'sides']),
    node('Transpose', 'before', ['padded', 'last']),
    conv('Conv2D', 'c', { padding: 'VALID' }),
    node('Transpose', 'behind', ['c', 'first']),
    node('Mul', 'scaled', ['factor', 'behind']),
    node('Add', 'moved', ['scaled', 'summand']),
    node('Relu', 'lit', ['moved']),
    node('Mean', 'mean', ['lit', 'places'], { keep_dims: true }),
    node('Reshape', 'flat', ['mean', 'sizes']),
    node('MatMul', 'product', ['flat', 'fc/k'], { transpose_a: false, transpose_b: false }),
    node('Add', 'logits', ['product', 'fc/b']),
    node('Sigmoid', 'scores', ['logits']),
  ].map((one) => (one.name === 'c' ? { ...one, input: ['before', 'k'] } : one));
  const { logits, model } = await run(modelOf({ node: nodes }, stored, 2, { format: 'graph-model' }));
  close(logits, logitsOf(strided.map((map) => map.map((x) => Math.max(2 * x, 0)))));
  assert.not.match(JSON.stringify(model.checkpoint.network!.graph), /"(pad|join)"/);
});

test('nodes may stand in any order, and those that nothing needs are not looked at', async () => {
  const model = graph([conv('_FusedConv2D', 'y', { fused_ops: ['BiasAdd'] }), node('Strange', 'aside', ['y'])], 'y');
  const topology = model.json.modelTopology as { node: unknown[] };
  const signature = { outputs: { scores: { name: 'Identity:0' } } };
  const json = { ...model.json, signature, modelTopology: { node: topology.node.toReversed() } };
  close((await run({ ...model, json })).logits, logitsOf(strided));
});

test('weights are read as they are stored', async () => {
  const stored = (entry: Stored) =>
    run(keras([convolution(), layer('ReLU', 'between', {}, ['conv'])], { 'conv/kernel': entry }));
  const quantised = (type: 'uint8' | 'uint16', scale: number) => {
    const data = Array.from(KERNEL.data, (x) => Math.round((x + 1) / scale));
    return {
      entry: { shape: KERNEL.shape, data, quantization: { dtype: type, scale, min: -1 } },
      values: data.map((x) => x * scale - 1),
    };
  };
  for (const { entry, values } of [quantised('uint8', 2 / 255), quantised('uint16', 2 / 65535)]) {
    const plain = await stored({ shape: KERNEL.shape, data: values });
    close((await stored(entry)).logits, plain.logits);
  }
  const halves = Array.from(KERNEL.data, (x) => (x < 0 ? 0xb800 : 0x3800));
  const half = await stored({ shape: KERNEL.shape, data: halves, quantization: { dtype: 'float16' } });
  close(
    half.logits,
    (await stored({ shape: KERNEL.shape, data: Array.from(KERNEL.data, (x) => (x < 0 ? -0.5 : 0.5)) })).logits,
  );
});

const fine = () => keras([convolution(), layer('ReLU', 'between', {}, ['conv'])]);
type Json = { weightsManifest: { paths: string[]; weights: { dtype: string; shape: number[] }[] }[] };

/** What is wrong with a model, and what the refusal says. */
const REFUSED: [string, () => Model, RegExp][] = [
  ['a file that is missing', () => ({ ...fine(), files: {} }), /group1-shard1of2\.bin.*externalData/],
  ['a file that is cut off', () => cutFile(fine()), /not as long as the weights.*expected \d+ bytes.*cut off/],
  ['a file that is too long', () => longFile(fine()), /too large|not as long/],
  [
    'an unknown type',
    () => changed(fine(), (json) => (json.weightsManifest[0].weights[0].dtype = 'complex64')),
    /conv\/kernel.*type.*complex64/,
  ],
  [
    'a huge shape',
    () => changed(fine(), (json) => (json.weightsManifest[0].weights[0].shape = [2 ** 30, 2 ** 30])),
    /overflows/,
  ],
  [
    'a shape that does not fit',
    () => changed(fine(), (json) => (json.weightsManifest[0].weights[0].shape = [9, 1, 1, 4])),
    /Conv2D 'conv': its weights kernel have the shape 9×1×1×4/,
  ],
  [
    'a path that leaves the folder',
    () => changed(fine(), (json) => (json.weightsManifest[0].paths[0] = '../x.bin')),
    /not beside it/,
  ],
  [
    'another host',
    () => changed(fine(), (json) => (json.weightsManifest[0].paths[0] = 'https://x/y')),
    /not beside it/,
  ],
  [
    'layers in a circle',
    () =>
      keras([layer('Add', 'between', {}, ['conv', 'after']), layer('ReLU', 'after', {}, ['between']), convolution()]),
    /in a circle/,
  ],
  [
    'an unknown layer',
    () => keras([convolution(), layer('Strange', 'between', {}, ['conv'])]),
    /Strange 'between'.*tf2onnx/,
  ],
  [
    'an unknown activation',
    () => keras([convolution({ activation: 'odd' }), layer('ReLU', 'between', {}, ['conv'])]),
    /Conv2D 'conv'.*activation odd/,
  ],
  [
    'weights that nobody reads',
    () => keras([convolution({ use_bias: false }), layer('ReLU', 'between', {}, ['conv'])]),
    /no layer reads; given conv\/bias/,
  ],
  [
    'an unknown operation',
    () => graph([conv('_FusedConv2D', 'c', { fused_ops: ['BiasAdd'] }), node('Strange', 'y', ['c'])], 'y'),
    /Strange 'y': raybox does not have/,
  ],
  [
    'a graph in a circle',
    () => graph([node('AddV2', 'y', ['image', 'z']), node('Relu', 'z', ['y'])], 'z'),
    /in a circle/,
  ],
  ['JSON of another kind', () => ({ json: { a: 1 }, files: {} }), /not a TensorFlow\.js model.*given a; name the file/],
  ['the list of a split network', () => ({ json: { metadata: {}, weight_map: {} }, files: {} }), /join them/],
  ['the answer of a server', () => ({ json: { error: 'not found' }, files: {} }), /check the address/],
];

const changed = (model: Model, change: (json: Json) => unknown): Model => {
  const json = structuredClone(model.json) as unknown as Json;
  change(json);
  return { files: model.files, json: json as unknown as Record<string, unknown> };
};
const cutFile = ({ json, files }: Model): Model => ({
  json,
  files: Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, bytes.subarray(1)])),
});
const longFile = ({ json, files }: Model): Model => ({
  json,
  files: Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, new Uint8Array(bytes.length + 1)])),
});
const hidden = () => {
  const layers = [
    ...[IMAGE, convolution(), layer('GlobalAveragePooling2D', 'pool', {}, ['conv'])],
    layer('Dense', 'hidden', { units: 4, activation: 'relu' }, ['pool']),
    layer('Dense', 'fc', { units: 2 }, ['hidden']),
  ];
  const own = { 'hidden/kernel': weights(4, 4), 'hidden/bias': weights(4) };
  return modelOf({ model_config: functional(layers, 'image', 'fc') }, { ...CONV, ...own, ...HEAD });
};

test('a hidden layer behind the pooling: heatmaps come from gradients', async () => {
  const { model, logits, heatmaps } = await run(hidden());
  assert.is(model.metadata.heatmapMethod, 'hirescam');
  assert.is(logits.length, 2);
  assert.equal(heatmaps, []);
});

for (const [what, model, message] of REFUSED) {
  test(`refused: ${what}`, async () => {
    await run(model()).then(
      () => assert.unreachable('it was read'),
      (error: unknown) => {
        assert.instance(error, InputError);
        assert.match((error as Error).message, message);
      },
    );
  });
}

test('the weights of an upload are a list of files', async () => {
  const { json, files } = fine();
  const list = Object.entries(files).map(([name, bytes]) => new File([new Uint8Array(bytes)], name));
  const model = await readModel(jsonBytes(json), { externalData: list });
  assert.is(model.metadata.inputWidth, SIZE);
});

test.run();
