/**
 * Random small graphs: what fusion, slices, arenas and bands make of a graph computes what its nodes say one by one, in float64.
 * Then whole networks in bands, under binding limits far below their tensors.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../src/errors.js';
import type { Backbone } from '../src/formats/architecture.js';
import { type Gpu, openGpu } from '../src/gpu/device.js';
import { normalisedError } from '../src/graph/check.js';
import { createGraph, type Graph, type GraphBuilder } from '../src/graph/graph.js';
import { lower, traitsOf } from '../src/graph/lower.js';
import { createPlan, type PlanOptions } from '../src/graph/plan.js';
import { evaluateReference } from '../src/graph/reference.js';
import { segmentsOf, type Tensor } from '../src/graph/tensor.js';
import { buildNetwork } from '../src/nets/index.js';
import { activationOf } from '../src/ops/activation.js';
import { sum } from '../src/ops/add.js';
import { batchNorm } from '../src/ops/batch_norm.js';
import { concat } from '../src/ops/concat.js';
import { conv2d } from '../src/ops/conv2d.js';
import { globalAveragePool } from '../src/ops/lse_pool.js';
import { mul } from '../src/ops/mul.js';
import { averagePool, maxPool } from '../src/ops/pool.js';
import { slice } from '../src/ops/slice.js';
import { generated } from './support/torch.js';

const gpu = await openGpu();
fc.configureGlobal({ seed: 21, numRuns: 12 });

/** One step of a random graph. Numbers are taken modulo what there is, so that every step makes sense. */
const step = fc.record({
  kind: fc.constantFrom(
    'conv',
    'conv',
    'norm',
    'relu',
    'leaky',
    'sigmoid',
    'add',
    'add',
    'concat',
    'concat',
    'slice',
    'mul',
    'pool',
    'average',
  ),
  /** What it works on, counted from the newest tensor back. */
  from: fc.array(fc.nat(9), { minLength: 3, maxLength: 3 }),
  channels: fc.integer({ min: 1, max: 9 }),
  window: fc.constantFrom<[number, number]>([1, 1], [1, 1], [3, 1], [1, 3]),
  shared: fc.boolean(),
  output: fc.nat(5),
});
type RandomStep = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Values stay near 1 in size, so that one bound fits all. */
function grow(g: GraphBuilder, steps: readonly RandomStep[]): Tensor[] {
  const tensors = [g.input('a', [2, 17, 9, 6]), g.input('b', [2, 17, 9, 6])];
  const outputs: Tensor[] = [];
  steps.forEach(({ kind, from, channels, window, shared, output }, index) => {
    const pick = (which: number, fits: (tensor: Tensor) => boolean) => {
      const fitting = tensors.filter(fits);
      return fitting[fitting.length - 1 - (from[which] % fitting.length)];
    };
    const x = pick(0, () => true);
    const same = (tensor: Tensor) =>
      tensor.shape.join() === x.shape.join() && segmentsOf(tensor).join() === segmentsOf(x).join();
    const sameMap = (tensor: Tensor) => tensor.shape.slice(0, 3).join() === x.shape.slice(0, 3).join();
    const width = x.shape[3];
    const make = (): Tensor => {
      switch (kind) {
        case 'conv': {
          // Some convolutions share their weights and keep their shape.
          const own = !shared || width > 12;
          const name = own ? `conv${index}` : `shared${width}.${window}`;
          const outputs = own ? channels : width;
          const weight = g.parameter(`${name}.weight`, [outputs, width, ...window]);
          const bias = channels % 2 ? g.parameter(`${name}.bias`, [outputs]) : undefined;
          const stride = window[0] === 3 && channels % 3 === 0 ? 2 : 1;
          return conv2d(g, x, weight, bias, { padding: window[0] === 3 ? [1, 0] : [0, (window[1] - 1) / 2], stride });
        }
        case 'norm':
          return batchNorm(g, x, shared ? `shared${width}.norm` : `norm${index}`);
        case 'relu':
          return activationOf(g, x, { kind: 'relu' });
        case 'leaky':
          return activationOf(g, x, { kind: 'leaky_relu', a: 0.3 });
        case 'sigmoid':
          return activationOf(g, x, { kind: 'sigmoid' });
        case 'add':
          return sum(g, x, pick(1, same));
        case 'mul':
          return mul(g, x, pick(1, same));
        case 'concat':
          return concat(g, [x, pick(1, sameMap), ...(shared ? [pick(2, sameMap)] : [])].slice(0, width > 9 ? 1 : 3));
        case 'slice': {
          const segments = segmentsOf(x);
          const first = from[1] % segments.length;
          const offset = segments.slice(0, first).reduce((sum, width) => sum + Math.ceil(width / 4), 0);
          return slice(g, x, { offset, segments: segments.slice(first, first + 1 + (from[2] % 2)) });
        }
        case 'pool':
          return maxPool(g, x, { kernel: 3, stride: 1, padding: 1 });
        default:
          return averagePool(g, x, { kernel: 3, stride: 1, padding: 1 });
      }
    };
    const made = make();
    tensors.push(made);
    if (output === 0) outputs.push(made);
  });
  return [...new Set([...outputs, tensors[tensors.length - 1]])];
}

/** The same adapter with bindings of at most `bytes`. */
function narrowed(bytes: number): Gpu {
  const limits = new Proxy(gpu.limits, {
    get: (own, name) => (name === 'maxStorageBufferBindingSize' ? bytes : Reflect.get(own, name, own)),
  });
  return { ...gpu, limits };
}

async function valuesOf(g: GraphBuilder, graph: Graph) {
  const values = new Map<Tensor, Float64Array>();
  for (const [name, tensor] of g.parameters) values.set(tensor, Float64Array.from(await generated(name, tensor.shape)));
  const inputs = graph.nodes.flatMap(({ inputs }) => inputs).concat(graph.outputs);
  for (const tensor of new Set(inputs)) {
    if (tensor?.kind === 'input')
      values.set(
        tensor,
        Float64Array.from(
          await generated('image', tensor.shape),
          (v, i) => v + ((i * (tensor.name === 'a' ? 7 : 5)) % 3) / 3,
        ),
      );
  }
  return values;
}

async function runPlan(on: Gpu, graph: Graph, values: ReadonlyMap<Tensor, Float64Array>, options: PlanOptions = {}) {
  const plan = await createPlan(on, graph, { weights: generated, ...options });
  try {
    for (const [tensor, content] of values)
      if (tensor.kind === 'input' && used(graph, tensor)) plan.write(tensor, content);
    // Twice: memory that the first run left behind must not show in the second.
    await plan.run();
    await plan.run();
    const results: (Float32Array | Uint32Array)[] = [];
    for (const tensor of graph.outputs) results.push(await plan.read(tensor));
    return { results, steps: plan.steps.length };
  } finally {
    plan.close();
  }
}

const used = (graph: Graph, tensor: Tensor) =>
  graph.outputs.includes(tensor) || graph.nodes.some(({ inputs }) => inputs.includes(tensor));

function agree(
  graph: Graph,
  results: readonly ArrayLike<number>[],
  truth: ReadonlyMap<Tensor, Float64Array>,
  what: string,
  bound = 1e-10,
) {
  for (const [index, tensor] of graph.outputs.entries()) {
    const error = normalisedError(results[index], truth.get(tensor)!);
    assert.ok(error < bound, `${what}: ${tensor.name} has NMSE ${error.toExponential(2)}`);
  }
}

test('random graphs: fused, in bands, or node by node, the result is the reference’s', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 14 }), fc.nat(2), async (steps, variant) => {
      const choose = (_: unknown, variants: readonly string[]) => variants[variant % variants.length];
      if (gpu.features.has('shader-f16')) {
        const half = createGraph({ type: 'f16' });
        const graph = half.finish(grow(half, steps));
        const values = await valuesOf(half, graph);
        agree(
          graph,
          (await runPlan(gpu, graph, values, { choose })).results,
          evaluateReference(graph, values),
          'f16',
          1e-4,
        );
      }
      const g = createGraph();
      const graph = g.finish(grow(g, steps));
      const values = await valuesOf(g, graph);
      const truth = evaluateReference(graph, values);
      agree(graph, (await runPlan(gpu, graph, values, { choose })).results, truth, 'fused');
      agree(graph, (await runPlan(narrowed(6144), graph, values)).results, truth, 'in bands');
      agree(graph, (await runPlan(gpu, graph, values, { unfused: true })).results, truth, 'unfused');
    }),
  );
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
    const values = await valuesOf(g, graph);
    const whole = await runPlan(gpu, graph, values);
    const parts = await runPlan(narrowed(16 << 10), graph, values);
    assert.ok(parts.steps > whole.steps * 1.5, `${parts.steps} dispatches, ${whole.steps} in one piece`);
    assert.equal(parts.results, whole.results);
    agree(graph, parts.results, evaluateReference(graph, values), name);
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

test('memory that the GPU does not have is an InputError, and nothing is left behind', async () => {
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
  // More than any adapter holds in one buffer, or than the software adapters have memory for.
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

test.run();
