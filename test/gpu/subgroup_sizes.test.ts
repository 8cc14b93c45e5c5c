/** Subgroup kernels on adapters whose subgroups have several sizes: each kernel says which size it was written for. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { conv2d_subgroup } from '../../src/generated/kernels/conv2d_subgroup.js';
import { type Gpu, openGpu, SUBGROUP_SIZE_FEATURE } from '../../src/gpu/device.js';
import { assemble } from '../../src/gpu/wgsl.js';
import { traitsOf } from '../../src/graph/plan/lower.js';
import { listChecks, runChecks } from '../../src/verify/check.js';

const gpu = await openGpu();
test.after(() => gpu.close());

/** This device, as if its adapter had subgroups of these sizes. */
function withSizes(subgroupMinSize: number, subgroupMaxSize: number, ...features: string[]): Gpu {
  const info = { ...gpu.info, subgroupMinSize, subgroupMaxSize } as GPUAdapterInfo;
  return { ...gpu, features: new Set(features), info };
}

test('the size is the only one, or the one nearest to 32 where kernels can choose, or none', () => {
  const traits = (least: number, most: number, ...features: string[]) => {
    const { subgroupSize, pinsSubgroups = false } = traitsOf(withSizes(least, most, ...features));
    return [subgroupSize, pinsSubgroups];
  };
  assert.equal(traits(32, 32, 'subgroups'), [32, false]);
  assert.equal(traits(32, 32, 'subgroups', SUBGROUP_SIZE_FEATURE), [32, false]);
  assert.equal(traits(64, 64, 'subgroups'), [64, false]);
  assert.equal(traits(8, 32, 'subgroups', SUBGROUP_SIZE_FEATURE), [32, true]);
  assert.equal(traits(32, 64, 'subgroups', SUBGROUP_SIZE_FEATURE), [32, true]);
  assert.equal(traits(4, 16, 'subgroups', SUBGROUP_SIZE_FEATURE), [16, true]);
  assert.equal(traits(64, 128, 'subgroups', SUBGROUP_SIZE_FEATURE), [64, true]);
  assert.equal(traits(8, 32, 'subgroups'), [0, false]);
  assert.equal(traits(32, 32), [0, false]);
});

test('a kernel that chooses says so in its text', () => {
  const constants = {
    ...{ elem: 'f32', BIAS: false, RESIDUAL: false, PROLOGUE: 0, ACTIVATION: 0, PADDED: false, LANES: 4, TEXELS: 0 },
    ...{ SUBGROUPS: true, SUBGROUP: 8, FOUR_LANES: false, WIDE: false },
  };
  const text = assemble(conv2d_subgroup, { ...constants, PINNED: 8 });
  assert.match(text, /^enable subgroups;\nenable subgroup_size_control;\n/);
  assert.match(text, /^const PINNED = 8u;$/m);
  assert.match(text, /^@compute @subgroup_size\(PINNED\) @workgroup_size\(SUBGROUP\)$/m);
  assert.not.match(assemble(conv2d_subgroup, constants), /subgroup_size_control|@subgroup_size/);
});

const { subgroupSize } = traitsOf(gpu);
if (gpu.features.has(SUBGROUP_SIZE_FEATURE) && subgroupSize >= 4) {
  for (const operation of [
    'conv2d',
    'conv2d_int8',
    'linear',
    'lse_pool',
    'class_activation_map',
    'conv2d_weight_gradient',
  ]) {
    test(`${operation} in subgroups of a chosen size`, async () => {
      const several = withSizes(subgroupSize / 2, Math.min(subgroupSize, 32), ...gpu.features);
      const checks = listChecks(several, { operation }).filter(({ variant }) => variant?.includes('subgroup'));
      assert.ok(checks.length > 0);
      const codes: string[] = [];
      const create = gpu.device.createShaderModule.bind(gpu.device);
      gpu.device.createShaderModule = (given) => {
        codes.push(given.code);
        return create(given);
      };
      try {
        const some = checks.filter((_, index) => index % 3 === 0);
        for (const result of await Promise.all(runChecks(several, some)))
          assert.is(result.failure, undefined, result.label);
      } finally {
        gpu.device.createShaderModule = create;
      }
      assert.ok(codes.some((code) => code.includes('@subgroup_size(PINNED)')));
    });
  }
} else {
  console.log(`skipped: the adapter has no ${SUBGROUP_SIZE_FEATURE}`);
}

test.run();
