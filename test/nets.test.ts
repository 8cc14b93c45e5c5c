import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Backbone } from '../src/formats/architecture.js';
import { type Gpu, openGpu } from '../src/gpu/device.js';
import { mulberry32, normalisedError } from '../src/graph/check.js';
import type { WeightSource } from '../src/graph/constants.js';
import { createGraph } from '../src/graph/graph.js';
import { createPlan } from '../src/graph/plan.js';
import { product } from '../src/graph/tensor.js';
import { buildBackbone } from '../src/nets/backbone.js';
import { backboneNames } from '../src/nets/standard.js';
import { readFixture } from './support/fixture.js';

interface Reference {
  parameters: number;
  hash: number;
  shapes: Record<string, number[]>;
  sampled?: { height: number; width: number; stride: number; values: number[] };
}

const torchvision: Record<string, Reference> = JSON.parse(
  new TextDecoder().decode(await readFixture('torchvision/reference.json')),
);
const gpu: Gpu = await openGpu();
const nets = suite('nets');

function fnv1a(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}

/** What fixtures/torchvision/make.py fills parameters and images with. */
const generated: WeightSource = (name, shape) => {
  const random = mulberry32(fnv1a(name));
  const scale = Math.sqrt(24 / product(shape.slice(1)));
  const isScale = name.endsWith('running_var') || (name.endsWith('.weight') && shape.length === 1);
  return Float32Array.from({ length: product(shape) }, () => {
    if (isScale) return random() + 0.5;
    if (name === 'image') return random() * 2 - 1;
    return (random() - 0.5) * (shape.length === 4 ? scale : 0.4);
  });
};

/** [n, c, h, w] ⇄ [n, h, w, c]. */
function transpose(values: ArrayLike<number>, [images, channels, height, width]: readonly number[], back = false) {
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

function backboneGraph(backbone: string | Backbone, shape: readonly number[], type: 'f32' | 'f16' = 'f32') {
  const g = createGraph({ type });
  const image = g.input('image', shape);
  const features = buildBackbone(g, backbone, image);
  return { image, features, graph: g.finish([features]), parameters: g.parameters };
}

async function runBackbone(
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

nets('every standard network has torchvision’s parameters and shapes', () => {
  assert.equal([...backboneNames].sort(), Object.keys(torchvision).sort());
  for (const [name, { parameters: expected, hash, shapes }] of Object.entries(torchvision)) {
    const { parameters } = backboneGraph(name, [1, 64, 64, 3]);
    const lines = [...parameters].map(([own, { shape }]) => `${own}:${shape.join('x')}`);
    assert.is(fnv1a(lines.sort().join('\n')), hash, `${name}: names or shapes of its parameters`);
    const learned = [...parameters].filter(([own]) => !own.includes('.running_'));
    assert.is(
      learned.reduce((sum, [, { shape }]) => sum + product(shape), 0),
      expected,
      name,
    );
    for (const [size, [n, c, h, w]] of Object.entries(shapes)) {
      const [height, width] = size.split('x').map(Number);
      assert.equal(backboneGraph(name, [1, height, width, 3]).features.shape, [n, h, w, c], `${name} at ${size}`);
    }
  }
});

for (const [name, { sampled }] of Object.entries(torchvision)) {
  if (!sampled) continue;
  nets(`${name} gives torchvision’s features`, async () => {
    const { height, width, stride, values } = sampled;
    const shape = [1, 3, height, width];
    const features = await runBackbone(name, (await generated('image', shape)) as Float32Array, shape);
    const own = values.map((_, index) => features[index * stride]);
    const error = normalisedError(own, values);
    assert.ok(error < 1e-9, `NMSE ${error.toExponential(2)}`);
  });
}

nets.after(() => gpu.close());
nets.run();
