/** Networks of the caller's own, and graphs in files, with faults: each is refused by name, or gives a warning. */
import { inspect } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import type { TensorData } from '../../src/formats/weights/checkpoint.js';
import { readSafetensors, writeSafetensors } from '../../src/formats/weights/safetensors.js';
import { formatWeightsMetadata } from '../../src/formats/weights/weights.js';
import { openGpu } from '../../src/gpu/device.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import { load } from '../../src/index.js';
import { describeModel } from '../../src/localizer/weights/model.js';
import type { ModelOptions } from '../../src/localizer/weights/weights_input.js';
import { describeGraph, graphNetwork, localizerHead, type NetworkFunction } from '../../src/nets/index.js';
import { activationOf, relu } from '../../src/ops/layers/activation.js';
import { classActivationMap } from '../../src/ops/layers/class_activation_map.js';
import { conv2d } from '../../src/ops/layers/conv2d.js';
import { scale } from '../../src/ops/layers/scale.js';
import { initialWeights } from '../../src/train/initial.js';

const gpu = await openGpu();
test.after(() => gpu.close());

const SIZE = 16;
const INPUT = { height: SIZE, width: SIZE, channels: 1 };
const classes = ['Mass', 'Nodule'];
const METADATA = {
  ...{ classes, inputWidth: SIZE, inputHeight: SIZE, inputChannels: 1 as const, mean: [0.5], std: [0.25] },
  ...{ channelOrder: 'rgb' as const, fit: 'stretch' as const, heatmapScaling: 'minmax' as const },
  ...{ trainingData: 'none', license: 'MIT' },
};
const picture = (seed: number) => ({
  data: Uint8Array.from({ length: SIZE * SIZE }, (_, i) => (i * i * 7 + seed * 13) % 256),
  width: SIZE,
  height: SIZE,
});

const plain: NetworkFunction = (g, image) => {
  const features = relu(g, conv2d(g, image, g.parameter('conv.weight', [4, 1, 3, 3]), undefined, { padding: 1 }));
  return { features, ...localizerHead(g, features, { classes: 2, pooling: 'average' }) };
};

/** The plain network with other outputs. */
const changed =
  (change: (...of: [...Parameters<NetworkFunction>, ReturnType<NetworkFunction>]) => object): NetworkFunction =>
  (g, image) => {
    const outputs = plain(g, image);
    return { ...outputs, ...change(g, image, outputs) };
  };

const builder = createGraph();
plain(builder, builder.input('image', [1, SIZE, SIZE, 1]));
const random = initialWeights(3);
const values = await Promise.all(
  [...builder.parameters].map(async ([name, { shape }]) => {
    return [name, { shape: [...shape], data: Float32Array.from(await random(name, shape)) }] as [string, TensorData];
  }),
);
const weights = writeSafetensors(new Map(values));
const own = (network: unknown, options: ModelOptions = {}) =>
  describeModel(readSafetensors(weights), { network: network as NetworkFunction, ...METADATA, ...options });

async function messageOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    assert.instance(error, InputError);
    return (error as Error).message;
  }
  throw new Error('it was not refused');
}

test('probabilities that are not the sigmoid of the logits give a warning, and are refused if they are not from 0 to 1', async () => {
  const activated = (activation: Parameters<typeof activationOf>[2]) =>
    changed((g, _, { logits }) => ({ probabilities: activationOf(g, logits, activation) }));
  const clipped = activated({ kind: 'clip', a: 0, b: 1 });
  assert.equal((await own(plain)).warnings, []);
  for (const network of [clipped, changed((_, __, { logits }) => ({ probabilities: logits }))]) {
    const [warning] = (await own(network)).warnings;
    assert.is(warning.code, 'assumed-network');
    assert.match(warning.message, /probabilities are not the sigmoid of its logits/);
  }
  const far = activated({ kind: 'clip', a: 1.5, b: 2 });
  const graph = describeGraph(far, INPUT);
  const inFile = writeSafetensors(new Map(values), formatWeightsMetadata({ ...METADATA, architecture: graph }));
  for (const [bytes, options] of [
    [weights, { network: far, ...METADATA }],
    [inFile, {}],
  ] as const) {
    await using localizer = await load(bytes, { device: gpu.device, ...options });
    for (const call of ['localize', 'classify'] as const)
      assert.match(
        await messageOf(() => localizer[call](picture(1))),
        /computed no probability for Mass, Nodule; expected numbers from 0 to 1; given 1\.5, 1\.5/,
      );
  }
  await using localizer = await load(weights, { device: gpu.device, network: clipped, ...METADATA });
  assert.ok(Object.values((await localizer.classify(picture(1))).probabilities).every((value) => value >= 0));
});

test('a probability that a GPU has rounded to slightly above 1 is 1', async () => {
  const rounded = changed((g, _, { logits }) => ({
    probabilities: activationOf(g, logits, { kind: 'clip', a: 1 + 5e-7, b: 2 }),
  }));
  await using localizer = await load(weights, { device: gpu.device, network: rounded, ...METADATA });
  const { probabilities, findings } = await localizer.localize(picture(1), { classes });
  assert.equal(probabilities, { Mass: 1, Nodule: 1 });
  assert.ok(findings.length > 0 && findings.every(({ score }) => score === 1));
});

test('logits and heatmaps that are not finite are refused by name', async () => {
  const infinite = (g: Parameters<NetworkFunction>[0], x: Parameters<typeof scale>[1]) =>
    scale(g, scale(g, x, 1e38), 1e38);
  const logits = changed((g, _, outputs) => ({ logits: infinite(g, outputs.logits) }));
  const heatmaps = changed((g, _, { features }) => ({
    heatmaps: classActivationMap(g, infinite(g, features), g.parameter('head.prediction.weight', [2, 4])),
  }));
  const refusal = async (network: NetworkFunction, options: object) => {
    await using localizer = await load(weights, { device: gpu.device, network, ...METADATA });
    return messageOf(() => localizer.localize(picture(1), options));
  };
  assert.match(
    await refusal(logits, {}),
    /computed no number for Mass, Nodule; expected finite logits; given .*Infinity/,
  );
  for (const options of [{ classes }, { boxes: false, heatmaps: 'raw' }, { boxes: false, heatmaps: 'scaled', classes }])
    assert.match(await refusal(heatmaps, options), /computed no heatmap for Mass, Nodule/, JSON.stringify(options));
});

test('a function that builds another network for another number of images is refused', async () => {
  const deeper: NetworkFunction = (g, image) => plain(g, image.shape[0] === 1 ? image : relu(g, image));
  const later: NetworkFunction = (g, image) => plain(g, image.shape[0] < 3 ? image : relu(g, image));
  const strided: NetworkFunction = (g, image) => {
    const weight = g.parameter('conv.weight', [4, 1, 3, 3]);
    const features = relu(g, conv2d(g, image, weight, undefined, { padding: 1, stride: image.shape[0] }));
    return { features, ...localizerHead(g, features, { classes: 2, pooling: 'average' }) };
  };
  const another =
    /network for 2 images differs from that for 1 image; expected .*; given .*; a function .* the same operations/;
  for (const network of [deeper, strided]) {
    assert.match(await messageOf(() => own(network)), another);
    assert.match(await messageOf(() => describeGraph(network, INPUT)), another);
  }
  assert.match(await messageOf(() => own(strided)), /"stride":\[1,1\].*given .*"stride":\[2,2\]/);
  // Larger batches cannot be checked when the weights are loaded. Those images are run in smaller batches, with the network that was checked.
  const all = async (network: NetworkFunction, batch: number) => {
    await using localizer = await load(weights, { device: gpu.device, network, ...METADATA });
    const results = [];
    for await (const { logits } of localizer.localizeAll([1, 2, 3].map(picture), { batch })) results.push(logits);
    return results;
  };
  assert.equal(await all(later, 3), await all(plain, 1));
});

test('something that is not a network is refused, and the error says what to pass', async () => {
  const graph = describeGraph(plain, INPUT);
  assert.match(
    await messageOf(() => own(graph)),
    /network: this is not a function .*given \{ family: 'graph'.*graphNetwork/,
  );
  assert.match(await messageOf(() => own('resnet18')), /not a function .*given 'resnet18'.*networkOf/);
  assert.match(await messageOf(() => own(null)), /not a function .*given null/);
  assert.match(
    await messageOf(() => own(async (...of: Parameters<NetworkFunction>) => plain(...of))),
    /given a promise/,
  );
  for (const network of [null, undefined, graph])
    assert.match(await messageOf(() => describeGraph(network as never, INPUT)), /network: this is not a function/);
  for (const input of [undefined, null, {}, { ...INPUT, width: 0 }, { ...INPUT, channels: '3' }])
    assert.match(await messageOf(() => describeGraph(plain, input as never)), /expected \{ height, width, channels \}/);
  for (const description of [null, undefined, 7, 'resnet18', [], {}, { family: 'resnet' }])
    assert.match(
      await messageOf(() => graphNetwork(description as never)),
      /not a description of a network; .*describeGraph/,
    );
});

test('errors about a graph show the wrong value', async () => {
  const graph = describeGraph(plain, INPUT);
  const fault = (change: object) => messageOf(() => graphNetwork({ ...structuredClone(graph), ...change }));
  const node = (change: object) => fault({ nodes: [{ ...graph.nodes[0], ...change }, ...graph.nodes.slice(1)] });
  assert.match(await node({ inputs: [0, -1] }), /node 0 \(conv2d\): its inputs is wrong; .*given \[0, -1\]/);
  assert.match(await node({ op: 7 }), /node 0: its op is wrong; .*given 7/);
  assert.match(await node({ attributes: { a: null } }), /its attributes is wrong; .*given \{ a: null \}/);
  assert.match(await node({ extra: { a: 1 } }), /node 0 \(conv2d\) has no field 'extra'; .*given \{ a: 1 \}/);
  assert.match(await fault({ outputs: { logits: 'x' } }), /outputs is wrong; .*given \{ logits: 'x' \}/);
  assert.match(await fault({ parameters: [['a', [0]]] }), /parameter 0 is wrong; .*given \['a', \[0\]\]/);
  assert.match(await fault({ more: { a: 1 } }), /no field 'more'; .*given more: \{ a: 1 \}/);
  const kind = { activation: { kind: 'sine' } };
  const activated = graph.nodes.findIndex(({ op }) => op === 'activation');
  const nodes = graph.nodes.map((one, i) => (i === activated ? { ...one, attributes: kind } : one));
  const g = createGraph();
  assert.match(
    await messageOf(() => graphNetwork({ ...graph, nodes })(g, g.input('image', [1, SIZE, SIZE, 1]))),
    /the attribute activation of node \d+ \(activation\) is wrong; given \{ kind: 'sine' \}/,
  );
});

test('the option architecture is refused if the file contains a graph', async () => {
  const metadata = formatWeightsMetadata({ ...METADATA, architecture: describeGraph(plain, INPUT) });
  const checkpoint = { tensors: new Map(values), metadata };
  for (const given of [{ architecture: 'resnet18' }, { metadata: { architecture: 'resnet18' } }])
    assert.match(
      await messageOf(() => describeModel(checkpoint, given)),
      /architecture is only for networks .* given 'resnet18'; the file contains the graph of its network, .* leave the option out/,
    );
  assert.match(
    await messageOf(() => describeModel(checkpoint, { prediction: 'fc' })),
    /prediction is only for .*the file contains/,
  );
});

test('an error has no empty properties', () => {
  const error = new InputError('wrong', { given: 'x' });
  assert.equal(Object.keys(error).sort(), ['given', 'name']);
  assert.not.match(inspect(error), /undefined/);
  assert.is(error.expected, undefined);
});

test.run();
