/** Results of onnxruntime beside those of WebGPU, where the package onnxruntime-node is installed. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openGpu } from '../../src/gpu/device.js';
import {
  exportOnnx,
  type LoadOptions,
  type Localization,
  type LocalizeOptions,
  type Localizer,
  load,
  type PixelImage,
} from '../../src/index.js';
import { loadRuntime } from '../../src/localizer/onnx/runtime.js';
import type { Head } from '../../src/nets/architecture.js';
import { platform } from '../../src/node/platform.js';
import { drawPhantom } from '../../src/phantom/index.js';
import { readFixture } from '../support/fixture.js';
import { mapPoolings, runReference } from '../support/map_poolings.js';
import { tinyPicture, tinyWeights } from '../support/tiny.js';

const isInstalled = await platform.onnxruntime.load().then(
  () => true,
  () => false,
);
const withPackage = isInstalled ? test : test.skip;
const gpu = await openGpu();
test.after(() => gpu.close());

/** The bounds of src/localizer/README.md. */
const BOUNDS = { score: 1e-5, map: 1e-4 };

/**
 * Compares one image's results.
 * @returns the classes with a value so near to a heat threshold that rounding decides on which side it lies. Their boxes are not compared.
 */
function compare(ours: Localization, theirs: Localization, heatThresholds: readonly number[], kind: string): string[] {
  for (const [label, score] of Object.entries(ours.probabilities))
    assert.ok(
      Math.abs(score - theirs.probabilities[label]) <= BOUNDS.score,
      `${kind} ${label}: ${score}, ${theirs.probabilities[label]}`,
    );
  const undecided: string[] = [];
  for (const [label, { data, width, height }] of Object.entries(ours.heatmaps!)) {
    const other = theirs.heatmaps![label];
    assert.equal([width, height], [other.width, other.height]);
    const [low, high] = data.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [Infinity, -Infinity]);
    const worst = data.reduce((most, value, i) => Math.max(most, Math.abs(value - other.data[i])), 0);
    assert.ok(worst <= BOUNDS.map * Math.max(high - low, 1e-30), `${kind} ${label}: ${worst} of ${high - low}`);
    if (data.some((value) => heatThresholds.some((one) => Math.abs(value - one) < 255 * BOUNDS.map)))
      undecided.push(label);
  }
  const boxes = ({ findings }: Localization) =>
    findings.filter(({ label }) => !undecided.includes(label)).map(({ score, peak, ...rest }) => rest);
  assert.equal(boxes(theirs), boxes(ours), kind);
  assert.equal(
    theirs.truncated.filter((label) => !undecided.includes(label)),
    ours.truncated.filter((label) => !undecided.includes(label)),
  );
  return undecided;
}

async function both(
  weights: Uint8Array,
  options: LoadOptions,
  work: (ours: Localizer, theirs: Localizer) => Promise<void>,
) {
  await using ours = await load(weights, { ...options, device: gpu.device });
  await using theirs = await load(weights, { ...options, backend: 'onnxruntime' });
  assert.is(theirs.backend.name, 'onnxruntime');
  assert.equal([theirs.metadata, theirs.warnings], [ours.metadata, ours.warnings]);
  await work(ours, theirs);
}

const rgb = ({ data, width, height }: PixelImage): PixelImage => ({
  ...{ width, height },
  data: Uint8Array.from({ length: 3 * data.length }, (_, i) => (data[Math.floor(i / 3)] * (4 - (i % 3))) / 4),
});
const deep = ({ data, width, height }: PixelImage): PixelImage => ({
  ...{ width, height, bits: 12 },
  data: Uint16Array.from(data, (value) => value * 16 + 5),
});

test('a network runs on a GPU device that is given, whether the package is installed or not', async () => {
  await using localizer = await load(tinyWeights(4, ['Mass']), { device: gpu.device });
  assert.is(localizer.backend.name, 'webgpu');
});

withPackage('small networks: fits, colours, depths, thresholds, sizes of regions', async () => {
  const images = [tinyPicture(1), rgb(tinyPicture(2, 71, 40)), deep(tinyPicture(3, 33, 64)), tinyPicture(4, 9, 100)];
  let [compared, left] = [0, 0];
  const kinds = [
    ['stretch', 'minmax'],
    ['crop', 'relu'],
    ['pad', 'minmax'],
  ] as const;
  for (const [fit, heatmapScaling] of kinds) {
    const boxRules = { Nodule: { heatThresholds: [30, 60, 180], minRegion: 1 }, Edema: { heatThresholds: [30] } };
    const options = { fit, heatmapScaling, boxRules };
    await both(tinyWeights(fit.length, ['Mass', 'Nodule', 'Edema']), options, async (ours, theirs) => {
      const heatThresholds = [30, 60, 180];
      for (const more of [{}, { minRegion: 2, maxBoxes: 2 }, { maxBoxes: 1 }, { heatThresholds: undefined }]) {
        const request: LocalizeOptions = { classes: ours.classes, heatmaps: 'scaled', heatThresholds, ...more };
        const found: Localization[] = [];
        for await (const one of theirs.localizeAll(images, request)) found.push(one);
        for await (const one of ours.localizeAll(images, request)) {
          left += compare(one, found[one.index], heatThresholds, `${fit} ${heatmapScaling} ${one.index}`).length;
          compared += ours.classes.length;
        }
      }
    });
  }
  assert.ok(left < compared / 2, `${left} of ${compared} maps were not compared`);
});

const sample = new URL('../../../weights/phantom8.safetensors', import.meta.url);

withPackage('the network that comes with raybox, on phantoms', async () => {
  await both(readFileSync(sample), {}, async (ours, theirs) => {
    for (const index of [1]) {
      const { image } = drawPhantom({ seed: 9, index, size: 512 });
      for (const heatmaps of ['raw', 'scaled'] as const) {
        const request = { classes: ours.classes, heatmaps };
        const [one, other] = [await ours.localize(image, request), await theirs.localize(image, request)];
        if (heatmaps === 'scaled') compare(one, other, [60, 180], `phantom ${index}`);
        else compare({ ...one, findings: [] }, { ...other, findings: [] }, [], `raw, phantom ${index}`);
      }
      const [one, other] = [await ours.localize(image), await theirs.localize(image)];
      assert.equal(
        other.findings.map(({ label }) => label),
        one.findings.map(({ label }) => label),
      );
    }
  });
});

withPackage('a ResNet with its public layout, imported from ONNX too', async () => {
  const weights = await readFixture('torch-reference/resnet-bottleneck/model.safetensors');
  const metadata = { inputWidth: 96, inputHeight: 96, lseR: 10 };
  const image = tinyPicture(7, 150, 120);
  await both(weights, { metadata }, async (ours, theirs) => {
    const request = { classes: ours.classes, heatmaps: 'scaled' } as const;
    compare(await ours.localize(image, request), await theirs.localize(image, request), [60, 180], 'resnet');
  });
});

withPackage(
  'each pooling: the exported model gives the probabilities and heatmaps of the weights in float64',
  async () => {
    const { InferenceSession, Tensor } = await loadRuntime(platform);
    const heads: readonly Omit<Head, 'classes'>[] = [
      ...[{ pooling: 'average' } as const, { pooling: 'max' } as const, { pooling: 'lse', r: 10 } as const],
      ...[{ pooling: 'top-k', topK: 5, lowK: 0 } as const, ...mapPoolings],
    ];
    for (const head of heads) {
      const weights = tinyWeights(3, ['Mass', 'Nodule', 'Edema'], 8, head);
      const { pixels, side, ...expected } = await runReference(weights);
      const session = await InferenceSession.create((await exportOnnx(weights)).bytes);
      // Of one channel, so that the order of rows, columns and channels makes no difference.
      const image = new Tensor('float32', Float32Array.from(pixels), [1, 1, side, side]);
      const found = await session.run({ image }, ['probabilities', 'heatmaps']);
      await session.release();
      const ours = found.probabilities.data as Float32Array;
      for (const [c, score] of expected.probabilities.entries())
        assert.ok(Math.abs(ours[c] - score) <= BOUNDS.score, `${head.pooling}: ${ours[c]}, ${score}`);
      const [maps, cells] = [found.heatmaps.data as Float32Array, expected.heatmaps.length / ours.length];
      assert.is(maps.length, expected.heatmaps.length);
      for (let c = 0; c < ours.length; c++) {
        const map = expected.heatmaps.subarray(c * cells, (c + 1) * cells);
        const range = Math.max(...map) - Math.min(...map);
        const worst = map.reduce((most, value, i) => Math.max(most, Math.abs(value - maps[c * cells + i])), 0);
        assert.ok(worst <= BOUNDS.map * range, `${head.pooling}: ${worst} of ${range}`);
      }
    }
  },
);

withPackage('auto takes it where no GPU is', () => {
  const code = `
    import { load } from ${JSON.stringify(new URL('../../src/index.js', import.meta.url).href)};
    import { readFileSync } from 'node:fs';
    const localizer = await load(readFileSync(${JSON.stringify(sample.pathname)}));
    const data = Uint8Array.from({ length: 64 * 64 }, (_, i) => (i % 64) * 3);
    await localizer.localize({ data, width: 64, height: 64 });
    console.log(JSON.stringify([localizer.backend, localizer.warnings]));
    await localizer.close();`;
  const { RAYBOX_ADAPTER, RAYBOX_BACKEND, VK_DRIVER_FILES, ...rest } = process.env;
  const run = (more: NodeJS.ProcessEnv) =>
    spawnSync(process.execPath, ['--input-type=module', '-e', code], {
      env: { ...rest, VK_ICD_FILENAMES: '/none', ...more },
    });
  const { stdout, stderr } = run({});
  const [backend, warnings] = JSON.parse(String(stdout) || assert.unreachable(String(stderr)) || '');
  assert.is(backend.name, 'onnxruntime');
  assert.match(backend.reason, /no GPU|no Vulkan loader/);
  assert.equal(warnings, []);
  assert.match(
    String(run({ RAYBOX_BACKEND: 'tensorflow' }).stderr),
    /RAYBOX_BACKEND; expected auto, webgpu, onnxruntime/,
  );
});

test.run();
