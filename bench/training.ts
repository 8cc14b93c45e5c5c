/**
 * Times training: forward pass, loss, gradients of all parameters and update, from images and labels in memory to the loss in memory.
 * `npm run bench:peers` compares it with other engines on the same task.
 */
import type { Gpu } from '../src/gpu/device.js';
import type { WeightSource } from '../src/graph/plan/types.js';
import type { Architecture, Head } from '../src/nets/architecture.js';
import type { ResNet } from '../src/nets/families/resnet.js';
import { seededRandom } from '../src/random.js';
import { initialWeights } from '../src/train/initial.js';
import { weightedCrossEntropy } from '../src/train/losses.js';
import { sgd } from '../src/train/optimizers.js';
import { createTrainer } from '../src/train/step.js';
import { measure } from './measure.js';
import { architectureOf } from './networks.js';
import { type Row, rates } from './results.js';

export interface TrainingTask {
  readonly architecture: Architecture & { backbone: ResNet; head: Head };
  readonly batch: number;
  readonly size: number;
  /** [batch, size, size, 3] and [batch, classes]. */
  readonly images: Float32Array;
  readonly labels: Float32Array;
  readonly weights: WeightSource;
  /** Options of SGD. */
  readonly learningRate: number;
  readonly momentum: number;
}

/** An engine that trains, on a device of its own. */
export interface Contestant {
  readonly engine: string;
  readonly gpu: Gpu;
  /** Submits a step to the GPU. The returned function waits for the loss and reads it. */
  step(): () => Promise<number>;
  /** Floating-point operations of a step, and bytes on the GPU, if they are known. */
  readonly flops?: number;
  readonly memoryBytes?: number;
  close(): void;
}

export type TrainingEngine = (gpu: Gpu, task: TrainingTask) => Promise<Contestant>;

const NETWORK = 'resnet18';

export const trainingLabel = (size: number, batch: number) => `training ${NETWORK} ${size}×${size} batch ${batch}`;

export interface TrainingBench {
  readonly size: number;
  readonly batch: number;
  /** How long to take samples. */
  readonly seconds: number;
  /** Default: ResNet-18. */
  readonly backbone?: ResNet;
}

/** The losses of this many first steps are kept. */
const FIRST_STEPS = 3;

/** Trains from random weights, and times steps of which the losses are numbers. */
export async function benchTraining(open: () => Promise<Gpu>, bench: TrainingBench): Promise<Row[]> {
  const { size, batch, seconds, backbone } = bench;
  const label = trainingLabel(size, batch);
  const start = { suite: 'training' as const, engine: 'raybox', label, type: 'f32' as const, variant: 'step' };
  const gpu = await open();
  const started = performance.now();
  const contestant = await trainWithRaybox(gpu, makeTrainingTask(size, batch, backbone));
  try {
    const losses = [await contestant.step()()];
    const firstMs = performance.now() - started;
    while (losses.length < FIRST_STEPS) losses.push(await contestant.step()());
    const enqueue = async (repeats: number) => {
      const steps = Array.from({ length: repeats }, () => contestant.step());
      for (const loss of steps) {
        if (!Number.isFinite(await loss())) throw new Error('wrong result: it trains to a loss that is not a number');
      }
    };
    const [timing] = await measure(gpu, [{ label, enqueue }], { seconds, minSamples: 3 });
    if (timing instanceof Error) return [{ ...start, failure: timing.message }];
    const { gflops } = rates([{ flops: contestant.flops!, bytes: 0 }], timing, 'f32', undefined);
    const imagesPerSecond = (batch / timing.medianMs) * 1000;
    return [{ ...start, ...timing, imagesPerSecond, gflops, firstMs, losses, memoryBytes: contestant.memoryBytes }];
  } finally {
    contestant.close();
  }
}

export async function trainWithRaybox(gpu: Gpu, task: TrainingTask): Promise<Contestant> {
  const { architecture, batch, size, images, labels, weights, learningRate, momentum } = task;
  const trainer = await createTrainer(gpu, {
    architecture,
    batch,
    size,
    loss: weightedCrossEntropy(),
    optimizer: sgd({ momentum }),
    batchNorm: 'train',
    weights,
  });
  const { constants, arenas, tensors } = trainer.memory;
  return {
    engine: 'raybox',
    gpu,
    flops: trainer.flops,
    memoryBytes: constants + arenas + tensors,
    step() {
      const loss = trainer.step(images, labels, { learningRate });
      return () => loss;
    },
    close() {
      trainer.close();
      gpu.close();
    },
  };
}

/** Seeded images, labels and weights, the same for all engines. */
export function makeTrainingTask(size: number, batch: number, backbone?: ResNet): TrainingTask {
  const random = seededRandom(1);
  const standard = architectureOf(NETWORK) as TrainingTask['architecture'];
  const architecture = { ...standard, ...(backbone ? { backbone } : {}) };
  return {
    architecture,
    batch,
    size,
    images: Float32Array.from({ length: batch * size * size * 3 }, () => random() * 4 - 2),
    labels: Float32Array.from({ length: batch * architecture.head.classes }, () => (random() < 0.3 ? 1 : 0)),
    weights: initialWeights(1),
    learningRate: 1e-5,
    momentum: 0.9,
  };
}
