/** Networks that PyTorch saved whole give its logits and class activation maps. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openGpu } from '../../src/gpu/device.js';
import { load } from '../../src/index.js';
import { readFixture } from '../support/fixture.js';

interface References {
  size: number;
  references: { network: string; logits: number[]; heatmaps: number[] }[];
}

const { size, references }: References = JSON.parse(
  new TextDecoder().decode(await readFixture('torch-modules/reference.json')),
);

/** The image of the references: with one channel it is their first. */
function imageOf(channels: 1 | 3) {
  const data = Uint8Array.from({ length: size * size * channels }, (_, index) => {
    const [pixel, c] = [Math.floor(index / channels), index % channels];
    const [y, x] = [Math.floor(pixel / size), pixel % size];
    return (x * 7 + y * 13 + c * 29 + x * y) % 256;
  });
  return { data, width: size, height: size, channels };
}

const gpu = await openGpu();
test.after(() => gpu.close());

for (const { network, logits, heatmaps } of references) {
  test(`${network}: logits and class activation maps are PyTorch’s`, async () => {
    const isGrey = network === 'torchxrayvision.pt';
    const input = isGrey ? { mean: [0.5], std: [1 / 2048] } : { mean: [0, 0, 0], std: [1, 1, 1] };
    const classes = logits.map((_, index) => `class ${index}`);
    const localizer = await load(await readFixture(`torch-modules/${network}`), {
      ...{ device: gpu.device, classes, inputWidth: size, inputHeight: size, fit: 'stretch' as const },
      ...input,
    });
    const result = await localizer.localize(imageOf(isGrey ? 1 : 3), { classes, heatmaps: 'raw' });
    await localizer.close();
    const largest = Math.max(...logits.map(Math.abs));
    logits.forEach((expected, index) => {
      const given = result.logits[classes[index]];
      assert.ok(Math.abs(given - expected) < 1e-5 * Math.max(1, largest), `${given}, expected ${expected}`);
    });
    const range = Math.max(...heatmaps) - Math.min(...heatmaps);
    const maps = classes.flatMap((name) => [...result.heatmaps![name].data]);
    assert.is(maps.length, heatmaps.length);
    heatmaps.forEach((expected, index) => {
      assert.ok(Math.abs(maps[index] - expected) < 1e-4 * range, `${maps[index]}, expected ${expected}`);
    });
  });
}

test.run();
