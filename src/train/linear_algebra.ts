/** The dense linear algebra in float64 that ridge regression needs. Matrices are flat arrays in row-major order. */
import { InputError } from '../errors.js';

/** Columns of a tile in `crossProducts`. Two tiles of this width stay in the processor's cache. */
const TILE = 32;

/**
 * Sums over images: `gram` = XᵀX [width, width] and `moments` = XᵀY [width, classes].
 * @param x [images, width]
 * @param y [images, classes]
 */
export function crossProducts(x: Float32Array, y: Float32Array, width: number, classes: number) {
  const images = x.length / width;
  // Transposed, so that the elements of a column lie next to each other in memory.
  const columns = transposed(x, width);
  const labels = transposed(y, classes);
  const gram = new Float64Array(width * width);
  for (let top = 0; top < width; top += TILE) {
    for (let left = 0; left <= top; left += TILE) {
      for (let i = top; i < Math.min(top + TILE, width); i++) {
        for (let j = left; j <= Math.min(left + TILE - 1, i); j++) {
          const value = dot(columns, i * images, columns, j * images, images);
          gram[i * width + j] = value;
          gram[j * width + i] = value;
        }
      }
    }
  }
  const moments = new Float64Array(width * classes);
  for (let i = 0; i < width; i++) {
    for (let c = 0; c < classes; c++) {
      moments[i * classes + c] = dot(columns, i * images, labels, c * images, images);
    }
  }
  return { gram, moments };
}

function transposed(values: Float32Array, width: number): Float32Array {
  const height = values.length / width;
  const turned = new Float32Array(values.length);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) turned[column * height + row] = values[row * width + column];
  }
  return turned;
}

type Numbers = Float32Array | Float64Array;

// Four independent sums, because with a single one each addition would have to wait for the one before.
function dot(a: Numbers, fromA: number, b: Numbers, fromB: number, length: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let k = 0;
  for (; k + 3 < length; k += 4) {
    s0 += a[fromA + k] * b[fromB + k];
    s1 += a[fromA + k + 1] * b[fromB + k + 1];
    s2 += a[fromA + k + 2] * b[fromB + k + 2];
    s3 += a[fromA + k + 3] * b[fromB + k + 3];
  }
  for (; k < length; k++) s0 += a[fromA + k] * b[fromB + k];
  return s0 + s1 + (s2 + s3);
}

/**
 * Replaces the lower triangle of a symmetric positive definite matrix by its Cholesky factor L, with L · Lᵀ = matrix.
 * @throws InputError if the matrix is not positive definite.
 */
export function cholesky(matrix: Float64Array, size: number): Float64Array {
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      const value = matrix[i * size + j] - dot(matrix, i * size, matrix, j * size, j);
      if (i > j) matrix[i * size + j] = value / matrix[j * size + j];
      else if (value > 0) matrix[i * size + i] = Math.sqrt(value);
      else throw new InputError('the matrix is not positive definite', { given: `${value} at ${i}` });
    }
  }
  return matrix;
}

/** Solves L · Lᵀ · X = B for X [size, columns], which replaces B. */
export function solveCholesky(lower: Float64Array, b: Float64Array, size: number, columns: number): Float64Array {
  const add = (to: number, from: number, factor: number) => {
    for (let c = 0; c < columns; c++) b[to * columns + c] += factor * b[from * columns + c];
  };
  const divide = (row: number) => {
    for (let c = 0; c < columns; c++) b[row * columns + c] /= lower[row * size + row];
  };
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < i; j++) add(i, j, -lower[i * size + j]);
    divide(i);
  }
  for (let i = size - 1; i >= 0; i--) {
    divide(i);
    for (let j = 0; j < i; j++) add(j, i, -lower[i * size + j]);
  }
  return b;
}
