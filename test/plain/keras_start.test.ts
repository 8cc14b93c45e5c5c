/** Weights to start training from, out of Keras' networks. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { firstOfInception } from '../../bench/studies/weights/keras/inception.js';
import { firstOfMobileNet } from '../../bench/studies/weights/keras/mobilenet.js';
import type { Constant } from '../../src/import/plain.js';
import { descriptionOf } from '../../src/nets/backbone.js';
import { convolutionNames } from '../../src/nets/families/inception_v3.js';

const constant = (shape: number[], first = 0): Constant => {
  const values = Array.from({ length: shape.reduce((product, size) => product * size, 1) }, (_, i) => first + i);
  return { shape, values: () => values } as unknown as Constant;
};

test('the first block of a MobileNetV2 gets the names and orders of torchvision', () => {
  const constants = new Map<string, Constant>();
  const add = (layer: string, norm: string, kernel: string, shape: number[], channels: number) => {
    constants.set(`${layer}/${kernel}`, constant(shape));
    for (const [i, name] of ['gamma', 'beta', 'moving_mean', 'moving_variance'].entries())
      constants.set(`${norm}/${name}`, constant([channels], i));
  };
  add('Conv1', 'bn_Conv1', 'kernel', [3, 3, 3, 4], 4);
  add('expanded_conv_depthwise', 'expanded_conv_depthwise_BN', 'depthwise_kernel', [3, 3, 4, 1], 4);
  add('expanded_conv_project', 'expanded_conv_project_BN', 'kernel', [1, 1, 4, 2], 2);
  add('block_1_expand', 'block_1_expand_BN', 'kernel', [1, 1, 2, 6], 6);
  const { tensors, backbone } = firstOfMobileNet(constants, 1);
  assert.equal(backbone, {
    ...{ family: 'mobilenet_v2', stem: 4, last: 6 },
    blocks: [{ expanded: 4, kernel: 3, stride: 1, outputs: 2 }],
  });
  assert.equal(
    [...tensors].filter(([name]) => name.endsWith('.weight')).map(([name, { shape }]) => [name, shape]),
    [
      ['features.0.0.weight', [4, 3, 3, 3]],
      ['features.0.1.weight', [4]],
      ['features.1.conv.0.0.weight', [4, 1, 3, 3]],
      ['features.1.conv.0.1.weight', [4]],
      ['features.1.conv.1.weight', [2, 4, 1, 1]],
      ['features.1.conv.2.weight', [2]],
      ['features.2.0.weight', [6, 2, 1, 1]],
      ['features.2.1.weight', [6]],
    ],
  );
  // Row 2, column 1, input 0 of output 3 is at ((2 · 3 + 1) · 3 + 0) · 4 + 3 in Keras' order, and at ((3 · 3 + 0) · 3 + 2) · 3 + 1 in this one.
  assert.is(tensors.get('features.0.0.weight')?.data[(3 * 3 * 3 + 2) * 3 + 1], 87);
  assert.equal([...(tensors.get('features.1.conv.1.weight')?.data ?? [])], [0, 2, 4, 6, 1, 3, 5, 7]);
  // Keras adds 10⁻³ to a variance, torchvision's network 10⁻⁵.
  assert.ok(Math.abs((tensors.get('features.0.1.running_var')?.data[1] ?? 0) - 4.00099) < 1e-6);
  assert.equal(tensors.get('features.1.conv.2.bias')?.data, Float32Array.of(1, 2));
  assert.throws(() => firstOfMobileNet(constants, 2), /the model has no weight block_1_depthwise\/depthwise_kernel/);
});

test('the first modules of an Inception v3 get factors of 1, which Keras leaves out', () => {
  const names = convolutionNames(1);
  const constants = new Map<string, Constant>();
  for (let i = 1; i <= names.length; i++) {
    constants.set(`conv2d_${i}/kernel`, constant([1, 2, 3, i]));
    for (const name of ['beta', 'moving_mean', 'moving_variance'])
      constants.set(`batch_normalization_${i}/${name}`, constant([i]));
  }
  const { tensors, backbone } = firstOfInception(constants, 1);
  assert.equal(backbone, {
    ...descriptionOf('inception_v3'),
    ...{ modules: (descriptionOf('inception_v3') as unknown as { modules: unknown[] }).modules.slice(0, 1) },
    averages: 'edges',
  });
  assert.equal(tensors.get(`${names[1]}.conv.weight`)?.shape, [2, 3, 1, 2]);
  assert.equal(tensors.get(`${names[1]}.bn.weight`)?.data, Float32Array.of(1, 1));
  assert.throws(() => firstOfInception(constants, 2), /the model has no weight conv2d_13\/kernel/);
});

test.run();
