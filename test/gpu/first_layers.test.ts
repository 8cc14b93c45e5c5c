/** Convolutions of one, two and three input channels, whose padding kernels leave out, agree with float64 in every kernel and in bands. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openGpu } from '../../src/gpu/device.js';
import type { Case, Operation } from '../../src/graph/ir/operation.js';
import { lower, traitsOf } from '../../src/graph/plan/lower.js';
import { forward as conv2d } from '../../src/ops/layers/conv2d.js';
import { buildCase, runCheck } from '../../src/verify/check.js';

// With subgroup matrices, where the adapter has them.
const gpu = await openGpu({ dawn: ['enable-dawn-features=allow_unsafe_apis'] });
const operation = conv2d as unknown as Operation;
const types = traitsOf(gpu).f16 ? (['f32', 'f16'] as const) : (['f32'] as const);

/** The case in all kernels that can run it, or in one of them. */
async function hold(one: Case, device = gpu, pick?: number): Promise<void> {
  for (const type of types) {
    const names = operation.variants!(buildCase(operation, one, type).node, traitsOf(device));
    for (const variant of pick === undefined ? names : [names[pick % names.length]]) {
      const { failure } = await runCheck(device, { label: variant, operation, case: one, index: 0, type, variant });
      assert.is(failure, undefined, `${variant} ${type} ${JSON.stringify(one)}: ${failure}`);
    }
  }
}

const small = (max: number, min = 1) => fc.integer({ min, max });
const pairs = (max: number, min = 1) => fc.tuple(small(max, min), small(max, min));

test('random windows, strides, dilations and paddings', async () => {
  const shapes = fc.record({
    images: small(2),
    channels: small(3),
    outputs: small(40),
    kernel: pairs(8),
    size: pairs(6, 0),
    stride: pairs(3),
    dilation: pairs(2),
    padding: fc.tuple(small(3, 0), small(3, 0), small(3, 0), small(3, 0)),
    prologue: fc.boolean(),
    pick: small(60, 0),
  });
  const look = async (given: typeof shapes extends fc.Arbitrary<infer T> ? T : never) => {
    const { images, channels, outputs, kernel, size, stride, dilation, padding, prologue, pick } = given;
    const span = kernel.map((taps, axis) => (taps - 1) * dilation[axis] + 1 + size[axis]);
    await hold(
      {
        inputs: [
          { shape: [images, ...span, channels] },
          { shape: [outputs, channels, ...kernel] },
          { shape: [outputs] },
          undefined,
          prologue ? { shape: [2, 4] } : undefined,
        ],
        attributes: { stride, dilation, padding, groups: 1, ...(prologue ? { prologue: 'affine_relu' } : {}) },
      } as Case,
      gpu,
      pick,
    );
  };
  await fc.assert(fc.asyncProperty(shapes, look), { seed: 7, numRuns: 40 });
});

test('maps that exceed a binding are computed in bands', async () => {
  const limits = {
    maxComputeInvocationsPerWorkgroup: gpu.limits.maxComputeInvocationsPerWorkgroup,
    maxComputeWorkgroupStorageSize: gpu.limits.maxComputeWorkgroupStorageSize,
    maxStorageBufferBindingSize: 16 << 10,
  };
  const narrow = Object.create(gpu, { limits: { value: limits } }) as typeof gpu;
  for (const channels of [1, 3]) {
    const one = {
      inputs: [{ shape: [2, 61, 40, channels] }, { shape: [10, channels, 7, 7] }, { shape: [10] }],
      attributes: { stride: [2, 1], dilation: [1, 1], padding: [3, 3, 3, 3], groups: 1 },
    } as Case;
    const { graph } = buildCase(operation, one, 'f32');
    assert.ok(lower(graph, traitsOf(narrow)).steps.length > lower(graph, traitsOf(gpu)).steps.length, 'in one go');
    await hold(one, narrow);
  }
});

test.after(() => gpu.close());
test.run();
