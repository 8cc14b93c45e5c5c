/** Training behind frozen layers whose activations are kept: the same bits as without, and refusals where that cannot be. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openGpu } from '../../src/gpu/device.js';
import type { Backbone } from '../../src/nets/backbone.js';
import { seededRandom } from '../../src/random.js';
import type { ActivationKeeper } from '../../src/train/activations.js';
import { DEFAULT_AUGMENTATION, NO_AUGMENTATION } from '../../src/train/augmentation.js';
import { readTrainingCheckpoint, writeCheckpoint } from '../../src/train/checkpoint.js';
import type { TrainingData } from '../../src/train/data.js';
import { initialWeights } from '../../src/train/initial.js';
import { train } from '../../src/train/loop.js';
import type { TrainOptions } from '../../src/train/options.js';
import type { TrainSettings } from '../../src/train/settings.js';

const SIZE = 16;
const classes = ['Mass', 'Nodule'];
const gpu = await openGpu();
test.after(() => gpu.close());

const random = seededRandom(5);
const pictures = Array.from({ length: 17 }, () =>
  Uint16Array.from({ length: SIZE * SIZE }, () => Math.floor(random() * 65536)),
);
const rows = (from: number, to: number) => Int32Array.from({ length: to - from }, (_, i) => from + i);
const data: TrainingData = {
  classes,
  images: pictures.map((_, index) => `${index}.png`),
  labels: Uint8Array.from(pictures.flatMap((_, index) => [index % 2, index % 3 === 0 ? 1 : 0])),
  train: rows(0, 12),
  validation: rows(12, 17),
};

const settingsFor = (backbone: Backbone, changes: Partial<TrainSettings> = {}): TrainSettings => ({
  architecture: { backbone, head: { classes: 2, pooling: 'lse', r: 5 } },
  classes,
  input: { size: SIZE, channels: 1, channelOrder: 'rgb', mean: [0.5], std: [0.25], fit: 'stretch' },
  ...{ heatmapScaling: 'minmax', epochs: 2, batch: 3, accumulate: 2, loss: { kind: 'cel' } },
  optimizer: { kind: 'adamw' },
  schedule: { kind: 'constant' },
  ...{ learningRate: 0.02, batchNorm: 'unfrozen', parts: [], seed: 3, patience: 0 },
  augmentation: { ...NO_AUGMENTATION, flip: 0.5 },
  ...changes,
});

/** Keeps records in memory. */
function inMemory() {
  const kept = new Map<string, Map<string, Uint8Array>>();
  const counts = { added: 0, bytes: 0 };
  const keeper: ActivationKeeper = {
    async open(key, bytes) {
      const own = kept.get(key) ?? new Map<string, Uint8Array>();
      kept.set(key, own);
      counts.bytes = bytes;
      return {
        find: async (name) => own.get(name),
        async add(name, record) {
          counts.added++;
          assert.is(record.length, bytes);
          own.set(name, record.slice());
        },
        close: async () => {},
      };
    },
  };
  return { keeper, kept, counts };
}

async function run(settings: TrainSettings, more: Partial<TrainOptions> = {}) {
  const losses: number[] = [];
  const checkpoints: Uint8Array[] = [];
  let best = new Uint8Array();
  const { history } = await train({
    ...{ gpu, settings, data, weights: initialWeights(2) },
    images: async (row) => pictures[row],
    keeper: {
      async checkpoint(checkpoint) {
        checkpoints.push(await writeCheckpoint(checkpoint));
        return '';
      },
      async best(bytes) {
        best = Uint8Array.from(bytes);
      },
      update: ({ loss }) => losses.push(loss),
    },
    ...more,
  });
  return { losses, history, best, checkpoints };
}

const isSame = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((byte, i) => byte === b[i]);
const frozen = (...names: string[]) => names.map((match) => ({ match, frozen: true }));
const fires: Backbone = {
  family: 'squeezenet',
  layers: [{ conv: 8, kernel: 3, stride: 2 }, { fire: [3, 5, 6] }, 'M', { fire: [4, 6, 6] }],
};
const convolutions: Backbone = { family: 'vgg', layers: [6, 'M', 8], batchNorm: true };

test('kept activations give the same losses, checkpoints and weights to the bit, and are computed once', async () => {
  const networks: [string, TrainSettings, number][] = [
    // The joined outputs of a fire module, 5 + 6 channels, lie in memory as 8 + 8.
    ['a frozen fire module', settingsFor(fires, { parts: frozen('features.0', 'features.2') }), 16],
    ['frozen batch norms', settingsFor(convolutions, { parts: frozen('features.0', 'features.1') }), 8],
  ];
  // The prediction layer is frozen as well, and two layers read from the frozen part.
  const joined = settingsFor({ ...fires, columns: [1, 3] } as Backbone, { averageDecay: 0.9 });
  networks.push(['two tensors', { ...joined, parts: frozen('features.0', 'features.2', 'head') }, 8]);
  // The sharpness of the pooling is computed from a frozen parameter, but not from the image.
  networks.push([
    'a frozen pooling',
    settingsFor(convolutions, {
      architecture: { backbone: convolutions, head: { classes: 2, pooling: 'lse-lba', lseR0: 1 } },
      parts: frozen('features.0', 'features.1', 'head.pooling'),
    }),
    8,
  ]);
  for (const [name, settings, channels] of networks) {
    const { keeper, counts } = inMemory();
    const without = await run(settings);
    const kept = await run(settings, { activations: keeper });
    assert.equal(kept.losses, without.losses, name);
    assert.equal(kept.history, without.history, name);
    assert.ok(isSame(kept.best, without.best), name);
    // 12 images to train on, as they are and mirrored, and 5 to validate on.
    assert.is(counts.added, 29, name);
    assert.is(counts.bytes % (4 * channels), 0, `${name}: ${counts.bytes}`);
  }
});

test('without mirroring there are no mirrored records; other weights and sizes of numbers have records of their own', async () => {
  const settings = settingsFor(convolutions, {
    parts: frozen('features.0', 'features.1'),
    augmentation: NO_AUGMENTATION,
  });
  const { keeper, kept, counts } = inMemory();
  const exact = await run(settings, { activations: keeper });
  assert.is(counts.added, 17);
  const { bytes } = counts;
  await run(settings, { activations: keeper, weights: initialWeights(9) });
  const rounded = await run({ ...settings, activations: 'f16' }, { activations: keeper });
  assert.is(kept.size, 3);
  assert.is(counts.bytes, bytes / 2);
  // Activations are rounded by at most 2⁻¹¹, so losses differ by little, and not by nothing.
  const gaps = rounded.losses.map((loss, i) => Math.abs(loss - exact.losses[i]) / exact.losses[i]);
  assert.ok(Math.max(...gaps) > 0 && Math.max(...gaps) < 2 ** -8, gaps.join());
});

test('a run goes on with or without kept activations, to the same bits', async () => {
  const settings = settingsFor(convolutions, { parts: frozen('features.0', 'features.1') });
  const whole = await run(settings);
  const statesOf = async (bytes: Uint8Array) => (await readTrainingCheckpoint(bytes)).tensors;
  const resume = await readTrainingCheckpoint(whole.checkpoints[0]);
  const { keeper, counts } = inMemory();
  await run({ ...settings, epochs: 1 }, { activations: keeper });
  const resumed = await run(settings, { activations: keeper, resume });
  assert.is(counts.added, 29);
  assert.equal(await statesOf(resumed.checkpoints[0]), await statesOf(whole.checkpoints[1]));
});

test('where activations cannot be kept, the run is refused before anything is computed', async () => {
  const parts = frozen('features.0', 'features.1');
  const { keeper, counts } = inMemory();
  const refused = async (changes: Partial<TrainSettings>, message: RegExp) => {
    const error = await run(settingsFor(convolutions, { parts, ...changes }), { activations: keeper }).catch(
      (one) => one,
    );
    assert.match(String(error.message), message);
  };
  await refused({ augmentation: DEFAULT_AUGMENTATION }, /at most mirrored; expected .*flip alone.*; given crop=0\.1/);
  await refused({ parts: [] }, /the first layer is trained; given features\.0\.weight, features\.0\.bias; freeze/);
  await refused({ parts: frozen('features.4') }, /the first layer is trained/);
  await refused(
    { batchNorm: 'train' },
    /the batch norm of features\.1, whose layer is frozen, uses the statistics.*--batch-norm unfrozen/,
  );
  assert.is(counts.added, 0);
  const rounded = settingsFor(convolutions, { parts, activations: 'f16' });
  const error = await run(rounded).catch((one) => one);
  assert.match(String(error.message), /rounds activations .* nothing keeps them; .*--activation-cache/);
});

test.run();
