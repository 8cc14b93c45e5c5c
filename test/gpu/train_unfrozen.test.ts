/** Batch norms of layers that are frozen, in a training with the statistics of each batch. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openGpu } from '../../src/gpu/device.js';
import { seededRandom } from '../../src/random.js';
import { crossEntropy } from '../../src/train/losses.js';
import { sgd } from '../../src/train/optimizers.js';
import { createTrainer, type Trainer } from '../../src/train/step.js';
import type { TrainerOptions } from '../../src/train/trainer_options.js';

const gpu = await openGpu();
test.after(() => gpu.close());

const SIZE = 8;

/** Two blocks of convolution, batch norm and ReLU: `features.0`, `features.1` and `features.4`, `features.5`. */
const make = (batchNorm: TrainerOptions['batchNorm'], parts: TrainerOptions['parts']) =>
  createTrainer(gpu, {
    architecture: {
      backbone: { family: 'vgg', prefix: 'features.', layers: [4, 'M', 4], batchNorm: true },
      head: { classes: 2, pooling: 'average' },
    },
    ...{ batch: 2, size: SIZE, batchNorm, seed: 4, parts: parts ?? [] },
    loss: crossEntropy(),
    optimizer: sgd({ momentum: 0.9 }),
  });

async function losses(trainer: Trainer, steps: number): Promise<number[]> {
  const random = seededRandom(3);
  const found = [];
  for (let step = 0; step < steps; step++) {
    const images = Float32Array.from({ length: 2 * SIZE * SIZE * 3 }, () => random());
    found.push(await trainer.step(images, [1, 0, 0, 1], { learningRate: 0.05 }));
  }
  return found;
}

const mean = async (trainer: Trainer, layer: number) => [...(await trainer.read(`features.${layer}.running_mean`))];

test('unfrozen: frozen layers keep their statistics, and the others follow the batch', async () => {
  const parts = ['features.0', 'features.1'].map((match) => ({ match, frozen: true }));
  for (const batchNorm of ['unfrozen', 'train'] as const) {
    const trainer = await make(batchNorm, parts);
    await losses(trainer, 1);
    const isKept = (await mean(trainer, 1)).every((value) => value === 0);
    assert.is(isKept, batchNorm === 'unfrozen');
    assert.not.ok((await mean(trainer, 5)).every((value) => value === 0));
    trainer.close();
  }
});

test('where everything before the head is frozen, unfrozen is the same as frozen', async () => {
  const found = [];
  for (const batchNorm of ['frozen', 'unfrozen'] as const) {
    const trainer = await make(batchNorm, [{ match: 'head' }, { match: '', frozen: true }]);
    found.push(await losses(trainer, 3));
    trainer.close();
  }
  assert.equal(found[0], found[1]);
});

test.run();
