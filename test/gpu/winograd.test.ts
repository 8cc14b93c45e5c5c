/** Winograd's method gives what a convolution gives, whatever the sizes, padding, segments and epilogue. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openGpu } from '../../src/gpu/device.js';
import type { Case, Operation } from '../../src/graph/ir/operation.js';
import { lower, traitsOf } from '../../src/graph/plan/lower.js';
import type { Conv2dAttributes } from '../../src/ops/layers/conv2d.attributes.js';
import { forward as conv2d } from '../../src/ops/layers/conv2d.js';
import { buildCase, runCheck } from '../../src/verify/check.js';

const gpu = await openGpu();
const same: Conv2dAttributes = { stride: [1, 1], dilation: [1, 1], padding: [1, 1, 1, 1], groups: 1 };
const operation = conv2d as unknown as Operation;
const variantsOf = (one: Case, device = gpu) =>
  operation.variants!(buildCase(operation, one, 'f32').node, traitsOf(device)).filter((name) =>
    name.startsWith('winograd'),
  );

async function hold(one: Case, variant: string, device = gpu): Promise<void> {
  const { failure } = await runCheck(device, { label: variant, operation, case: one, index: 0, type: 'f32', variant });
  assert.is(failure, undefined, `${variant} ${JSON.stringify(one)}: ${failure}`);
}

test('random sizes, paddings and segments', async () => {
  const small = (max: number, min = 1) => fc.integer({ min, max });
  const shapes = fc.record({
    images: small(3),
    size: fc.tuple(small(13, 3), small(13, 3)),
    segments: fc.array(small(9), { minLength: 1, maxLength: 3 }),
    outputs: small(9),
    padding: fc.tuple(small(3, 0), small(3, 0), small(3, 0), small(3, 0)),
    residual: fc.boolean(),
    pick: small(8, 0),
  });
  const look = async ({
    images,
    size,
    segments,
    outputs,
    padding,
    residual,
    pick,
  }: typeof shapes extends fc.Arbitrary<infer T> ? T : never) => {
    const inputs = segments.reduce((sum, width) => sum + width, 0);
    const [height, width] = [size[0] + padding[0] + padding[2] - 2, size[1] + padding[1] + padding[3] - 2];
    const one: Case = {
      inputs: [
        { shape: [images, ...size, inputs], segments },
        { shape: [outputs, inputs, 3, 3] },
        { shape: [outputs] },
        residual ? { shape: [images, height, width, outputs], layout: 'nhwc4' } : undefined,
      ],
      attributes: { ...same, padding, activation: { kind: 'relu' } },
    };
    const variants = variantsOf(one);
    if (variants.length > 0) await hold(one, variants[pick % variants.length]);
  };
  await fc.assert(fc.asyncProperty(shapes, look), { seed: 15, numRuns: 20 });
});

test('maps that exceed a binding are computed in rounds of whole rows of tiles', async () => {
  const one: Case = {
    inputs: [{ shape: [5, 37, 9, 8] }, { shape: [8, 8, 3, 3] }, { shape: [8] }],
    attributes: { ...same, padding: [1, 1, 2, 0] },
  };
  const { maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupStorageSize } = gpu.limits;
  const limits = {
    maxComputeInvocationsPerWorkgroup,
    maxComputeWorkgroupStorageSize,
    maxStorageBufferBindingSize: 80 << 10,
  };
  const narrow = Object.create(gpu, { limits: { value: limits } }) as typeof gpu;
  for (const variant of variantsOf(one, narrow)) {
    const { graph } = buildCase(operation, one, 'f32');
    const { steps } = lower(graph, traitsOf(narrow), (node, names) =>
      node.operation === operation ? variant : names[0],
    );
    const rounds = steps.filter(({ kernel }) => kernel.name === 'winograd_input').length;
    assert.ok(rounds > 1, `${variant} in one round`);
    await hold(one, variant, narrow);
  }
});

test.after(() => gpu.close());
test.run();
