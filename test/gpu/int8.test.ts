/** Convolutions of 8-bit integers: exact on whole numbers, the same bits in every variant, and merged as others are. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import { openGpu } from '../../src/gpu/device.js';
import { createGraph, type Graph } from '../../src/graph/ir/graph.js';
import type { Tensor } from '../../src/graph/ir/tensor.js';
import { createPlan } from '../../src/graph/plan/plan.js';
import { type LoadOptions, load } from '../../src/index.js';
import { relu } from '../../src/ops/layers/activation.js';
import { batchNorm } from '../../src/ops/layers/batch_norm.js';
import { conv2d } from '../../src/ops/layers/conv2d.js';
import { forward as int8 } from '../../src/ops/layers/conv2d_int8.js';
import { roundHalfEven } from '../../src/ops/packing/int8.reference.js';
import { type Windows, windowCounts, windowSpan } from '../../src/ops/windows.js';
import { normal, seededRandom } from '../../src/random.js';
import { evaluateReference } from '../../src/verify/reference.js';
import { contentOf, tinyPicture, tinyWeights } from '../support/tiny.js';

const gpu = await openGpu({ dawn: ['enable-dawn-features=allow_unsafe_apis'] }); // with subgroup matrices, if the adapter has them
test.after(() => gpu.close());

const pairOf = (min: number, max: number) => fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }));
const side = fc.integer({ min: 0, max: 3 });

const shapes = fc
  .record({
    images: fc.integer({ min: 1, max: 2 }),
    size: pairOf(1, 9),
    inputs: fc.integer({ min: 1, max: 40 }),
    outputs: fc.integer({ min: 1, max: 40 }),
    kernel: pairOf(1, 3),
    stride: pairOf(1, 3),
    dilation: pairOf(1, 2),
    padding: fc.tuple(side, side, side, side),
    zero: fc.integer({ min: -128, max: 127 }),
  })
  .filter(({ size, kernel, dilation, padding }) =>
    [0, 1].every((axis) => size[axis] + padding[axis] + padding[axis + 2] >= windowSpan(kernel[axis], dilation[axis])),
  );

/** Runs a graph in the given variant, if it can run on this adapter. */
async function outputOf(graph: Graph, values: ReadonlyMap<Tensor, Float32Array>, variant: string) {
  const plan = await createPlan(gpu, graph, {
    choose: (_, variants) => (variants.includes(variant) ? variant : variants[0]),
  });
  try {
    for (const [tensor, content] of values) plan.write(tensor, content);
    await plan.run();
    return await plan.read(graph.outputs[0]);
  } finally {
    plan.close();
  }
}

test('random convolutions of whole numbers that fit are those of floats, to the last bit, in each variant', async () => {
  await fc.assert(
    fc.asyncProperty(shapes, async ({ images, size, inputs, outputs, kernel, zero, ...windows }) => {
      const random = seededRandom(inputs * 41 + outputs + zero);
      const count = inputs * kernel[0] * kernel[1];
      const x = Float64Array.from({ length: images * size[0] * size[1] * inputs }, () =>
        Math.floor(random() * 256 - 128 - zero),
      );
      const w = Float64Array.from({ length: outputs * count }, (_, i) =>
        i % count === 0 ? 127 : Math.floor(random() * 255) - 127,
      );
      const build = (isInt8: boolean) => {
        const g = createGraph({ parameters: 'state' });
        const input = g.input('x', [images, ...size, inputs]);
        const weight = g.input('w', [outputs, inputs, ...kernel], { layout: 'dense' });
        const y = isInt8
          ? g.apply(int8, [input, weight], { ...windows, groups: 1, scale: 1, zero })
          : conv2d(g, input, weight, undefined, windows);
        return { graph: g.finish([y]), input, weight, y };
      };
      const plain = build(false);
      const truth = evaluateReference(
        plain.graph,
        new Map([
          [plain.input, x],
          [plain.weight, w],
        ]),
      ).get(plain.y)!;
      const { graph, input, weight, y } = build(true);
      const all: Windows = { kernel, ...windows };
      assert.equal(y.shape, [images, ...windowCounts(all, size), outputs]);
      for (const variant of ['packed', 'packed_subgroup', 'unpacked', 'matrix']) {
        const values = new Map([
          [input, Float32Array.from(x)],
          [weight, Float32Array.from(w)],
        ]);
        assert.equal(Float64Array.from(await outputOf(graph, values, variant)), truth, variant);
      }
    }),
    { seed: 15, numRuns: 12 },
  );
});

test('norm, residual and ReLU are merged with it, and weights of an 8-bit file stay the same integers', async () => {
  const random = seededRandom(3);
  const [inputs, outputs] = [20, 12];
  const scales = Float32Array.from({ length: outputs }, () => random() + 0.01);
  const integers = Float32Array.from({ length: outputs * inputs }, (_, i) =>
    i % inputs === 0 ? -127 : Math.floor(random() * 255) - 127,
  );
  const weights = integers.map((integer, i) => integer * scales[Math.floor(i / inputs)]);
  const parameters: Record<string, Float32Array> = {
    'c.weight': weights,
    'n.weight': Float32Array.from({ length: outputs }, () => normal(random)),
    'n.bias': Float32Array.from({ length: outputs }, () => normal(random)),
    'n.running_mean': Float32Array.from({ length: outputs }, () => normal(random)),
    'n.running_var': Float32Array.from({ length: outputs }, () => random() + 0.1),
  };
  const x = Float32Array.from({ length: 30 * inputs }, () => normal(random));
  const g = createGraph();
  const input = g.input('x', [1, 5, 6, inputs]);
  const weight = g.parameter('c.weight', [outputs, inputs, 1, 1]);
  const windows = { stride: [1, 1], dilation: [1, 1], padding: [0, 0, 0, 0], groups: 1 } as const;
  const y = g.apply(int8, [input, weight], { ...windows, scale: 0.03, zero: 4 }, 'c');
  const z = relu(g, batchNorm(g, y, 'n'));
  const graph = g.finish([z]);
  const plan = await createPlan(gpu, graph, { weights: (name) => parameters[name] });
  try {
    assert.equal(
      [...new Set(plan.steps.map(({ kernel }) => kernel.name.replace('_subgroup', '')))],
      ['quantize', 'conv2d_int8'],
    );
    plan.write(input, x);
    await plan.run();
    const got = await plan.read(z);
    for (let pixel = 0, at = 0; pixel < 30; pixel++) {
      for (let o = 0; o < outputs; o++, at++) {
        const factor = parameters['n.weight'][o] / Math.sqrt(parameters['n.running_var'][o] + 1e-5);
        let sum = 0;
        for (let i = 0; i < inputs; i++) {
          const value = Math.fround(x[pixel * inputs + i] * Math.fround(1 / 0.03));
          sum += (Math.max(-128, Math.min(127, roundHalfEven(value) + 4)) - 4) * integers[o * inputs + i];
        }
        const normed = (sum * 0.03 * scales[o] - parameters['n.running_mean'][o]) * factor + parameters['n.bias'][o];
        assert.ok(Math.abs(got[at] - Math.max(0, normed)) < 1e-6 * (1 + Math.abs(normed)), `${got[at]} and ${normed}`);
      }
    }
  } finally {
    plan.close();
  }
});

test('what cannot be computed with 8-bit integers is refused', () => {
  const windows = { stride: [1, 1], dilation: [1, 1], padding: [0, 0, 0, 0] } as const;
  const add = (given: object, shape = [4, 8, 1, 1]) => {
    const g = createGraph();
    const x = g.input('x', [1, 2, 2, 8]);
    return g.apply(int8, [x, g.parameter('w', shape)], { ...windows, groups: 1, scale: 1, zero: 0, ...given });
  };
  assert.is(add({}).shape[3], 4);
  for (const [given, message] of [
    [{ scale: 0 }, /scale of activations/],
    [{ scale: Number.NaN }, /scale of activations/],
    [{ zero: 128 }, /zero point/],
    [{ zero: 0.5 }, /zero point/],
    [{ groups: 2 }, /one group/],
  ] as const)
    assert.throws(
      () => add(given, 'groups' in given ? [4, 4, 1, 1] : undefined),
      (error: unknown) => error instanceof InputError && message.test(error.message),
    );
});

const HEAD = { pooling: 'average', transition: { channels: 24, kernel: 1, activation: 'relu' } } as const;
const WEIGHTS = tinyWeights(1, ['Mass', 'Nodule'], 32, HEAD);
const ranges = (high: number) => ({ activationRanges: { 'head.transition.weight': [0, high] as const } });

test('a network computes with 8-bit integers where it has ranges, near to what it computes in f32', async () => {
  const { device } = gpu;
  const picture = tinyPicture(1);
  await using plain = await load(WEIGHTS, { device });
  await using int8 = await load(WEIGHTS, { device, precision: 'int8', ...ranges(8) });
  assert.equal([plain.precision, int8.precision], ['f32', 'int8']);
  const [before, after] = [await plain.localize(picture), await int8.localize(picture)];
  for (const label of plain.classes) {
    const difference = Math.abs(before.logits[label] - after.logits[label]);
    assert.ok(difference > 0, 'it is not the same arithmetic');
    assert.ok(difference < 0.02 * Math.max(1, Math.abs(before.logits[label])), `${label}: ${difference}`);
  }
  const results = [];
  for await (const result of int8.localizeAll([picture, tinyPicture(2), picture])) results.push(contentOf(result));
  assert.equal(results[0], contentOf(after), 'a batch gives the same bits');
  assert.equal(results[2], results[0]);
});

test('heatmaps from gradients are computed at the features of 8-bit arithmetic', async () => {
  const options = { device: gpu.device, heatmapMethod: 'hirescam' } as const;
  await using plain = await load(WEIGHTS, options);
  await using int8 = await load(WEIGHTS, { ...options, precision: 'int8', ...ranges(8) });
  const maps = async (localizer: typeof plain) =>
    (await localizer.localize(tinyPicture(1), { classes: ['Mass'], heatmaps: 'raw' })).heatmaps!.Mass.data;
  const [before, after] = [await maps(plain), await maps(int8)];
  const largest = before.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
  for (const [i, one] of before.entries())
    assert.ok(Math.abs(one - after[i]) < 0.05 * largest, `${one} and ${after[i]}`);
});

test('8-bit arithmetic is refused without ranges, and with ranges of something else', async () => {
  const refusal = async (options: LoadOptions) =>
    (await load(WEIGHTS, { device: gpu.device, ...options }).catch((error: Error) => error)) as Error;
  assert.match(
    (await refusal({ precision: 'int8' })).message,
    /no ranges of activations.*raybox quantize W --calibrate/,
  );
  const other = { activationRanges: { 'features.0.weight': [0, 1] as const } };
  assert.match(
    (await refusal({ precision: 'int8', ...other })).message,
    /activation_ranges is wrong; expected .*head\.transition\.weight; given features\.0\.weight/,
  );
  assert.match((await refusal(ranges(-1))).message, /activationRanges of head\.transition\.weight is wrong/);
  assert.match((await refusal({ precision: 'int4' as 'int8' })).message, /precision; expected f32 or f16 or int8/);
});

test.run();
