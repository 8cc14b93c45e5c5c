/** Counts of numbers by size, of which percentiles can be told. */

/** The bin of a number is the upper half of its bits: sign, exponent, and 7 bits of what follows. So a bin is less than 1 % wide. */
const BINS = 1 << 16;

/** Counts that grow with each list of numbers, and tell ranges. */
export interface ValueCounts {
  /** @throws Error for a number that is not finite */
  add(values: Float32Array): void;
  /** The range without the lowest and the highest numbers, of which at most this share each is left out. It always includes 0. */
  range(share: number): [low: number, high: number];
}

/** Counts of no numbers. */
export function countValues(): ValueCounts {
  const counts = new Float64Array(BINS);
  let [total, least, most] = [0, 0, 0];
  /** The number of a bin that is furthest from 0. */
  const farthest = new Float32Array(1);
  const bits = new Uint32Array(farthest.buffer);
  const endOf = (bin: number): number => {
    bits[0] = (bin << 16) | 0xffff;
    return farthest[0];
  };
  /** The end of the bin where the share is reached, from the far end of one sign on. */
  const cut = (from: number, share: number): number => {
    let left = 0;
    for (let bin = from + BINS / 2 - 1; bin > from; bin--) {
      left += counts[bin];
      if (left > share * total) return endOf(bin);
    }
    return 0;
  };
  return {
    add(values) {
      const patterns = new Uint32Array(values.buffer, values.byteOffset, values.length);
      for (let i = 0; i < values.length; i++) {
        counts[patterns[i] >>> 16]++;
        least = Math.min(least, values[i]);
        most = Math.max(most, values[i]);
      }
      if (!Number.isFinite(least) || !Number.isFinite(most)) throw new Error('a number is not finite');
      total += values.length;
    },
    range: (share) => [Math.max(least, cut(BINS / 2, share)), Math.min(most, cut(0, share))],
  };
}
