/** Heatmaps from gradients in float64: each method against its published formula, with gradients from finite differences. */
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import type { HeatmapMethod } from '../../src/formats/weights/heatmap_methods.js';
import { writeSafetensors } from '../../src/formats/weights/safetensors.js';
import { formatWeightsMetadata } from '../../src/formats/weights/weights.js';
import { createGraph, createTensor, prune } from '../../src/graph/ir/graph.js';
import type { Tensor } from '../../src/graph/ir/tensor.js';
import { exportOnnx } from '../../src/index.js';
import { readModel } from '../../src/localizer/weights/model.js';
import { gradientMaps } from '../../src/nets/head/gradient_maps.js';
import { lastMap } from '../../src/nets/head/last_map.js';
import { localizerHead } from '../../src/nets/head/localizer_head.js';
import type { NetworkFunction } from '../../src/nets/outputs.js';
import { matmul } from '../../src/ops/general/matmul.js';
import { permute } from '../../src/ops/general/permute.js';
import { reshape } from '../../src/ops/general/reshape.js';
import { relu, sigmoid } from '../../src/ops/layers/activation.js';
import { sum } from '../../src/ops/layers/add.js';
import { concat } from '../../src/ops/layers/concat.js';
import { conv2d } from '../../src/ops/layers/conv2d.js';
import { linear } from '../../src/ops/layers/linear.js';
import { lsePool } from '../../src/ops/layers/lse_pool.js';
import { seededRandom } from '../../src/random.js';
import { evaluateReference } from '../../src/verify/reference.js';
import { HIDDEN_KINDS, hiddenModel, MAP, SIDE } from '../support/hidden_layers.js';

type FromGradients = Exclude<HeatmapMethod, 'cam'>;
const METHODS: readonly FromGradients[] = ['hirescam', 'grad-cam', 'grad-cam++', 'layer-cam'];
const IMAGE = [SIDE, SIDE, 1] as const;
const random = seededRandom(3);
const numbers = (count: number) => Float64Array.from({ length: count }, () => random() * 2 - 1);
const pixels = numbers(SIDE * SIDE);

type Values = ReadonlyMap<string, ArrayLike<number>>;

/** The network in float64: its features for `pixels`, and its logits for any features. */
function forward(network: NetworkFunction, values: Values) {
  const g = createGraph();
  const image = g.input('image', [1, ...IMAGE]);
  const { features, logits, heatmaps } = network(g, image);
  const given = new Map([...g.parameters].map(([name, tensor]) => [tensor, Float64Array.from(values.get(name)!)]));
  const all = evaluateReference(
    g.finish([logits, ...(heatmaps ? [heatmaps] : [])]),
    new Map([...given, [image, pixels]]),
  );
  const input = createTensor('features', 'input', features);
  const nodes = g.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map((tensor) => (tensor === features ? input : tensor)),
  }));
  const head = prune({ nodes, outputs: [logits], slices: new Map() });
  return {
    features: all.get(features)!,
    channels: features.shape[3],
    heatmaps: heatmaps && all.get(heatmaps)!,
    logits: all.get(logits)!,
    logitsOf: (one: Float64Array) => evaluateReference(head, new Map([...given, [input, one]])).get(logits)!,
  };
}

/** The maps of all classes [classes][positions] in float64. */
function mapsOf(
  network: NetworkFunction,
  values: Values,
  method: FromGradients,
  features: Float64Array,
  classes: number,
) {
  const { graph, parameters, features: input, seeds, maps } = gradientMaps(network, IMAGE, classes, method);
  const given = new Map<Tensor, Float64Array>(
    [...parameters].map(([name, tensor]) => [tensor, Float64Array.from(values.get(name)!)]),
  );
  const copies = new Float64Array(classes * features.length);
  for (let row = 0; row < classes; row++) copies.set(features, row * features.length);
  const oneHot = Float64Array.from({ length: classes * classes }, (_, i) => Number(i % (classes + 1) === 0));
  const found = evaluateReference(graph, new Map([...given, [input, copies], [seeds, oneHot]])).get(maps)!;
  const positions = found.length / classes;
  return Array.from({ length: classes }, (_, row) => found.slice(row * positions, (row + 1) * positions));
}

/** The published formulas, for features and gradients [positions][channels]. */
function published(method: FromGradients, a: Float64Array, dy: Float64Array, channels: number): Float64Array {
  const positions = a.length / channels;
  const relu = (x: number) => Math.max(x, 0);
  const sumOf = (k: number, of: (at: number) => number) => {
    let sum = 0;
    for (let p = 0; p < positions; p++) sum += of(p * channels + k);
    return sum;
  };
  const weightOf = (k: number): ((at: number) => number) => {
    if (method === 'hirescam') return (at) => dy[at];
    if (method === 'layer-cam') return (at) => relu(dy[at]);
    if (method === 'grad-cam') {
      const average = sumOf(k, (at) => dy[at]) / positions;
      return () => average;
    }
    const total = sumOf(k, (at) => a[at]);
    const alpha = (at: number) => (dy[at] === 0 ? 0 : dy[at] ** 2 / (2 * dy[at] ** 2 + total * dy[at] ** 3));
    const weight = sumOf(k, (at) => alpha(at) * relu(dy[at]));
    return () => weight;
  };
  const weights = Array.from({ length: channels }, (_, k) => weightOf(k));
  return Float64Array.from({ length: positions }, (_, p) => {
    let sum = 0;
    for (let k = 0; k < channels; k++) sum += weights[k](p * channels + k) * a[p * channels + k];
    return method === 'hirescam' ? sum : relu(sum);
  });
}

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, bound: number, what: string) => {
  assert.is(actual.length, expected.length, what);
  const range = Math.max(...Array.from(expected, Math.abs));
  assert.ok(range > 0, `${what}: all 0`);
  for (let i = 0; i < expected.length; i++)
    assert.ok(
      Math.abs(actual[i] - expected[i]) <= bound * range,
      `${what}: ${actual[i]} at ${i}, expected ${expected[i]}`,
    );
};

for (const kind of HIDDEN_KINDS) {
  test(`the maps of a head as that of ${kind} follow their formulas, with finite differences as gradients`, async () => {
    const { network, checkpoint, metadata } = await readModel(hiddenModel(kind), {});
    assert.is(metadata.heatmapMethod, 'hirescam');
    const values = new Map([...checkpoint.tensors].map(([name, { data }]) => [name, data]));
    const { features, channels, logits, logitsOf } = forward(network, values);
    // The map before the poolings is the one that a layer with weights gave.
    assert.is(features.length, MAP * MAP * channels);
    const gradients = Array.from(logits, () => new Float64Array(features.length));
    const step = 1e-6;
    for (let i = 0; i < features.length; i++) {
      const [up, down] = [features.slice(), features.slice()];
      up[i] += step;
      down[i] -= step;
      const [above, below] = [logitsOf(up), logitsOf(down)];
      // Where a pooling has several equal maxima (zeros of a ReLU), there is no derivative, and a feature of 0 adds nothing to a map.
      for (let c = 0; c < logits.length; c++)
        gradients[c][i] = features[i] === 0 ? 0 : (above[c] - below[c]) / (2 * step);
    }
    for (const method of ['hirescam', 'layer-cam'] as const) {
      const maps = mapsOf(network, values, method, features, logits.length);
      maps.forEach(
        (map, c) =>
          void close(map, published(method, features, gradients[c], channels), 1e-6, `${kind} ${method} ${c}`),
      );
    }
    if (kind !== 'mobilenetv3') return;
    // Behind an average every position has a derivative, so that averages of gradients can be compared too.
    for (const method of METHODS) {
      const maps = mapsOf(network, values, method, features, logits.length);
      maps.forEach((map, c) => {
        const expected = published(method, features, gradients[c], channels);
        if (expected.some((value) => value !== 0)) close(map, expected, 1e-6, `${kind} ${method} ${c}`);
        else assert.ok(map.every((value) => Math.abs(value) < 1e-9));
      });
    }
  });
}

const fixture = (name: string) =>
  readFileSync(new URL(`../../../test/fixtures/heatmap-methods/${name}`, import.meta.url));
const PYTORCH: Record<string, { image: number[]; logits: number[]; maps: Record<string, number[]> }> = JSON.parse(
  fixture('reference.json').toString(),
);

for (const [name, { image: values, logits: wanted, maps: expected }] of Object.entries(PYTORCH)) {
  test(`PyTorch has the same maps of ${name}, by every method`, async () => {
    const { network, checkpoint } = await readModel(new Uint8Array(fixture(`${name}.onnx`)), {});
    const valuesOf = (parameters: ReadonlyMap<string, Tensor>) =>
      [...parameters].map(([key, one]) => [one, Float64Array.from(checkpoint.tensors.get(key)!.data)] as const);
    const side = Math.sqrt(values.length);
    const g = createGraph();
    const image = g.input('image', [1, side, side, 1]);
    const { features, logits } = network(g, image);
    const found = evaluateReference(
      g.finish([features, logits]),
      new Map([...valuesOf(g.parameters), [image, Float64Array.from(values)]]),
    );
    close(found.get(logits)!, wanted, 1e-5, `${name} logits`);
    const classes = wanted.length;
    for (const method of METHODS) {
      const one = gradientMaps(network, [side, side, 1], classes, method);
      const a = found.get(features)!;
      const copies = Float64Array.from({ length: classes * a.length }, (_, i) => a[i % a.length]);
      const seeds = Float64Array.from({ length: classes ** 2 }, (_, i) => Number(i % (classes + 1) === 0));
      const given = new Map([...valuesOf(one.parameters), [one.features, copies], [one.seeds, seeds]] as const);
      close(evaluateReference(one.graph, given).get(one.maps)!, expected[method], 1e-5, `${name} ${method}`);
    }
  });
}

/** A convolution and one linear layer on the average. */
const linearNetwork: NetworkFunction = (g, image) => {
  const weight = g.parameter('conv.weight', [4, 1, 3, 3]);
  const features = relu(g, conv2d(g, image, weight, undefined, { padding: 1, stride: 2 }));
  return { features, ...localizerHead(g, features, { classes: 3, pooling: 'average' }) };
};

test('before an average and one linear layer, HiResCAM is the class activation map divided by the number of positions, and Grad-CAM is its positive part', () => {
  const values = new Map([
    ['conv.weight', numbers(36)],
    ['head.prediction.weight', numbers(12)],
    ['head.prediction.bias', numbers(3)],
  ]);
  const { features, heatmaps } = forward(linearNetwork, values);
  const positions = MAP * MAP;
  const cam = (c: number) => heatmaps!.slice(c * positions, (c + 1) * positions).map((heat) => heat / positions);
  const maps = (method: FromGradients) => mapsOf(linearNetwork, values, method, features, 3);
  maps('hirescam').forEach((map, c) => void close(map, cam(c), 1e-12, `hirescam ${c}`));
  const above = (c: number) => cam(c).map((heat) => Math.max(heat, 0));
  maps('grad-cam').forEach((map, c) => void close(map, above(c), 1e-12, `grad-cam ${c}`));
  // LayerCAM leaves out gradients below 0, so that it is the same where no weight is below 0.
  values.set('head.prediction.weight', numbers(12).map(Math.abs));
  const { heatmaps: positive } = forward(linearNetwork, values);
  maps('layer-cam').forEach(
    (map, c) =>
      void close(
        map,
        positive!.slice(c * positions, (c + 1) * positions).map((heat) => heat / positions),
        1e-12,
        `layer-cam ${c}`,
      ),
  );
});

/** A map and a dense layer on its average. */
function begun() {
  const g = createGraph();
  const image = g.input('image', [1, ...IMAGE]);
  const map = relu(
    g,
    conv2d(g, image, g.parameter('conv.weight', [4, 1, 3, 3]), undefined, { padding: 1, stride: 2 }),
    'map',
  );
  return { g, image, map };
}

const message = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    assert.instance(error, InputError);
    return (error as Error).message;
  }
  return 'nothing was refused';
};

test('the features are the last map on every path to the classes; behind attention there is none', () => {
  const { g, image, map } = begun();
  const later = relu(g, map, 'later');
  const both = concat(g, [lsePool(g, map, 0), lsePool(g, later, Number.POSITIVE_INFINITY)]);
  assert.is(lastMap(g.nodes, linear(g, both, 'fc', 3)), map);
  assert.match(
    message(() => lastMap(g.nodes, linear(g, lsePool(g, image, 0), 'image', 3))),
    /no map of several positions/,
  );

  const rows = reshape(g, permute(g, map, [0, 1, 2, 3], 'dense'), [0, MAP * MAP, 4]);
  const mixed = matmul(g, matmul(g, rows, permute(g, rows, [0, 2, 1])), rows);
  assert.match(
    message(() => lastMap(g.nodes, reshape(g, mixed, [0, -1]))),
    /as attention does/,
  );
});

test('maps from gradients are refused where the features are not what the classes are computed from', () => {
  const network =
    (of: 'beside' | 'part'): NetworkFunction =>
    (g, image) => {
      const weight = g.parameter('conv.weight', [4, 1, 3, 3]);
      const map = conv2d(g, image, weight, undefined, { padding: 1, stride: 2 });
      const features = relu(g, map, 'features');
      const pooled = lsePool(g, of === 'part' ? sum(g, features, map) : map, 0);
      const logits = linear(g, pooled, 'fc', 3);
      return { features, logits, probabilities: sigmoid(g, logits) };
    };
  assert.match(
    message(() => gradientMaps(network('beside'), IMAGE, 1, 'hirescam')),
    /do not depend on the feature map/,
  );
  assert.match(
    message(() => gradientMaps(network('part'), IMAGE, 1, 'hirescam')),
    /depend on more than the feature map/,
  );
});

test('class activation maps of a classifier with a hidden layer are refused, and so are unknown methods', async () => {
  const refused = (heatmapMethod: string) =>
    readModel(hiddenModel('vgg'), { heatmapMethod: heatmapMethod as HeatmapMethod }).then(
      () => 'nothing was refused',
      (error: Error) => error.message,
    );
  assert.match(await refused('cam'), /no class activation maps.*expected heatmapMethod hirescam, grad-cam, /);
  assert.match(await refused('gradcam'), /the option heatmapMethod is wrong; expected cam, hirescam/);
  const { metadata, checkpoint } = await readModel(hiddenModel('vgg'), { heatmapMethod: 'layer-cam' });
  assert.is(metadata.heatmapMethod, 'layer-cam');
  const converted = writeSafetensors(checkpoint.tensors, formatWeightsMetadata(metadata));
  assert.is((await readModel(converted, {})).metadata.heatmapMethod, 'layer-cam');
  assert.match(
    await exportOnnx(converted).then(
      () => '',
      (error: Error) => error.message,
    ),
    /heatmaps by layer-cam come from gradients, which are not written/,
  );
});

test.run();
