/** Heads that pool class maps, in float64: against PyTorch and plain loops, and through weights files and ONNX models. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createGraph } from '../../src/graph/ir/graph.js';
import type { Tensor } from '../../src/graph/ir/tensor.js';
import { exportOnnx } from '../../src/index.js';
import { readModel } from '../../src/localizer/model.js';
import type { Head } from '../../src/nets/architecture.js';
import { localizerHead } from '../../src/nets/index.js';
import { normal, seededRandom } from '../../src/random.js';
import { evaluateReference } from '../../src/verify/reference.js';
import { headGraph, recordedHeads } from '../support/map_poolings.js';
import { tinyWeights } from '../support/tiny.js';

type Pooled = Omit<Head, 'classes'>;

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
  return { maps, logits: results.get(logits)!, heatmaps: results.get(heatmaps)! };
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const total = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);

/** The formula of each pooling, for one map of logits. */
const FORMULAS: Readonly<Record<string, (map: readonly number[], head: Pooled) => number>> = {
  pcam: (map) => total(map.map((z) => sigmoid(z) * z)) / total(map.map(sigmoid)),
};

const heads: fc.Arbitrary<Pooled> = fc.oneof(fc.constant({ pooling: 'pcam' } as const));
const sizes = fc.record({
  ...{ n: fc.integer({ min: 1, max: 3 }), h: fc.integer({ min: 1, max: 9 }), w: fc.integer({ min: 1, max: 9 }) },
  ...{ channels: fc.integer({ min: 1, max: 9 }), classes: fc.integer({ min: 1, max: 5 }), seed: fc.nat() },
});

test('property: each logit is the formula of its pooling, for the map of its class alone', () => {
  fc.assert(
    fc.property(heads, sizes, (head, { n, h, w, channels, classes, seed }) => {
      const { maps, logits } = pooled([n, h, w, channels], { classes, ...head }, seed);
      near(
        logits,
        maps.map((map) => FORMULAS[head.pooling](map, head)),
        head.pooling,
      );
    }),
    { numRuns: 60 },
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

/** Logits and heatmaps of a file for a fixed image, in float64. */
async function run(weights: Uint8Array) {
  const model = await readModel(weights, {});
  const { inputWidth: side } = model.metadata;
  const g = createGraph();
  const image = g.input('image', [1, side, side, 1]);
  const { logits, heatmaps } = model.network(g, image);
  const values = new Map<Tensor, Float64Array>([
    [image, Float64Array.from({ length: side * side }, (_, i) => Math.sin(i * i))],
  ]);
  for (const [name, tensor] of g.parameters)
    values.set(tensor, Float64Array.from(model.checkpoint.tensors.get(name)!.data));
  const results = evaluateReference(g.finish([logits, heatmaps!]), values);
  return { model, numbers: [...results.get(logits)!, ...results.get(heatmaps!)!] };
}

const KINDS: readonly Pooled[] = [{ pooling: 'pcam' }];

test('weights say their pooling, and an ONNX model of them is the same localizer, to the bit', async () => {
  for (const head of KINDS) {
    const weights = tinyWeights(3, ['Mass', 'Nodule'], 8, head);
    const before = await run(weights);
    assert.equal(before.model.architecture?.head, { classes: 2, ...head });
    assert.equal(before.model.warnings, []);
    const after = await run((await exportOnnx(weights)).bytes);
    assert.equal(after.numbers, before.numbers);
    assert.equal([after.model.metadata, after.model.warnings], [before.model.metadata, []]);
  }
});

test.run();
