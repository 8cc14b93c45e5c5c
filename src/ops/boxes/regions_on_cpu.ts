/**
 * 8-connected components of the pixels at or above a threshold, on the CPU. A run is a stretch of such pixels in one row. Runs of neighbouring rows
 * that touch are joined. So each pixel is read only once, and all other work is for runs.
 */

/** A component's box in pixels, half-open, its area in pixels and its highest value. */
export interface Region {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly area: number;
  readonly peak: number;
}

/** The runs of an image in reading order. */
interface Runs {
  count: number;
  /** For each run its first column, the column after its last, and its row. */
  starts: Int32Array;
  ends: Int32Array;
  rows: Int32Array;
  /** The highest value of each run. */
  peaks: Float64Array;
  /** A run of the same component with a smaller number, or the run itself. In the end it is the first run of the component. */
  roots: Int32Array;
}

function withRoom<T extends Int32Array | Float64Array>(list: T, room: number): T {
  const copy = new (list.constructor as new (length: number) => T)(room);
  copy.set(list);
  return copy;
}

/** Adds the runs of one row. There are at most half as many as pixels. */
function addRow(runs: Runs, values: ArrayLike<number>, width: number, row: number, threshold: number): void {
  if (runs.count + (width >> 1) + 1 > runs.starts.length) {
    const room = 2 * runs.starts.length + width;
    for (const list of ['starts', 'ends', 'rows', 'roots'] as const) runs[list] = withRoom(runs[list], room);
    runs.peaks = withRoom(runs.peaks, room);
  }
  const { starts, ends, rows, peaks, roots } = runs;
  const first = row * width;
  let { count } = runs;
  for (let x = 0; x < width; x++) {
    let value = values[first + x];
    if (!(value >= threshold)) continue;
    starts[count] = x;
    let peak = 0;
    while (value >= threshold) {
      if (value > peak) peak = value;
      x += 1;
      if (x === width) break;
      value = values[first + x];
    }
    ends[count] = x;
    rows[count] = row;
    peaks[count] = peak;
    roots[count] = count;
    count += 1;
  }
  runs.count = count;
}

/** The first run of a run's component, as far as it is known. Afterwards all runs on the way there point to it directly. */
function rootOf(roots: Int32Array, run: number): number {
  let root = run;
  while (roots[root] !== root) root = roots[root];
  for (let next = run; roots[next] !== root; ) {
    const parent = roots[next];
    roots[next] = root;
    next = parent;
  }
  return root;
}

/** Joins the runs of two neighbouring rows that touch, be it only at a corner. `above` and `current` are the first runs of the rows. */
function joinRows({ starts, ends, roots, count }: Runs, above: number, current: number): void {
  // Both rows' runs are in order, so each is looked at once.
  for (let upper = above, lower = current; upper < current && lower < count; ) {
    if (starts[upper] <= ends[lower] && starts[lower] <= ends[upper]) {
      const [a, b] = [rootOf(roots, upper), rootOf(roots, lower)];
      roots[Math.max(a, b)] = Math.min(a, b);
    }
    if (ends[upper] < ends[lower]) upper += 1;
    else lower += 1;
  }
}

function findRuns(values: ArrayLike<number>, width: number, height: number, threshold: number): Runs {
  const list = () => new Int32Array(width);
  const runs: Runs = {
    ...{ count: 0, starts: list(), ends: list(), rows: list(), roots: list(), peaks: new Float64Array(width) },
  };
  let above = 0;
  for (let row = 0; row < height; row++) {
    const current = runs.count;
    addRow(runs, values, width, row, threshold);
    joinRows(runs, above, current);
    above = current;
  }
  const { roots, count } = runs;
  for (let run = 0; run < count; run++) roots[run] = roots[roots[run]];
  return runs;
}

/** The components in the order of their first pixels. */
export function findRegions(values: ArrayLike<number>, width: number, height: number, threshold: number): Region[] {
  const { count, starts, ends, rows, peaks, roots } = findRuns(values, width, height, threshold);
  const numbers = new Int32Array(count);
  const found: { left: number; top: number; right: number; bottom: number; area: number; peak: number }[] = [];
  for (let run = 0; run < count; run++) {
    const [left, right, bottom] = [starts[run], ends[run], rows[run] + 1];
    if (roots[run] === run) {
      numbers[run] = found.length;
      found.push({ left, top: rows[run], right, bottom, area: 0, peak: 0 });
    }
    const region = found[numbers[roots[run]]];
    if (left < region.left) region.left = left;
    if (right > region.right) region.right = right;
    region.bottom = bottom;
    region.area += right - left;
    if (peaks[run] > region.peak) region.peak = peaks[run];
  }
  return found.map(({ left, top, right, bottom, area, peak }) => ({
    ...{ x: left, y: top, width: right - left, height: bottom - top, area, peak },
  }));
}

/** For each pixel the index of its component's first pixel, −1 outside. */
export function labelRegions(values: ArrayLike<number>, width: number, height: number, threshold: number): Int32Array {
  const { count, starts, ends, rows, roots } = findRuns(values, width, height, threshold);
  const labels = new Int32Array(width * height).fill(-1);
  for (let run = 0; run < count; run++) {
    const root = roots[run];
    const row = rows[run] * width;
    labels.fill(rows[root] * width + starts[root], row + starts[run], row + ends[run]);
  }
  return labels;
}
