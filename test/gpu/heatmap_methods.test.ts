/** Heatmaps from gradients on the GPU: of imported networks with hidden layers, and of raybox's own, for the classes that are asked for. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { HeatmapMethod } from '../../src/formats/weights/heatmap_methods.js';
import { openGpu } from '../../src/gpu/device.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import type { Tensor } from '../../src/graph/ir/tensor.js';
import { type LoadOptions, type Localization, load } from '../../src/index.js';
import { readModel } from '../../src/localizer/weights/model.js';
import { gradientMaps } from '../../src/nets/head/gradient_maps.js';
import { evaluateReference, normalisedError } from '../../src/verify/reference.js';
import { CLASSES, hiddenModel, SIDE } from '../support/hidden_layers.js';
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

async function localized(bytes: Uint8Array, options: LoadOptions): Promise<Localization> {
  const localizer = await load(bytes, { ...INPUT, ...options });
  try {
    return await localizer.localize(imageOf(0), { heatmaps: 'raw', classes: CLASSES });
  } finally {
    await localizer.close();
  }
}

function compare({ heatmaps }: Localization, expected: readonly Float64Array[], bound = 1e-9): void {
  CLASSES.forEach((label, c) => {
    const error = normalisedError(heatmaps![label].data, expected[c]);
    assert.ok(error < bound, `${label}: ${error}`);
  });
}

test('the maps of a head as that of VGG are as in float64, in f16 too', async () => {
  const bytes = hiddenModel('vgg');
  const expected = await expectedMaps(bytes, 'grad-cam++', 0);
  const result = await localized(bytes, { heatmapMethod: 'grad-cam++' });
  assert.is(result.method, 'grad-cam++');
  assert.ok(result.findings.length > 0);
  compare(result, expected);
  if (!gpu.features.has('shader-f16')) return;
  compare(await localized(bytes, { heatmapMethod: 'grad-cam++', precision: 'f16' }), expected, 1e-3);
});

test('maps are computed for the classes that reach their threshold, in batches as for one image, without a leak', async () => {
  const localizer = await load(hiddenModel('mobilenetv3'), INPUT);
  const all: Localization[] = [];
  for (const seed of [0, 1, 2])
    all.push(await localizer.localize(imageOf(seed), { classes: CLASSES, heatmaps: 'raw' }));
  compare(all[0], await expectedMaps(hiddenModel('mobilenetv3'), 'hirescam', 0));
  // Half of the probabilities of all images reach the thresholds.
  const middle = all.flatMap(({ probabilities }) => Object.values(probabilities)).sort((a, b) => a - b)[7];
  const operatingThresholds = Object.fromEntries(CLASSES.map((label) => [label, middle]));
  const results: Localization[] = [];
  for await (const result of localizer.localizeAll([0, 1, 2].map(imageOf), { batch: 3, operatingThresholds }))
    results.push(result);
  results.forEach(({ findings, probabilities, method }, index) => {
    assert.is(method, 'hirescam');
    const wanted = CLASSES.filter((label) => probabilities[label] >= middle);
    assert.equal([...new Set(findings.map(({ label }) => label))], wanted);
    const alone = all[index].findings.filter(({ label }) => wanted.includes(label));
    assert.equal(
      findings.map(({ label, box, threshold }) => ({ label, box, threshold })),
      alone.map(({ label, box, threshold }) => ({ label, box, threshold })),
    );
  });
  const onGpu = await localizer.localize(imageOf(1), { output: 'gpu' });
  assert.equal(onGpu.heatmaps.shape, [1, CLASSES.length, 8, 8]);
  onGpu.destroy();
  const none = await localizer.localize(imageOf(0), {
    operatingThresholds: Object.fromEntries(CLASSES.map((label) => [label, 1])),
  });
  assert.equal(none.findings, []);

  const before = localizer.memory();
  for (let i = 0; i < 20; i++) await localizer.localize(imageOf(i % 3), { classes: CLASSES });
  assert.equal(localizer.memory(), before);
  const abort = new AbortController();
  const stopped = localizer.localize(imageOf(0), { classes: CLASSES, signal: abort.signal });
  abort.abort();
  assert.is(await stopped.catch((error: Error) => error.name), 'AbortError');
  const { findings } = await localizer.localize(imageOf(2), { classes: CLASSES });
  assert.equal(findings, all[2].findings);
  await localizer.close();
  assert.match(
    await localizer.localize(imageOf(0)).then(
      () => '',
      (error: Error) => error.message,
    ),
    /closed/,
  );
});

test('raybox’s own networks have exact maps, and others on request', async () => {
  const localizer = await load(tinyWeights(1), { heatmapMethod: 'hirescam' });
  const result = await localizer.localize(tinyPicture(1), { heatmaps: 'raw', classes: ['Mass', 'Nodule'] });
  await localizer.close();
  assert.is(result.method, 'hirescam');
  assert.ok(result.heatmaps!.Mass.data.some((heat) => heat !== 0));
});

test('class activation maps that are asked for are those that a linear head has anyway, to the bit', async () => {
  const [own, asked] = [await load(tinyWeights(1)), await load(tinyWeights(1), { heatmapMethod: 'cam' })];
  const how = { heatmaps: 'raw', classes: ['Mass', 'Nodule'] } as const;
  const [one, other] = [await own.localize(tinyPicture(1), how), await asked.localize(tinyPicture(1), how)];
  await own.close();
  await asked.close();
  assert.equal(one.method, 'cam');
  assert.equal(other, one);
});

test.run();
