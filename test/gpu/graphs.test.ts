/**
 * Random small graphs: after fusion, slices, arenas and bands a graph still computes the same as its nodes one by one in float64. Then whole
 * networks in bands, with binding limits far below the size of their tensors.
 */

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  checkBackward,
  checkForward,
  type Finding,
  meetsSegments,
  narrowed,
  type Recipe,
  recipes,
  runGraph,
  sourceValues,
} from '../../bench/robustness/random_graphs.js';
import { InputError } from '../../src/errors.js';
import { openGpu } from '../../src/gpu/device.js';
import { createGraph, type GraphBuilder } from '../../src/graph/ir/graph.js';
import type { Tensor } from '../../src/graph/ir/tensor.js';
import { lower, traitsOf } from '../../src/graph/plan/lower.js';
import { createPlan } from '../../src/graph/plan/plan.js';
import type { Backbone } from '../../src/nets/backbone.js';
import { buildNetwork } from '../../src/nets/index.js';
import { activationOf } from '../../src/ops/layers/activation.js';
import { sum } from '../../src/ops/layers/add.js';
import { concat } from '../../src/ops/layers/concat.js';
import { conv2d, forward as convolution } from '../../src/ops/layers/conv2d.js';
import { globalAveragePool } from '../../src/ops/layers/lse_pool.js';
import { normalisedError } from '../../src/verify/check.js';
import { evaluateReference } from '../../src/verify/reference.js';

const gpu = await openGpu();

/** `npm run fuzz:graphs` tests thousands of graphs. */
const GRAPHS = 20;

for (const [name, check] of Object.entries({ forward: checkForward, backward: checkBackward })) {
  test(`random graphs, ${name}: fused, in bands, or node by node, the result is the reference’s`, async () => {
    const met = { segments: 0, grouped: 0 };
    const sensitive: Finding[] = [];
    const look = async (recipe: Recipe) => {
      const { segments, grouped } = meetsSegments(recipe);
      met.segments += Number(segments);
      met.grouped += Number(grouped);
      const finding = await check(gpu, recipe);
      assert.is(finding.fault, undefined);
      if (finding.sensitive) sensitive.push(finding);
    };
    await fc.assert(fc.asyncProperty(recipes, look), { seed: 21, numRuns: GRAPHS });
    assert.ok(met.segments >= GRAPHS / 4 && met.grouped > 0, `too tame: ${JSON.stringify(met)} of ${GRAPHS}`);
    assert.ok(sensitive.length <= GRAPHS / 10, `the bound says little: ${JSON.stringify(sensitive)}`);
  });
}

/** A grouped convolution over a concatenation of parts with these numbers of channels. */
function groupsOver(g: GraphBuilder, widths: readonly number[], groups: number, outputs: number): Tensor {
  const parts = widths.map((width, i) =>
    activationOf(g, g.input(`x${i}`, [2, 5, 4, width]), { kind: 'leaky_relu', a: 0.5 }),
  );
  const channels = widths.reduce((all, one) => all + one);
  const weight = g.parameter('conv.weight', [outputs, channels / groups, 3, 3]);
  return conv2d(g, concat(g, parts), weight, g.parameter('conv.bias', [outputs]), { padding: 1, groups });
}

test('a grouped convolution takes the channels of a concatenation, not its padding lanes', async () => {
  const asked: [widths: number[], groups: number, outputs: number][] = [
    [[2, 2], 2, 2],
    [[2, 2], 2, 8],
    [[2, 2], 4, 4],
    [[4, 4], 2, 4],
    [[3, 7, 2], 3, 6],
    [[1, 4, 3], 4, 12],
    [[6, 10], 2, 8],
    [[5, 3, 8], 4, 16],
  ];
  for (const [widths, groups, outputs] of asked) {
    for (const unfused of [false, true]) {
      const g = createGraph();
      const graph = g.finish([groupsOver(g, widths, groups, outputs)]);
      const values = sourceValues(graph);
      const { results } = await runGraph(gpu, graph, values, { unfused });
      const error = normalisedError(results[0], evaluateReference(graph, values).get(graph.outputs[0])!);
      assert.ok(error <= 1e-11, `${widths.join(' + ')} in ${groups} groups, unfused ${unfused}: NMSE ${error}`);
    }
  }
});

/** Small networks of every family, with odd widths, so that concatenations have holes. */
const NETWORKS: Record<string, Backbone> = {
  resnet: { family: 'resnet', block: 'bottleneck', layers: [1, 2], widths: [5, 6], stem: 7 },
  densenet: { family: 'densenet', growthRate: 6, blocks: [2, 3], initialFeatures: 10, bottleneck: 3 },
  squeezenet: {
    family: 'squeezenet',
    layers: [{ conv: 10, kernel: 3, stride: 2 }, 'M', { fire: [3, 5, 6] }, { fire: [3, 5, 6] }],
  },
  googlenet: {
    family: 'googlenet',
    layers: [
      { conv: 10, kernel: 7, stride: 2 },
      { lrn: 5, alpha: 0.1, beta: 0.75, k: 1 },
      { maxPool: 3, stride: 2 },
      { inception: [3, 2, 5, 3, 6, 1] },
      { inception: [4, 3, 7, 2, 3, 5], wideKernel: 5 },
    ],
  },
  vgg: { family: 'vgg', layers: [5, 'M', 6, 6, 'M', 7], batchNorm: true },
};

for (const [name, backbone] of Object.entries(NETWORKS)) {
  test(`${name} in bands of rows gives the same bits`, async () => {
    const g = createGraph();
    const image = g.input('image', [2, 51, 38, 3]);
    const transition = { channels: 9, kernel: 3, activation: 'relu' } as const;
    const head = { classes: 3, transition, pooling: 'lse', r: 4 } as const;
    const { logits, probabilities, heatmaps } = buildNetwork(g, { backbone, head }, image);
    const graph = g.finish([logits, probabilities, heatmaps]);
    const values = sourceValues(graph);
    const whole = await runGraph(gpu, graph, values);
    const parts = await runGraph(narrowed(gpu, 16 << 10), graph, values);
    assert.ok(parts.steps > whole.steps * 1.5, `${parts.steps} dispatches, ${whole.steps} in one piece`);
    assert.equal(parts.results, whole.results);
    const truth = evaluateReference(graph, values);
    for (const [index, tensor] of graph.outputs.entries()) {
      const error = normalisedError(parts.results[index], truth.get(tensor)!);
      assert.ok(error < 1e-10, `${name}: ${tensor.name} has NMSE ${error.toExponential(2)}`);
    }
  });
}

test('a dispatch that WebGPU would leave out is refused by name', () => {
  const g = createGraph();
  const pooled = globalAveragePool(g, g.input('x', [65_536, 1, 1, 1]), 'pooled');
  assert.throws(
    () => lower(g.finish([pooled]), traitsOf(gpu)),
    (error: unknown) =>
      error instanceof InputError && /pooled \(lse_pool\).*1×65536×1 for f32\[65536/.test(error.message),
  );
});

test('if the GPU has not enough memory, there is an InputError and nothing is left allocated', async () => {
  const made = new Set<GPUBuffer>();
  const device = new Proxy(gpu.device, {
    get(own, name) {
      const value = Reflect.get(own, name, own);
      if (name !== 'createBuffer') return typeof value === 'function' ? value.bind(own) : value;
      return (descriptor: GPUBufferDescriptor) => {
        const buffer = own.createBuffer(descriptor);
        made.add(buffer);
        const destroy = buffer.destroy.bind(buffer);
        buffer.destroy = () => {
          made.delete(buffer);
          destroy();
        };
        return buffer;
      };
    },
  });
  const g = createGraph();
  // This is more than any adapter allows for a buffer, or more memory than the software adapters have.
  const pixels = Math.floor(Math.min(gpu.limits.maxBufferSize, 2 ** 42) / 16) - 64;
  const x = g.input('x', [1, Math.floor(pixels / 1024), 1024, 4]);
  const graph = g.finish([activationOf(g, sum(g, activationOf(g, x, { kind: 'relu' }), x), { kind: 'sigmoid' })]);
  const failure = await createPlan({ ...gpu, device }, graph).then(
    (plan) => plan.close(),
    (error: unknown) => error,
  );
  if (failure) assert.instance(failure, InputError);
  assert.is(made.size, 0);
  gpu.check();
});

test('the error for a missing input of an operation gives its name', () => {
  const g = createGraph();
  const x = g.input('x', [1, 2, 2, 3]);
  const weight = g.parameter('weight', [4, 3, 1, 1]);
  assert.throws(
    () => conv2d(g, x, undefined as never),
    /conv2d.*the input weight is missing; expected x, weight, bias\?/,
  );
  assert.throws(() => concat(g, [x, undefined as never]), /the input parts\.\.\. is missing/);
  const attributes = { stride: [1, 1], dilation: [1, 1], padding: [0, 0, 0, 0], groups: 1 } as const;
  const five = [x, weight, undefined, undefined, undefined];
  assert.equal(g.apply(convolution, five, attributes).shape, [1, 2, 2, 4]);
  assert.throws(() => g.apply(convolution, [...five, x], attributes), /too many inputs.*given 6/);
});

test.run();
