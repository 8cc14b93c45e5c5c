/** Operations that torchvision's newer families need, by their rules and in small graphs: shuffled channels, layer scale, gates. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openGpu } from '../src/gpu/device.js';
import { createGraph, type GraphBuilder } from '../src/graph/ir/graph.js';
import { elementCount, type Tensor } from '../src/graph/ir/tensor.js';
import { createPlan } from '../src/graph/plan/plan.js';
import { gradients } from '../src/ops/differentiate.js';
import { activationOf, relu } from '../src/ops/layers/activation.js';
import { scaleChannels } from '../src/ops/layers/batch_norm.js';
import { forward as batchStatistics } from '../src/ops/layers/batch_statistics.js';
import { channelShuffle } from '../src/ops/layers/channel_shuffle.js';
import { concat } from '../src/ops/layers/concat.js';
import { conv2d } from '../src/ops/layers/conv2d.js';
import { squeeze } from '../src/ops/layers/lse_pool.js';
import { mul } from '../src/ops/layers/mul.js';
import { mulberry32, normalisedError } from '../src/verify/check.js';
import { evaluateReference } from '../src/verify/reference.js';

const gpu = await openGpu();

const values = (tensor: Tensor, seed: number) => {
  const random = mulberry32(seed);
  return Float64Array.from({ length: elementCount(tensor) }, () => 2 * random() - 1);
};

/** A graph's result by x and its parameters, in float64, and as the GPU computes it once it is fused. */
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

test('a channel shuffle reads a table of groups by columns, and is undone by the other number of groups', () => {
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

test('layer scale merges into the convolution before it, and learns', async () => {
  const scaled = (g: GraphBuilder, x: Tensor) => {
    const y = conv2d(g, x, g.parameter('weight', [5, 3, 1, 1]), g.parameter('bias', [5]));
    return scaleChannels(g, y, g.parameter('gamma', [5, 1, 1]), 'scaled');
  };
  assert.equal(await onGpu([2, 3, 4, 3], scaled), ['fold_conv2d', 'conv2d']);
  await onGpu([2, 3, 4, 3], scaled, { parameters: 'state' });
  // A step that takes the statistics of batches for its norms leaves these alone.
  await onGpu([2, 3, 4, 3], scaled, { parameters: 'state', batchStatistics });
});

test.after(() => gpu.close());
test.run();
