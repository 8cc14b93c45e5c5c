/** The data of a training: images, their augmentation, and their order. */
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readDataEntry } from '../../src/formats/data_sets/chestxray.js';
import type { Image } from '../../src/formats/images/pixels.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import { VIEW_NUMBERS } from '../../src/ops/images/augment.js';
import type { Fit } from '../../src/ops/images/frame.js';
import { preprocess } from '../../src/ops/images/preprocess.js';
import { reference } from '../../src/ops/images/preprocess.reference.js';
import { DEFAULT_AUGMENTATION, drawViews, NO_AUGMENTATION, plainViews } from '../../src/train/augmentation.js';
import { bestEpoch } from '../../src/train/checkpoint.js';
import { epochOrder, fingerprintOf, selectData } from '../../src/train/data.js';
import { networkImage } from '../../src/train/network_image.js';
import { createPace } from '../../src/train/pace.js';
import { prefetch } from '../../src/train/prefetch.js';
import { scoresOf } from '../../src/train/score.js';
import { lossOf, scheduleOf } from '../../src/train/settings.js';
import { startOf } from '../../src/train/start.js';

function noise(width: number, height: number, channels: 1 | 3 | 4, wide: boolean): Image {
  const data = new (wide ? Uint16Array : Uint8Array)(width * height * channels);
  for (let i = 0; i < data.length; i++) data[i] = Math.imul(i + 1, 0x9e3779b1) >>> (wide ? 16 : 24);
  return { data, width, height, channels };
}

/** An image as the network sees it, by the float64 reference of `preprocess`, from 0 to 65535. */
function truth({ data, width, height, channels }: Image, size: number, fit: Fit): Float64Array {
  const bits = data instanceof Uint8Array ? 8 : 16;
  const bytes = new Uint8Array(4 * Math.ceil(data.byteLength / 4));
  bytes.set(new Uint8Array(data.buffer));
  const g = createGraph();
  const pixels = g.input('pixels', [bytes.length / 4, 1], { layout: 'dense', type: 'u32' });
  preprocess(g, pixels, { width, height, channels, bits, size, fit, mean: [0], std: [1], scale: 65535 });
  const [node] = g.nodes;
  return reference([Float64Array.from(new Uint32Array(bytes.buffer)), undefined], node as never)[0];
}

test('an image that is kept for training is what the network sees in inference, rounded to 16 bits', () => {
  const shapes: [number, number, 1 | 3 | 4, boolean][] = [
    [53, 41, 1, false],
    [41, 97, 3, false],
    [7, 5, 1, true],
    [64, 64, 4, false],
    [133, 20, 3, true],
  ];
  for (const [width, height, channels, wide] of shapes) {
    const image = noise(width, height, channels, wide);
    for (const fit of ['stretch', 'crop', 'pad'] as const) {
      for (const size of [1, 9, 32]) {
        const kept = networkImage(image, size, fit);
        const expected = truth(image, size, fit);
        const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - kept[i])), 0);
        assert.ok(worst <= 0.51, `${width}×${height}×${channels} to ${size}, ${fit}: off by ${worst}`);
        assert.is(kept.length % 2, 0);
      }
    }
  }
});

test('the augmentation of an image depends only on seed, epoch and place, and stays within its bounds', () => {
  const draw = (first: number, count: number, epoch = 2) =>
    drawViews(DEFAULT_AUGMENTATION, 64, { seed: 5, epoch, first, count });
  const together = draw(0, 500);
  assert.equal(Array.from(draw(100, 3)), Array.from(together.subarray(100 * VIEW_NUMBERS, 103 * VIEW_NUMBERS)));
  assert.not.equal(Array.from(draw(0, 3, 3)), Array.from(draw(0, 3)));
  let mirrored = 0;
  for (let i = 0; i < 500; i++) {
    const [a, b, c, d, x, y, contrast, brightness] = together.subarray(i * VIEW_NUMBERS);
    const side = Math.sqrt(Math.abs(a * d - b * c));
    assert.ok(side >= 0.9 - 1e-6 && side <= 1 + 1e-6, `side ${side}`);
    assert.ok(Math.max(Math.abs(x), Math.abs(y)) <= ((1 - side) / 2) * 64 + 1e-4, 'the window leaves the image');
    assert.ok(Math.abs(Math.atan2(-b, d)) <= (5.001 * Math.PI) / 180);
    assert.ok(Math.abs(contrast - 1) <= 0.1501 && Math.abs(brightness) <= 0.0501);
    if (a * d - b * c < 0) mirrored++;
  }
  assert.ok(mirrored > 200 && mirrored < 300, `${mirrored} mirrored`);
  const plain = drawViews(NO_AUGMENTATION, 64, { seed: 5, epoch: 0, first: 0, count: 2 });
  assert.ok(plain.every((value, i) => Math.abs(value - plainViews(2)[i]) === 0));
});

test('each epoch has every image once, in an order of its own', () => {
  const rows = Int32Array.from({ length: 100 }, (_, i) => 3 * i);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 }), fc.nat(1000), (seed, epoch) => {
      const order = epochOrder(rows, seed, epoch);
      assert.equal(
        Array.from(order).sort((a, b) => a - b),
        Array.from(rows),
      );
      assert.equal(epochOrder(rows, seed, epoch), order);
      assert.not.equal(epochOrder(rows, seed, epoch + 1), order);
      assert.not.equal(epochOrder(rows, seed + 1, epoch), order);
    }),
    { numRuns: 50 },
  );
});

const table = readDataEntry(
  [
    'Image Index,Finding Labels,Patient ID',
    ...['a,Mass,1', 'b,No Finding,1', 'c,Mass|Nodule,2', 'd,Nodule,3', 'e,No Finding,4', 'f,Mass,5', 'g,No Finding,5'],
  ].join('\n'),
);
const split = { train: Int32Array.of(0, 1, 2, 3), validation: Int32Array.of(4, 5, 6) };
const select = (more: Partial<Parameters<typeof selectData>[2]> = {}, parts = split) =>
  selectData(table, parts, { classes: ['Nodule', 'Mass'], ...more });

test('labels, counts and warnings of a selection', () => {
  const { data, counts, warnings } = select();
  assert.equal(Array.from(data.labels.subarray(0, 8)), [0, 1, 0, 0, 1, 1, 1, 0]);
  assert.equal(counts, [
    { label: 'Nodule', train: 2, validation: 0 },
    { label: 'Mass', train: 2, validation: 1 },
  ]);
  assert.equal(warnings, ['1 of 2 classes have no validation AUC (all images alike): Nodule']);
  const fewer = select(
    { boxed: ['d', 'g'], has: (image) => image !== 'e', classes: ['Mass'] },
    { ...split, validation: Int32Array.of(1, 4, 5, 6) },
  );
  assert.equal(Array.from(fewer.data.train), [0, 1, 2]);
  assert.equal(fewer.warnings, [
    '2 images with boxes left out: they are for scoring alone',
    '1 image left out: e',
    '1 patient is in both the training and the validation images: validation will look too good',
  ]);
  assert.is(fingerprintOf(data), fingerprintOf(select().data));
  assert.is.not(fingerprintOf(data), fingerprintOf(select({ classes: ['Mass', 'Nodule'] }).data));
  assert.is.not(fingerprintOf(data), fingerprintOf(select({ boxed: ['b'] }).data));
});

test('a selection from which nothing can be learnt is refused', () => {
  const refused = (message: RegExp, ...args: Parameters<typeof select>) =>
    assert.throws(() => select(...args), message);
  refused(/no training image has Hernia; .*classes that can be learnt: Mass/, { classes: ['Mass', 'Hernia'] });
  refused(/every training image has Mass/, { classes: ['Mass'], boxed: ['b', 'd'] });
  refused(/there are no training images/, {}, { ...split, train: new Int32Array() });
  refused(/there are no validation images/, { boxed: ['e', 'f', 'g'] });
  refused(/no class can be scored/, { classes: ['Nodule'] });
  refused(/Gout is not a class/, { classes: ['Gout'] });
  refused(/named twice/, { classes: ['Mass', 'Mass'] });
});

test('validation gives the AUC of each class, their mean, operating thresholds, and the best epoch', () => {
  const data = { ...select().data, validation: Int32Array.of(0, 1, 2, 4) };
  const { auc, meanAuc, operatingThresholds } = scoresOf(data, Float32Array.of(-1, 2, -1, 0, 3, 1, -9, -3));
  assert.equal(auc, { Nodule: 1, Mass: 1 });
  assert.is(meanAuc, 1);
  assert.ok(Math.abs(operatingThresholds.Mass - 1 / (1 + Math.exp(-1))) < 1e-12);
  assert.is(scoresOf({ ...data, validation: Int32Array.of(0, 1) }, Float32Array.of(0, 1, 2, 3)).auc.Nodule, null);
  const record = (epoch: number, value: number) => ({ epoch, loss: 0, auc: {}, meanAuc: value });
  assert.is(bestEpoch([record(1, 0.5), record(2, 0.7), record(3, 0.7)])?.epoch, 2);
});

test('lengths of schedules are in epochs', () => {
  const run = { epochs: 6, schedule: { kind: 'step', every: 2, factor: 0.5 } as const };
  const rate = scheduleOf(run, 10);
  assert.equal([0, 19, 20, 39, 40].map(rate), [1, 1, 0.5, 0.5, 0.25]);
  assert.throws(() => scheduleOf({ epochs: 2, schedule: { kind: 'cosine', warmUp: 2 } }, 10), /warm-up is wrong/);
  assert.throws(() => lossOf({ kind: 'focal', alpha: 2 })(createGraph(), undefined as never, undefined as never));
});

test('images that are loaded ahead come in order, and so does a failure', async () => {
  const begun: number[] = [];
  const load = async (key: number) => {
    begun.push(key);
    await new Promise((resolve) => setTimeout(resolve, 5 - key));
    if (key === 3) throw new Error('three');
    return 10 * key;
  };
  const seen: number[] = [];
  let failure = '';
  try {
    for await (const [, value] of prefetch([0, 1, 2, 3, 4], load, 2)) {
      seen.push(value);
      assert.ok(begun.length <= seen.length + 2);
    }
  } catch (error) {
    failure = (error as Error).message;
  }
  assert.equal(seen, [0, 10, 20]);
  assert.is(failure, 'three');
});

test('the time left is estimated from the updates after the first', () => {
  const pace = createPace({ steps: 10, epochs: 2, perUpdate: 8, validation: 40 });
  const state = { epoch: 0, step: 0, lossSum: 0, history: [] };
  assert.ok(Number.isNaN(pace.secondsLeft(state, 0)));
  pace.trained(9000);
  pace.trained(1000);
  assert.is(pace.rate, 8);
  pace.validated(4000);
  assert.is(pace.secondsLeft({ ...state, step: 5 }, 0), 15 + 8);
  assert.is(pace.secondsLeft({ ...state, epoch: 1, step: 10 }, 20), 2);
});

test('a run starts from random weights, or from those parameters of other weights that fit', async () => {
  const small = { family: 'resnet', block: 'basic', layers: [1], widths: [4], stem: 4 } as const;
  const backbone = { ...small, layers: [1], widths: [4] };
  const scratch = startOf({ backbone, size: 32, classes: ['a', 'b'], seed: 1 });
  assert.is(scratch.input.channels, 1);
  assert.is(scratch.architecture.head.transition?.channels, 4);
  const shapes: [string, number[]][] = [
    ['conv1.weight', [4, 3, 7, 7]],
    ...['1', '2'].map((n): [string, number[]] => [`layer1.0.conv${n}.weight`, [4, 4, 3, 3]]),
    ...['bn1', 'layer1.0.bn1', 'layer1.0.bn2'].flatMap((name) =>
      ['weight', 'bias', 'running_mean', 'running_var'].map((part): [string, number[]] => [`${name}.${part}`, [4]]),
    ),
    ['fc.weight', [1000, 4]],
    ['fc.bias', [1000]],
  ];
  const tensors = new Map(
    shapes.map(([name, shape]) => [name, { shape, data: new Float32Array(shape.reduce((a, b) => a * b)).fill(0.25) }]),
  );
  const init = { tensors, metadata: {} };
  const start = startOf({ init, size: 32, classes: ['a', 'b'], seed: 1 });
  assert.is(start.input.channels, 3);
  assert.is(start.input.mean[0], 0.485);
  assert.equal(start.fresh.sort(), [
    'head.prediction.bias',
    'head.prediction.weight',
    'head.transition.bias',
    'head.transition.weight',
  ]);
  assert.is((await start.weights('conv1.weight', [4, 3, 7, 7]))[0], 0.25);
  assert.equal(
    Array.from(await start.weights('head.prediction.weight', [2, 4])),
    new Array(8).fill(0),
    'the loss begins at chance',
  );
  assert.ok(Array.from(await start.weights('head.transition.weight', [4, 4, 1, 1])).every((value) => value !== 0));
  assert.throws(() => startOf({ init, size: 32, classes: ['a'], seed: 1, channels: 1 }), /another number of channels/);
  assert.throws(() => startOf({ init, size: 32, classes: ['a'], seed: 1, backbone: 'vgg16' }), /of another network/);
  assert.throws(() => startOf({ size: 32, classes: ['a'], seed: 1 }), /no network was named/);
});

test.run();
