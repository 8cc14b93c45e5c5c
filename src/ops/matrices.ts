/** What kernels that multiply by subgroup matrices (kernels/include/matrix_product.wgsl) have in common. */
import type { Constants } from '../gpu/wgsl.js';
import type { Traits } from '../graph/ir/operation.js';
import type { ElementType } from '../graph/ir/tensor.js';

/** Whether an adapter can run such a kernel on factors of this type. */
export const hasMatrices = (
  type: ElementType,
  { matrixSize, subgroupSize, maxInvocations, maxWorkgroupBytes }: Traits,
): boolean =>
  type === 'f16' && Boolean(matrixSize) && 4 * subgroupSize <= maxInvocations && maxWorkgroupBytes >= 16 << 10;

/** Rows of the product that a workgroup owns, as many as columns. */
export const matrixTile = ({ matrixSize = 0 }: Pick<Traits, 'matrixSize'>): number => 4 * matrixSize;

/** The constants of its prelude. @param transposed whether the left tile lies as [k, row] */
export const matrixConstants = (
  { subgroupSize, matrixSize = 0 }: Pick<Traits, 'subgroupSize' | 'matrixSize'>,
  transposed = false,
): Constants => ({
  SUBGROUPS: true,
  MATRICES: true,
  SUBGROUP: subgroupSize,
  MATRIX: matrixSize,
  TRANSPOSED: transposed,
});
