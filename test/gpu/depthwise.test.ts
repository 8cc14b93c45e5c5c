/**
 * The three kernels of a depthwise convolution belong together: the convolution is linear in its input and in its weights, so for any
 * gradient dy the sums Σ y·dy, Σ x·dx and Σ w·dw are equal.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openGpu } from '../../src/gpu/device.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import { createPlan } from '../../src/graph/plan/plan.js';
import { gradients } from '../../src/ops/differentiate.js';
import { conv2d } from '../../src/ops/layers/conv2d.js';
import { windowCounts, windowSpan } from '../../src/ops/windows.js';
import { seededRandom } from '../../src/random.js';

const gpu = await openGpu();
test.after(() => gpu.close());

const pairOf = (smallest: number, largest: number) =>
  fc.tuple(fc.integer({ min: smallest, max: largest }), fc.integer({ min: smallest, max: largest }));

const shapes = fc
  .record({
    images: fc.integer({ min: 1, max: 3 }),
    size: pairOf(1, 13),
    channels: fc.integer({ min: 2, max: 21 }),
    kernel: pairOf(1, 6),
    stride: pairOf(1, 3),
    dilation: pairOf(1, 3),
    padding: fc.tuple(
      ...([0, 1, 2, 3].map(() => fc.integer({ min: 0, max: 4 })) as [
        fc.Arbitrary<number>,
        fc.Arbitrary<number>,
        fc.Arbitrary<number>,
        fc.Arbitrary<number>,
      ]),
    ),
  })
  .filter(({ size, kernel, dilation, padding }) =>
    [0, 1].every((axis) => size[axis] + padding[axis] + padding[axis + 2] >= windowSpan(kernel[axis], dilation[axis])),
  );

test('random depthwise convolutions: output and both gradients have the same product', async () => {
  const look = async ({
    images,
    size,
    channels,
    ...windows
  }: typeof shapes extends fc.Arbitrary<infer T> ? T : never) => {
    const random = seededRandom(images + channels * 3 + size[0] * 100);
    const numbers = (count: number) => Float32Array.from({ length: count }, () => random() * 2 - 1);
    const g = createGraph({ parameters: 'state' });
    const x = g.input('x', [images, ...size, channels]);
    const w = g.input('w', [channels, 1, ...windows.kernel], { layout: 'dense' });
    const { kernel: _, ...options } = windows;
    const y = conv2d(g, x, w, undefined, { ...options, groups: channels });
    const dy = g.input('dy', y.shape);
    const found = gradients(g, y, [x, w], dy);
    const [dx, dw] = [found.get(x)!, found.get(w)!];
    const plan = await createPlan(gpu, g.finish([y, dx, dw]));
    try {
      const given = [x, w, dy].map((tensor) => numbers(tensor.shape.reduce((a, b) => a * b, 1)));
      [x, w, dy].forEach((tensor, index) => {
        plan.write(tensor, given[index]);
      });
      await plan.run();
      const product = (a: ArrayLike<number>, b: ArrayLike<number>) =>
        Array.from(a).reduce((sum, value, i) => sum + value * b[i], 0);
      const forward = product(await plan.read(y), given[2]);
      const scale = Math.sqrt(given[2].length * windows.kernel[0] * windows.kernel[1]);
      for (const [gradient, values] of [
        [dx, given[0]],
        [dw, given[1]],
      ] as const)
        assert.ok(
          Math.abs(product(await plan.read(gradient), values) - forward) <= 1e-5 * scale,
          `${gradient.name}: ${forward}`,
        );
      assert.equal(y.shape.slice(1, 3), windowCounts(windows, size));
    } finally {
      plan.close();
    }
  };
  await fc.assert(fc.asyncProperty(shapes, look), { seed: 5, numRuns: 25 });
});

test.run();
