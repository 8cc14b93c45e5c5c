/** Localizes an image on SwiftShader. It runs in Node and in a page, and the results are compared. */
import { load } from '../../src/localizer/localizer.js';
import { drawPhantom } from '../../src/phantom/index.js';
import { readFixture } from './fixture.js';

const HEAT_THRESHOLDS = [60, 180];

export async function localizePhantom() {
  const weights = await readFixture('torch-reference/resnet-bottleneck/model.safetensors');
  const localizer = await load(weights, {
    adapter: 'swiftshader',
    metadata: { inputWidth: 128, inputHeight: 128, lseR: 10 },
  });
  try {
    const { image } = drawPhantom({ seed: 5, index: 2, size: 160 });
    const { classes } = localizer;
    const options = { classes, heatThresholds: HEAT_THRESHOLDS, heatmaps: 'scaled' } as const;
    const { probabilities, findings, heatmaps } = await localizer.localize(image, options);
    // For such a value rounding decides whether it reaches a threshold, and so whether there is a box.
    const undecided = classes.filter((label) =>
      heatmaps![label].data.some((value) => HEAT_THRESHOLDS.some((threshold) => Math.abs(value - threshold) < 1e-4)),
    );
    return {
      adapter: localizer.gpu.info.description || localizer.gpu.info.architecture,
      pixels: image.data.reduce((sum, value, at) => (sum * 31 + value * (at + 1)) >>> 0, 0),
      probabilities,
      findings,
      undecided,
    };
  } finally {
    await localizer.close();
  }
}
