/**
 * Keeps what the frozen first layers of a network compute. Each image, and its mirror image if the augmentation mirrors, goes through these
 * layers once. From then on epochs only read the result.
 */
import { InputError } from '../errors.js';
import { f16ToF32, f32ToF16 } from '../formats/half.js';
import { readBuffer, upload } from '../gpu/buffers.js';
import { describe, type Gpu } from '../gpu/device.js';
import { createGraph } from '../graph/ir/graph.js';
import { byteSize, describeForm, type Tensor } from '../graph/ir/tensor.js';
import { workOf } from '../graph/plan/choices.js';
import type { ChooseVariant } from '../graph/plan/lower.js';
import type { Location } from '../graph/plan/record.js';
import type { Plan, WeightSource } from '../graph/plan/types.js';
import { augmentedInput, PLAIN_VIEW } from '../ops/images/augment.js';
import { createCheckedPlan } from '../verify/checked_plan.js';
import type { Augmentation } from './augmentation.js';
import { addNodes, bytesOfImage, type SplitNetwork } from './frozen_layers.js';
import { type ImageSource, joinImages } from './input.js';
import { prefetch } from './prefetch.js';
import type { InputSettings } from './settings.js';

/** Where activations are kept, such as a folder. */
export interface ActivationKeeper {
  /**
   * Opens the records of one frozen network.
   * @param key identifies layers, weights, input, adapter and type of numbers: hexadecimal digits.
   * @param bytes length of each record. @param most the most records that there can be
   * @throws InputError if there is no room for them
   */
  open(key: string, bytes: number, most: number): Promise<ActivationRecords>;
}

/** The records of one frozen network. */
export interface ActivationRecords {
  /** The record of a name; undefined if there is none, or if it is damaged. */
  find(name: string): Promise<Uint8Array | undefined>;
  /** @throws InputError if it cannot be kept */
  add(name: string, record: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** The type of numbers in which activations are kept. */
export type ActivationType = 'f32' | 'f16';

/** What to keep. */
export interface ActivationOptions {
  split: SplitNetwork;
  /** Weights of the frozen layers. */
  weights: WeightSource;
  input: InputSettings;
  type: ActivationType;
  keeper: ActivationKeeper;
  images: ImageSource;
  /** The most records that there can be. */
  most: number;
  choose?: ChooseVariant | undefined;
}

/** Activations of images. */
export interface Activations {
  /** Computes and keeps those that are missing. The tasks say which rows, and whether mirrored. */
  prepare(tasks: readonly ActivationTask[], options: PrepareOptions): Promise<void>;
  /** The record of an image that was prepared, in f32. */
  read(task: ActivationTask): Promise<Uint8Array>;
  /** Puts records of a batch into buffers, one for each tensor at the border. */
  write(records: readonly Uint8Array[], locations: readonly Location[]): void;
  close(): Promise<void>;
}

export interface ActivationTask {
  readonly row: number;
  readonly mirrored: boolean;
}

interface PrepareOptions {
  signal?: AbortSignal | undefined;
  onProgress?: (done: number, rate: number) => void;
}

/** To be increased when the same layers give other activations, so that those of an older version are not used. */
const VERSION = 1;

/** The view that mirrors an image: A of `augment` is turned around in its first column. */
const MIRRORED_VIEW = PLAIN_VIEW.map((value, index) => (index === 0 ? -value : value));

/** @throws InputError unless images are at most mirrored. */
export function refuseOtherAugmentation({ flip: _, ...others }: Augmentation): void {
  const other = Object.entries(others).find(([, value]) => value !== 0);
  if (!other) return;
  throw new InputError('activations of frozen layers can only be kept for images that are at most mirrored', {
    expected: 'no augmentation, or flip alone (--augment flip=0.5, --no-augment)',
    given: other.join('='),
  });
}

/** The images that a run needs: those to train on as the augmentation changes them, and those to validate on as they are. */
export function tasksOf(train: Int32Array, validation: Int32Array, { flip }: Augmentation): ActivationTask[] {
  const plain = (row: number) => ({ row, mirrored: false });
  return [
    ...(flip < 1 ? Array.from(train, plain) : []),
    ...(flip > 0 ? Array.from(train, (row) => ({ row, mirrored: true })) : []),
    ...Array.from(validation, plain),
  ];
}

/** @throws InputError if there is no room, if a weight or image cannot be read, or if an activation is too large for f16 */
export async function openActivations(gpu: Gpu, options: ActivationOptions): Promise<Activations> {
  const { split, type, keeper, images, most } = options;
  const frozen = await createFrozenPlan(gpu, options);
  const size = bytesOfImage(split) / (type === 'f16' ? 2 : 1);
  const names = new Map<number, Promise<string>>();
  let records: ActivationRecords;
  try {
    records = await keeper.open(frozen.key, size, most);
  } catch (error) {
    frozen.close();
    throw error;
  }
  const nameOf = ({ row, mirrored }: ActivationTask, image?: Uint16Array) => {
    const known = names.get(row) ?? (image ? Promise.resolve(image) : images(row)).then(hashOf);
    names.set(row, known);
    return known.then((hash) => (mirrored ? `${hash}-mirrored` : hash));
  };

  async function compute(batch: readonly { task: ActivationTask; image: Uint16Array }[]): Promise<void> {
    const found = await frozen.run(batch.map(({ image, task }) => ({ image, mirrored: task.mirrored })));
    for (const [index, { task }] of batch.entries())
      await records.add(await nameOf(task), type === 'f16' ? halved(found[index], task.row) : found[index]);
  }

  return {
    async prepare(tasks, { signal, onProgress }) {
      const started = performance.now();
      const load = async (task: ActivationTask) => {
        const image = await images(task.row);
        return { task, image, isKnown: (await records.find(await nameOf(task, image))) !== undefined };
      };
      let [done, computed] = [0, 0];
      let waiting: { task: ActivationTask; image: Uint16Array }[] = [];
      const flush = async () => {
        await compute(waiting);
        computed += waiting.length;
        waiting = [];
      };
      for await (const [, { isKnown, ...one }] of prefetch(tasks, load, 2 * frozen.batch)) {
        signal?.throwIfAborted();
        done++;
        if (!isKnown) waiting.push(one);
        if (waiting.length === frozen.batch) await flush();
        onProgress?.(done - waiting.length, (1000 * computed) / (performance.now() - started));
      }
      if (waiting.length > 0) await flush();
      frozen.close();
    },
    async read(task) {
      const record = await records.find(await nameOf(task));
      if (!record) throw new InputError('an activation that was kept is no longer there, or is damaged');
      if (type === 'f32') return record;
      return new Uint8Array(f16ToF32(new Uint16Array(record.slice().buffer)).buffer);
    },
    write(batch, locations) {
      let from = 0;
      for (const [index, tensor] of split.border.entries()) {
        const length = byteSize(tensor) / tensor.shape[0];
        const joined = new Uint8Array(length * batch.length);
        for (const [n, record] of batch.entries()) joined.set(record.subarray(from, from + length), n * length);
        upload(gpu, locations[index].buffer, joined, locations[index].offset);
        from += length;
      }
    },
    async close() {
      frozen.close();
      await records.close();
    },
  };
}

/** The first 16 hexadecimal digits of the SHA-256 of an image's pixels. */
async function hashOf(image: Uint16Array): Promise<string> {
  return (await sha256([new Uint8Array(image.buffer, image.byteOffset, image.byteLength)])).slice(0, 16);
}

async function sha256(parts: readonly Uint8Array[]): Promise<string> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', all));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function halved(record: Uint8Array, row: number): Uint8Array {
  const values = new Float32Array(record.buffer, record.byteOffset, record.byteLength / 4);
  const halves = f32ToF16(values);
  const lost = halves.findIndex((half, i) => (half & 0x7c00) === 0x7c00 && Number.isFinite(values[i]));
  if (lost < 0) return new Uint8Array(halves.buffer);
  throw new InputError(`an activation of image ${row} is too large for f16`, {
    expected: 'numbers below 65520',
    given: String(values[lost]),
    hint: 'keep activations in f32',
  });
}

/** The frozen layers as a plan. */
interface FrozenPlan {
  /** Images of a run. */
  readonly batch: number;
  readonly key: string;
  /** What the layers compute for at most a batch of images: a record for each, as the border tensors lie on the GPU, one after the other. */
  run(images: readonly { image: Uint16Array; mirrored: boolean }[]): Promise<Uint8Array[]>;
  close(): void;
}

async function createFrozenPlan(
  gpu: Gpu,
  { split, weights, input, type, choose }: ActivationOptions,
): Promise<FrozenPlan> {
  const { size, mean, std } = input;
  const [batch] = split.image.shape;
  // Parameters are states, as in a training step, so that nothing is folded into them and the bits are the same.
  const g = createGraph({ parameters: 'state' });
  const { images: stored, views, y } = augmentedInput(g, batch, { size, mean, std });
  const known = new Map([[split.image, y]]);
  addNodes(g, split.frozen, split, known);
  const border = split.border.map((tensor) => known.get(tensor) as Tensor);
  const graph = g.finish(border);
  const read = new Set(graph.nodes.flatMap(({ inputs }) => inputs));
  const parameters = [...g.parameters].filter(([, tensor]) => read.has(tensor));
  const values = new Map<Tensor, Float32Array>();
  for (const [name, tensor] of parameters) values.set(tensor, Float32Array.from(await weights(name, tensor.shape)));
  const chosen: string[] = [];
  const plan: Plan = await createCheckedPlan(gpu, graph, {
    choose(node, variants) {
      const variant = choose ? choose(node, variants) : variants[0];
      chosen.push(`${workOf(node)} ${variant}`);
      return variant;
    },
  });
  for (const [tensor, data] of values) plan.write(tensor, data);
  const described = JSON.stringify([VERSION, type, input, describe(gpu.info), chosen, border.map(describeForm)]);
  const key = await sha256([
    new TextEncoder().encode(`${described}${parameters.map(([name]) => name).join()}`),
    ...[...values.values()].map(({ buffer }) => new Uint8Array(buffer)),
  ]);
  return {
    batch,
    key: key.slice(0, 16),
    async run(given) {
      const filled = Array.from({ length: batch }, (_, i) => given[i] ?? given[0]);
      const joined = joinImages(
        filled.map(({ image }) => image),
        size,
      );
      plan.write(stored, new Uint8Array(joined.buffer));
      plan.write(views, Float32Array.from(filled.flatMap(({ mirrored }) => (mirrored ? MIRRORED_VIEW : PLAIN_VIEW))));
      await plan.run();
      const maps: Uint8Array[] = [];
      for (const tensor of border) {
        const { buffer, offset } = plan.locate(tensor);
        maps.push(new Uint8Array(await readBuffer(gpu, buffer, offset, byteSize(tensor))));
      }
      return given.map((_, n) => {
        const parts = maps.map((map) => map.subarray((n * map.length) / batch, ((n + 1) * map.length) / batch));
        const record = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
        let at = 0;
        for (const part of parts) {
          record.set(part, at);
          at += part.length;
        }
        return record;
      });
    },
    close: () => plan.close(),
  };
}
