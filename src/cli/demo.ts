/** `raybox demo`: draws an X-ray, localizes its findings and makes a picture of them. It needs no files. */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe } from '../gpu/device.js';
import { type LoadOptions, load } from '../localizer/localizer.js';
import { untrainedWeights } from '../nets/untrained.js';
import { withFile } from '../node/lock.js';
import { writeOverlay } from '../node/overlay_file.js';
import { UNTRAINED } from '../node/overlay_png.js';
import type { Command } from '../node/vendor/commander.js';
import { DISEASES, drawPhantom } from '../phantom/index.js';
import { adapterOption, backendOption, runOptions } from './adapter_option.js';
import { duration, interruptible, print, say, table, wholeNumber } from './terminal.js';

interface Options {
  seed: number;
  out: string;
  weights?: string;
  adapter?: string;
  backend?: LoadOptions['backend'];
}

const PHANTOM_SIZE = 512;
/** How many classes are shown if the network has random weights. */
const SHOWN = 2;

async function demo({ seed, out, weights, ...options }: Options, signal: AbortSignal): Promise<void> {
  const started = performance.now();
  const path = weights ?? packagedWeights();
  const localizer = await load(path ?? untrainedWeights(seed, DISEASES), { signal, ...runOptions(options) });
  try {
    const { metadata } = localizer;
    const trained = metadata.trainingData !== 'none';
    const { backend } = localizer;
    say(backend.name === 'webgpu' ? `Adapter: ${describe(localizer.gpu.info)}` : `onnxruntime: ${backend.reason}`);
    if (backend.hint) say(`raybox: ${backend.hint}`);
    say(path ? `Weights: ${path}` : 'Weights: a small network with random numbers, made just now');
    if (!trained) say(UNTRAINED);

    const phantom = drawPhantom({ seed, index: 0, size: PHANTOM_SIZE });
    const { image } = phantom;
    let classes: string[] | undefined;
    if (!trained) {
      const { probabilities } = await localizer.classify(image, { signal });
      const byProbability = Object.keys(probabilities).sort((a, b) => probabilities[b] - probabilities[a]);
      classes = byProbability.slice(0, SHOWN);
    }
    const heatmaps = metadata.fit === 'stretch' ? 'raw' : 'scaled';
    const result = await localizer.localize(image, { heatmaps, signal, ...(classes ? { classes } : {}) });
    await withFile(out, () => writeOverlay(out, image, result, metadata, `phantom ${seed}`));

    const drawn = phantom.boxes.map(({ label, x, y, width, height }) => `${label} at ${x}, ${y}, ${width} × ${height}`);
    await print(`In the picture: ${drawn.join('; ') || 'a healthy chest'}\n\n`);
    const rows = result.findings.map(({ label, score, threshold = 0, box: { x, y, width, height } }) => [
      label,
      score.toFixed(2),
      threshold,
      ...[x, y, width, height].map(Math.round),
    ]);
    const header = [`finding${trained ? '' : ' (meaningless)'}`, 'score', 'heat ≥', 'x', 'y', 'width', 'height'];
    await print(rows.length > 0 ? table([header, ...rows]) : 'No class reaches its threshold.\n');
    await print(`\nPicture: ${out}\n`);
    say(`Done in ${duration(performance.now() - started)}.`);
  } finally {
    await localizer.close();
  }
}

/** The first weights file of those that come with raybox. */
function packagedWeights(): string | undefined {
  const folder = fileURLToPath(new URL('../../../weights/', import.meta.url));
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.safetensors')) : [];
  return names.length > 0 ? join(folder, names.sort()[0]) : undefined;
}

/** Adds `raybox demo`. */
export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description('draw a phantom, localize it, write an overlay')
    .option('--seed <n>', 'number that decides which phantom is drawn', wholeNumber(0, 0xffffffff), 9)
    .option('--out <file>', 'the picture to write', 'out/demo.png')
    .option('--weights <file>', 'other weights than those that come with raybox')
    .addOption(backendOption())
    .addOption(adapterOption())
    .action(async (options: Options) => interruptible((signal) => demo(options, signal)));
}
