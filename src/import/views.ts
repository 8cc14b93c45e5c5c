/**
 * How a value of the file's network lies in a tensor of the graph. raybox keeps maps as [images, rows, columns, channels]; a file may have
 * channels first, flatten a map, or split its channels into groups and shuffle them. Such steps do not change numbers, but only which dimension
 * runs along which axis of the tensor. This is recorded here, so they cost nothing when the network runs.
 *
 * In the network of a localizer, a value has its shape for one image, and one of its dimensions of size 1 is the dimension of images. In a
 * model that is run as it is (`Kit.ownImages`), images are a dimension like any other, along the axis n.
 */
import { countOf } from './plain.js';

/** Images, rows, columns or channels of a tensor [n, h, w, c]. */
export type Axis = 'n' | 'h' | 'w' | 'c';

/** A dimension, or a factor of one: `size` places along an axis, `step` apart. */
export interface Run {
  readonly axis: Axis;
  readonly size: number;
  readonly step: number;
}

/** For each dimension of the value, the runs that it consists of, the slowest first. A dimension of size 1 has none. */
export type Dims = readonly (readonly Run[])[];

export const sizeOf = (runs: readonly Run[]) => countOf(runs.map(({ size }) => size));
export const shapeOf = (dims: Dims): number[] => dims.map(sizeOf);

/** One run along a whole axis; none if it has one place. */
export const whole = (axis: Axis, size: number): readonly Run[] => (size === 1 ? [] : [{ axis, size, step: 1 }]);

/** Whether a dimension is a whole axis in its own order. */
export function isWhole(runs: readonly Run[], axis: Axis, size: number): boolean {
  return sameRuns(runs, whole(axis, size));
}

export const sameRuns = (a: readonly Run[], b: readonly Run[]): boolean =>
  a.length === b.length &&
  a.every((run, i) => run.axis === b[i].axis && run.size === b[i].size && run.step === b[i].step);

export const sameDims = (a: Dims, b: Dims): boolean =>
  a.length === b.length && a.every((runs, i) => sameRuns(runs, b[i]));

/** Joins neighbouring runs that are one run together: 4 steps of 8, each divided into 8 steps of 1, are 32 steps of 1. */
function joined(runs: readonly Run[]): Run[] {
  const all: Run[] = [];
  for (const run of runs) {
    const last = all.at(-1);
    if (last && last.axis === run.axis && last.step === run.step * run.size)
      all[all.length - 1] = { axis: run.axis, size: last.size * run.size, step: run.step };
    else all.push(run);
  }
  return all;
}

/**
 * The same numbers in another shape, as a reshape reads them: row by row.
 * @returns undefined if a new dimension would begin or end within a run that cannot be cut there
 */
export function reshaped(dims: Dims, shape: readonly number[]): Dims | undefined {
  const rest = joined(dims.flat());
  const result: Run[][] = [];
  for (const size of shape) {
    const own: Run[] = [];
    let missing = size;
    while (missing > 1) {
      const run = rest.shift();
      if (!run) return undefined;
      if (missing % run.size === 0) {
        own.push(run);
        missing /= run.size;
      } else if (run.size % missing === 0) {
        const inner = run.size / missing;
        own.push({ axis: run.axis, size: missing, step: run.step * inner });
        rest.unshift({ axis: run.axis, size: inner, step: run.step });
        missing = 1;
      } else return undefined;
    }
    result.push(joined(own));
  }
  return rest.length === 0 ? result : undefined;
}

/** Dimension i of the result is dimension `order[i]`. */
export const transposed = (dims: Dims, order: readonly number[]): Dims => order.map((dimension) => dims[dimension]);

/** For each place of the value, the place of its number in [h, w, c], row by row. Weights are sorted by these places. */
export function placesOf(runs: readonly Run[], sizes: Readonly<Record<Exclude<Axis, 'n'>, number>>): Int32Array {
  const steps = { c: 1, w: sizes.c, h: sizes.c * sizes.w, n: sizes.c * sizes.w * sizes.h };
  let places = new Int32Array(1);
  for (const { axis, size, step } of runs) {
    const next = new Int32Array(places.length * size);
    for (let i = 0, at = 0; i < places.length; i++)
      for (let j = 0; j < size; j++) next[at++] = places[i] + j * step * steps[axis];
    places = next;
  }
  return places;
}
