/**
 * What all engines compute: a network with the localization head as an ONNX model, and as the same nodes in JSON for engines that read no ONNX,
 * with weights, an image and everything else in one folder. A run is from a normalised image in memory to logits and heatmaps in memory.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OnnxNode } from '../../src/export/builder.js';
import { exportedGraph } from '../../src/export/graph.js';
import { type WrittenTensor, writeModel } from '../../src/export/write.js';
import { product } from '../../src/graph/ir/tensor.js';
import { seededRandom } from '../../src/random.js';
import { seededWeights } from '../networks.js';
import { addTo, inputOf } from './networks.js';

export interface Choice {
  readonly network: string;
  readonly size: number;
  readonly batch: number;
  readonly type: 'f32' | 'f16';
}

export interface Task extends Choice {
  /** `run` is inference, `train` a step of training. */
  readonly work: 'run' | 'train';
  /** [batch, channels, height, width] of the image in `image.bin`. */
  readonly image: readonly number[];
  readonly nodes: readonly OnnxNode[];
  /** Where the numbers of each parameter and constant lie in `weights.bin`, in bytes. Whole numbers are written as f32 too. */
  readonly tensors: readonly { readonly name: string; readonly shape: readonly number[]; readonly offset: number }[];
}

/** Writes `model.onnx`, `task.json`, `weights.bin` and `image.bin` (NCHW) into a folder. */
export async function writeTask(folder: string, choice: Choice): Promise<Task> {
  const { network, batch } = choice;
  const input = inputOf(choice);
  const graph = exportedGraph((g, image) => addTo(g, network, image), input);
  const source = seededWeights();
  const written: WrittenTensor[] = [];
  for (const [name, shape] of graph.parameters)
    written.push({ name, shape, data: Float32Array.from(await source(name, shape)) });
  for (const [name, { shape, data }] of graph.constants) written.push({ name, shape, data });

  mkdirSync(folder, { recursive: true });
  const { nodes, input: sizes, outputs } = graph;
  const rest = { nodes, tensors: written, inputs: { image: sizes }, outputs, metadata: {}, description: '' };
  writeFileSync(join(folder, 'model.onnx'), writeModel(rest));
  const image = [batch, input.channels, input.height, input.width];
  writeFileSync(join(folder, 'image.bin'), seededImage(product(image)));
  const { tensors, bytes } = tensorsOf(written);
  writeFileSync(join(folder, 'weights.bin'), bytes);
  const task: Task = { ...choice, work: 'run', image, nodes, tensors };
  writeFileSync(join(folder, 'task.json'), JSON.stringify(task));
  return task;
}

/** The numbers of tensors one after the other, and where each lies. */
export function tensorsOf(written: readonly WrittenTensor[]): { tensors: Task['tensors']; bytes: Uint8Array } {
  let offset = 0;
  const pieces: Uint8Array[] = [];
  const tensors = written.map(({ name, shape, data }) => {
    const numbers = Float32Array.from(data as ArrayLike<number | bigint>, Number);
    const tensor = { name, shape, offset };
    pieces.push(new Uint8Array(numbers.buffer));
    offset += numbers.byteLength;
    return tensor;
  });
  return { tensors, bytes: Buffer.concat(pieces) };
}

export const readTask = (folder: string): Task => JSON.parse(readFileSync(join(folder, 'task.json'), 'utf8'));

export function readNumbers(path: string): Float32Array {
  const bytes = readFileSync(path);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** The numbers of each parameter and constant, by name. */
export function readWeights(folder: string, { tensors }: Task): Map<string, Float32Array> {
  const all = readNumbers(join(folder, 'weights.bin'));
  return new Map(
    tensors.map(({ name, shape, offset }) => [name, all.subarray(offset / 4, offset / 4 + product(shape))]),
  );
}

/** Numbers that f16 can hold, so that all engines compute with the same. */
function seededImage(count: number): Uint8Array {
  const random = seededRandom(1);
  const numbers = Float32Array.from({ length: count }, () => Math.round((random() * 4 - 2) * 256) / 256);
  return new Uint8Array(numbers.buffer);
}
