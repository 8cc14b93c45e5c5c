/**
 * Compares training with a peer on the same adapter: forward pass, loss, gradients of all parameters and update, from images and labels in
 * memory to the loss in memory. Both start from the same weights and train on the same batch. If their losses do not agree, nothing is timed.
 */

import { InputError } from '../src/errors.js';
import type { Gpu } from '../src/gpu/device.js';
import type { WeightSource } from '../src/graph/plan/types.js';
import type { Architecture, Head } from '../src/nets/architecture.js';
import type { ResNet } from '../src/nets/families/resnet.js';
import { seededRandom } from '../src/random.js';
import { initialWeights } from '../src/train/initial.js';
import { weightedCrossEntropy } from '../src/train/losses.js';
import { sgd } from '../src/train/optimizers.js';
import { createTrainer } from '../src/train/step.js';
import { median, otherThreadsMs, SAMPLE_MS } from './measure.js';
import { architectureOf } from './networks.js';
import { trainWithTensorFlow } from './peers/tensorflow_training.js';
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

export type Engine = (gpu: Gpu, task: TrainingTask) => Promise<Contestant>;

const NETWORK = 'resnet18';

export const trainingLabel = (size: number, batch: number) => `training ${NETWORK} ${size}×${size} batch ${batch}`;

export interface TrainingBench {
  readonly size: number;
  readonly batch: number;
  /** How long to take samples, for both engines together. */
  readonly seconds: number;
  /** Default: ResNet-18. */
  readonly backbone?: ResNet;
  /** The engine that raybox is compared with. Default: TensorFlow.js. */
  readonly peer?: Engine;
}

/** Checks both engines, and then times them alternately. A peer that is not installed is left out. */
export async function benchTraining(
  open: () => Promise<Gpu>,
  { size, batch, seconds, backbone, peer = trainWithTensorFlow }: TrainingBench,
): Promise<Row[]> {
  const task = makeTask(size, batch, backbone);
  const start = {
    suite: 'training' as const,
    label: trainingLabel(size, batch),
    type: 'f32' as const,
    variant: 'step',
  };
  const racers: Racer[] = [];
  const rows: Row[] = [];
  try {
    for (const engine of [trainWithRaybox, peer]) {
      const gpu = await open();
      const started = performance.now();
      const contestant = await engine(gpu, task).catch((error: Error) => error);
      if (contestant instanceof Error) {
        gpu.close();
        if (!(contestant instanceof InputError) || racers.length === 0) throw contestant;
        rows.push({ ...start, engine: 'peer', leftOut: contestant.message });
      } else {
        racers.push({ contestant, losses: [], firstMs: 0, repeats: 1, times: [], cpuMs: [] });
        await warmUp(racers[racers.length - 1], started);
      }
    }
    const wrong = firstDifference(racers);
    if (wrong)
      return racers.map(({ contestant: { engine } }) => ({ ...start, engine, failure: `wrong result: ${wrong}` }));
    await race(racers, seconds);
    const [own, other] = racers;
    const ratios = other ? own.times.map((time, round) => other.times[round] / time) : [];
    const timed = racers.map((racer): Row => {
      const medianMs = median(racer.times);
      return {
        ...start,
        engine: racer.contestant.engine,
        medianMs,
        samples: racer.times.length,
        repeats: racer.repeats,
        ...(racer.cpuMs.length > 0 ? { cpuMs: median(racer.cpuMs) } : {}),
        imagesPerSecond: (batch / medianMs) * 1000,
        ...(racer === own && other ? { timesAsFast: median(ratios) } : {}),
        gflops: rates([{ flops: own.contestant.flops!, bytes: 0 }], { medianMs }, 'f32', undefined).gflops,
        firstMs: racer.firstMs,
        losses: racer.losses,
        memoryBytes: racer.contestant.memoryBytes,
      };
    });
    return [...timed, ...rows];
  } finally {
    for (const { contestant } of racers) contestant.close();
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

function makeTask(size: number, batch: number, backbone?: ResNet): TrainingTask {
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

interface Racer {
  readonly contestant: Contestant;
  /** Losses of the first steps. */
  readonly losses: number[];
  firstMs: number;
  /** Steps in a sample. */
  repeats: number;
  /** Milliseconds of a step for each sample, and processor time as in `Timing`. */
  readonly times: number[];
  readonly cpuMs: number[];
}

const CHECKED_STEPS = 3;

async function warmUp(racer: Racer, started: number): Promise<void> {
  const { contestant, losses } = racer;
  for (let step = 0; step < CHECKED_STEPS; step++) {
    const before = performance.now();
    losses.push(await contestant.step()());
    const now = performance.now();
    if (step === 0) racer.firstMs = now - started;
    racer.repeats = Math.max(1, Math.round(SAMPLE_MS / (now - before)));
  }
}

/** The largest relative difference of losses. Rounding in f32 causes far smaller differences, and another network or update far larger ones. */
const LOSS_BOUND = 1e-3;

function firstDifference(racers: readonly Racer[]): string | undefined {
  const [{ losses: expected }] = racers;
  for (const { contestant, losses } of racers) {
    for (const [step, loss] of losses.entries()) {
      const off = Math.abs(loss - expected[step]) / Math.abs(expected[step]);
      if (off <= LOSS_BOUND) continue;
      return `${contestant.engine} has loss ${loss} at step ${step + 1}, raybox ${expected[step]}`;
    }
  }
  return undefined;
}

const LEAST_ROUNDS = 3;

/** Takes samples of both engines alternately, so that other programs on the machine slow down both alike. */
async function race(racers: readonly Racer[], seconds: number): Promise<void> {
  const ends = performance.now() + seconds * 1000;
  for (let round = 0; round < LEAST_ROUNDS || performance.now() < ends; round++) {
    for (const racer of round % 2 ? [...racers].reverse() : racers) await sample(racer);
  }
}

async function sample({ contestant, repeats, times, cpuMs }: Racer): Promise<void> {
  const cpuBefore = contestant.gpu.software ? otherThreadsMs() : undefined;
  const started = performance.now();
  const losses = Array.from({ length: repeats }, () => contestant.step());
  for (const loss of losses) {
    if (!Number.isFinite(await loss())) throw new Error(`${contestant.engine} trains to a loss that is not a number`);
  }
  contestant.gpu.check();
  times.push((performance.now() - started) / repeats);
  const cpuAfter = cpuBefore === undefined ? undefined : otherThreadsMs();
  if (cpuBefore !== undefined && cpuAfter !== undefined) cpuMs.push((cpuAfter - cpuBefore) / repeats);
}
