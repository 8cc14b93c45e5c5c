/** Activations that are dropped and computed again: the same bits in less memory. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import { readCheckpoint } from '../../src/formats/weights/read_checkpoint.js';
import { type Gpu, openGpu } from '../../src/gpu/device.js';
import { createGraph, type Graph, updatesOf } from '../../src/graph/ir/graph.js';
import { byteSize, elementCount, type Tensor } from '../../src/graph/ir/tensor.js';
import { fuse } from '../../src/graph/passes/fuse.js';
import { type Recomputation, recomputations } from '../../src/graph/passes/recompute.js';
import { type Place, packArenas } from '../../src/graph/plan/arenas.js';
import { lower, traitsOf } from '../../src/graph/plan/lower.js';
import { fitMemory, memoryOf } from '../../src/graph/plan/memory.js';
import { createPlan } from '../../src/graph/plan/plan.js';
import type { Architecture, Head } from '../../src/nets/architecture.js';
import { buildNetwork, inferArchitecture } from '../../src/nets/index.js';
import { gradients } from '../../src/ops/differentiate.js';
import { forward as batchStatistics } from '../../src/ops/layers/batch_statistics.js';
import { seededRandom } from '../../src/random.js';
import { initialWeights } from '../../src/train/initial.js';
import { weightedCrossEntropy } from '../../src/train/losses.js';
import { adamw } from '../../src/train/optimizers.js';
import { createTrainer, type Trainer } from '../../src/train/step.js';
import type { TrainerOptions } from '../../src/train/trainer_options.js';
import { readFixture } from '../support/fixture.js';

const gpu = await openGpu();
test.after(() => gpu.close());
const adapter = { traits: traitsOf(gpu) };

type Trainable = Architecture & { head: Head };

const head: Head = { classes: 3, transition: { channels: 8, kernel: 1, activation: 'relu' }, pooling: 'lse', r: 5 };
const NETWORKS: Record<string, Trainable> = {
  resnet: { backbone: { family: 'resnet', block: 'bottleneck', layers: [2, 2], widths: [5, 6], stem: 7 }, head },
  densenet: {
    backbone: { family: 'densenet', growthRate: 6, blocks: [3, 4], initialFeatures: 10, bottleneck: 3 },
    head,
  },
  googlenet: {
    backbone: {
      family: 'googlenet',
      layers: [
        { conv: 10, kernel: 7, stride: 2 },
        { lrn: 5, alpha: 0.1, beta: 0.75, k: 1 },
        { maxPool: 3, stride: 2 },
        { inception: [3, 2, 5, 3, 6, 1] },
        { inception: [4, 3, 7, 2, 3, 5], wideKernel: 5 },
      ],
    },
    head,
  },
};

/** Loss and gradients of all parameters, fused. */
function trainingGraph(architecture: Trainable, images: readonly number[]) {
  const g = createGraph({ parameters: 'state', batchStatistics });
  const image = g.input('images', images);
  const { logits } = buildNetwork(g, architecture, image);
  const labels = g.input('labels', logits.shape, { layout: 'dense' });
  const loss = weightedCrossEntropy()(g, logits, labels);
  const trained = [...g.parameters.values()].filter(({ name }) => !/running/.test(name));
  const graph = fuse(g.finish([loss, ...gradients(g, loss, trained).values()]));
  return { graph, loss, image, labels, parameters: g.parameters };
}

function values(tensor: Tensor, seed: number): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length: elementCount(tensor) }, () => 2 * random() - 1);
}

for (const [name, architecture] of Object.entries(NETWORKS)) {
  test(`${name}: every way to recompute gives the same bits as the graph without it`, async () => {
    const { graph, loss, image, labels, parameters } = trainingGraph(architecture, [2, 25, 22, 3]);
    const run = async (own: Graph) => {
      const plan = await createPlan(gpu, own, { unfused: true });
      try {
        for (const [key, tensor] of parameters) plan.write(tensor, await initialWeights(1)(key, tensor.shape));
        plan.write(image, values(image, 2));
        plan.write(
          labels,
          values(labels, 3).map((value) => (value > 0 ? 1 : 0)),
        );
        // It runs twice: values that the first run has left in memory must not change the second one.
        await plan.run();
        await plan.run();
        const statistics = [...parameters.values()].filter((tensor) => /running/.test(tensor.name));
        const results = [];
        for (const tensor of [...own.outputs, ...statistics]) results.push(await plan.read(tensor));
        return results;
      } finally {
        plan.close();
      }
    };
    const expected = await run(graph);
    const found = recomputations(graph, loss);
    const chosen = found.filter((_, i) => i % Math.ceil(found.length / 3) === 0 || i === found.length - 1);
    for (const { graph: own } of chosen) assert.equal(await run(own), expected);
  });
}

/** Nothing is read before it is written, and states are updated as often as before. */
function checkOrder(graph: Graph, before: Graph): void {
  const written = new Set<Tensor>();
  for (const { inputs, outputs } of graph.nodes) {
    for (const tensor of inputs) assert.ok(tensor?.kind !== 'temporary' || written.has(tensor), tensor?.name);
    for (const tensor of outputs) written.add(tensor);
  }
  assert.equal(graph.nodes.flatMap(updatesOf), before.nodes.flatMap(updatesOf));
}

const leastOf = (found: readonly Recomputation[]) =>
  found.reduce((least, one) => (one.peakBytes < least.peakBytes ? one : least));

// In shallow networks the backward pass of the first layers needs nearly all of the memory, so vgg and alexnet cannot do with less.
for (const [name, share] of [
  ['resnet-bottleneck', 0.6],
  ['resnet-basic', 0.95],
  ['densenet', 0.8],
  ['vgg', 1],
  ['alexnet', 1],
  ['googlenet', 0.8],
] as const) {
  test(`${name}: recomputed, a step takes at most ${share} of the memory`, async () => {
    const { tensors } = await readCheckpoint(await readFixture(`torch-reference/${name}/model.safetensors`));
    const architecture = inferArchitecture(tensors, { r: 5 }) as Trainable;
    const { graph, loss } = trainingGraph(architecture, [8, 128, 128, 3]);
    const found = recomputations(graph, loss);
    for (const { graph: changed } of found) checkOrder(changed, graph);
    const [least, whole] = [memoryOf(leastOf(found).graph, adapter), memoryOf(graph, adapter)];
    assert.ok(least <= share * whole, `${least} of ${whole} bytes`);
  });
}

test('DenseNet-121 at 224²: a third of the memory for a fifteenth of the work', () => {
  const { graph, loss } = trainingGraph({ backbone: 'densenet121', head } as unknown as Trainable, [4, 224, 224, 3]);
  const whole = memoryOf(graph, adapter);
  const fitted = fitMemory(graph, loss, whole / 3, adapter);
  assert.ok(memoryOf(fitted, adapter) <= whole / 3);
  const work = (own: Graph) => own.nodes.reduce((sum, node) => sum + node.operation.flops(node), 0);
  assert.ok(work(fitted) < (1 + 1 / 15) * work(graph), `${work(fitted) / work(graph)}`);
  assert.is(fitMemory(graph, loss, whole, adapter), graph);
});

const trainDense = (more: Partial<TrainerOptions> = {}, on: Gpu = gpu) =>
  createTrainer(on, {
    architecture: NETWORKS.densenet,
    batch: 4,
    size: 32,
    loss: weightedCrossEntropy(),
    optimizer: adamw(),
    batchNorm: 'train',
    ...more,
  });

async function statesAfterSteps(trainer: Trainer) {
  const random = seededRandom(5);
  const numbers = (count: number) => Float32Array.from({ length: count }, random);
  const losses: number[] = [];
  for (let step = 0; step < 4; step++) {
    const labels = numbers(12).map(Math.round);
    losses.push(await trainer.step(numbers(4 * 32 * 32 * 3), labels, { learningRate: 0.01 }));
  }
  const states = [];
  for (const name of trainer.states.keys()) states.push(await trainer.read(name));
  return { losses, states };
}

const total = ({ memory }: Trainer) => memory.arenas + memory.constants + memory.tensors;

for (const accumulate of [1, 2]) {
  test(`training within a limit of memory gives the same bits as without it, with ${accumulate} batches for each update`, async () => {
    const options = { accumulate, clipNorm: 3 };
    const free = await trainDense(options);
    const bound = await trainDense({ ...options, memory: 0.75 * total(free) });
    try {
      assert.ok(total(bound) <= 0.75 * total(free), `${total(bound)} of ${total(free)} bytes`);
      assert.is(free.recomputed, 0);
      assert.ok(bound.recomputed > 0 && bound.recomputed < 0.5, `${bound.recomputed}`);
      assert.equal(await statesAfterSteps(bound), await statesAfterSteps(free));
    } finally {
      free.close();
      bound.close();
    }
  });
}

test('a limit that is too low is refused, and the error gives the least that is possible', async () => {
  for (const [memory, message] of [
    [1 << 17, /at least \d.* MiB, with activations recomputed; given 0.13 MiB; use a smaller batch/],
    [0, /memory of a training step; expected bytes above 0/],
    [Number.NaN, /createTrainer: memory; expected a number of bytes, 0 or more; given NaN/],
  ] as const) {
    const failure = await trainDense({ memory }).then(
      (trainer) => trainer.close(),
      (error: unknown) => error,
    );
    assert.instance(failure, InputError);
    assert.match((failure as InputError).message, message);
  }
});

/** A device whose memory is full when this many bytes are allocated. */
function smallGpu(bytes: number): Gpu {
  let held = 0;
  const device = new Proxy(gpu.device, {
    get(own, name) {
      if (name === 'popErrorScope') {
        return () => own.popErrorScope().then((error) => error ?? (held > bytes ? { message: 'full' } : null));
      }
      const value = Reflect.get(own, name, own);
      if (name !== 'createBuffer') return typeof value === 'function' ? value.bind(own) : value;
      return (descriptor: GPUBufferDescriptor) => {
        const buffer = own.createBuffer(descriptor);
        held += descriptor.size;
        const destroy = buffer.destroy.bind(buffer);
        buffer.destroy = () => {
          held -= descriptor.size;
          destroy();
        };
        return buffer;
      };
    },
  });
  return { ...gpu, device };
}

test('if the GPU is full and no limit was given, activations are recomputed', async () => {
  const free = await trainDense();
  const whole = total(free);
  free.close();
  const trainer = await trainDense({}, smallGpu(0.8 * whole));
  assert.ok(total(trainer) <= 0.8 * whole && trainer.recomputed > 0);
  trainer.close();
  const failure = await trainDense({}, smallGpu(0.1 * whole)).catch((error: Error) => error);
  assert.match((failure as Error).message, /no memory left/);
});

test('an arena does not exceed the size of a buffer, unless a single tensor does', () => {
  const { graph } = trainingGraph(NETWORKS.googlenet, [4, 64, 64, 3]);
  const { steps } = lower(graph, adapter.traits);
  const isTemporary = (tensor: Tensor) => tensor.kind === 'temporary' && !graph.outputs.includes(tensor);
  const maxBytes = 1 << 16;
  const isLonger = ([tensor, { offset }]: [Tensor, Place]) => offset > 0 && offset + byteSize(tensor) > maxBytes;
  assert.ok([...packArenas(steps, isTemporary).places].some(isLonger));
  assert.not.ok([...packArenas(steps, isTemporary, { maxBytes }).places].some(isLonger));
});

test.run();
