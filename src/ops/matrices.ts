/** What kernels that multiply by subgroup matrices (kernels/include/matrix_product.wgsl) have in common. */
import type { Constants } from '../gpu/wgsl.js';
import type { MatrixShape, Traits } from '../graph/ir/operation.js';

/** What a kernel's tiles and prelude depend on. */
export type Matrices = Pick<Traits, 'subgroupSize' | 'matrices'>;

/** The type of the sums, and how many products a matrix may add up for each, by the type of the factors. */
const USED: Readonly<Record<string, { sum: string; depths(size: number): readonly number[] }>> = {
  f16: { sum: 'f32', depths: (size) => [size] },
  i8: { sum: 'i32', depths: () => [8, 16, 32, 64] },
};

/** The largest matrices of an adapter that are used for factors of a type. Those whose sums are not square, such as 16 × 8, are not. */
function matrixOf(type: string, { matrices = [] }: Matrices): MatrixShape | undefined {
  const fitting = matrices.filter(
    ({ factor, sum, rows, columns, depth }) =>
      factor === type &&
      sum === USED[type]?.sum &&
      rows === columns &&
      (rows === 8 || rows === 16) &&
      USED[type].depths(rows).includes(depth),
  );
  return fitting.sort((a, b) => b.rows - a.rows)[0];
}

/** Whether an adapter can run such a kernel on factors of this type: f16, or i8 for 8-bit integers. */
export const hasMatrices = (type: string, traits: Traits): boolean =>
  matrixOf(type, traits) !== undefined &&
  4 * traits.subgroupSize <= traits.maxInvocations &&
  traits.maxWorkgroupBytes >= 16 << 10;

/** Rows of the product that a workgroup owns, as many as columns. */
export const matrixTile = (type: 'f16' | 'i8', traits: Matrices): number => 4 * (matrixOf(type, traits)?.rows ?? 0);

/** The constants of its prelude. @param transposed whether the left tile lies as [k, row] */
export function matrixConstants(type: 'f16' | 'i8', traits: Matrices, transposed = false): Constants {
  const { rows = 0, depth = 0 } = matrixOf(type, traits) ?? {};
  return {
    SUBGROUPS: true,
    MATRICES: true,
    SUBGROUP: traits.subgroupSize,
    MATRIX: rows,
    TRANSPOSED: transposed,
    INTEGERS: type === 'i8',
    ...(type === 'i8' ? { MATRIX_DEPTH: depth } : {}),
  };
}
