/** Moving averages of weights: their values, what has none, and what is saved and scored. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import { readSafetensors } from '../../src/formats/weights/safetensors.js';
import { openGpu } from '../../src/gpu/device.js';
import { seededRandom } from '../../src/random.js';
import { crossEntropy } from '../../src/train/losses.js';
import { sgd } from '../../src/train/optimizers.js';
import { createTrainer, type Trainer } from '../../src/train/step.js';
import { readStates, restoreStates, writeWeights } from '../../src/train/trainer_states.js';

const gpu = await openGpu();
test.after(() => gpu.close());

const SIZE = 8;
const BATCH = 2;
const DECAY = 0.6;
const random = seededRandom(3);
const numbers = (count: number) => Float32Array.from({ length: count }, () => random());

const make = (more: { accumulate?: number; averageDecay?: number } = {}) =>
  createTrainer(gpu, {
    architecture: {
      backbone: { family: 'vgg', prefix: 'features.', layers: [4, 'M', 4], batchNorm: true },
      head: { classes: 2, pooling: 'average' },
    },
    ...{ batch: BATCH, size: SIZE, batchNorm: 'train', seed: 4 },
    loss: crossEntropy(),
    optimizer: sgd({ momentum: 0.9 }),
    parts: [{ match: 'features.0', frozen: true }],
    ...{ averageDecay: DECAY, ...more },
  });

const step = (trainer: Trainer) => trainer.step(numbers(BATCH * SIZE * SIZE * 3), [1, 0, 0, 1], { learningRate: 0.05 });

const isParameter = (name: string) => !name.includes('#');

for (const accumulate of [1, 2]) {
  test(`averages follow the weights, ${accumulate} batches to an update`, async () => {
    const trainer = await make({ accumulate });
    const expected = new Map<string, Float64Array>();
    for (let update = 0; update < 25; update++) {
      for (let micro = 0; micro < accumulate; micro++) await step(trainer);
      const decay = Math.min(DECAY, update / (update + 9));
      for (const [name, { data }] of await readStates(trainer, isParameter)) {
        const before = expected.get(name) ?? new Float64Array(data.length);
        expected.set(
          name,
          before.map((kept, i) => decay * kept + (1 - decay) * data[i]),
        );
      }
    }
    const weights = readSafetensors(await writeWeights(trainer, {})).tensors;
    let differing = 0;
    for (const [name, values] of expected) {
      const current = await trainer.read(name);
      const isFrozen = /^features\.0\./.test(name);
      assert.is(trainer.savedAs(name), isFrozen ? name : `${name}#average`);
      const saved = weights.get(name)!.data as Float32Array;
      for (const [i, value] of values.entries())
        assert.ok(Math.abs(saved[i] - value) <= 1e-5 * Math.max(1, Math.abs(value)), `${name}: ${saved[i]}, ${value}`);
      differing += Number(saved.some((value, i) => Math.abs(value - current[i]) > 1e-4));
    }
    assert.ok(differing > 5, 'the averages are not just the weights');
    trainer.close();
  });
}

test('averages belong to the states from which a run is resumed', async () => {
  const first = await make();
  for (let update = 0; update < 3; update++) await step(first);
  const states = await readStates(first);
  assert.ok(states.has('head.prediction.weight#average'));
  const second = await make();
  await restoreStates(second, states);
  second.updates = first.updates;
  const images = numbers(BATCH * SIZE * SIZE * 3);
  for (const trainer of [first, second]) await trainer.step(images, [1, 1, 0, 0], { learningRate: 0.05 });
  assert.equal(await writeWeights(second, {}), await writeWeights(first, {}));
  first.close();
  second.close();
});

test('a decay that makes no sense is refused', async () => {
  for (const averageDecay of [0, 1, -0.5, Number.NaN]) {
    const refused = await make({ averageDecay }).catch((error: Error) => error);
    assert.instance(refused, InputError);
    assert.match(
      (refused as Error).message,
      /decay of averaged weights.*above 0 and below 1|averageDecay; expected a number; given NaN/s,
    );
  }
});

test.run();
