/** How the output pixels of a convolution are split for the gradient by its weights. */
import type { Range, Traits } from '../../graph/ir/operation.js';

export interface Chunk {
  readonly range: Range;
  /** Output pixels of each chunk, the number of chunks, and the index of the first one among the chunks of all bands. */
  readonly size: number;
  readonly count: number;
  readonly first: number;
}

/** Limit of the pixels that one thread adds up. A longer sum in f32 would lose digits. */
const LONGEST = 512;

/** The fewest pixels that a thread adds up, so that partial sums stay few. */
const SHORTEST = 64;

/** This number of workgroups keeps a GPU busy. */
const WANTED = 1024;

/** Limit of the bytes of partial sums. More chunks would not be worth the memory. */
const LARGEST = 32 << 20;

// Splits each band of output pixels (a range that the adapter can bind) into chunks.
export function chunksOf(bands: readonly Range[], workgroups: number, bytes: number, { software }: Traits): Chunk[] {
  const pixels = bands[bands.length - 1][1];
  const fast = software ? LONGEST : Math.ceil(pixels / Math.ceil(WANTED / workgroups));
  const most = Math.max(1, Math.floor(LARGEST / bytes) - bands.length);
  const size = Math.max(Math.min(Math.max(fast, SHORTEST), LONGEST), Math.ceil(pixels / most));
  let first = 0;
  return bands.map((range) => {
    const count = Math.ceil((range[1] - range[0]) / size);
    first += count;
    return { range, size, count, first: first - count };
  });
}

export const total = (chunks: readonly Chunk[]) => chunks.reduce((sum, { count }) => sum + count, 0);
