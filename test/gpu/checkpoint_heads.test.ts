/** Heads in checkpoints from elsewhere: one linear layer on pooled features is run, and any other head is refused with the reason. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import type { TensorData } from '../../src/formats/weights/checkpoint.js';
import { writeSafetensors } from '../../src/formats/weights/safetensors.js';
import { openGpu } from '../../src/gpu/device.js';
import { load } from '../../src/index.js';
import { describeModel } from '../../src/localizer/weights/model.js';
import type { ModelOptions } from '../../src/localizer/weights/weights_input.js';
import type { Backbone } from '../../src/nets/backbone.js';
import { startOf } from '../../src/train/start.js';
import { generated, seededNetwork } from '../support/torch.js';

const RESNET: Backbone = { family: 'resnet', block: 'basic', layers: [1, 1], widths: [4, 6], stem: 4 };
const VGG: Backbone = { family: 'vgg', layers: [4, 'M', 6, 'M'], batchNorm: false };
const ALEXNET: Backbone = { family: 'alexnet', widths: [4, 4, 4, 4, 6] };
const SQUEEZENET: Backbone = {
  family: 'squeezenet',
  layers: [{ conv: 4, kernel: 3, stride: 2 }, 'M', { fire: [2, 3, 3] }],
};
const DENSENET = { family: 'densenet' as const, growthRate: 4, blocks: [2, 2], initialFeatures: 8, bottleneck: 2 };

type Layers = Record<string, number[]>;
async function checkpoint(backbone: Backbone, layers: Layers, channels = 3) {
  const more = Object.entries(layers).map(
    async ([name, shape]): Promise<[string, TensorData]> => [
      name,
      { shape, data: Float32Array.from(await generated(name, shape)) },
    ],
  );
  return {
    tensors: new Map([...(await seededNetwork(backbone, undefined, channels)), ...(await Promise.all(more))]),
    metadata: {},
  };
}

async function refused(backbone: Backbone, layers: Layers, message: RegExp, options: ModelOptions = {}): Promise<void> {
  const error = await describeModel(await checkpoint(backbone, layers), options).then(
    () => new Error('it was not refused'),
    (reason: Error) => reason,
  );
  assert.instance(error, InputError, String(error));
  assert.match(error.message, message);
}

test('classifiers of several layers are refused under the name of their family, with what to do', async () => {
  const classifier = { 'classifier.0.weight': [8, 294], 'classifier.3.weight': [8, 8], 'classifier.6.weight': [5, 8] };
  const what = (name: string) =>
    new RegExp(
      `the head of ${name} has a hidden layer.*given classifier\\.0 \\(294 → 8\\), .*no class activation map.*raybox train --init FILE`,
    );
  await refused(VGG, classifier, what('a VGG'));
  await refused(ALEXNET, classifier, what('an AlexNet'));
  await refused(RESNET, { 'fc.0.weight': [9, 6], 'fc.2.weight': [3, 9] }, /the head of a ResNet has a hidden layer;/);
  await refused(
    VGG,
    { 'classifier.weight': [5, 294] },
    /expected 6 inputs, .* a VGG; given 294, which are 49 for each channel, of a flattened map of 7 × 7/,
  );
  // As the message says, training can start from the backbone with a new head.
  for (const backbone of [VGG, ALEXNET]) {
    const { fresh } = startOf({ size: 64, classes: ['a'], seed: 1, init: await checkpoint(backbone, classifier) });
    assert.equal(
      fresh.filter((name) => !name.startsWith('head.')),
      [],
    );
  }
});

test('training starts from one of several networks in a file, and skips the tensors that ignore names', async () => {
  const { tensors } = await checkpoint(RESNET, { 'fc.weight': [3, 6], 'decoder.0.weight': [4, 6, 3, 3] });
  const names = [...tensors.keys()];
  const twice = new Map(
    ['student.', 'teacher.'].flatMap((start) => names.map((name) => [start + name, tensors.get(name)!] as const)),
  );
  const start = (more: object) => () =>
    startOf({ size: 64, classes: ['a'], seed: 1, init: { tensors: twice, metadata: {} }, ...more });
  assert.throws(start({}), /holds several networks/);
  assert.throws(start({ prefix: 'pupil' }), /no tensor's name begins with pupil\./);
  assert.throws(start({ prefix: 'student' }), /layers that a ResNet .* given decoder\.0/);
  const { architecture, weights } = start({ prefix: 'student', ignore: ['decoder'] })();
  assert.equal(architecture.backbone, RESNET);
  assert.is(weights('conv1.weight', [4, 3, 7, 7]), tensors.get('conv1.weight')!.data);
});

test('the error for a head that is a convolution says so', async () => {
  // Without a bias it differs from torchvision's.
  const squeezed = { 'classifier.1.weight': [3, 6, 1, 1] };
  await refused(
    SQUEEZENET,
    squeezed,
    /no prediction layer for a SqueezeNet.*given classifier\.1 \(a convolution of 1 × 1, 6 → 3\).*a ReLU between.*say prediction 'classifier\.1'/,
  );
  await refused(
    RESNET,
    { 'fc.weight': [3, 6, 1, 1] },
    /given fc \(a convolution of 1 × 1, 6 → 3\).*averaged as they are.*say prediction 'fc'/,
  );
  await refused(RESNET, { 'fc.weight': [3, 6, 3, 3] }, /given fc \(a convolution of 3 × 3, 6 → 3\)/);
  const said = { prediction: 'fc' };
  await refused(
    RESNET,
    { 'fc.weight': [3, 6, 3, 3] },
    /the checkpoint's fc is a convolution and cannot be the prediction layer;.* 3 × 3/,
    said,
  );
  await refused(
    RESNET,
    { 'fc.weight': [3, 6, 1, 1] },
    /fc is a convolution; expected average pooling.*given pooling max/,
    { ...said, pooling: 'max' },
  );
  await refused(
    RESNET,
    { 'fc.weight': [3, 7, 1, 1] },
    /does not read the backbone's pooled features; expected 6 inputs/,
    said,
  );
});

test('a 1×1 convolution that the user names as the prediction layer is used as a linear layer, with a warning', async () => {
  const gpu = await openGpu();
  const image = { data: Uint8Array.from({ length: 4096 }, (_, i) => (i * 37) % 251), width: 64, height: 64 };
  const options = { device: gpu.device, inputWidth: 64, inputHeight: 64 };
  const { tensors } = await checkpoint(RESNET, { 'fc.weight': [3, 6], 'fc.bias': [3] });
  const weight = tensors.get('fc.weight')!;
  const convolution = new Map([...tensors, ['fc.weight', { ...weight, shape: [3, 6, 1, 1] }] as const]);
  const classify = async (own: typeof tensors, more: ModelOptions) => {
    const localizer = await load(writeSafetensors(own, {}), { ...options, ...more });
    const { logits, warnings } = await localizer.classify(image);
    await localizer.close();
    return { logits, isTold: warnings.some(({ message }) => /^fc is a 1×1 convolution/.test(message)) };
  };
  try {
    const { logits } = await classify(tensors, {});
    assert.equal(await classify(convolution, { prediction: 'fc' }), { logits, isTold: true });
    assert.equal((await describeModel({ tensors: convolution, metadata: {} }, { prediction: 'fc' })).leftOut, []);
    assert.equal(convolution.get('fc.weight')!.shape, [3, 6, 1, 1], 'what was handed in stays as it is');
  } finally {
    gpu.close();
  }
});

test('torchxrayvision’s layout is recognised only if all of its marks are there', async () => {
  const layers = { 'classifier.weight': [18, 12], 'classifier.bias': [18] };
  const { tensors } = await checkpoint(DENSENET, {}, 1);
  const channels = [...tensors.values()].at(-1)!.shape[0];
  layers['classifier.weight'][1] = channels;
  const read = async (
    { name = 'classifier', outputs = 18, inputs = 1 as 1 | 3, backbone = DENSENET as Backbone, width = channels } = {},
    operatingThresholds = Float32Array.from({ length: outputs }, (_, index) => index / 20),
  ) => {
    const own = { [`${name}.weight`]: [outputs, width], [`${name}.bias`]: [outputs] };
    const { tensors: all } = await checkpoint(backbone, own, inputs);
    const named = new Map([
      ...all,
      ['op_threshs', { shape: [operatingThresholds.length], data: operatingThresholds }] as const,
    ]);
    return describeModel({ tensors: named, metadata: {} }, {});
  };
  const whole = await read();
  assert.equal(
    [whole.metadata.mean, whole.metadata.std, whole.metadata.classes[0]],
    [[0.5], [1 / 2048], 'Atelectasis'],
  );
  assert.match(
    whole.warnings[0].message,
    /The layout is torchxrayvision’s, told by op_threshs beside one channel and a DenseNet's classifier of 18 outputs/,
  );
  const resnet = await read({ name: 'fc', backbone: RESNET, width: 6 });
  assert.equal([resnet.metadata.std, resnet.metadata.inputWidth], [[1 / 2048], 512]);
  const other = await read({ outputs: 5 });
  assert.equal(
    [other.metadata.std, other.metadata.classes[0], other.sources.operatingThresholds],
    [[1 / 2048], 'output 0', 'layout'],
  );
  for (const model of [
    await read({ inputs: 3 }),
    await read({ name: 'out' }),
    await read({}, new Float32Array(17)),
    await read({}, new Float32Array(18).fill(40)),
    await read({ backbone: VGG, width: 6 }),
  ]) {
    assert.is(model.metadata.classes[0], 'output 0');
    assert.not.equal(model.metadata.std[0], 1 / 2048);
    const { message } = model.warnings.find(({ code }) => code === 'ignored-data')!;
    assert.match(message, /not used: op_threshs, which torchxrayvision's classifiers have too.*were not assumed/);
  }
});

test.run();
