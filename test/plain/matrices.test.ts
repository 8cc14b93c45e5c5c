/** Which of an adapter's subgroup matrices kernels use, and on which adapters they are offered. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Gpu } from '../../src/gpu/device.js';
import type { Operation, Traits } from '../../src/graph/ir/operation.js';
import { traitsOf } from '../../src/graph/plan/lower.js';
import { forward as conv2d } from '../../src/ops/layers/conv2d.js';
import { forward as int8 } from '../../src/ops/layers/conv2d_int8.js';
import { hasMatrices, matrixConstants, matrixTile } from '../../src/ops/matrices.js';
import { buildCase } from '../../src/verify/check.js';

type Config = readonly [componentType: string, resultComponentType: string, M: number, N: number, K: number];

/** The properties of an adapter that has these matrices. */
function traitsWith(
  configs: readonly Config[],
  { feature = true, largestSubgroup = 32, maxInvocations = 1024, workgroupBytes = 32 << 10 } = {},
): Traits {
  const subgroupMatrixConfigs = configs.map(([componentType, resultComponentType, M, N, K]) => ({
    ...{ componentType, resultComponentType, M, N, K },
  }));
  const features = ['subgroups', 'shader-f16', ...(feature ? ['chromium-experimental-subgroup-matrix'] : [])];
  return traitsOf({
    features: new Set(features),
    info: { subgroupMinSize: 32, subgroupMaxSize: largestSubgroup, subgroupMatrixConfigs },
    limits: {
      maxComputeInvocationsPerWorkgroup: maxInvocations,
      maxComputeWorkgroupStorageSize: workgroupBytes,
      maxStorageBufferBindingSize: 128 << 20,
    },
    software: false,
  } as unknown as Gpu);
}

const MANY: readonly Config[] = [
  ['f16', 'f16', 16, 16, 16],
  ['f16', 'f32', 8, 8, 8],
  ['f16', 'f32', 16, 8, 16],
  ['f16', 'f32', 16, 16, 16],
  ['u8', 'u32', 16, 16, 32],
  ['i8', 'i32', 8, 8, 32],
  ['i8', 'i32', 16, 8, 32],
  ['i8', 'i32', 16, 16, 32],
  ['i8', 'i32', 32, 32, 16],
];

test('the largest square matrices are used, with sums of 32 bits', () => {
  const traits = traitsWith(MANY);
  const { MATRIX, MATRIX_DEPTH, INTEGERS, SUBGROUP } = matrixConstants('i8', traits);
  assert.equal([MATRIX, MATRIX_DEPTH, INTEGERS, SUBGROUP], [16, 32, true, 32]);
  assert.equal([matrixTile('i8', traits), matrixTile('f16', traits)], [64, 64]);
  assert.equal([matrixConstants('f16', traits).MATRIX, matrixConstants('f16', traits).INTEGERS], [16, false]);
  assert.is(matrixConstants('i8', traitsWith([['i8', 'i32', 8, 8, 8]])).MATRIX_DEPTH, 8);
});

test('kernels with matrices are only offered where these fit, and are never the first choice', () => {
  const offered = (traits: Traits) => ['f16', 'i8', 'f32'].map((type) => hasMatrices(type, traits));
  assert.equal(offered(traitsWith(MANY)), [true, true, false]);
  assert.equal(offered(traitsWith([['f16', 'f32', 16, 16, 16]])), [true, false, false]);
  assert.equal(offered(traitsWith([['i8', 'i32', 16, 16, 32]])), [false, true, false]);
  const others: Config[] = [
    ['f16', 'f16', 16, 16, 16],
    ['f16', 'f32', 16, 16, 8],
    ['i8', 'i32', 16, 8, 32],
    ['i8', 'i32', 16, 16, 128],
    ['i8', 'u32', 16, 16, 32],
  ];
  assert.equal(offered(traitsWith(others)), [false, false, false]);
  assert.equal(offered(traitsWith(MANY, { feature: false })), [false, false, false]);
  assert.equal(offered(traitsWith(MANY, { largestSubgroup: 64 })), [false, false, false]);
  assert.equal(offered(traitsWith(MANY, { maxInvocations: 64 })), [false, false, false]);
  assert.equal(offered(traitsWith(MANY, { workgroupBytes: 8 << 10 })), [false, false, false]);

  const attributes = { stride: [1, 1], dilation: [1, 1], padding: [1, 1, 1, 1], groups: 1, scale: 1, zero: 0 };
  const inputs = [{ shape: [1, 7, 7, 512] }, { shape: [512, 512, 3, 3] }];
  for (const operation of [conv2d, int8] as unknown as Operation[]) {
    for (const software of [true, false]) {
      const { node } = buildCase(operation, { inputs, attributes }, 'f16');
      const variants = operation.variants!(node, { ...traitsWith(MANY), software });
      assert.ok(variants.indexOf('matrix') > 0, `${operation.name}: ${variants}`);
    }
  }
});

test.run();
