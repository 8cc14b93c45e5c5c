// Trains the head of a network on drawn X-rays, in the page, and localizes with what came of it.
import { load } from '../../src/index.js'; // 'raybox' in a project of yours
import { DISEASES, drawPhantom } from '../../src/phantom/index.js'; // 'raybox/phantom'
import { DEFAULT_AUGMENTATION, networkImage, openGpu, readCheckpoint, startOf, train } from '../../src/train/index.js'; // 'raybox/train'

const say = (line: string) => document.querySelector('ul')!.append(`${line}\n`);
const response = await fetch('/fixtures/torch-reference/resnet-basic/model.safetensors');
const init = await readCheckpoint(new Uint8Array(await response.arrayBuffer()));

const classes = ['Cardiomegaly', 'Effusion'] as const;
const prevalence = { Cardiomegaly: 0.5, Effusion: 0.5 };
const phantoms = Array.from({ length: 32 }, (_, index) => drawPhantom({ seed: 1, index, size: 64, prevalence }));
const rows = Int32Array.from(phantoms.keys());
const { weights, fresh, ...network } = startOf({ init, classes, size: 64, seed: 1 });

let best: Uint8Array | undefined;
const gpu = await openGpu();
await train({
  gpu,
  weights,
  data: {
    classes,
    images: phantoms.map((_, index) => `phantom ${index}`),
    labels: Uint8Array.from(phantoms.flatMap(({ labels }) => classes.map((name) => Number(labels.includes(name))))),
    train: rows.subarray(0, 20),
    validation: rows.subarray(20),
  },
  images: async (row) => networkImage(phantoms[row].image, network.input.size, network.input.fit),
  settings: {
    ...network,
    ...{ classes, epochs: 2, batch: 4, accumulate: 1, learningRate: 0.01, seed: 1, patience: 0 },
    loss: { kind: 'w-cel' },
    optimizer: { kind: 'adamw' },
    schedule: { kind: 'constant' },
    batchNorm: 'frozen',
    parts: [{ match: 'head.' }, { match: '', frozen: true }],
    augmentation: DEFAULT_AUGMENTATION,
  },
  keeper: {
    async best(bytes) {
      best = bytes;
    },
    async epoch(history) {
      const { epoch, loss, meanAuc } = history[history.length - 1];
      say(`epoch ${epoch}: loss ${loss.toFixed(3)}, validation AUC ${meanAuc.toFixed(3)}`);
    },
  },
});
gpu.close();

const localizer = await load(best!);
const { probabilities } = await localizer.classify(phantoms[31].image);
for (const name of DISEASES) if (name in probabilities) say(`${name} ${probabilities[name].toFixed(2)}`);
await localizer.close();
