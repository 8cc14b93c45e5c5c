/**
 * Finds out why a layer differs from its recording. Each known fault is tried on the numbers, and is named only if it explains them within the
 * tolerance. Names of layers are not used for guessing.
 */

/** Numbers of a layer, [images, channels, rows, columns]; vectors have one row and column. */
export interface Maps {
  readonly shape: readonly [number, number, number, number];
  readonly data: ArrayLike<number>;
}

/** What is known about the layer besides its numbers. */
export interface LayerFacts {
  /** Parameters, if the layer is a batch norm. */
  readonly norm?: { gamma: ArrayLike<number>; beta: ArrayLike<number>; variance: ArrayLike<number>; epsilon: number };
  /** The recorded numbers in the order of the file. */
  readonly recorded: ArrayLike<number>;
  /** Runs the network again with a changed input, and returns this layer. */
  again(change: 'channels reversed' | { rows: number; columns: number }): Promise<Maps>;
}

/** The largest difference, relative to the range of the expected numbers. Infinite if only one of the two is finite. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [most, low, high] = [0, Infinity, -Infinity];
  for (let i = 0; i < expected.length; i++) {
    if (Object.is(actual[i], expected[i])) {
      if (!Number.isFinite(expected[i])) continue;
    } else if (!Number.isFinite(actual[i]) || !Number.isFinite(expected[i])) return Infinity;
    most = Math.max(most, Math.abs(actual[i] - expected[i]));
    low = Math.min(low, expected[i]);
    high = Math.max(high, expected[i]);
  }
  // If all numbers are equal, they have no range. Their magnitude is used instead.
  return most === 0 ? 0 : most / (high > low ? high - low : Math.max(Math.abs(high), Number.MIN_VALUE));
}

/** @returns the cause in words, or undefined if no known fault explains the numbers */
export async function likelyCause(
  ours: Maps,
  theirs: Maps,
  tolerance: number,
  facts: LayerFacts,
): Promise<string | undefined> {
  const fits = (a: ArrayLike<number>, b: ArrayLike<number> = theirs.data) =>
    a.length === b.length && b.length > 0 && relativeError(a, b) <= tolerance;
  const [images, channels, height, width] = ours.shape;
  const last = nhwc(ours);
  if (fits(last, facts.recorded)) return 'layout: this recording has its channels last';
  if (fits(transposedMaps(ours).data)) return 'layout: rows and columns are exchanged';
  if (fits(rectified(ours.data))) return 'activation: the recording was made after a ReLU (one that works in place?)';
  if (fits(ours.data, rectified(theirs.data)) && ours.shape.join() === theirs.shape.join())
    return 'activation: the recording was made before the ReLU';
  const reversed = await facts.again('channels reversed');
  if (fits(reversed.data)) return 'channel order: with the channels of the input reversed (RGB, BGR) the layer agrees';
  if (facts.norm) {
    const why = normCause(ours, theirs, tolerance, facts.norm);
    if (why) return why;
  }
  for (const [rows, columns] of SHIFTS) {
    const inner = Math.max(1, Math.abs(rows), Math.abs(columns));
    if (height <= 2 * inner + 1 || width <= 2 * inner + 1) continue;
    const expected = interior(theirs, inner);
    if (fits(interior(ours, inner, rows, columns), expected))
      return `padding: the layer is shifted by ${rows} rows and ${columns} columns`;
    const moved = await facts.again({ rows, columns });
    if (fits(interior(moved, inner), expected))
      return `padding: the layer agrees for an input that is shifted by ${rows} rows and ${columns} columns`;
  }
  for (const border of [1, 2, 3]) {
    if (height <= 2 * border + 1 || width <= 2 * border + 1) break;
    if (fits(interior(ours, border), interior(theirs, border)) && isBorderOff(ours, theirs, border, tolerance))
      return `padding: only the outer ${border} rows and columns differ`;
  }
  const scale = commonScale(ours, theirs, tolerance);
  if (scale !== undefined && Math.abs(scale - 1) <= tolerance)
    return 'bias: each channel differs by a constant (check the layer’s bias, and the mean of the input)';
  if (scale !== undefined)
    return `normalisation: the recording is ${scale.toPrecision(5)} times as large, with an offset for each channel: its input was scaled differently`;
  const sorted = (list: ArrayLike<number>) => Float64Array.from(list).sort();
  if (images * channels * height * width === theirs.data.length && fits(sorted(ours.data), sorted(theirs.data)))
    return 'order: the recording has the same numbers in another order (flattened in another way?)';
  return undefined;
}

const SHIFTS = [-1, 0, 1].flatMap((rows) =>
  [-1, 0, 1].flatMap((columns) => (rows === 0 && columns === 0 ? [] : [[rows, columns] as const])),
);

const rectified = (values: ArrayLike<number>) => Float64Array.from(values, (value) => Math.max(0, value));

function nhwc({ shape: [n, c, h, w], data }: Maps): Float64Array {
  const result = new Float64Array(data.length);
  let at = 0;
  for (let i = 0; i < n; i++)
    for (let p = 0; p < h * w; p++) for (let k = 0; k < c; k++) result[at++] = data[(i * c + k) * h * w + p];
  return result;
}

function transposedMaps({ shape: [n, c, h, w], data }: Maps): Maps {
  const result = new Float64Array(data.length);
  let at = 0;
  for (let map = 0; map < n * c; map++)
    for (let x = 0; x < w; x++) for (let y = 0; y < h; y++) result[at++] = data[(map * h + y) * w + x];
  return { shape: [n, c, w, h], data: result };
}

/** The maps without a border, after they have been moved by some rows and columns. */
function interior({ shape: [n, c, h, w], data }: Maps, border: number, rows = 0, columns = 0): Float64Array {
  const result: number[] = [];
  for (let map = 0; map < n * c; map++)
    for (let y = border; y < h - border; y++)
      for (let x = border; x < w - border; x++) result.push(data[(map * h + y - rows) * w + x - columns]);
  return Float64Array.from(result);
}

/** Whether at least a sixteenth of the border differs. If only a few numbers differ, another padding does not explain it. */
function isBorderOff(ours: Maps, theirs: Maps, border: number, tolerance: number): boolean {
  const [n, c, h, w] = ours.shape;
  const ring = n * c * (h * w - (h - 2 * border) * (w - 2 * border));
  const values = Float64Array.from(theirs.data);
  const range = values.reduce((a, b) => Math.max(a, b)) - values.reduce((a, b) => Math.min(a, b));
  let differing = 0;
  for (let i = 0; i < values.length; i++) if (!(Math.abs(ours.data[i] - values[i]) <= tolerance * range)) differing++;
  return differing >= ring / 16;
}

/** The numbers of one channel in all images. */
function channelOf({ shape: [n, c, h, w], data }: Maps, channel: number): Float64Array {
  const size = h * w;
  return Float64Array.from(
    { length: n * size },
    (_, i) => data[(Math.floor(i / size) * c + channel) * size + (i % size)],
  );
}

const meanOf = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
const varianceOf = (values: Float64Array, mean: number) =>
  values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;

/** The slope and the offset that turn one channel into another. */
function line(a: Float64Array, b: Float64Array): { slope: number; offset: number } | undefined {
  const [meanA, meanB] = [meanOf(a), meanOf(b)];
  const variance = varianceOf(a, meanA);
  if (!(variance > 0)) return undefined;
  const slope = a.reduce((sum, value, i) => sum + (value - meanA) * (b[i] - meanB), 0) / a.length / variance;
  return { slope, offset: meanB - slope * meanA };
}

/** The causes for batch norms: another epsilon, or the batch's own statistics, as in training. */
function normCause(ours: Maps, theirs: Maps, tolerance: number, norm: NonNullable<LayerFacts['norm']>) {
  if (ours.shape.join() !== theirs.shape.join()) return undefined;
  const [n, channels, h, w] = ours.shape;
  const result = new Float64Array(ours.data.length);
  const size = h * w;
  const apply = (of: (value: number, channel: number) => number) => {
    for (let i = 0; i < result.length; i++) result[i] = of(ours.data[i], Math.floor(i / size) % channels);
    return relativeError(result, theirs.data) <= tolerance;
  };
  const lists = Array.from({ length: channels }, (_, c) => channelOf(ours, c));
  const own = lists.map((values) => ({ mean: meanOf(values), variance: varianceOf(values, meanOf(values)) }));
  const { gamma, beta, variance, epsilon } = norm;
  const ofBatch = (value: number, c: number) => {
    // This is the variance of the layer's input. It is computed from the output by undoing the norm.
    const factor = gamma[c] / Math.sqrt(variance[c] + epsilon);
    const input = own[c].variance / factor ** 2;
    return ((value - own[c].mean) / factor) * (gamma[c] / Math.sqrt(input + epsilon)) + beta[c];
  };
  if (n * size > 1 && apply(ofBatch))
    return 'batch norm: the recording was made in training mode (model.eval() was not called)';
  const lines = lists.map((values, c) => line(values, channelOf(theirs, c)));
  // The square of the slope is (variance + ε) / (variance + ε′). The channel with the smallest variance shows ε′ most precisely.
  const usable = lines.flatMap((one, c) => (one && one.slope > 0 && gamma[c] !== 0 ? [c] : []));
  usable.sort((a, b) => variance[a] - variance[b]);
  if (usable.length === 0) return undefined;
  const [c] = usable;
  const other = (variance[c] + epsilon) / lines[c]!.slope ** 2 - variance[c];
  const withOther = (value: number, k: number) =>
    (value - beta[k]) * Math.sqrt((variance[k] + epsilon) / (variance[k] + other)) + beta[k];
  if (other >= 0 && apply(withOther))
    return `epsilon: the recording fits an epsilon of ${other.toPrecision(2)}, raybox uses ${epsilon}`;
  return undefined;
}

/** A common scale of all channels, each of which may have an offset of its own, that explains the interior; undefined if there is none. */
function commonScale(ours: Maps, theirs: Maps, tolerance: number): number | undefined {
  const [n, channels, h, w] = ours.shape;
  if (ours.shape.join() !== theirs.shape.join() || n * h * w < 8) return undefined;
  const border = h > 8 && w > 8 ? 3 : 0;
  const cut = (maps: Maps): Maps => ({
    shape: [n, channels, h - 2 * border, w - 2 * border],
    data: interior(maps, border),
  });
  const [a, b] = [cut(ours), cut(theirs)];
  if (relativeError(a.data, b.data) <= tolerance) return undefined;
  const lines = Array.from({ length: channels }, (_, c) => line(channelOf(a, c), channelOf(b, c)));
  const known = lines.flatMap((one) => (one ? [one.slope] : [])).sort((x, y) => x - y);
  const scale = known[known.length >> 1];
  if (scale === undefined || !Number.isFinite(scale) || scale === 0) return undefined;
  const offsets = lines.map((_, c) => meanOf(channelOf(b, c)) - scale * meanOf(channelOf(a, c)));
  const size = a.shape[2] * a.shape[3];
  const made = Float64Array.from(a.data, (value, i) => scale * value + offsets[Math.floor(i / size) % channels]);
  return relativeError(made, b.data) <= tolerance ? scale : undefined;
}
