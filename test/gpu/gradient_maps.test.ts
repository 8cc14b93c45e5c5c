/** Heatmaps from gradients on the GPU: of imported networks with hidden layers, and of raybox's own, for the classes that are asked for. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { HeatmapMethod } from '../../src/formats/heatmap_methods.js';
import { writeSafetensors } from '../../src/formats/safetensors.js';
import { formatWeightsMetadata } from '../../src/formats/weights.js';
import { openGpu } from '../../src/gpu/device.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import type { Tensor } from '../../src/graph/ir/tensor.js';
import { type LoadOptions, type Localization, load } from '../../src/index.js';
import { readModel } from '../../src/localizer/model.js';
import { gradientMaps } from '../../src/nets/gradient_maps.js';

import { evaluateReference, normalisedError } from '../../src/verify/reference.js';
import { CLASSES, HIDDEN_KINDS, hiddenModel, SIDE } from '../support/hidden_layers.js';
import { tinyPicture, tinyWeights } from '../support/tiny.js';

const gpu = await openGpu();
test.after(() => gpu.close());

const INPUT: LoadOptions = { mean: [0.5], std: [0.25], fit: 'stretch' };
const imageOf = (seed: number) => ({
  data: Uint8Array.from({ length: SIDE * SIDE }, (_, i) => (i * i * (seed + 3)) % 251),
  ...{ width: SIDE, height: SIDE, channels: 1 as const },
});

/** The maps of all classes in float64, from the bytes of the model. */
async function expectedMaps(bytes: Uint8Array, method: Exclude<HeatmapMethod, 'cam'>, seed: number) {
  const { network, checkpoint } = await readModel(bytes, {});
  const valuesOf = (parameters: ReadonlyMap<string, Tensor>) =>
    [...parameters].map(([name, one]) => [one, Float64Array.from(checkpoint.tensors.get(name)!.data)] as const);
  const g = createGraph();
  const image = g.input('image', [1, SIDE, SIDE, 1]);
  const { features } = network(g, image);
  const pixels = Float64Array.from(imageOf(seed).data, (value) => (value / 255 - 0.5) / 0.25);
  const a = evaluateReference(g.finish([features]), new Map([...valuesOf(g.parameters), [image, pixels]])).get(
    features,
  )!;
  return CLASSES.map((_, c) => {
    const one = gradientMaps(network, [SIDE, SIDE, 1], 1, method);
    const seeds = Float64Array.from(CLASSES, (_, at) => Number(at === c));
    const given = new Map([...valuesOf(one.parameters), [one.features, a], [one.seeds, seeds]] as const);
    return evaluateReference(one.graph, given).get(one.maps)!;
  });
}

async function localized(
  bytes: Uint8Array,
  options: LoadOptions,
  seed = 0,
  request: object = {},
): Promise<Localization> {
  const localizer = await load(bytes, { ...INPUT, ...options });
  try {
    return await localizer.localize(imageOf(seed), { heatmaps: 'raw', classes: CLASSES, ...request });
  } finally {
    await localizer.close();
  }
}

const converted = async (bytes: Uint8Array, options: LoadOptions) => {
  const { checkpoint, metadata } = await readModel(bytes, { ...INPUT, ...options });
  return writeSafetensors(checkpoint.tensors, formatWeightsMetadata(metadata));
};

// The heads of VGG and AlexNet are of the same operations.
for (const [at, kind] of HIDDEN_KINDS.filter((one) => one !== 'alexnet').entries()) {
  test(`a head as that of ${kind}: maps as in float64, and the same from the weights it is converted to`, async () => {
    const bytes = hiddenModel(kind);
    const method = (['layer-cam', 'grad-cam++', 'grad-cam'] as const)[at];
    const expected = await expectedMaps(bytes, method, 0);
    const result = await localized(bytes, { heatmapMethod: method });
    assert.is(result.method, method);
    CLASSES.forEach((label, c) => {
      const error = normalisedError(result.heatmaps![label].data, expected[c]);
      assert.ok(error < 1e-9, `${label}: ${error}`);
    });
    assert.ok(result.findings.length > 0);
    const again = await localized(await converted(bytes, { heatmapMethod: method }), {});
    assert.is(again.method, method);
    assert.equal(again.findings, result.findings);
    if (!gpu.features.has('shader-f16')) return;
    const half = await localized(bytes, { heatmapMethod: method, precision: 'f16' });
    CLASSES.forEach((label, c) => {
      const error = normalisedError(half.heatmaps![label].data, expected[c]);
      assert.ok(error < 1e-3, `${label} in f16: ${error}`);
    });
  });
}

test('maps are computed for the classes that reach their threshold, in batches as for one image', async () => {
  const bytes = hiddenModel('mobilenetv3');
  const all = await Promise.all([0, 1, 2].map((seed) => localized(bytes, {}, seed)));
  const localizer = await load(bytes, INPUT);
  // Half of the probabilities of all images reach the thresholds.
  const middle = all.flatMap(({ probabilities }) => Object.values(probabilities)).sort((a, b) => a - b)[7];
  const operatingThresholds = Object.fromEntries(CLASSES.map((label) => [label, middle]));
  const results: Localization[] = [];
  for await (const result of localizer.localizeAll([0, 1, 2].map(imageOf), { batch: 3, operatingThresholds }))
    results.push(result);
  const onGpu = await localizer.localize(imageOf(1), { output: 'gpu' });
  assert.equal(onGpu.heatmaps.shape, [1, CLASSES.length, 8, 8]);
  onGpu.destroy();
  const none = await localizer.localize(imageOf(0), {
    operatingThresholds: Object.fromEntries(CLASSES.map((label) => [label, 1])),
  });
  assert.equal(none.findings, []);
  assert.ok(localizer.memory().work > 0);
  await localizer.close();
  results.forEach(({ findings, probabilities }, index) => {
    const wanted = CLASSES.filter((label) => probabilities[label] >= middle);
    assert.equal([...new Set(findings.map(({ label }) => label))], wanted);
    const alone = all[index].findings.filter(({ label }) => wanted.includes(label));
    assert.equal(
      findings.map(({ label, box, threshold }) => ({ label, box, threshold })),
      alone.map(({ label, box, threshold }) => ({ label, box, threshold })),
    );
  });
});

test('raybox’s own networks have exact maps, and others on request', async () => {
  const weights = tinyWeights(1);
  const picture = tinyPicture(1);
  const run = async (options: LoadOptions) => {
    const localizer = await load(weights, options);
    const result = await localizer.localize(picture, { heatmaps: 'raw', classes: ['Mass', 'Nodule'] });
    await localizer.close();
    return result;
  };
  const [exact, asked, hires] = [
    await run({}),
    await run({ heatmapMethod: 'cam' }),
    await run({ heatmapMethod: 'hirescam' }),
  ];
  assert.equal([exact.method, asked.method, hires.method], ['cam', 'cam', 'hirescam']);
  assert.equal(asked.findings, exact.findings);
  assert.equal(hires.logits, exact.logits);
  assert.ok(hires.heatmaps!.Mass.data.some((heat) => heat !== 0));
});

test.run();
