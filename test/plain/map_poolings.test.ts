/** Heads that pool class maps, in float64: against PyTorch and plain loops, and through weights files and ONNX models. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import { POOLINGS, type Pooling } from '../../src/formats/weights/poolings.js';
import { readSafetensors } from '../../src/formats/weights/safetensors.js';
import { parseWeightsMetadata } from '../../src/formats/weights/weights.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import type { Tensor } from '../../src/graph/ir/tensor.js';
import { exportOnnx } from '../../src/index.js';
import { type Head, layersOfHead } from '../../src/nets/architecture.js';
import { localizerHead } from '../../src/nets/index.js';
import { normal, seededRandom } from '../../src/random.js';
import { startOf } from '../../src/train/start.js';
import type { StartOptions } from '../../src/train/start_options.js';
import { evaluateReference } from '../../src/verify/reference.js';
import { headGraph, mapPoolings, recordedHeads, runReference } from '../support/map_poolings.js';
import { tinyWeights } from '../support/tiny.js';

type Pooled = Omit<Head, 'classes'>;

test('the layers of a head are known for every pooling, so that --freeze and --rates reach all of its parameters', () => {
  const poolings: Record<Pooling, object> = {
    ...{ average: {}, max: {}, lse: { r: 5 }, 'lse-lba': { lseR0: 1 }, pcam: {} },
    ...{ 'top-k': { topK: 2, lowK: 0 }, attention: { attentionChannels: 4 } },
  };
  assert.equal(Object.keys(poolings).sort(), [...POOLINGS].sort());
  const transition = { channels: 8, kernel: 1, activation: 'relu' } as const;
  for (const [pooling, numbers] of Object.entries(poolings) as [Pooling, object][])
    for (const named of [{}, { transition }, { transition: { ...transition, name: 'neck' }, prediction: 'fc' }]) {
      const head: Head = { classes: 2, pooling, ...numbers, ...named };
      const g = createGraph();
      localizerHead(g, g.input('features', [1, 3, 3, 8]), head);
      const layers = layersOfHead(head);
      for (const name of g.parameters.keys())
        assert.is(layers.filter((layer) => name.startsWith(`${layer}.`)).length, 1, `${pooling}: ${name}`);
      for (const layer of layers)
        assert.ok(
          [...g.parameters.keys()].some((name) => name.startsWith(`${layer}.`)),
          `${pooling}: ${layer}`,
        );
    }
});

test('logits, heatmaps and gradients are those of PyTorch', () => {
  for (const recorded of recordedHeads.heads) {
    const { graph, inputs, parameters, expected } = headGraph(recorded);
    const given = [
      ...inputs,
      ...[...graph.parameters].map(([name, tensor]) => [tensor, parameters.get(name)!] as const),
    ];
    const values = new Map(given.map(([tensor, data]) => [tensor, Float64Array.from(data)]));
    const results = evaluateReference(graph.finish([...expected.keys()]), values);
    for (const [tensor, theirs] of expected) near(results.get(tensor)!, theirs, `${recorded.pooling}: ${tensor.name}`);
  }
});

function near(ours: ArrayLike<number>, theirs: ArrayLike<number>, what: string, bound = 1e-8): void {
  assert.is(ours.length, theirs.length, what);
  const scale = Array.from(theirs).reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
  for (let i = 0; i < theirs.length; i++)
    assert.ok(Math.abs(ours[i] - theirs[i]) <= bound * scale, `${what}: ${i} is ${ours[i]}, not ${theirs[i]}`);
}

/** A head on seeded features: its class maps of logits, its logits and its heatmaps. */
function pooled(shape: readonly number[], head: Head, seed = 1, scale = 1) {
  const g = createGraph();
  const x = g.input('features', shape);
  const { logits, heatmaps } = localizerHead(g, x, head);
  const random = seededRandom(seed);
  const numbers = (count: number) => Float64Array.from({ length: count }, () => scale * normal(random));
  const tensors: Tensor[] = [x, ...g.parameters.values()];
  const values = new Map(tensors.map((one) => [one, numbers(one.shape.reduce((a, b) => a * b, 1))]));
  const results = evaluateReference(g.finish([logits, heatmaps]), values);
  const [n, h, w, channels] = shape;
  const numbersOf = (name: string) => values.get(g.parameters.get(name)!)!;
  const [weight, bias] = [numbersOf('head.prediction.weight'), numbersOf('head.prediction.bias')];
  const maps = Array.from({ length: n * head.classes }, (_, row) => {
    const [image, c] = [Math.floor(row / head.classes), row % head.classes];
    return Array.from({ length: h * w }, (_, p) => {
      let sum = bias[c];
      for (let k = 0; k < channels; k++)
        sum += weight[c * channels + k] * values.get(x)![(image * h * w + p) * channels + k];
      return sum;
    });
  });
  return { maps, logits: results.get(logits)!, heatmaps: results.get(heatmaps)!, parameter: numbersOf };
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const total = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);

/** The formula of each pooling, for one map of logits. */
const FORMULAS: Readonly<Record<string, (map: readonly number[], head: Pooled, beta: number) => number>> = {
  pcam: (map) => total(map.map((z) => sigmoid(z) * z)) / total(map.map(sigmoid)),
  'top-k': (map, { topK = 1, lowK = 0 }) => {
    const sorted = [...map].sort((a, b) => b - a);
    const top = total(sorted.slice(0, topK)) / topK;
    return lowK === 0 ? top : (top + total(sorted.slice(-lowK)) / lowK) / 2;
  },
  'lse-lba': (map, { lseR0 = 0 }, beta) => {
    const r = lseR0 + Math.exp(beta);
    const most = Math.max(...map);
    return most + Math.log(total(map.map((z) => Math.exp(r * (z - most)))) / map.length) / r;
  },
};

/** Heads for maps of so many positions. */
const headsFor = (positions: number): fc.Arbitrary<Pooled> =>
  fc.oneof(
    fc.constant({ pooling: 'pcam' } as const),
    fc.record({
      pooling: fc.constant('top-k' as const),
      topK: fc.integer({ min: 1, max: positions }),
      lowK: fc.integer({ min: 0, max: positions }),
    }),
    fc.record({ pooling: fc.constant('lse-lba' as const), lseR0: fc.double({ min: 0.1, max: 20, noNaN: true }) }),
  );
const sizes = fc.record({
  ...{ n: fc.integer({ min: 1, max: 3 }), h: fc.integer({ min: 1, max: 9 }), w: fc.integer({ min: 1, max: 9 }) },
  ...{ channels: fc.integer({ min: 1, max: 9 }), classes: fc.integer({ min: 1, max: 5 }), seed: fc.nat() },
});

test('property: each logit is the formula of its pooling, for the map of its class alone', () => {
  const cases = sizes.chain((size) => headsFor(size.h * size.w).map((head) => ({ ...size, head })));
  fc.assert(
    fc.property(cases, ({ head, n, h, w, channels, classes, seed }) => {
      const { maps, logits, parameter } = pooled([n, h, w, channels], { classes, ...head }, seed);
      const beta = head.pooling === 'lse-lba' ? parameter('head.pooling.beta') : undefined;
      const expected = maps.map((map, row) => FORMULAS[head.pooling](map, head, beta?.[row % classes] ?? 0));
      near(logits, expected, JSON.stringify(head));
    }),
    { numRuns: 80 },
  );
});

test('with equal weights for all positions, pooling class maps is average pooling of features', () => {
  const [shape, classes] = [[2, 3, 4, 5], 3];
  const average = pooled(shape, { classes, pooling: 'average' });
  for (const lowK of [0, 12]) {
    const { logits, heatmaps } = pooled(shape, { classes, pooling: 'top-k', topK: 12, lowK });
    near(logits, average.logits, 'logits', 1e-12);
    near(heatmaps, average.heatmaps, 'heatmaps', 1e-12);
  }
});

test('attention: the mean of a heatmap is the logit without the bias', () => {
  const [n, classes, positions] = [2, 3, 12];
  const { logits, heatmaps, parameter } = pooled([n, 3, 4, 5], { classes, pooling: 'attention', attentionChannels: 7 });
  const means = Array.from(
    logits,
    (_, row) => total([...heatmaps.subarray(row * positions, (row + 1) * positions)]) / positions,
  );
  const bias = parameter('head.prediction.bias');
  near(
    means,
    Array.from(logits, (logit, row) => logit - bias[row % classes]),
    'means',
    1e-12,
  );
});

test('PCAM: the heatmap is the map of probabilities, and its weights survive where every probability is 0', () => {
  const { maps, heatmaps } = pooled([2, 3, 4, 5], { classes: 2, pooling: 'pcam' });
  near(heatmaps, maps.flat().map(sigmoid), 'heatmaps');
  const far = pooled([1, 4, 4, 8], { classes: 3, pooling: 'pcam' }, 2, 60);
  assert.ok(far.maps.some((map) => map.some((z) => z < -1000)));
  for (const [c, map] of far.maps.entries())
    assert.ok(far.logits[c] >= Math.min(...map) && far.logits[c] <= Math.max(...map), `${far.logits[c]}`);
});

test('weights say their pooling, and an ONNX model of them is the same localizer, to the bit', async () => {
  for (const head of mapPoolings) {
    const weights = tinyWeights(3, ['Mass', 'Nodule'], 8, head);
    const before = await runReference(weights);
    assert.equal(before.model.architecture?.head, { classes: 2, ...head });
    assert.equal(before.model.warnings, []);
    const after = await runReference((await exportOnnx(weights)).bytes);
    assert.equal(after.numbers, before.numbers);
    // Models say their heat thresholds for other readers, also where the weights do not.
    assert.equal(after.model.metadata, { ...before.model.metadata, heatThresholds: [60, 180] });
    assert.equal(after.model.warnings, []);
  }
});

test('numbers of a pooling that are missing, wrong, or of another pooling are refused by name', () => {
  const refuses = (head: object, message: RegExp) =>
    assert.throws(
      () => pooled([1, 3, 4, 2], { classes: 2, ...head } as Head),
      (error: unknown) => error instanceof InputError && message.test(error.message),
      String(message),
    );
  refuses({ pooling: 'top-k' }, /topK is wrong; expected a whole number from 1 to 12, .* given undefined/);
  refuses({ pooling: 'attention' }, /attentionChannels is wrong; expected a whole number from 1 .* given undefined/);
  refuses({ pooling: 'attention', attentionChannels: 1e9 }, /attentionChannels is wrong/);
  refuses({ pooling: 'lse-lba' }, /lseR0 is wrong; expected .* from 0.1 on; given undefined/);
  refuses({ pooling: 'lse-lba', lseR0: 0 }, /lseR0 is wrong/);
  refuses({ pooling: 'top-k', topK: 13 }, /topK is wrong/);
  refuses({ pooling: 'top-k', topK: 2, lowK: 1.5 }, /lowK is wrong; expected a whole number from 0 to 12/);
});

test('metadata have the numbers of their own pooling, and no others', () => {
  const strings = readSafetensors(tinyWeights(3, ['Mass'], 8, { pooling: 'top-k', topK: 5, lowK: 2 })).metadata;
  const metadata = parseWeightsMetadata(strings);
  assert.equal([metadata.pooling, metadata.topK, metadata.lowK], ['top-k', 5, 2]);
  const { top_k: _, ...less } = strings;
  assert.throws(
    () => parseWeightsMetadata(less),
    /top_k is wrong; expected a number if, and only if, pooling is top-k/,
  );
  assert.throws(() => parseWeightsMetadata({ ...strings, top_k: '2.5' }), /top_k is wrong; expected a whole number/);
  assert.throws(() => parseWeightsMetadata({ ...strings, pooling: 'pcam' }), /top_k is wrong.* 5 with pooling pcam/);
  assert.throws(() => parseWeightsMetadata({ ...strings, pooling: 'mean' }), /pooling is wrong; expected lse, /);
});

test('a run takes the numbers of its pooling from the options, then from the weights it starts from, else defaults', () => {
  const classes = ['Mass', 'Nodule'];
  const given = {
    size: 32,
    classes,
    seed: 1,
    backbone: { family: 'vgg', layers: [8, 'M'], batchNorm: false } as const,
  };
  const headOf = (options: object) => {
    const { transition: _, ...head } = startOf({ ...given, backbone: undefined, ...options } as StartOptions)
      .architecture.head;
    return head;
  };
  const init = readSafetensors(tinyWeights(3, classes, 8, { pooling: 'top-k', topK: 5, lowK: 2 }));
  assert.equal(headOf({ init }), { classes: 2, pooling: 'top-k', topK: 5, lowK: 2 });
  assert.equal(headOf({ init, lowK: 0 }), { classes: 2, pooling: 'top-k', topK: 5, lowK: 0 });
  assert.equal(headOf({ init, pooling: 'pcam' }), { classes: 2, pooling: 'pcam' });
  const { backbone } = given;
  assert.equal(headOf({ backbone, pooling: 'top-k' }), { classes: 2, pooling: 'top-k', topK: 26, lowK: 0 });
  assert.throws(
    () => headOf({ backbone, pooling: 'pcam', topK: 3 }),
    /topK is not of this pooling; expected pooling top-k; given pcam/,
  );
  assert.throws(
    () => headOf({ backbone, pooling: 'average', r: 3 }),
    /lseR is not of this pooling; expected pooling lse/,
  );
});

test.run();
