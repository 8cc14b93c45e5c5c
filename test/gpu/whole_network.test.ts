/** Networks that belong to no family: a function that `load` and `train` are given, and its graph in a file. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { GraphDescription } from '../../src/formats/weights/graph_description.js';
import { readSafetensors, writeSafetensors } from '../../src/formats/weights/safetensors.js';
import {
  formatWeightsMetadata,
  parseWeightsMetadata,
  type WeightsMetadata,
} from '../../src/formats/weights/weights.js';
import { openGpu } from '../../src/gpu/device.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import type { Operation } from '../../src/graph/ir/operation.js';
import { load } from '../../src/index.js';
import { describeModel } from '../../src/localizer/weights/model.js';
import { describeGraph, graphNetwork, localizerHead, type NetworkFunction, networkOf } from '../../src/nets/index.js';
import { activationOf, relu } from '../../src/ops/layers/activation.js';
import { sum } from '../../src/ops/layers/add.js';
import { batchNorm } from '../../src/ops/layers/batch_norm.js';
import { concat } from '../../src/ops/layers/concat.js';
import { conv2d } from '../../src/ops/layers/conv2d.js';
import { mul } from '../../src/ops/layers/mul.js';
import { averagePool, maxPool } from '../../src/ops/layers/pool.js';
import { forward as scale } from '../../src/ops/layers/scale.js';
import { seededRandom } from '../../src/random.js';
import {
  createTrainer,
  crossEntropy,
  NO_AUGMENTATION,
  readTrainingCheckpoint,
  sgd,
  type TrainOptions,
  train,
  writeCheckpoint,
} from '../../src/train/index.js';
import { initialWeights } from '../../src/train/initial.js';

const gpu = await openGpu();
test.after(() => gpu.close());

const SIZE = 24;
const classes = ['Mass', 'Nodule', 'Effusion'];
const INPUT = { inputWidth: SIZE, inputHeight: SIZE, inputChannels: 1, mean: [0.5], std: [0.25] } as const;

/** A residual block with a gate by channel, two branches side by side, and the paper's head: it belongs to none of raybox's families. */
const own: NetworkFunction = (g, image) => {
  const stem = relu(
    g,
    batchNorm(g, conv2d(g, image, g.parameter('stem.weight', [6, 1, 3, 3]), undefined, { padding: 1 }), 'norm'),
  );
  const squeezed = averagePool(g, stem, { kernel: SIZE, countIncludePad: true });
  const gate = activationOf(g, conv2d(g, squeezed, g.parameter('gate.weight', [6, 6, 1, 1])), { kind: 'sigmoid' });
  const block = sum(
    g,
    stem,
    mul(g, conv2d(g, stem, g.parameter('block.weight', [6, 6, 3, 3]), undefined, { padding: 1 }), gate),
  );
  const small = maxPool(g, block, { kernel: 2 });
  const wide = activationOf(g, conv2d(g, small, g.parameter('wide.weight', [5, 6, 1, 1])), { kind: 'silu' });
  const features = concat(g, [small, wide], 'features');
  return { features, ...localizerHead(g, features, { classes: 3, pooling: 'lse', r: 4, prediction: 'predict' }) };
};

const parametersOf = (network: NetworkFunction, channels = 1) => {
  const g = createGraph();
  network(g, g.input('image', [1, SIZE, SIZE, channels]));
  return g.parameters;
};

async function weightsOf(network: NetworkFunction, metadata: Record<string, string> = {}, more: string[] = []) {
  const random = initialWeights(5);
  const tensors = new Map();
  for (const [name, { shape }] of parametersOf(network)) {
    tensors.set(name, { shape: [...shape], data: Float32Array.from(await random(name, shape)) });
  }
  for (const name of more) tensors.set(name, { shape: [2, 2], data: new Float32Array(4) });
  return writeSafetensors(tensors, metadata);
}

const metadataFor = (architecture: WeightsMetadata['architecture']): WeightsMetadata => ({
  ...{ architecture, classes, ...INPUT, mean: [0.5], std: [0.25], channelOrder: 'rgb', fit: 'stretch' },
  ...{ heatmapScaling: 'minmax', trainingData: 'none', license: 'MIT' },
});

function picture(seed: number, side = 31) {
  const random = seededRandom(seed);
  return { data: Uint8Array.from({ length: side * side }, () => 256 * random()), width: side, height: side };
}

async function refused(work: () => unknown, message: RegExp): Promise<void> {
  const error = await Promise.resolve()
    .then(work)
    .then(
      () => undefined,
      (failure: Error) => failure,
    );
  assert.is(error?.name, 'InputError', String(error));
  assert.match(error?.message ?? '', message);
}

test('load takes a network as a function, with its classes and its input as options', async () => {
  const weights = await weightsOf(own);
  await using localizer = await load(weights, {
    device: gpu.device,
    network: own,
    classes,
    ...INPUT,
    mean: [0.5],
    std: [0.25],
  });
  const { warnings, probabilities, findings } = await localizer.localize(picture(1), { classes });
  assert.is(localizer.metadata.architecture, 'custom');
  assert.equal(Object.keys(probabilities), classes);
  assert.equal([...new Set(findings.map(({ label }) => label))].sort(), [...classes].sort());
  assert.equal(
    warnings.map(({ code }) => code),
    ['assumed-input', 'image-not-xray'],
  );
  assert.match(warnings[0].message, /Assumed: fit stretch, channels in the order rgb/);
  const { warnings: unnamed } = await describeModel(readSafetensors(weights), {
    network: own,
    ...INPUT,
    mean: [0.5],
    std: [0.25],
  });
  assert.match(unnamed.map(({ message }) => message).join(), /they are called output 0 to output 2/);
});

test('a graph in a file gives the same bits as the function, for every batch size and in f16', async () => {
  const graph = describeGraph(own, { height: SIZE, width: SIZE, channels: 1 });
  assert.equal(JSON.parse(JSON.stringify(graph)), graph);
  const given = { device: gpu.device, network: own, ...metadataFor('custom') };
  const weights = await weightsOf(own);
  const written = await weightsOf(own, formatWeightsMetadata(metadataFor(graph)));
  const images = [1, 2, 3].map((seed) => picture(seed));
  for (const precision of ['f32', ...(gpu.features.has('shader-f16') ? ['f16'] : [])] as ('f32' | 'f16')[]) {
    await using byFunction = await load(weights, { ...given, precision });
    await using byGraph = await load(written, { device: gpu.device, precision });
    assert.equal(byGraph.warnings, []);
    const results = async (localizer: typeof byGraph) => {
      const all = [];
      for await (const one of localizer.localizeAll(images, { batch: 3, classes, heatmaps: 'raw' })) all.push(one);
      return all;
    };
    assert.equal(await results(byGraph), await results(byFunction));
  }
});

test('a graph that was read from its description has the same description', () => {
  const input = { height: SIZE, width: SIZE, channels: 1 };
  const graph = describeGraph(own, input);
  assert.equal(describeGraph(graphNetwork(graph), input), graph);
  const family = networkOf({
    backbone: {
      family: 'googlenet',
      layers: [{ conv: 4, kernel: 3 }, { lrn: 3, alpha: 1e-4, beta: 0.75, k: 1 }, { inception: [2, 3, 3, 2, 4, 2] }],
    },
    head: { classes: 2, transition: { channels: 4, kernel: 3, activation: 'none' }, pooling: 'max' },
  });
  const written = describeGraph(family, input);
  assert.ok(JSON.stringify(written).includes('"r":"Infinity"'));
  assert.equal(describeGraph(graphNetwork(JSON.parse(JSON.stringify(written))), input), written);
});

test('train takes a function: weights and checkpoints contain its graph, and need nothing else', async () => {
  const images = Array.from({ length: 12 }, (_, i) => ({ ...picture(i, SIZE), channels: 1 as const }));
  const stored = images.map(({ data }) => Uint16Array.from(data, (value) => value * 257));
  const kept: { best?: Uint8Array; checkpoint?: Uint8Array } = {};
  const options: TrainOptions = {
    gpu,
    network: own,
    settings: {
      ...{
        classes,
        heatmapScaling: 'minmax',
        epochs: 1,
        batch: 4,
        accumulate: 1,
        loss: { kind: 'cel' },
        learningRate: 0.01,
      },
      input: { size: SIZE, channels: 1, channelOrder: 'rgb', mean: [0.5], std: [0.25], fit: 'stretch' },
      ...{
        optimizer: { kind: 'adamw' },
        schedule: { kind: 'constant' },
        batchNorm: 'train',
        parts: [],
        seed: 1,
        patience: 0,
      },
      augmentation: NO_AUGMENTATION,
    },
    data: {
      classes,
      images: images.map((_, i) => `${i}.png`),
      labels: Uint8Array.from({ length: 36 }, (_, i) => (i % 5 < 2 ? 1 : 0)),
      train: Int32Array.from({ length: 8 }, (_, i) => i),
      validation: Int32Array.from({ length: 4 }, (_, i) => 8 + i),
    },
    images: async (row) => stored[row],
    keeper: {
      checkpoint: async (checkpoint) => {
        kept.checkpoint = await writeCheckpoint(checkpoint);
        return 'kept';
      },
      best: async (weights) => {
        kept.best = Uint8Array.from(weights);
      },
    },
  };
  const { history } = await train(options);
  assert.ok(Number.isFinite(history[0].loss));
  const metadata = parseWeightsMetadata(readSafetensors(kept.best!).metadata);
  assert.is((metadata.architecture as GraphDescription).family, 'graph');
  await using localizer = await load(kept.best!, { device: gpu.device });
  assert.equal(localizer.warnings, []);
  assert.ok((await localizer.localize(images[0], { classes })).findings.length >= 3);
  const { settings } = await readTrainingCheckpoint(kept.checkpoint!);
  assert.equal(settings.architecture, metadata.architecture);
  await refused(
    () => train({ ...options, settings: { ...options.settings, architecture: metadata.architecture } as never }),
    /either settings.architecture or network; given both/,
  );
});

test('a trainer gives the same results for a function as for its graph', async () => {
  const losses = [];
  for (const architecture of [own, describeGraph(own, { height: SIZE, width: SIZE, channels: 1 })]) {
    const trainer = await createTrainer(gpu, {
      ...{ architecture, batch: 2, size: SIZE, channels: 1, batchNorm: 'train', seed: 4 },
      ...{ loss: crossEntropy(), optimizer: sgd({}) },
    });
    const images = Float32Array.from({ length: 2 * SIZE * SIZE }, (_, i) => Math.sin(i));
    const labels = Float32Array.of(1, 0, 0, 0, 1, 1);
    for (let step = 0; step < 3; step++) losses.push(await trainer.step(images, labels, { learningRate: 0.1 }));
    trainer.close();
  }
  assert.equal(losses.slice(0, 3), losses.slice(3));
  assert.ok(losses[2] < losses[0], losses.join());
});

test('networks and weights that do not fit each other are refused with the reason', async () => {
  const weights = await weightsOf(own);
  const given = { network: own, ...INPUT, mean: [0.5], std: [0.25], classes };
  const read = (bytes: Uint8Array, options: object) => describeModel(readSafetensors(bytes), options);
  await refused(
    () => read(weights, { ...given, inputChannels: 3, mean: [0, 0, 0], std: [1, 1, 1] }),
    /cannot be built for images of 24×24×3: .*weights do not fit/,
  );
  await refused(
    () => read(weights, { ...given, classes: ['one'] }),
    /do not fit the network; expected 3, one for each output; given 1: one/,
  );
  await refused(
    () => read(weights, { ...given, pooling: 'lse', lseR: 1 }),
    /pooling is only for networks that are a backbone with a head/,
  );
  await refused(
    () => read(weights, { ...given, architecture: 'resnet50' }),
    /architecture is only for networks that are a backbone/,
  );
  const more = await weightsOf(own, {}, ['attention.weight']);
  await refused(() => read(more, given), /layers that the network .* do not use; given attention/);
  assert.equal((await read(more, { ...given, ignore: ['attention'] })).leftOut, ['attention.weight']);
  const elsewhere = await weightsOf(own, formatWeightsMetadata(metadataFor('custom')));
  await refused(() => read(elsewhere, {}), /a network that the file does not hold.*load\(weights, \{ network \}\)/);
  const without =
    (name: string): NetworkFunction =>
    (g, image) =>
      ({ ...own(g, image), [name]: undefined }) as never;
  await refused(
    () => read(weights, { ...given, network: without('logits') }),
    /the network's logits are missing; expected dense f32 \[n, classes\]/,
  );
  const swapped: NetworkFunction = (g, image) => ({ ...own(g, image), probabilities: own(g, image).heatmaps! });
  await refused(() => read(weights, { ...given, network: swapped }), /probabilities have another form/);
});

test('an operation of the caller’s own runs in load, but cannot be described in a file', async () => {
  const twice: Operation<object, ['x']> = {
    name: 'twice',
    inputs: ['x'],
    infer: ([x]) => [x],
    flops: () => 0,
    lower: ({ inputs: [x], outputs: [y], ...rest }, context) =>
      scale.lower(
        { ...rest, operation: scale, inputs: [x, undefined], outputs: [y], attributes: { factor: 2 } },
        context,
      ),
  };
  const network: NetworkFunction = (g, image) => own(g, g.apply(twice, [image], {}));
  const weights = await weightsOf(own);
  const options = { device: gpu.device, ...metadataFor('custom') };
  await using doubled = await load(weights, { ...options, network });
  // Twice (pixel − mean) / std is what half the std gives.
  await using halved = await load(weights, { ...options, network: own, std: [0.125] });
  assert.equal((await doubled.classify(picture(3, SIZE))).logits, (await halved.classify(picture(3, SIZE))).logits);
  assert.throws(
    () => describeGraph(network, { height: SIZE, width: SIZE, channels: 1 }),
    /the operation twice of twice cannot be written down; .*give load the function/,
  );
});

test('a graph from an untrusted file is checked before it is built', async () => {
  const graph = describeGraph(own, { height: SIZE, width: SIZE, channels: 1 });
  const weights = await weightsOf(own);
  const changed = (change: (copy: GraphDescription) => void) => {
    const copy = structuredClone(graph);
    change(copy);
    const metadata = formatWeightsMetadata(metadataFor(graph));
    const { tensors } = readSafetensors(weights);
    return describeModel({ tensors, metadata: { ...metadata, architecture: JSON.stringify(copy) } }, {});
  };
  const node = (op: string, change: (found: GraphDescription['nodes'][number]) => void) => (copy: GraphDescription) =>
    change(copy.nodes.find((one) => one.op === op)!);
  const set = (field: string, value: unknown) => (found: GraphDescription['nodes'][number]) => {
    (found.attributes as Record<string, unknown>)[field] = value;
  };
  for (const [change, message] of [
    [(copy) => Object.assign(copy, { version: 2 }), /version is wrong; expected 1/],
    [(copy) => Object.assign(copy, { more: 1 }), /no field 'more'/],
    [(copy) => Object.assign(copy, { nodes: [] }), /nodes is wrong/],
    [(copy) => copy.parameters.push(copy.parameters[0]), /two parameters have one name/],
    [(copy) => copy.parameters.push(['more', [2 ** 20, 2 ** 20]]), /parameter \d+ is wrong/],
    [(copy) => Object.assign(copy.outputs, { logits: 999 }), /the network's logits are missing/],
    [(copy) => Object.assign(copy.outputs, { logits: 0 }), /the network's logits have another form/],
    [
      node('conv2d', (found) => Object.assign(found, { op: 'adamw' })),
      /node 0 \(adamw\) is an operation that raybox does not have/,
    ],
    [node('conv2d', (found) => Object.assign(found, { op: 'constructor' })), /node 0 \(constructor\) is an operation/],
    [
      node('conv2d', (found) => found.inputs.splice(1)),
      /node 0 \(conv2d\) has a wrong number of inputs; expected 2 to 3; given 1 of 1/,
    ],
    [node('conv2d', (found) => found.inputs.splice(0, 1, 7)), /reads an input that does not exist; .*given 7/],
    [
      node('conv2d', (found) => found.inputs.splice(1, 1, 'none')),
      /reads an input that does not exist; .*given 'none'/,
    ],
    [node('conv2d', (found) => found.inputs.splice(1, 1, { constant: 3 })), /given constant 3/],
    [node('conv2d', set('stride', [0, 1])), /the attribute stride of node 0 \(conv2d\) is wrong; given \[0, 1\]/],
    [node('conv2d', set('prologue', 'affine')), /no attribute 'prologue'/],
    [node('conv2d', set('padding', [65536, 65536, 65536, 65536])), /has too large an output/],
    [node('batch_norm', set('epsilon', -1)), /epsilon/],
    [node('concat', (found) => Object.assign(found, { inputs: [] })), /node \d+ \(concat\): its inputs is wrong/],
  ] as [(copy: GraphDescription) => unknown, RegExp][]) {
    await refused(() => changed(change as never), message);
  }
});

test.run();
