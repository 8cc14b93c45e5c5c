/** torchvision's classifiers that are not one linear layer on pooled features, told from state dicts: their numbers by hand, in float64. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import type { TensorData } from '../../src/formats/weights/checkpoint.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import type { Tensor } from '../../src/graph/ir/tensor.js';
import { describeModel } from '../../src/localizer/weights/model.js';
import type { Backbone } from '../../src/nets/backbone.js';
import { partsOf } from '../../src/nets/head/large_layers.js';
import { buildBackbone, standardBackbone } from '../../src/nets/index.js';
import type { DescribeOptions } from '../../src/nets/model.js';
import { seededRandom } from '../../src/random.js';
import { evaluateReference } from '../../src/verify/reference.js';
import { seededNetwork } from '../support/torch.js';

const random = seededRandom(5);
const numbers = (count: number) => Float32Array.from({ length: count }, () => random() - 0.5);
const CLASSES = 3;

/** A backbone's tensors with layers of a classifier behind them: their numbers and shapes. */
async function withClassifier(backbone: Backbone, layers: Record<number, readonly number[]>) {
  const tensors = await seededNetwork(backbone, undefined);
  for (const [index, shape] of Object.entries(layers)) {
    tensors.set(`classifier.${index}.weight`, { shape: [...shape], data: numbers(shape.reduce((a, b) => a * b, 1)) });
    tensors.set(`classifier.${index}.bias`, { shape: [shape[0]], data: numbers(shape[0]) });
  }
  return tensors;
}

const read = (tensors: Map<string, TensorData>, options: DescribeOptions = {}) =>
  describeModel({ tensors, metadata: {} }, options);

/** The features [positions][channels] of the backbone, and the network's own numbers, for one image. */
async function run(backbone: Backbone, tensors: Map<string, TensorData>, size: number, options: DescribeOptions = {}) {
  const model = await read(tensors, { inputWidth: size, inputHeight: size, ...options });
  const pixels = Float64Array.from({ length: size * size * 3 }, (_, i) => Math.sin(i * i));
  const valuesOf = (g: ReturnType<typeof createGraph>, from: ReadonlyMap<string, TensorData>) =>
    [...g.parameters].map(([name, tensor]): [Tensor, Float64Array] => [
      tensor,
      Float64Array.from(from.get(name)!.data),
    ]);
  const g = createGraph();
  const image = g.input('image', [1, size, size, 3]);
  const { logits, heatmaps } = model.network(g, image);
  const found = evaluateReference(
    g.finish([logits, ...(heatmaps ? [heatmaps] : [])]),
    new Map([...valuesOf(g, model.checkpoint.tensors), [image, pixels]]),
  );
  const alone = createGraph();
  const same = alone.input('image', [1, size, size, 3]);
  const map = buildBackbone(alone, backbone, same);
  const features = evaluateReference(alone.finish([map]), new Map([...valuesOf(alone, tensors), [same, pixels]])).get(
    map,
  )!;
  return {
    model,
    logits: [...found.get(logits)!],
    heatmaps: heatmaps && [...found.get(heatmaps)!],
    features,
    shape: map.shape,
  };
}

const layer = (tensors: Map<string, TensorData>, index: number, x: readonly number[]): number[] => {
  const { shape, data } = tensors.get(`classifier.${index}.weight`)!;
  const bias = tensors.get(`classifier.${index}.bias`)!.data;
  return Array.from({ length: shape[0] }, (_, o) =>
    x.reduce((sum, value, i) => sum + value * data[o * x.length + i], bias[o]),
  );
};
const relu = (x: readonly number[]) => x.map((value) => Math.max(0, value));
const hardSwish = (x: readonly number[]) => x.map((value) => (value * Math.min(Math.max(value + 3, 0), 6)) / 6);
/** The features as torch.flatten has them: channels, rows, columns. */
const flat = (features: Float64Array, channels: number) =>
  Array.from(
    features,
    (_, i) => features[(i % (features.length / channels)) * channels + Math.floor((i * channels) / features.length)],
  );
const averages = (features: Float64Array, channels: number) =>
  Array.from({ length: channels }, (_, k) => {
    let sum = 0;
    for (let at = k; at < features.length; at += channels) sum += features[at];
    return (sum * channels) / features.length;
  });
const close = (actual: readonly number[], expected: readonly number[], what: string, bound = 1e-9) => {
  assert.is(actual.length, expected.length, what);
  const scale = Math.max(...expected.map(Math.abs));
  assert.ok(scale > 0, what);
  expected.forEach(
    (value, i) => void assert.ok(Math.abs(actual[i] - value) <= bound * scale, `${what}: ${actual} is not ${expected}`),
  );
};

const VGG: Backbone = { family: 'vgg', layers: [4, 'M', 6, 'M'], batchNorm: false };

test('VGG: hidden layers on the flattened map', async () => {
  const tensors = await withClassifier(VGG, { 0: [10, 294], 3: [8, 10], 6: [CLASSES, 8] });
  const { model, logits, features } = await run(VGG, tensors, 28);
  close(logits, layer(tensors, 6, relu(layer(tensors, 3, relu(layer(tensors, 0, flat(features, 6)))))), 'logits');
  assert.is(model.metadata.heatmapMethod, 'hirescam');
  // torchvision's have 4096 numbers.
  const other = model.warnings.find(({ message }) =>
    /hidden layers are of other sizes than those of torchvision's VGG/.test(message),
  );
  assert.is(other?.code, 'assumed-network');

  // Twice as large a map is averaged to 7 × 7 first.
  const large = await run(VGG, tensors, 56);
  assert.equal(large.shape, [1, 14, 14, 6]);
  const small = Float64Array.from({ length: 49 * 6 }, (_, i) => {
    const [k, column, row] = [i % 6, Math.floor(i / 6) % 7, Math.floor(i / 42)];
    const at = (y: number, x: number) => large.features[((2 * row + y) * 14 + 2 * column + x) * 6 + k];
    return (at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1)) / 4;
  });
  close(large.logits, layer(tensors, 6, relu(layer(tensors, 3, relu(layer(tensors, 0, flat(small, 6)))))), 'averaged');
  const refused = (tensors: Map<string, TensorData>, options: DescribeOptions) =>
    read(tensors, options).then(
      () => 'nothing was refused',
      (error: Error) => {
        assert.instance(error, InputError);
        return error.message;
      },
    );
  assert.match(await refused(tensors, { inputWidth: 32, inputHeight: 32 }), /multiples of 7.*given 8 × 8/s);
  assert.match(
    await refused(tensors, { inputWidth: 28, inputHeight: 28, heatmapMethod: 'cam' }),
    /no class activation maps/,
  );
  tensors.delete('classifier.3.bias');
  assert.match(await refused(tensors, { inputWidth: 28, inputHeight: 28 }), /has a hidden layer/);
});

test('MobileNetV3: a hidden layer with hard swish on the average', async () => {
  const { blocks, ...rest } = standardBackbone('mobilenet_v3_small') as Extract<Backbone, { family: 'mobilenet_v3' }>;
  const backbone: Backbone = { ...rest, blocks };
  const tensors = await withClassifier(backbone, { 0: [1024, 576], 3: [CLASSES, 1024] });
  const { model, logits, features } = await run(backbone, tensors, 32);
  close(logits, layer(tensors, 3, hardSwish(layer(tensors, 0, averages(features, 576)))), 'logits');
  assert.is(
    model.warnings.some(({ message }) => message.includes('other sizes')),
    false,
  );
});

test('ConvNeXt: a layer norm of the average, maps exact up to a factor', async () => {
  const backbone: Backbone = { family: 'convnext', layers: [1, 1], widths: [8, 12] };
  const tensors = await withClassifier(backbone, { 2: [CLASSES, 12] });
  tensors.set('classifier.0.weight', { shape: [12], data: numbers(12).map((one) => one + 1) });
  tensors.set('classifier.0.bias', { shape: [12], data: numbers(12) });
  const { model, logits, heatmaps, features } = await run(backbone, tensors, 64);
  const [gamma, beta] = ['weight', 'bias'].map((part) => [...tensors.get(`classifier.0.${part}`)!.data]);
  const pooled = averages(features, 12);
  const mean = pooled.reduce((a, b) => a + b) / 12;
  const deviation = Math.sqrt(pooled.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 12 + 1e-6);
  close(
    logits,
    layer(
      tensors,
      2,
      pooled.map((value, k) => ((value - mean) / deviation) * gamma[k] + beta[k]),
    ),
    'logits',
  );
  assert.is(model.metadata.heatmapMethod, undefined);
  // The average of a map, over the deviation, is the logit without what the biases add.
  const biases = layer(tensors, 2, beta);
  const positions = features.length / 12;
  const own = logits.map(
    (_, c) => heatmaps!.slice(c * positions, (c + 1) * positions).reduce((a, b) => a + b) / positions,
  );
  close(
    own,
    logits.map((logit, c) => (logit - biases[c]) * deviation),
    'maps',
    1e-6,
  );
});

test('SqueezeNet: the average of a convolution with a ReLU, whose maps are the heatmaps', async () => {
  const fire = [3, 4, 5];
  const backbone = {
    family: 'squeezenet',
    layers: [{ conv: 6, kernel: 3, stride: 2 }, 'M', { fire }],
  } as unknown as Backbone;
  const tensors = await withClassifier(backbone, { 1: [CLASSES, 9, 1, 1] });
  const { model, logits, heatmaps, features } = await run(backbone, tensors, 32);
  const positions = features.length / 9;
  const maps = Array.from({ length: positions }, (_, p) =>
    relu(layer(tensors, 1, [...features.slice(p * 9, (p + 1) * 9)])),
  );
  close(
    heatmaps!,
    [0, 1, 2].flatMap((c) => maps.map((map) => map[c])),
    'maps',
  );
  close(
    logits,
    [0, 1, 2].map((c) => maps.reduce((sum, map) => sum + map[c], 0) / positions),
    'logits',
  );
  assert.is(model.metadata.heatmapMethod, undefined);
});

test('a layer whose weights may be larger than a binding is split into parts of whole vec4s', () => {
  assert.equal(partsOf(1000, 4096), [[0, 1000]]);
  const parts = partsOf(4096, 25088);
  assert.is(parts.length, 5);
  assert.is(parts[0][0], 0);
  assert.is(parts.at(-1)![1], 4096);
  parts.forEach(([from, to], at) => {
    assert.is(from % 4, 0);
    assert.ok((to - from) * 25088 * 4 <= 128 << 20);
    if (at > 0) assert.is(from, parts[at - 1][1]);
  });
});

test.run();
