/** Parameters and references that fixtures/torchvision/make.py makes too, and runs of backbones with them. */

import type { TensorData } from '../../src/formats/weights/checkpoint.js';
import type { Gpu } from '../../src/gpu/device.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import { product } from '../../src/graph/ir/tensor.js';
import { createPlan } from '../../src/graph/plan/plan.js';
import type { WeightSource } from '../../src/graph/plan/types.js';
import type { Head } from '../../src/nets/architecture.js';
import type { Backbone } from '../../src/nets/backbone.js';
import { buildBackbone, buildNetwork } from '../../src/nets/index.js';
import { gradients } from '../../src/ops/differentiate.js';
import { fnv1a } from '../../src/random.js';
import { readFixture } from './fixture.js';

interface Torchvision {
  networks: Record<string, { parameters: number; hash: number; shapes: Record<string, number[]> }>;
  samples: {
    backbone: string | Backbone;
    size: [number, number];
    stride: number;
    values: number[];
    /** Of each parameter, and of the image: the gradient's norm, and its product with seeded numbers. */
    gradients?: Record<string, [norm: number, projection: number]>;
  }[];
  heads: { backbone: Backbone; prediction: string; size: number; logits: number[] }[];
}

export const torchvision: Torchvision = JSON.parse(
  new TextDecoder().decode(await readFixture('torchvision/reference.json')),
);

/**
 * Mulberry32, a small random generator by Tommy Ettinger (public domain). Here it is used in place of `seededRandom`, because make.py has it
 * too: it filled the parameters with which PyTorch computed the references.
 */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** What fixtures/torchvision/make.py fills parameters and images with. */
export const generated: WeightSource = (name, shape) => {
  const random = mulberry32(fnv1a(name));
  const scale = Math.sqrt(24 / product(shape.slice(1)));
  const isScale = name.endsWith('running_var') || (name.endsWith('.weight') && shape.length === 1);
  return Float32Array.from({ length: product(shape) }, () => {
    if (isScale) return random() + 0.5;
    if (name === 'image') return random() * 2 - 1;
    return (random() - 0.5) * (shape.length === 4 ? scale : 0.4);
  });
};

/** A network's tensors, filled with seeded numbers. */
export async function seededNetwork(
  backbone: string | Backbone,
  head: Head | undefined,
  channels = 3,
): Promise<Map<string, TensorData>> {
  const g = createGraph();
  buildNetwork(g, { backbone, ...(head ? { head } : {}) }, g.input('image', [1, 96, 96, channels]));
  const entries = [...g.parameters].map(
    async ([name, { shape }]): Promise<[string, TensorData]> => [
      name,
      { shape: [...shape], data: Float32Array.from(await generated(name, shape)) },
    ],
  );
  return new Map(await Promise.all(entries));
}

/** [n, c, h, w] ⇄ [n, h, w, c]. */
export function transpose(
  values: ArrayLike<number>,
  [images, channels, height, width]: readonly number[],
  back = false,
) {
  const result = new Float32Array(values.length);
  const pixels = height * width;
  for (let n = 0; n < images; n++) {
    for (let c = 0; c < channels; c++) {
      for (let p = 0; p < pixels; p++) {
        const [planar, interleaved] = [(n * channels + c) * pixels + p, (n * pixels + p) * channels + c];
        if (back) result[planar] = values[interleaved];
        else result[interleaved] = values[planar];
      }
    }
  }
  return result;
}

export function backboneGraph(backbone: string | Backbone, shape: readonly number[], type: 'f32' | 'f16' = 'f32') {
  const g = createGraph({ type });
  const image = g.input('image', shape);
  const features = buildBackbone(g, backbone, image);
  return { image, features, graph: g.finish([features]), parameters: g.parameters };
}

export async function runBackbone(
  gpu: Gpu,
  backbone: string | Backbone,
  planar: ArrayLike<number>,
  shape: readonly number[],
  unfused = false,
) {
  const [images, channels, height, width] = shape;
  const { image, features, graph } = backboneGraph(backbone, [images, height, width, channels]);
  const plan = await createPlan(gpu, graph, { weights: generated, unfused });
  try {
    plan.write(image, transpose(planar, shape));
    await plan.run();
    const [n, h, w, c] = features.shape;
    return transpose(await plan.read(features), [n, c, h, w], true);
  } finally {
    plan.close();
  }
}

/**
 * How far the gradients of a backbone's features, times seeded numbers, are from torch's: by parameter, as a share of the norm. Features
 * run as they are trained, with norms frozen.
 */
export async function gradientErrors(
  gpu: Gpu,
  backbone: string | Backbone,
  size: readonly number[],
  expected: Readonly<Record<string, readonly [norm: number, projection: number]>>,
): Promise<Map<string, number>> {
  const g = createGraph({ parameters: 'state' });
  const image = g.input('image', [1, ...size, 3]);
  const features = buildBackbone(g, backbone, image);
  const [n, h, w, c] = features.shape;
  const seed = g.input('loss', features.shape);
  const of = (name: string) => (name === 'image' ? image : g.parameters.get(name)!);
  const found = gradients(g, features, Object.keys(expected).map(of), seed);
  const plan = await createPlan(gpu, g.finish([...found.values()]));
  try {
    for (const [name, tensor] of g.parameters) plan.write(tensor, await generated(name, tensor.shape));
    plan.write(image, transpose((await generated('image', [1, 3, ...size])) as Float32Array, [1, 3, ...size]));
    plan.write(seed, transpose((await generated('loss', [n, c, h, w])) as Float32Array, [n, c, h, w]));
    await plan.run();
    const errors = new Map<string, number>();
    for (const [name, [norm, projection]] of Object.entries(expected)) {
      const values = await plan.read(found.get(of(name))!);
      const shape = name === 'image' ? [1, 3, ...size] : of(name).shape;
      const gradient = name === 'image' ? transpose(values, shape, true) : Float32Array.from(values);
      const numbers = (await generated(`projection ${name}`, shape)) as Float32Array;
      const product = gradient.reduce((sum, value, i) => sum + value * numbers[i], 0);
      const off = [normOf(gradient) - norm, (product - projection) / normOf(numbers)];
      errors.set(name, Math.max(...off.map(Math.abs)) / norm);
    }
    return errors;
  } finally {
    plan.close();
  }
}

/** Folders of the reference data beside the checkout, for the files that are too large to be fixtures. */
export async function readData(path: string): Promise<Uint8Array | undefined> {
  if (typeof process === 'undefined') {
    return undefined;
  } else {
    // In this branch, so that a bundler for pages, told that there is no `process`, leaves it out.
    const { readFile } = await import('node:fs/promises');
    const folder = process.env.RAYBOX_DATA ?? new URL('../../../../shared/data', import.meta.url).pathname;
    return readFile(`${folder}/${path}`).catch(() => undefined);
  }
}

/** A parameter may have more numbers than a call takes arguments, so `Math.hypot` cannot be called with them. */
const normOf = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
