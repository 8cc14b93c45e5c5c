/**
 * Weights in textures, as llvmpipe has them. Any adapter can read them there, so these tests have this one plan as if it were llvmpipe, and expect
 * the bits that it gives with weights in buffers.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import { openGpu, READ_TEXTURES } from '../../src/gpu/device.js';
import { createTexture, textureBytes, textureCapacity } from '../../src/gpu/textures.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import { createConstantPool } from '../../src/graph/plan/constants.js';
import { lower, traitsOf } from '../../src/graph/plan/lower.js';
import { createPlan } from '../../src/graph/plan/plan.js';
import type { PlanOptions } from '../../src/graph/plan/types.js';
import { conv2d } from '../../src/ops/index.js';

const gpu = await openGpu();
const { subgroupMinSize, subgroupMaxSize } = gpu.info as { subgroupMinSize?: number; subgroupMaxSize?: number };
const infoWith = (description: string) => ({ value: { subgroupMinSize, subgroupMaxSize, description } });
const withTextures = Object.create(gpu, { info: infoWith('llvmpipe'), software: { value: true } }) as typeof gpu;
const withBuffers = Object.create(gpu, { info: infoWith('another'), software: { value: true } }) as typeof gpu;

const VARIANTS = ['direct', 'subgroup', 'winograd2_subgroup', 'winograd4_subgroup'] as const;
const SIZE = [2, 9, 7, 45] as const;

/** 3×3, 45 → 50 channels: 5,616 vec4s of plain weights, which are five rows of a texture and a part of a sixth. */
function network() {
  const g = createGraph();
  const image = g.input('image', [...SIZE]);
  const y = conv2d(g, image, g.parameter('w', [50, 45, 3, 3]), g.parameter('b', [50]), { padding: 1, name: 'y' });
  return { image, y, graph: g.finish([y]) };
}

const oneOf = (index: number) => Math.sin(index * 0.7) / 8;
const numbers = (shape: readonly number[]) =>
  Float32Array.from({ length: shape.reduce((all, one) => all * one, 1) }, (_, index) => oneOf(index));

async function run(device: typeof gpu, variant: string, options: PlanOptions = {}) {
  const { image, y, graph } = network();
  const choose: PlanOptions['choose'] = (_, names) => (names.includes(variant) ? variant : names[0]);
  const plan = await createPlan(device, graph, { weights: (_, shape) => numbers(shape), choose, ...options });
  try {
    plan.write(image, numbers(SIZE));
    await plan.run();
    const access = plan.steps.flatMap(({ bindings }) => bindings.filter(({ tensor }) => tensor?.isTexture));
    return { result: await plan.read(y), textures: access.length, memory: plan.memory };
  } finally {
    plan.close();
  }
}

test('only llvmpipe has weights in textures, and only where WGSL can read them', () => {
  assert.is(traitsOf(withBuffers).fastTexels, false);
  assert.is(traitsOf(withTextures).fastTexels, gpu.features.has(READ_TEXTURES));
  const hardware = Object.create(withTextures, { software: { value: false } }) as typeof gpu;
  assert.is(traitsOf(hardware).fastTexels, false);
  const older = Object.create(withTextures, { features: { value: new Set(['subgroups']) } }) as typeof gpu;
  assert.is(traitsOf(older).fastTexels, false);
});

test('each kernel gives the same bits from a texture as from a buffer', async () => {
  const { graph } = network();
  const known = graph.nodes[0].operation.variants!(graph.nodes[0], traitsOf(withTextures));
  for (const variant of VARIANTS.filter((name) => known.includes(name))) {
    const [one, other] = [await run(withTextures, variant), await run(withBuffers, variant)];
    assert.ok(one.textures > 0, `${variant} reads no texture`);
    assert.is(other.textures, 0);
    assert.equal(one.result, other.result, variant);
    // A texture has whole rows of 16 KiB; the buffer of the weights is gone.
    const more = one.memory.constants - other.memory.constants;
    assert.ok(more >= 0 && more < 16 << 10, `${variant}: ${more} bytes more`);
  }
});

test('plans of one network share textures, and a plan of which all tensors can be read keeps the buffers too', async () => {
  const pool = createConstantPool();
  const first = await run(withTextures, 'direct', { pool });
  const [texture] = pool.textures.values();
  assert.is(pool.textures.size, 1);
  assert.is(pool.bytes, textureBytes(texture) + [...pool.buffers.values()].reduce((sum, { size }) => sum + size, 0));
  const unasked = () => {
    throw new Error('weights were asked for again');
  };
  assert.equal((await run(withTextures, 'direct', { pool, weights: unasked })).result, first.result);
  assert.is(pool.textures.size, 1);

  const { image, y, graph } = network();
  const choose: PlanOptions['choose'] = () => 'direct';
  const weights = (_: string, shape: readonly number[]) => numbers(shape);
  const plan = await createPlan(withTextures, graph, { pool, weights, choose, separate: { guard: 256 } });
  plan.write(image, numbers(SIZE));
  await plan.run();
  assert.equal(await plan.read(y), first.result);
  const packed = plan.steps[0].bindings[1].tensor!;
  assert.ok(packed.isTexture);
  const values = await plan.read(packed);
  assert.is(values.length, 9 * 48 * 52);
  assert.is(values[0], Math.fround(oneOf(0)));
  plan.close();
  pool.close();
  assert.is(pool.bytes, 0);
});

test('weights that are trained stay in buffers, and so do those in f16', () => {
  const g = createGraph();
  const image = g.input('image', [...SIZE]);
  const w = g.state('w', [50, 45, 3, 3]);
  const trained = lower(g.finish([conv2d(g, image, w)]), traitsOf(withTextures));
  assert.not(trained.steps.some(({ bindings }) => bindings.some(({ tensor }) => tensor?.isTexture)));
  const halves = createGraph();
  const half = halves.input('image', [...SIZE], { type: 'f16' });
  const y = conv2d(halves, half, halves.parameter('w', [50, 45, 3, 3]));
  const plain = lower(
    halves.finish([y]),
    traitsOf(withTextures),
    (_, names) => names.find((name) => name === 'direct') ?? names[0],
  );
  assert.not(plain.steps.some(({ bindings }) => bindings.some(({ tensor }) => tensor?.isTexture)));
});

test('weights that are too large for a texture are refused by name', () => {
  const limits = { maxTextureDimension2D: 4 } as GPUSupportedLimits;
  const small = Object.create(gpu, { limits: { value: limits } }) as typeof gpu;
  assert.is(textureCapacity(limits), 64 << 10);
  const refused = (error: Error) =>
    error instanceof InputError && /layer4 does not fit into a texture/.test(error.message);
  assert.throws(() => createTexture(small, 'layer4', (64 << 10) + 16), refused);
});

test.after(() => gpu.close());
test.run();
