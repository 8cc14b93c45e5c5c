/**
 * What f16 arithmetic would do to the convolutions of the shipped networks: sums of products in f16, in chains of some length, compared with
 * float64 of the same f16 factors. Nothing runs on a GPU. bench/notebook/kernels.md has the verdict.
 *
 *   node dist/bench/studies/f16_arithmetic/run.js [WEIGHTS...] [--images DIR] [--count 4] [--outputs 1024]
 *
 * The images are phantoms, or those of `--images`. Activations are those of the network in float64, rounded to f16.
 */
import { Command } from 'commander';
import { f16ToF32, f32ToF16 } from '../../../src/formats/half.js';
import { createGraph, type Node } from '../../../src/graph/ir/graph.js';
import { channelCount, laneChannels, type Tensor } from '../../../src/graph/ir/tensor.js';
import { fuse } from '../../../src/graph/passes/fuse.js';
import { readModel } from '../../../src/localizer/weights/model.js';
import type { Model } from '../../../src/nets/model.js';
import { activate } from '../../../src/ops/layers/activation.formulas.js';
import { type Conv2dAttributes, type Conv2dInputs, geometry } from '../../../src/ops/layers/conv2d.attributes.js';
import { type Random, seededRandom, shuffle } from '../../../src/random.js';
import { evaluateReference, normalisedError } from '../../../src/verify/reference.js';
import { markdownTable } from '../../markdown.js';
import { runStudy } from '../study_program.js';
import { type Arithmetic, newTally, roundHalf, sumOf, type Tally } from './half_sums.js';
import { modelInputs } from './inputs.js';

const SHIPPED = ['chest8', 'chest8-small', 'phantom8'].map((name) => `weights/${name}.safetensors`);
/** The bound of f16 kernels (src/verify/check.ts), and the error of one output that is as large, as a share of the outputs' root mean square. */
const BOUND = 1e-6;
const LARGEST_ERROR = Math.sqrt(BOUND);

const CHAINS = [1, 2, 4, 8, 16, Number.POSITIVE_INFINITY];
const plain = { chain: 0, fused: false, flushed: false };
const ARITHMETICS: readonly Arithmetic[] = [
  plain,
  ...CHAINS.flatMap((chain) => [
    { chain, fused: false, flushed: false },
    ...(chain > 1 ? [{ chain, fused: true, flushed: false }] : []),
    { chain, fused: false, flushed: true },
  ]),
];

const nameOf = ({ chain, fused, flushed }: Arithmetic) =>
  chain === 0
    ? 'f32 (today)'
    : `${Number.isFinite(chain) ? chain : 'all'}${fused ? ', fused' : ''}${flushed ? ', flushed' : ''}`;

const toHalf = (values: Float64Array) => Float64Array.from(f16ToF32(f32ToF16(Float32Array.from(values))));

/** The factors of the sum of one output, and what becomes of the sum. */
interface Sum {
  readonly x: Float64Array;
  readonly w: Float64Array;
  finish(sum: number): number;
}

/** An arithmetic's results for some sums. */
interface Measure {
  readonly nmse: number;
  /** The largest error, as a share of the results' root mean square. */
  readonly largest: number;
  /** Share of the results whose error is beyond `LARGEST_ERROR`. */
  readonly beyond: number;
  /** The largest error as a share of Σ|x · w|, in units of 2^-11. */
  readonly units: number;
  readonly tally: Tally;
}

function measure(sums: readonly Sum[], arithmetic: Arithmetic): Measure {
  const tally = newTally();
  const truth = sums.map(({ x, w, finish }) => finish(x.reduce((sum, value, i) => sum + value * w[i], 0)));
  if (!truth.every(Number.isFinite)) throw new Error('factors that are not finite');
  const found = sums.map(({ x, w, finish }) => roundHalf(Math.fround(finish(sumOf(x, w, arithmetic, tally)))));
  const scale = Math.sqrt(truth.reduce((sum, value) => sum + value * value, 0) / truth.length);
  const errors = found.map((value, i) => Math.abs(value - truth[i]));
  const units = sums.map(({ x, w }, i) => errors[i] / x.reduce((sum, value, j) => sum + Math.abs(value * w[j]), 1e-30));
  return {
    nmse: normalisedError(found, truth),
    largest: Math.max(...errors) / scale,
    beyond: errors.filter((error) => !(error <= LARGEST_ERROR * scale)).length / errors.length,
    units: Math.max(...units) * 2 ** 11,
    tally,
  };
}

/** A convolution with the sums of some of its outputs. */
interface Layer {
  readonly name: string;
  readonly sums: Sum[];
}

type Conv2dNode = Node<Conv2dAttributes, Conv2dInputs>;

/** Some outputs of all convolutions in one group, of each image. */
function layersOf(model: Model, images: readonly Float64Array[], count: number): Layer[] {
  const { inputHeight, inputWidth, inputChannels } = model.metadata;
  const layers = new Map<string, Layer>();
  for (const [index, image] of images.entries()) {
    const g = createGraph();
    const input = g.input('image', [1, inputHeight, inputWidth, inputChannels]);
    const outputs = model.network(g, input);
    const given = new Map<Tensor, Float64Array>([[input, image]]);
    for (const [name, tensor] of g.parameters)
      given.set(tensor, Float64Array.from(model.checkpoint.tensors.get(name)!.data));
    const graph = fuse(g.finish([outputs.logits]));
    const values = evaluateReference(graph, given);
    const random = seededRandom(index + 1);
    for (const node of graph.nodes as unknown as Conv2dNode[]) {
      if (node.operation.name !== 'conv2d' || node.attributes.groups !== 1) continue;
      const { name } = node.inputs[1];
      const layer = layers.get(name) ?? { name, sums: [] };
      layers.set(name, layer);
      const wanted = Math.ceil(count / images.length);
      layer.sums.push(...sumsOf(node, values, wanted, random));
    }
  }
  return [...layers.values()];
}

function sumsOf(node: Conv2dNode, values: ReadonlyMap<Tensor, Float64Array>, count: number, random: Random): Sum[] {
  const { inHeight, inWidth, outputs, groupInputs, kernelHeight, kernelWidth, outHeight, outWidth } = geometry(node);
  const [x, weight, bias, residual, affine] = node.inputs.map((tensor) => tensor && values.get(tensor));
  const { stride, dilation, padding, activation, prologue } = node.attributes;
  const [stored, filters] = [toHalf(x!), toHalf(weight!)];
  // What is applied on load gives an f32 today. With f16 arithmetic the factor would be an f16.
  const inputs = affine ? toHalf(mapped(stored, affine, node.inputs[0], prologue)) : stored;
  const added = residual && toHalf(residual);
  return Array.from({ length: count }, () => {
    const at = Math.floor(random() * outHeight * outWidth * outputs);
    const [o, pixel] = [at % outputs, Math.floor(at / outputs)];
    const [oy, ox] = [Math.floor(pixel / outWidth), pixel % outWidth];
    const [own, filter]: [number[], number[]] = [[], []];
    for (let ky = 0; ky < kernelHeight; ky++)
      for (let kx = 0; kx < kernelWidth; kx++) {
        const iy = oy * stride[0] + ky * dilation[0] - padding[0];
        const ix = ox * stride[1] + kx * dilation[1] - padding[1];
        const inside = iy >= 0 && iy < inHeight && ix >= 0 && ix < inWidth;
        for (let i = 0; i < groupInputs; i++) {
          own.push(inside ? inputs[(iy * inWidth + ix) * groupInputs + i] : 0);
          filter.push(filters[((o * groupInputs + i) * kernelHeight + ky) * kernelWidth + kx]);
        }
      }
    const shift = (bias?.[o] ?? 0) + (added?.[at] ?? 0);
    const finish = (sum: number) => activate(activation, sum + shift);
    return { x: Float64Array.from(own), w: Float64Array.from(filter), finish };
  });
}

/** `pre` of conv2d_direct.wgsl. */
function mapped(
  x: Float64Array,
  affine: Float64Array,
  tensor: Tensor,
  prologue: Conv2dAttributes['prologue'],
): Float64Array {
  const lanes = laneChannels(tensor);
  const laneOf = Array.from({ length: channelCount(tensor) }, (_, channel) => lanes.indexOf(channel));
  return x.map((value, index) => {
    const lane = laneOf[index % laneOf.length];
    const result = value * affine[lane] + affine[lanes.length + lane];
    return prologue === 'affine_relu' ? Math.max(result, 0) : result;
  });
}

/**
 * Sums whose products nearly cancel: each comes with another that is its negative up to the rounding of a factor. All are in a random order, and
 * a product of about 1 is what is left besides. Products are between size / 2 and 2 · size, and factors at most 2 · size.
 */
function cancelling(length: number, size: number, count: number): Sum[] {
  const random = seededRandom(length);
  const between = (low: number, high: number) => roundHalf(low + random() * (high - low));
  const sign = () => (random() < 0.5 ? -1 : 1);
  return Array.from({ length: count }, () => {
    const terms = Array.from({ length: length / 2 }, () => {
      const [x, w, other] = [sign() * between(size / 2, size), between(1, 2), between(1, 2)];
      return [
        [x, w],
        [roundHalf(-(x * w) / other), other],
      ];
    }).flat();
    terms.push([1, sign() * between(0.5, 2)]);
    shuffle(terms, random);
    const [x, w] = [0, 1].map((side) => Float64Array.from(terms, (term) => term[side]));
    return { x, w, finish: (sum) => sum };
  });
}

/** How much of the products cancels: the root mean square of Σ|x · w| as a multiple of that of Σ x · w. */
function cancellation(sums: readonly Sum[]): number {
  const square = (one: (product: number) => number) =>
    sums.reduce((total, { x, w }) => total + x.reduce((sum, value, i) => sum + one(value * w[i]), 0) ** 2, 0);
  return Math.sqrt(square(Math.abs) / square((product) => product));
}

const short = (value: number) => (value === 0 ? '0' : value.toExponential(1));
const percent = (value: number) => `${(100 * value).toFixed(2)} %`;
const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1];

interface Options {
  images?: string;
  count: string;
  outputs: string;
}

async function study(weights: readonly string[], options: Options): Promise<string> {
  const parts: string[] = [];
  const all = new Map(ARITHMETICS.map((one) => [nameOf(one), [] as { name: string; result: Measure }[]]));
  for (const file of weights.length > 0 ? weights : SHIPPED) {
    const model = await readModel(file, {});
    const images = await modelInputs(model.metadata, Number(options.count), options.images);
    const layers = layersOf(model, images, Number(options.outputs));
    const results = layers.map((layer) => ARITHMETICS.map((one) => measure(layer.sums, one)));
    const longest = layers.reduce((a, b) => (b.sums[0].x.length > a.sums[0].x.length ? b : a));
    const nmse = results.map((own) => Math.max(...own.map((result) => result.nmse)));
    const worst = layers[nmse.indexOf(Math.max(...nmse))];
    const shown = new Set([layers[0], layers[layers.length >> 1], layers[layers.length - 1], longest, worst]);
    results.forEach((own, i) => {
      own.forEach((result, j) => {
        all.get(nameOf(ARITHMETICS[j]))!.push({ name: `${file} ${layers[i].name}`, result });
      });
    });
    const rows = layers.flatMap((layer, i) =>
      shown.has(layer)
        ? [
            [
              layer.name,
              String(layer.sums[0].x.length),
              cancellation(layer.sums).toFixed(1),
              ...ARITHMETICS.flatMap(({ fused, flushed }, j) => (fused || flushed ? [] : [short(results[i][j].nmse)])),
            ],
          ]
        : [],
    );
    const head = ARITHMETICS.flatMap((one) => (one.fused || one.flushed ? [] : [nameOf(one)]));
    parts.push(`${file}: ${layers.length} layers, ${images.length} images; NMSE of some\n`);
    parts.push(markdownTable(['layer', 'terms', 'Σ|x·w| / |Σ|', ...head], rows), '');
  }
  parts.push(
    'All layers of all networks\n',
    overview(all),
    '',
    'Products that cancel: a rest of about 1\n',
    adversarial(),
  );
  return parts.join('\n');
}

function overview(all: ReadonlyMap<string, readonly { name: string; result: Measure }[]>): string {
  const rows = [...all].map(([name, layers]) => {
    const nmse = layers.map(({ result }) => (Number.isNaN(result.nmse) ? Number.POSITIVE_INFINITY : result.nmse));
    const worst = nmse.indexOf(Math.max(...nmse));
    const sum = (pick: (result: Measure) => number) => layers.reduce((total, { result }) => total + pick(result), 0);
    return [
      ...[name, short(median(nmse)), short(nmse[worst]), String(nmse.filter((value) => !(value <= BOUND)).length)],
      ...[short(Math.max(...layers.map(({ result }) => result.largest)))],
      ...[percent(sum(({ beyond }) => beyond) / layers.length), String(sum(({ tally }) => tally.overflows))],
      ...[percent(sum(({ tally }) => tally.subnormal) / (sum(({ tally }) => tally.rounded) || 1))],
      ...[Math.max(...layers.map(({ result }) => result.tally.largest)).toFixed(0), layers[worst].name],
    ];
  });
  const head = ['chain', 'median NMSE', 'worst NMSE', `over ${BOUND}`, 'largest error / rms', 'outputs beyond'];
  return markdownTable([...head, 'overflows', 'subnormal results', 'largest result', 'worst layer'], rows);
}

function adversarial(): string {
  const kinds = [1, 30].flatMap((size) => [64, 576, 4608].map((length) => [size, length] as const));
  const sums = kinds.map(([size, length]) => cancelling(length, size, 200));
  const huge = cancelling(64, 30_000, 200);
  const head = kinds.map(([size, length]) => `${length} of ${size}`);
  const rows = ARITHMETICS.filter(({ flushed }) => !flushed).map((one) => {
    const results = sums.map((own) => measure(own, one));
    const infinite = huge.filter(({ x, w }) => !Number.isFinite(sumOf(x, w, one, newTally()))).length / huge.length;
    const units = Math.max(...results.map((result) => result.units));
    return [nameOf(one), ...results.map(({ nmse }) => short(nmse)), units.toPrecision(2), percent(infinite)];
  });
  return markdownTable(['chain', ...head, 'largest error / Σ|x·w|, in 2^-11', '64 of 30,000: not finite'], rows);
}

const program = new Command('f16_arithmetic')
  .argument('[weights...]')
  .option('--images <dir>', 'a folder of PNG or JPEG images, in place of phantoms')
  .option('--count <n>', 'images', '4')
  .option('--outputs <n>', 'outputs of a layer that are computed', '1024');
await runStudy<Options>(import.meta.url, program, (options) => study(program.args, options));
