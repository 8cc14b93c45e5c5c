/** `raybox demo`: localizes findings in an X-ray, or in a phantom that it draws, and makes a picture of them. */

import { basename } from 'node:path';
import { bestFindings, type Finding, notShown } from '../formats/findings.js';
import type { Image } from '../formats/images/pixels.js';
import { describe } from '../gpu/device.js';
import type { LoadOptions } from '../localizer/load_options.js';
import { type Localizer, load } from '../localizer/localizer.js';
import { untrainedWeights } from '../nets/untrained.js';
import { readImage } from '../node/images/image_files.js';
import { writeOverlay } from '../node/images/overlay_file.js';
import { UNTRAINED } from '../node/images/overlay_png.js';
import { withFile } from '../node/lock.js';
import type { Command } from '../node/vendor/commander.js';
import { DISEASES, drawPhantom, type Phantom } from '../phantom/index.js';
import { adapterOption, backendOption, runOptions } from './adapter_option.js';
import { packagedWeights, weightsForPatients } from './packaged_weights.js';
import { duration, interruptible, naming, print, say, table, wholeNumber } from './terminal.js';

interface Options {
  seed: number;
  out: string;
  allBoxes?: true;
  weights?: string;
  adapter?: string;
  backend?: LoadOptions['backend'];
}

const PHANTOM_SIZE = 512;
/** How many classes are shown if the network has random weights. */
const SHOWN = 2;

async function demo(file: string | undefined, options: Options, signal: AbortSignal): Promise<void> {
  const started = performance.now();
  const { seed, out, allBoxes, weights, ...run } = options;
  const path = weights ?? (file === undefined ? packagedWeights('phantoms') : weightsForPatients());
  const given = file === undefined ? undefined : await readImage(file).catch(naming(file));
  const localizer = await load(path ?? untrainedWeights(seed, DISEASES), { signal, ...runOptions(run) });
  try {
    const { metadata, backend } = localizer;
    const trained = metadata.trainingData !== 'none';
    say(backend.name === 'webgpu' ? `Adapter: ${describe(localizer.gpu.info)}` : `onnxruntime: ${backend.reason}`);
    if (backend.hint) say(`raybox: ${backend.hint}`);
    say(path ? `Weights: ${path}` : 'Weights: a small network with random numbers, made just now');
    if (!trained) say(UNTRAINED);

    const phantom = given ? undefined : drawPhantom({ seed, index: 0, size: PHANTOM_SIZE });
    const image = given ?? phantom!.image;
    const classes = trained ? undefined : await mostProbable(localizer, image, signal);
    const heatmaps = metadata.fit === 'stretch' ? 'raw' : 'scaled';
    const lungMask = metadata.imageKind === 'patients' ? 'auto' : 'off';
    const result = await localizer.localize(image, { heatmaps, lungMask, signal, ...(classes ? { classes } : {}) });
    const caption = file === undefined ? `phantom ${seed}` : basename(file);
    const boxes = allBoxes ? 'all' : 'best';
    await withFile(out, () => writeOverlay(out, image, result, { metadata, boxes, title: caption }));
    for (const { message } of result.warnings) say(`raybox: ${message}`);
    if (phantom) await print(`In the picture: ${drawnInto(phantom) || 'a healthy chest'}\n\n`);
    const shown = allBoxes ? result.findings : bestFindings(result.findings, result);
    const rest = notShown(result.findings, shown);
    await print(`${tableOf(shown, trained)}${rest ? `${rest}: see --all-boxes\n` : ''}\nPicture: ${out}\n`);
    say(`Done in ${duration(performance.now() - started)}.`);
  } finally {
    await localizer.close();
  }
}

/** The classes that are shown of a network with random weights. */
async function mostProbable(localizer: Localizer, image: Image, signal: AbortSignal): Promise<string[]> {
  const { probabilities } = await localizer.classify(image, { signal });
  return Object.keys(probabilities)
    .sort((a, b) => probabilities[b] - probabilities[a])
    .slice(0, SHOWN);
}

const drawnInto = ({ boxes }: Phantom) =>
  boxes.map(({ label, x, y, width, height }) => `${label} at ${x}, ${y}, ${width} × ${height}`).join('; ');

function tableOf(findings: readonly Finding[], trained: boolean): string {
  if (findings.length === 0) return 'No class reaches its threshold.\n';
  const anyOutside = findings.some(({ outsideLungs }) => outsideLungs);
  const rows = findings.map(({ label, score, threshold = 0, box: { x, y, width, height }, outsideLungs }) => [
    label,
    score.toFixed(2),
    threshold,
    ...[x, y, width, height].map(Math.round),
    ...(anyOutside ? [outsideLungs ? 'outside the lungs' : ''] : []),
  ]);
  return table([
    [
      ...[`finding${trained ? '' : ' (meaningless)'}`, 'score', 'heat ≥', 'x', 'y', 'width', 'height'],
      ...(anyOutside ? ['note'] : []),
    ],
    ...rows,
  ]);
}

/** Adds `raybox demo`. */
export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description('localize an X-ray, or a phantom drawn for it, and write an overlay')
    .argument('[image]', 'an X-ray: PNG, JPEG, …; default: a phantom')
    .option('--seed <n>', 'number that decides which phantom is drawn', wholeNumber(0, 0xffffffff), 9)
    .option('--out <file>', 'the picture to write', 'out/demo.png')
    .option('--all-boxes', 'show all boxes, not only the best one of each of the three most probable findings')
    .option('--weights <file>', 'other weights than those that come with raybox')
    .addOption(backendOption())
    .addOption(adapterOption())
    .action(async (image: string | undefined, options: Options) =>
      interruptible((signal) => demo(image, options, signal)),
    );
}
