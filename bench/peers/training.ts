/** Training in the comparison: the task on disk, and raybox and TensorFlow.js as engines of it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, openGpu } from '../../src/gpu/device.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import { buildNetwork } from '../../src/nets/index.js';
import { ownVersion } from '../machine.js';
import { type Contestant, makeTrainingTask, type TrainingEngine, trainWithRaybox } from '../training.js';
import { channelsFirst } from './channels.js';
import type { StartEngine } from './engine.js';
import { versionOf } from './installed.js';
import { type Choice, type Task, tensorsOf } from './task.js';

/** The losses of this many first steps are compared. */
const COMPARED = 3;

/** Writes what an engine in another language needs: images and labels, weights, and the options of SGD. */
export async function writeTrainingTask(folder: string, choice: Choice): Promise<Task> {
  const { batch, size } = choice;
  const given = makeTrainingTask(size, batch);
  const { architecture, learningRate, momentum, labels, images } = given;
  const g = createGraph();
  buildNetwork(g, architecture, g.input('image', [batch, size, size, 3]));
  const parameters: { name: string; shape: readonly number[]; data: Float32Array }[] = [];
  for (const { name, shape } of g.parameters.values())
    parameters.push({ name, shape, data: Float32Array.from(await given.weights(name, shape)) });
  const { tensors, bytes } = tensorsOf(parameters);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'weights.bin'), bytes);
  writeFileSync(join(folder, 'image.bin'), new Uint8Array(channelsFirst(images, [batch, 3, size, size]).buffer));
  const { classes, r } = architecture.head;
  const rows = Array.from({ length: batch }, (_, n) => [...labels.subarray(n * classes, (n + 1) * classes)]);
  const { layers } = architecture.backbone;
  const task = { ...choice, work: 'train' as const, image: [batch, 3, size, size], nodes: [], tensors };
  writeFileSync(
    join(folder, 'task.json'),
    JSON.stringify({ ...task, labels: rows, learningRate, momentum, layers, r }),
  );
  return task;
}

const start =
  (train: TrainingEngine, name: string): StartEngine =>
  async (_folder, { size, batch }) => {
    const gpu = await openGpu();
    const task = makeTrainingTask(size, batch);
    let contestant: Contestant | undefined;
    const step = async () => [await contestant!.step()()];
    return {
      name,
      device: describe(gpu.info),
      async first() {
        contestant = await train(gpu, task);
        const losses: number[][] = [];
        for (let i = 0; i < COMPARED; i++) losses.push(await step());
        return losses;
      },
      run: step,
      memory: () => ({ gpuBytes: contestant!.memoryBytes }),
      close: () => contestant?.close(),
    };
  };

export const startRayboxTraining: StartEngine = (folder, task) =>
  start(trainWithRaybox, `raybox ${ownVersion()}`)(folder, task);

/** TensorFlow.js is loaded only where it is asked for. */
export const startTensorFlowTraining: StartEngine = async (folder, task) => {
  const { trainWithTensorFlow } = await import('./tensorflow_training.js');
  return start(trainWithTensorFlow, `tensorflow.js ${versionOf('@tensorflow/tfjs-core')} webgpu`)(folder, task);
};
