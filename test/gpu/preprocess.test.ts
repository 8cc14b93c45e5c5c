/** From raw pixels to the network's input: compared with Pillow, in a batch, at sizes that need bands. Mapping of boxes in both directions. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import { createStorage, readBuffer } from '../../src/gpu/buffers.js';
import { type Gpu, openGpu } from '../../src/gpu/device.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import { byteSize, decodeTensor } from '../../src/graph/ir/tensor.js';
import { createPlan } from '../../src/graph/plan/plan.js';
import {
  type Fit,
  frameOf,
  NOWHERE,
  positionTable,
  seenPixels,
  toImage,
  toNetwork,
} from '../../src/ops/images/frame.js';
import { type PixelFormat, type PreprocessOptions, pixelInput, preprocess } from '../../src/ops/images/preprocess.js';
import { readFixture } from '../support/fixture.js';

const gpu: Gpu = await openGpu();
test.after(() => gpu.close());

const raw = { mean: [0], std: [1] };

/** The network's input for some pixels. */
async function run(data: Uint8Array | Uint16Array, options: PreprocessOptions): Promise<Float32Array> {
  const g = createGraph();
  const pixels = pixelInput(g, 'pixels', options);
  const y = preprocess(g, pixels, options);
  const plan = await createPlan(gpu, g.finish([y]));
  try {
    plan.write(pixels, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    await plan.run();
    return (await plan.read(y)) as Float32Array;
  } finally {
    plan.close();
  }
}

const format = (width: number, height: number, channels: 1 | 3 | 4 = 1, bits = 8): PixelFormat => ({
  width,
  height,
  channels,
  bits,
});

const golden = JSON.parse(new TextDecoder().decode(await readFixture('pillow/bilinear.json'))) as {
  cases: { width: number; height: number; size: number; fit: Fit; values: number[] }[];
};

for (const { width, height, size, fit, values } of golden.cases) {
  test(`${width} × ${height} to ${size}² (${fit}) is what Pillow gives`, async () => {
    const data = Uint8Array.from({ length: width * height }, (_, i) => {
      const [x, y] = [i % width, Math.floor(i / width)];
      return (37 * x + 91 * y + 13 * x * y) % 256;
    });
    const y = await run(data, { ...format(width, height), size, fit, ...raw, scale: 255 });
    const worst = values.reduce((most, value, i) => Math.max(most, Math.abs(value - y[i])), 0);
    assert.ok(worst < 1e-4, `differs by ${worst}`);
  });
}

test('colours: grey as Pillow mode L, expansion, order, 16 bits, alpha over black', async () => {
  const rgb = Uint8Array.of(200, 100, 50, 255, 255, 255, 10, 240, 77, 0, 0, 0);
  const near = (actual: Float32Array, expected: number[], bound = 1e-4) => {
    assert.is(actual.length, expected.length);
    for (const [i, value] of expected.entries())
      assert.ok(Math.abs(actual[i] - value) <= bound, `${actual} ${expected}`);
  };
  const grey = await run(rgb, { ...format(2, 2, 3), size: 2, ...raw, scale: 255 });
  near(grey, [124, 255, 153, 0], 0.51); // Pillow rounds
  const three = { mean: [1, 2, 3], std: [1, 2, 4], scale: 255 };
  near(await run(Uint8Array.of(9), { ...format(1, 1), size: 1, ...three }), [8, 3.5, 1.5]);
  near(await run(Uint8Array.of(9, 5, 1), { ...format(1, 1, 3), size: 1, ...three, order: 'bgr' }), [0, 1.5, 1.5]);
  const rgba = Uint16Array.of(65535, 0, 13107, 65535);
  near(await run(rgba, { ...format(1, 1, 4, 16), size: 1, mean: [0, 0, 0], std: [1, 1, 1] }), [1, 0, 0.2]);
  rgba[3] = 32768;
  const half = await run(rgba, { ...format(1, 1, 4, 16), size: 1, mean: [0, 0, 0], std: [1, 1, 1] });
  near(half, [32768 / 65535, 0, 6554 / 65535], 1e-6);
  const twelve = Uint16Array.of(4095, 819);
  near(await run(twelve, { ...format(2, 1, 1, 12), size: 2, fit: 'pad', mean: [0], std: [1] }), [1, 0.2, 0, 0], 1e-6);
});

test('an image is written to its place in a batch, and the others do not change', async () => {
  const g = createGraph();
  const pixels = pixelInput(g, 'pixels', format(3, 2));
  const y = preprocess(g, pixels, { ...format(3, 2), size: 9, mean: [0, 0, 0], std: [1, 1, 1], batch: 3, slot: 1 });
  const batch = createStorage(gpu, 'batch', byteSize(y));
  const plan = await createPlan(gpu, g.finish([y]), { external: new Map([[y, batch]]) });
  plan.write(pixels, new Uint8Array(6).fill(255));
  await plan.run();
  const values = decodeTensor(y, await readBuffer(gpu, batch, 0, byteSize(y)));
  const place = 81 * 3;
  assert.ok(values.every((value, i) => value === (i >= place && i < 2 * place ? 1 : 0)));
  plan.close();
  batch.destroy();
});

test('a very large image is processed in bands', async () => {
  const [width, height, size] = [3000, 1100, 1500];
  const data = Uint8Array.from({ length: width * height }, (_, i) => Math.floor(i / width) % 256);
  const y = await run(data, { ...format(width, height), size, ...raw, scale: 255 });
  for (let row = 0; row < size; row++) {
    // The rows are resized by 1100 / 1500. The values are linear, except where the ramp begins again.
    const centre = ((row + 0.5) * height) / size - 0.5;
    if (centre < 0 || centre > height - 1 || centre % 256 > 255) continue;
    for (const column of [0, 777, 1499])
      assert.ok(Math.abs(y[row * size + column] - (centre % 256)) < 1e-3, `row ${row}`);
  }
});

test('impossible requests are refused', () => {
  const g = createGraph();
  const attempt = (options: Partial<PreprocessOptions>) => () => {
    const all = { ...format(4, 4), size: 4, ...raw, ...options };
    preprocess(g, pixelInput(g, 'pixels', format(4, 4)), all);
  };
  for (const wrong of [
    { size: 0 },
    { width: 5 },
    { bits: 16 as const },
    { std: [0] },
    { mean: [0, 0], std: [1, 1] },
    { slot: 1 },
  ]) {
    assert.throws(attempt(wrong), (error: unknown) => error instanceof InputError, JSON.stringify(wrong));
  }
});

const sizes = fc.integer({ min: 1, max: 5000 });
const fits = fc.constantFrom<Fit>('stretch', 'crop', 'pad');

test('boxes are mapped to the network’s input and back', () => {
  fc.assert(
    fc.property(sizes, sizes, fc.integer({ min: 1, max: 2048 }), fits, (width, height, size, fit) => {
      const frame = frameOf(width, height, size, fit);
      const box = { x: width / 3, y: height / 7, width: width / 5, height: height / 2 };
      const back = toImage(frame, toNetwork(frame, box));
      for (const key of ['x', 'y', 'width', 'height'] as const) assert.ok(Math.abs(back[key] - box[key]) < 1e-6 * 5000);
    }),
  );
});

test('the part that the network sees is inside its square and inside the image', () => {
  fc.assert(
    fc.property(sizes, sizes, fc.integer({ min: 1, max: 2048 }), fits, (width, height, size, fit) => {
      const frame = frameOf(width, height, size, fit);
      const seen = seenPixels(frame);
      assert.ok(seen.x >= 0 && seen.y >= 0 && seen.x + seen.width <= width && seen.y + seen.height <= height);
      if (fit !== 'crop') assert.equal(seen, { x: 0, y: 0, width, height });
      const centres = { x: seen.x + 0.5, y: seen.y + 0.5, width: seen.width - 1, height: seen.height - 1 };
      const mapped = toNetwork(frame, centres);
      const slack = 1e-9 * size;
      assert.ok(mapped.x >= -slack && mapped.y >= -slack);
      assert.ok(mapped.x + mapped.width <= size + slack && mapped.y + mapped.height <= size + slack);
    }),
  );
});

test('a table of positions keeps large positions exactly', () => {
  const at = [0, 0.25, 1e8 + 1 / 3, 5 - 1e-12, undefined];
  const table = positionTable(at.length, (index) => at[index]);
  const wholes = table.filter((_, i) => i % 2 === 0);
  const fractions = new Float32Array(table.buffer).filter((_, i) => i % 2 === 1);
  assert.equal([...wholes], [0, 0, 1e8, 5, NOWHERE]);
  assert.equal(
    [...fractions].map((fraction) => fraction.toFixed(6)),
    ['0.000000', '0.250000', '0.333333', '0.000000', '0.000000'],
  );
});

test.run();
