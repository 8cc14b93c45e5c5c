/**
 * Resizes a plane of numbers bilinearly, with pixel centres at half coordinates. When it is made smaller, the filter is widened by the same
 * factor so that every source pixel counts, as in Pillow's bilinear filter.
 */
export function resizePlane(
  source: ArrayLike<number>,
  [width, height]: readonly [number, number],
  [newWidth, newHeight]: readonly [number, number],
): Float32Array {
  if (width === newWidth && height === newHeight) return new Float32Array(source);
  const columns = taps(width, newWidth);
  const rows = taps(height, newHeight);
  const narrow = new Float32Array(newWidth * height);
  // Always the same type of array, whatever the caller has: V8 makes slow code of a loop that has met several types.
  const line = new Float64Array(width);
  for (let y = 0; y < height; y++) {
    line.set(part(source, y * width, (y + 1) * width));
    for (let x = 0; x < newWidth; x++) {
      const { first, weights } = columns[x];
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k] * line[first + k];
      narrow[y * newWidth + x] = sum;
    }
  }
  const result = new Float32Array(newWidth * newHeight);
  for (let y = 0; y < newHeight; y++) {
    const { first, weights } = rows[y];
    const row = result.subarray(y * newWidth, (y + 1) * newWidth);
    for (let k = 0; k < weights.length; k++) {
      const from = (first + k) * newWidth;
      const weight = weights[k];
      for (let x = 0; x < newWidth; x++) row[x] += weight * narrow[from + x];
    }
  }
  return result;
}

function part(source: ArrayLike<number>, from: number, to: number): ArrayLike<number> {
  return ArrayBuffer.isView(source)
    ? (source as Float32Array).subarray(from, to)
    : Array.from({ length: to - from }, (_, index) => source[from + index]);
}

interface Taps {
  first: number;
  weights: Float64Array;
}

/** The source pixels along one axis, with their weights, that make up each pixel of the result. */
function taps(size: number, newSize: number): Taps[] {
  const scale = size / newSize;
  const reach = Math.max(1, scale);
  return Array.from({ length: newSize }, (_, index) => {
    const centre = (index + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - reach));
    const end = Math.min(size, Math.ceil(centre + reach));
    const weights = Float64Array.from({ length: end - first }, (_, k) =>
      Math.max(0, 1 - Math.abs(first + k + 0.5 - centre) / reach),
    );
    const sum = weights.reduce((all, one) => all + one, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}
