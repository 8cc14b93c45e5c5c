/** Operations of torchvision's newer families, alone and in small graphs: channel shuffle, layer norm, layer scale, squeeze-and-excitation. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openGpu } from '../../src/gpu/device.js';
import { createGraph, type GraphBuilder } from '../../src/graph/ir/graph.js';
import { elementCount, type Tensor } from '../../src/graph/ir/tensor.js';
import { createPlan } from '../../src/graph/plan/plan.js';
import { describeGraph, graphNetwork, localizerHead, type NetworkFunction } from '../../src/nets/index.js';
import { gradients } from '../../src/ops/differentiate.js';
import { activationOf, relu } from '../../src/ops/layers/activation.js';
import { scaleChannels } from '../../src/ops/layers/batch_norm.js';
import { forward as batchStatistics } from '../../src/ops/layers/batch_statistics.js';
import { channelShuffle } from '../../src/ops/layers/channel_shuffle.js';
import { concat } from '../../src/ops/layers/concat.js';
import { conv2d } from '../../src/ops/layers/conv2d.js';
import { layerNorm } from '../../src/ops/layers/layer_norm.js';
import { squeeze } from '../../src/ops/layers/lse_pool.js';
import { mul } from '../../src/ops/layers/mul.js';
import { seededRandom } from '../../src/random.js';
import { normalisedError } from '../../src/verify/check.js';
import { evaluateReference } from '../../src/verify/reference.js';

const gpu = await openGpu();

const values = (tensor: Tensor, seed: number) => {
  const random = seededRandom(seed);
  return Float64Array.from({ length: elementCount(tensor) }, () => 2 * random() - 1);
};

/** A graph's result for x and its parameters, in float64 and, after fusion, on the GPU. */
async function onGpu(shape: readonly number[], build: (g: GraphBuilder, x: Tensor) => Tensor, options: object = {}) {
  const g = createGraph(options);
  const x = g.input('x', shape);
  const y = build(g, x);
  const given = new Map([x, ...g.parameters.values()].map((tensor, index) => [tensor, values(tensor, index + 1)]));
  const wanted = [...given.keys()];
  const slope = g.input('slope', y.shape);
  given.set(slope, values(slope, 99));
  const slopes = 'parameters' in options ? [...gradients(g, y, wanted, slope).values()] : [];
  const graph = g.finish([y, ...slopes]);
  const truth = evaluateReference(graph, given);
  const weights = async (name: string) => Float32Array.from(given.get(g.parameters.get(name)!)!);
  const plan = await createPlan(gpu, graph, { weights });
  for (const [tensor, content] of given) {
    if (tensor.kind !== 'constant' && plan.steps.some(({ bindings }) => bindings.some((one) => one.tensor === tensor)))
      plan.write(tensor, content);
  }
  await plan.run();
  for (const tensor of graph.outputs) {
    const error = normalisedError(await plan.read(tensor), truth.get(tensor)!);
    assert.ok(error < 1e-11, `${tensor.name}: NMSE ${error}`);
  }
  const operations = plan.graph.nodes.map(({ operation }) => operation.name);
  plan.close();
  return operations;
}

test('a channel shuffle reads a table of groups column by column, and a shuffle with the other number of groups undoes it', () => {
  const shuffled = (channels: number, ...groups: number[]) => {
    const g = createGraph();
    const x = g.input('x', [1, 1, 2, channels]);
    const y = groups.reduce((tensor, count) => channelShuffle(g, tensor, count), x);
    const given = Float64Array.from({ length: 2 * channels }, (_, i) => i);
    return [...evaluateReference(g.finish([y]), new Map([[x, given]])).get(y)!];
  };
  // torch.nn.ChannelShuffle(2) and (3) of 0 … 5 and 6 … 11.
  assert.equal(shuffled(6, 2), [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]);
  assert.equal(shuffled(6, 3), [0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11]);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), (rows, columns) => {
      assert.equal(shuffled(rows * columns, rows, columns), shuffled(rows * columns, 1));
    }),
    { seed: 3, numRuns: 30 },
  );
  const g = createGraph();
  const x = g.input('x', [1, 2, 2, 6]);
  for (const groups of [0, 4, 1.5]) assert.throws(() => channelShuffle(g, x, groups), /a divisor of 6 channels/);
});

test('ShuffleNet: a concatenation with holes is shuffled, forward and backward', async () => {
  const unit = (g: GraphBuilder, x: Tensor) => {
    const branch = conv2d(g, x, g.parameter('weight', [5, 6, 3, 3]), undefined, { padding: 1 });
    return channelShuffle(g, concat(g, [branch, conv2d(g, x, g.parameter('other', [5, 6, 1, 1]))]), 2);
  };
  await onGpu([2, 3, 5, 6], unit, { parameters: 'state' });
});

test('squeeze-and-excitation: a gate for each channel, forward and backward', async () => {
  for (const channels of [1, 5, 8]) {
    const gated = (g: GraphBuilder, x: Tensor) => {
      const wide = conv2d(g, x, g.parameter('a', [channels, 3, 1, 1]));
      const narrow = conv2d(g, squeeze(g, wide), g.parameter('b', [3, channels, 1, 1]), g.parameter('c', [3]));
      const gate = conv2d(g, relu(g, narrow), g.parameter('d', [channels, 3, 1, 1]));
      return mul(g, activationOf(g, gate, { kind: 'hard_sigmoid' }), wide);
    };
    await onGpu([2, 3, 5, 3], gated, { parameters: 'state' });
  }
});

test('layer norm: torch’s numbers, which do not change if a pixel is shifted or scaled', async () => {
  const norm = (x: Float64Array, epsilon: number) => {
    const g = createGraph();
    const input = g.input('x', [1, 1, x.length / 3, 3]);
    const y = layerNorm(g, input, 'norm', epsilon);
    const [weight, bias] = [...g.parameters.values()];
    const given = new Map([
      [input, x],
      [weight, Float64Array.of(2, -1, 0.5)],
      [bias, Float64Array.of(0, 1, -1)],
    ]);
    return [...evaluateReference(g.finish([y]), given).get(y)!];
  };
  // torch.nn.functional.layer_norm in float64.
  const torch = [
    -2.1380892480565, 1.2672611560071, -0.33184710998233, -2.8226246615719, 0.21593759400779, -0.68637503760312,
  ];
  const own = norm(Float64Array.of(1, 2, 4, -3, 0.5, 0.25), 1e-6);
  for (const [i, expected] of torch.entries()) assert.ok(Math.abs(own[i] - expected) < 1e-12, `${i}: ${own[i]}`);
  const moved = norm(Float64Array.of(103, 106, 112, -3, 0.5, 0.25), 1e-12);
  for (const [i, value] of norm(Float64Array.of(1, 2, 4, -3, 0.5, 0.25), 1e-12).entries())
    assert.ok(Math.abs(moved[i] - value) < 1e-9, `${i}: ${moved[i]}, ${value}`);
  const block = (g: GraphBuilder, x: Tensor) =>
    activationOf(g, layerNorm(g, concat(g, [x, conv2d(g, x, g.parameter('w', [5, 6, 1, 1]))]), 'n'), { kind: 'gelu' });
  await onGpu([2, 3, 5, 6], block, { parameters: 'state' });
  const g = createGraph();
  assert.throws(() => layerNorm(g, g.input('x', [1, 2, 2, 3]), 'norm', 0), /epsilon.*above 0/);
});

test('a network of these operations is described as a graph and read back the same, for training too', () => {
  const network: NetworkFunction = (g, image) => {
    const stem = conv2d(g, image, g.parameter('stem', [6, 1, 7, 7]), undefined, { padding: 3, groups: 1 });
    const wide = activationOf(g, conv2d(g, layerNorm(g, stem, 'norm', 1e-6), g.parameter('wide', [8, 6, 1, 1])), {
      kind: 'gelu',
    });
    const gate = activationOf(g, conv2d(g, squeeze(g, wide), g.parameter('gate', [8, 8, 1, 1])), {
      kind: 'hard_sigmoid',
    });
    const scaled = scaleChannels(g, mul(g, wide, gate), g.parameter('scale', [8, 1, 1]));
    const features = channelShuffle(g, scaled, 4, 'features');
    return { features, ...localizerHead(g, features, { classes: 2, pooling: 'average', prediction: 'predict' }) };
  };
  const written = JSON.parse(JSON.stringify(describeGraph(network, { height: 9, width: 9, channels: 1 })));
  const read = graphNetwork(written);
  for (const options of [{}, { parameters: 'state' as const, batchStatistics }]) {
    const lists = [network, read].map((one) => {
      const g = createGraph(options);
      const { features, logits, probabilities, heatmaps } = one(g, g.input('image', [2, 9, 9, 1]));
      const { nodes } = g.finish([features, logits, probabilities, heatmaps!]);
      return nodes.map(({ operation, attributes, outputs }) => [operation.name, attributes, outputs[0].shape]);
    });
    assert.equal(lists[1], lists[0]);
    assert.ok(lists[0].every(([name]) => name !== 'batch_statistics'));
  }
});

test('layer scale is fused into the convolution before it, and is trained', async () => {
  const scaled = (g: GraphBuilder, x: Tensor) => {
    const y = conv2d(g, x, g.parameter('weight', [5, 3, 1, 1]), g.parameter('bias', [5]));
    return scaleChannels(g, y, g.parameter('gamma', [5, 1, 1]), 'scaled');
  };
  assert.equal(await onGpu([2, 3, 4, 3], scaled), ['fold_conv2d', 'conv2d']);
  await onGpu([2, 3, 4, 3], scaled, { parameters: 'state' });
  // A training step that uses the statistics of batches does not change these.
  await onGpu([2, 3, 4, 3], scaled, { parameters: 'state', batchStatistics });
});

test.after(() => gpu.close());
test.run();
