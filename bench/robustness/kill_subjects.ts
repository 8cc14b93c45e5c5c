/** The commands that the kill trials kill: `localize` in its three formats and with overlays, and `train`, on a few small images. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writePhantoms } from '../../src/cli/phantom/files.js';
import { encodePng } from '../../src/formats/images/png.js';
import { untrainedWeights } from '../../src/nets/untrained.js';
import { DISEASES, drawPhantom } from '../../src/phantom/index.js';
import { isBegun, type Subject } from './kill_trials.js';

const SIZE = 64;
const TRAINED = ['Cardiomegaly', 'Effusion'];

/** Makes the input files of the commands in `folder`. */
export async function makeSubjects(folder: string): Promise<Subject[]> {
  const [images, weights, data] = ['images', 'weights.safetensors', 'data'].map((name) => join(folder, name));
  rmSync(folder, { recursive: true, force: true });
  for (const [seed, set] of ['a', 'b'].entries()) {
    mkdirSync(join(images, set), { recursive: true });
    for (let index = 0; index < 7; index++) {
      const { image } = drawPhantom({ seed, index, size: SIZE });
      // Three names are in both folders.
      const name = index < 3 ? `${index}.png` : `${set}${index}.png`;
      writeFileSync(join(images, set, name), await encodePng(image));
    }
  }
  writeFileSync(weights, untrainedWeights(3, DISEASES, SIZE));
  const prevalence = Object.fromEntries(TRAINED.map((name) => [name, 0.5]));
  await writePhantoms({ count: 36, size: SIZE, seed: 2, out: data, threads: 2, prevalence });
  // Some of the images have findings, and some have none.
  const localize = [
    'localize',
    images,
    '--weights',
    weights,
    '--operating-thresholds',
    DISEASES.map((name) => `${name}=0.51`).join(),
  ];
  const results = (name: string): Subject => ({
    name: `localize, ${name}`,
    command: (at) => [...localize, '--out', join(at, `results.${name}`)],
  });
  return [
    results('jsonl'),
    results('csv'),
    results('coco.json'),
    {
      name: 'localize, overlays',
      command: (at) => [...localize, '--out', join(at, 'results.csv'), '--overlay', at],
    },
    { name: 'train', command: (at) => trainCommand(at, data), content: trainContent },
  ];
}

function trainCommand(at: string, data: string): string[] {
  const checkpoints = ['--checkpoint-minutes', '0'];
  if (isBegun(at)) return ['train', '--out', at, '--resume', ...checkpoints];
  const network = '{"family":"vgg","layers":[4,"M",8],"batchNorm":true}';
  return [
    ...['train', '--out', at, '--data', data, '--classes', TRAINED.join(), '--backbone', network],
    ...['--size', '16', '--batch', '8', '--epochs', '3', ...checkpoints],
  ];
}

/** The content of a file without what may differ: times, how often the run was resumed, and which checkpoints the log names. */
function trainContent(name: string, bytes: Buffer): string | undefined {
  if (name !== 'log.jsonl') return bytes.toString('base64');
  const lines = bytes.toString().trim().split('\n');
  const entries = lines.map((line) => JSON.parse(line));
  return entries
    .filter(({ event }) => ['update', 'epoch'].includes(event))
    .map(({ time: _, seconds: __, ...entry }) => JSON.stringify(entry))
    .join('\n');
}
