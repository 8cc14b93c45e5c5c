/**
 * Kernels with subgroup matrices of sizes that GPUs have, on adapters without any. The compiler's built-in functions for matrices are replaced
 * by plain loops, so this checks the tiles, the edges, and where matrices lie, but not what an adapter's own matrices compute.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Gpu, MATRIX_FEATURE, openGpu } from '../../src/gpu/device.js';
import { listChecks, runChecks } from '../../src/verify/check.js';

const gpu = await openGpu();
test.after(() => gpu.close());

/** A lane computes some elements of a matrix of sums. A factor is the place in workgroup memory from which its elements are read. */
const PLAIN = `
alias Sums = array<Sum, (PATCH + SUBGROUP - 1) / SUBGROUP>;
struct Factor { at: u32, stride: u32, row_major: bool }

fn left_element(one: Factor, row: u32, k: u32) -> Sum {
  return left_value(one.at + select(k, row, one.row_major) * one.stride, select(row, k, one.row_major));
}
fn right_element(one: Factor, k: u32, column: u32) -> Sum {
  return right_value(one.at + select(column, k, one.row_major) * one.stride, select(k, column, one.row_major));
}
fn multiply(left: Factor, right: Factor, sums: ptr<function, Sums>, lane: u32) {
  for (var e = lane; e < PATCH; e += SUBGROUP) {
    for (var k = 0u; k < PRODUCTS; k++) {
      sums[e / SUBGROUP] += left_element(left, e / MATRIX, k) * right_element(right, k, e % MATRIX);
    }
  }
}
fn put(at: u32, sums: ptr<function, Sums>, lane: u32) {
  for (var e = lane; e < PATCH; e += SUBGROUP) {
    patches[at + e] = sums[e / SUBGROUP];
  }
}`;
const PLAIN_F16 = `
const PRODUCTS = MATRIX;
fn left_value(line: u32, place: u32) -> Sum { return f32(left_tile[line + place]); }
fn right_value(line: u32, place: u32) -> Sum { return f32(right_tile[line + place]); }`;
/** A word has four integers, the first in its lowest byte. */
const PLAIN_I8 = `
const PRODUCTS = MATRIX_DEPTH;
fn left_value(line: u32, place: u32) -> Sum { return (left_tile[line + place / 4] << (24 - place % 4 * 8)) >> 24; }
fn right_value(line: u32, place: u32) -> Sum { return (right_tile[line + place / 4] << (24 - place % 4 * 8)) >> 24; }`;

/** A kernel's text with plain loops. Text without matrices stays as it is. */
function withoutMatrices(code: string): string {
  if (!code.includes('subgroup_matrix')) return code;
  const changed = code
    .replace('enable chromium_experimental_subgroup_matrix;', '')
    .replace('enable subgroups;', '')
    .replace('diagnostic(off, chromium.subgroup_matrix_uniformity);', '')
    .replace(/^alias (Left|Right|Sums) = subgroup_matrix.*;$/gm, '')
    .replace(/,?\s*@builtin\(subgroup_invocation_id\) own_lane: u32,?/, '')
    .replace(/(?=let part = part_of)/, 'let own_lane = lane % SUBGROUP;')
    .replace('subgroupBroadcast(number, 0u)', 'lane / SUBGROUP')
    .replace(/subgroupMatrixLoad<\w+, (\w+)>\(&\w+, (.*), (\w+)\)/g, (_, order, at, stride) => {
      return `Factor(${at}, ${stride}, ${order === 'row_major'})`;
    })
    .replace(/(\w+) = subgroupMatrixMultiplyAccumulate\((\w+), (\w+), \1\)/g, 'multiply($2, $3, &$1, own_lane)')
    .replace(/subgroupMatrixStore<row_major>\(&patches, (.*), (\w+), MATRIX\)/g, 'put($1, &$2, own_lane)');
  assert.not.match(changed, /subgroup_matrix|subgroupMatrix/);
  return changed + PLAIN + (code.includes('<i8,') ? PLAIN_I8 : PLAIN_F16);
}

type Config = readonly [componentType: string, resultComponentType: string, M: number, N: number, K: number];

/** This device, as if its adapter had these matrices. */
function withMatrices(subgroupSize: number, configs: readonly Config[]): Gpu {
  const subgroupMatrixConfigs = configs.map(([componentType, resultComponentType, M, N, K]) => ({
    ...{ componentType, resultComponentType, M, N, K },
  }));
  return {
    ...gpu,
    features: new Set([...gpu.features, 'subgroups', MATRIX_FEATURE]),
    info: {
      subgroupMinSize: subgroupSize,
      subgroupMaxSize: subgroupSize,
      subgroupMatrixConfigs,
    } as unknown as GPUAdapterInfo,
  };
}

const create = gpu.device.createShaderModule.bind(gpu.device);
gpu.device.createShaderModule = (given) => create({ ...given, code: withoutMatrices(given.code) });

async function check(adapter: Gpu, operation: string, type: 'f32' | 'f16', every = 1): Promise<void> {
  const checks = listChecks(adapter, { operation }).filter((one) => one.variant === 'matrix' && one.type === type);
  assert.ok(checks.length > 0, `${operation} has the variant`);
  const some = checks.filter((_, index) => index % every === 0);
  for (const result of await Promise.all(runChecks(adapter, some))) assert.is(result.failure, undefined, result.label);
}

for (const [subgroupSize, size, depth] of [
  [32, 16, 32],
  [8, 8, 16],
] as const) {
  test(`8-bit integers in matrices of ${size} × ${size} × ${depth}`, () =>
    check(withMatrices(subgroupSize, [['i8', 'i32', size, size, depth]]), 'conv2d_int8', 'f32'));
}

// Some of the cases, since llvmpipe takes seconds to compile a kernel.
if (gpu.features.has('shader-f16')) {
  for (const operation of ['conv2d', 'conv2d_weight_gradient', 'conv2d_input_gradient']) {
    test(`f16 in matrices of 16 × 16: ${operation}`, () =>
      check(withMatrices(32, [['f16', 'f32', 16, 16, 16]]), operation, 'f16', 4));
  }
}

test.run();
