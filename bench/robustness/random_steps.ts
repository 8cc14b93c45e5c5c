/** The steps of random graphs: each operation on maps, with numbers for everything that can be chosen. */
import fc from 'fast-check';
import type { GraphBuilder } from '../../src/graph/ir/graph.js';
import { segmentsOf, type Tensor } from '../../src/graph/ir/tensor.js';
import { activationOf } from '../../src/ops/layers/activation.js';
import type { Activation } from '../../src/ops/layers/activations.js';
import { sum } from '../../src/ops/layers/add.js';
import { batchNorm } from '../../src/ops/layers/batch_norm.js';
import { channelShuffle } from '../../src/ops/layers/channel_shuffle.js';
import { classActivationMap } from '../../src/ops/layers/class_activation_map.js';
import { concat } from '../../src/ops/layers/concat.js';
import { conv2d } from '../../src/ops/layers/conv2d.js';
import { layerNorm } from '../../src/ops/layers/layer_norm.js';
import { linear } from '../../src/ops/layers/linear.js';
import { localResponseNorm } from '../../src/ops/layers/lrn.js';
import { globalAveragePool, lsePool } from '../../src/ops/layers/lse_pool.js';
import { mul } from '../../src/ops/layers/mul.js';
import { pad } from '../../src/ops/layers/pad.js';
import { averagePool, maxPool } from '../../src/ops/layers/pool.js';
import { type ResizeMode, resize } from '../../src/ops/layers/resize.js';
import { scale } from '../../src/ops/layers/scale.js';
import { slice } from '../../src/ops/layers/slice.js';
import { softmax } from '../../src/ops/layers/softmax.js';
import { compact, withSegments } from '../../src/ops/packing/compact.js';

const small = (max: number) => fc.nat(max);

export const steps = fc.record({
  kind: fc.nat(999),
  /** The map that it reads, counted back from the newest one. */
  from: fc.array(small(9), { minLength: 3, maxLength: 3 }),
  channels: fc.integer({ min: 1, max: 9 }),
  window: fc.constantFrom<[number, number]>([1, 1], [1, 1], [3, 1], [1, 3], [3, 3]),
  stride: fc.constantFrom<[number, number]>([1, 1], [1, 1], [2, 1], [2, 2]),
  dilation: fc.constantFrom(1, 1, 2),
  choice: fc.nat(99),
  shared: fc.boolean(),
  output: fc.nat(5),
});
type Step = typeof steps extends fc.Arbitrary<infer T> ? T : never;

type Make = (g: GraphBuilder, maps: readonly Tensor[], step: Step, index: number) => Tensor;

/** Limits the channels of concatenations. */
const WIDEST = 24;

function pick(maps: readonly Tensor[], back: number, fits: (tensor: Tensor) => boolean): Tensor {
  const fitting = maps.filter(fits);
  return fitting[fitting.length - 1 - (back % fitting.length)];
}

const first = (maps: readonly Tensor[], { from }: Step) => pick(maps, from[0], () => true);

/** Another map, or the same one, that agrees with x in `dimensions`. */
const mate = (maps: readonly Tensor[], x: Tensor, back: number, dimensions: number) =>
  pick(maps, back, ({ shape }) => shape.slice(0, dimensions).join() === x.shape.slice(0, dimensions).join());

const divisors = (of: number) => Array.from({ length: of }, (_, i) => i + 1).filter((one) => of % one === 0);

/** Groups of every width: one, whole vec4s, ragged ones, depthwise. */
const convolution =
  (grouped: boolean): Make =>
  (g, maps, step, index) => {
    const { channels, window, stride, choice, shared, dilation, from } = step;
    // Groups over segments are the most difficult case for kernels.
    const holed = grouped ? maps.filter((map) => segmentsOf(map).length > 1) : [];
    const x = holed.length > 0 ? pick(holed, from[0], () => true) : first(maps, step);
    const width = x.shape[3];
    const possible = divisors(width).slice(width > 1 ? 1 : 0);
    const groups = grouped ? possible[choice % possible.length] : 1;
    // Some convolutions share their weights and keep their channels.
    const own = !shared || width > 12;
    const name = own ? `conv${index}` : `shared${width}.${groups}.${window}`;
    const outputs = own ? groups * Math.max(1, Math.ceil(channels / groups)) : width;
    const weight = g.parameter(`${name}.weight`, [outputs, width / groups, ...window]);
    const bias = channels % 2 ? g.parameter(`${name}.bias`, [outputs]) : undefined;
    const padding = window.map((size) => ((size - 1) / 2) * dilation) as [number, number];
    return conv2d(g, x, weight, bias, { padding, stride, dilation, groups });
  };

const ACTIVATIONS: readonly Activation[] = [
  { kind: 'relu' },
  { kind: 'relu' },
  { kind: 'leaky_relu', a: 0.3 },
  { kind: 'sigmoid' },
  { kind: 'tanh' },
  { kind: 'silu' },
  { kind: 'hard_swish' },
  { kind: 'hard_sigmoid' },
  { kind: 'gelu' },
  { kind: 'gelu_tanh' },
  { kind: 'clip', a: -0.5, b: 0.7 },
  { kind: 'clip', a: 0.1, b: 0.9 },
];

const RESIZES: readonly ResizeMode[] = ['nearest', 'bilinear', 'bilinear_corners', 'bilinear_antialiased'];

/** Keeps products of products near 1. */
const bounded = (g: GraphBuilder, x: Tensor) => activationOf(g, x, { kind: 'clip', a: -2, b: 2 });

const norm: Make = (g, maps, step, index) => {
  const x = first(maps, step);
  // A single pixel has no variance.
  const isSingle = x.shape.slice(0, 3).join() === '1,1,1';
  if (isSingle) return bounded(g, x);
  return batchNorm(g, x, step.shared && !g.batchStatistics ? `shared${x.shape[3]}.norm` : `norm${index}`);
};

const activation: Make = (g, maps, step) =>
  activationOf(g, first(maps, step), ACTIVATIONS[step.choice % ACTIVATIONS.length]);

const addition: Make = (g, maps, step) => {
  const x = first(maps, step);
  return sum(g, x, mate(maps, x, step.from[1], 4));
};

const product: Make = (g, maps, step) => {
  const x = first(maps, step);
  const other = mate(maps, x, step.from[1], 4);
  // Squeeze-and-excitation, or elementwise.
  return bounded(g, mul(g, x, step.shared ? globalAveragePool(g, other) : other));
};

const concatenation: Make = (g, maps, step) => {
  const x = first(maps, step);
  const parts = [x, ...step.from.slice(1).map((back) => mate(maps, x, back, 3))].slice(0, step.shared ? 3 : 2);
  const wide = parts.reduce((all, { shape }) => all + shape[3], 0) > WIDEST;
  return wide ? bounded(g, x) : concat(g, parts);
};

/** Whole segments, or some vec4 groups of one segment. */
const cut: Make = (g, maps, step) => {
  const x = first(maps, step);
  const segments = segmentsOf(x);
  const at = step.from[1] % segments.length;
  const before = segments.slice(0, at).reduce((sum, width) => sum + Math.ceil(width / 4), 0);
  if (step.shared) {
    return slice(g, x, { offset: before, segments: segments.slice(at, at + 1 + (step.from[2] % 2)) });
  }
  const groups = Math.ceil(segments[at] / 4);
  const skipped = step.choice % groups;
  return slice(g, x, { offset: before + skipped, segments: [segments[at] - 4 * skipped] });
};

/** Segments that differ from the present ones. */
const arrangement: Make = (g, maps, step) => {
  const x = first(maps, step);
  const width = x.shape[3];
  const left = 1 + (step.choice % width);
  return step.shared || left === width ? compact(g, x) : withSegments(g, x, [left, width - left]);
};

const pooling =
  (pool: typeof maxPool | typeof averagePool): Make =>
  (g, maps, step) => {
    const options = step.shared ? { ceilMode: true } : {};
    return pool(g, first(maps, step), { kernel: 3, stride: step.stride, padding: 1, ...options });
  };

const padding: Make = (g, maps, step) => {
  const x = first(maps, step);
  const crop = step.shared && x.shape[1] > 2 ? -1 : 0;
  return pad(g, x, [crop, step.choice % 2, 1, 0], { value: step.choice % 3 === 0 ? 0.5 : 0 });
};

const lrn: Make = (g, maps, step) =>
  localResponseNorm(g, first(maps, step), { size: 1 + (step.choice % 5), alpha: 0.5 });

const shuffle: Make = (g, maps, step) => {
  const x = first(maps, step);
  const possible = divisors(x.shape[3]);
  return channelShuffle(g, x, possible[step.choice % possible.length]);
};

const channelNorm: Make = (g, maps, step, index) => {
  const x = first(maps, step);
  // A single channel has no variance.
  return x.shape[3] === 1 ? bounded(g, x) : layerNorm(g, x, `layer_norm${index}`, 1e-3);
};

const SHARPNESS = [0, 0.01, 1, 10, Number.POSITIVE_INFINITY];

const head: Make = (g, maps, step, index) => {
  const pooled = lsePool(g, first(maps, step), SHARPNESS[step.choice % SHARPNESS.length]);
  return step.shared ? linear(g, pooled, `linear${index}`, step.channels) : pooled;
};

const factor: Make = (g, maps, step) => scale(g, first(maps, step), 0.75);

const heatmaps: Make = (g, maps, step, index) => {
  const x = first(maps, step);
  return classActivationMap(g, x, g.parameter(`cam${index}.weight`, [step.channels, x.shape[3]]));
};

const resizing: Make = (g, maps, step) => {
  const x = first(maps, step);
  const mode = RESIZES[step.choice % RESIZES.length];
  return resize(g, x, { height: 1 + step.channels, width: 1 + (step.choice % 7), mode });
};

/** Operations that have a gradient. Those that often read segments are listed more than once. */
export const gradientKinds: readonly Make[] = [
  convolution(false),
  convolution(true),
  convolution(true),
  norm,
  activation,
  activation,
  addition,
  concatenation,
  concatenation,
  concatenation,
  cut,
  product,
  pooling(maxPool),
  pooling(averagePool),
  padding,
  lrn,
  (g, maps, step) => softmax(g, first(maps, step)),
  arrangement,
  channelNorm,
  shuffle,
  head,
];

export const kinds: readonly Make[] = [...gradientKinds, resizing, heatmaps, factor];
