/** Settings in a checkpoint are used, with a warning, if they can only mean one thing. Options of the user come before them. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import { readCheckpoint } from '../../src/formats/weights/read_checkpoint.js';
import { writeSafetensors } from '../../src/formats/weights/safetensors.js';

import { formatWeightsMetadata } from '../../src/formats/weights/weights.js';
import { describeModel } from '../../src/localizer/weights/model.js';
import type { ModelOptions } from '../../src/localizer/weights/weights_input.js';
import type { Backbone } from '../../src/nets/backbone.js';
import { startOf } from '../../src/train/start.js';
import { seededNetwork } from '../support/torch.js';

const RESNET: Backbone = { family: 'resnet', block: 'basic', layers: [1, 1], widths: [4, 6], stem: 4 };

const network = (backbone: string | Backbone, channels: 1 | 3) =>
  seededNetwork(backbone, { classes: 3, pooling: 'average', prediction: 'fc' }, channels);
const networks = { 1: await network(RESNET, 1), 3: await network(RESNET, 3) };

/** A checkpoint with settings, as its reader gives them. */
const checkpoint = (settings: Record<string, unknown>, channels: 1 | 3 = 3) => ({
  tensors: networks[channels],
  metadata: Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
  ),
});
const read = (settings: Record<string, unknown>, channels: 1 | 3 = 3, options: ModelOptions = {}) =>
  describeModel(checkpoint(settings, channels), options);
const near = (some: readonly number[], others: readonly number[]) =>
  some.length === others.length && some.every((value, i) => Math.abs(value - others[i]) < 1e-9);
const messageOf = (model: { warnings: readonly { code: string; message: string }[] }, code: string) =>
  model.warnings.find((warning) => warning.code === code)?.message ?? '';

const [M, S] = [
  [0.4, 0.5, 0.6],
  [0.2, 0.25, 0.3],
];
const in255 = (values: readonly number[]) => values.map((value) => value * 255);

test('mean and std are found anywhere in the settings, with a warning that says where', async () => {
  const places: [Record<string, unknown>, string][] = [
    [{ mean: M, std: S }, 'mean and std'],
    [{ args: { mean: M, std: S } }, 'args.mean and args.std'],
    [
      { hyper_parameters: { data: { img_mean: M, imgStd: S } } },
      'hyper_parameters.data.img_mean and hyper_parameters.data.imgStd',
    ],
    [{ config: JSON.stringify({ normalize: { mean: M, std: S } }) }, 'config.normalize.mean'],
    [{ 'pixel-mean': M, PIXEL_STD: S }, 'pixel-mean and PIXEL_STD'],
    [{ mean: '0.4,0.5,0.6', std: '(0.2, 0.25, 0.3)' }, 'mean and std'],
    [{ mean: M, std: S, args: { mean: M, std: S } }, 'mean and args.mean and std and args.std'],
    [{ img_norm_cfg: { mean: in255(M), std: in255(S), to_rgb: true } }, 'which are for pixels from 0 to 255'],
    [{ metrics: { mean: 0.81, std: 0.02 }, mean: M, std: S }, 'mean and std'],
  ];
  for (const [settings, place] of places) {
    const model = await read(settings);
    const { mean, std, assumed } = model.metadata;
    assert.ok(near(mean, M) && near(std, S), `${JSON.stringify(settings)}: ${mean}, ${std}`);
    const told = messageOf(model, 'file-settings');
    assert.ok(told.startsWith("Taken from the file's ") && told.includes(place), told);
    assert.match(told, /mean 0\.4, 0\.5, 0\.6, std 0\.2, 0\.25, 0\.3/);
    assert.equal([model.sources.mean, assumed!.includes('mean')], ['file', false]);
    assert.not.match(messageOf(model, 'assumed-input'), /minus/);
  }
});

test('mean and std may be for pixels up to 1 or 255; one number counts for all channels if its name says that it is for pixels', async () => {
  const cases: [1 | 3, Record<string, unknown>, number[], number[]][] = [
    [1, { mean: 0.5, std: 0.25 }, [0.5], [0.25]],
    [1, { mean: [127.5], std: [63.75] }, [0.5], [0.25]],
    [1, { mean: 0, std: 255 }, [0], [1]],
    [1, { mean: 0, std: 1 }, [0], [1]],
    [3, { mean: [102, 51, 204], std: [1, 1, 1] }, [0.4, 0.2, 0.8], [1 / 255, 1 / 255, 1 / 255]],
    [3, { norm_mean: 0.5, norm_std: 0.25 }, [0.5, 0.5, 0.5], [0.25, 0.25, 0.25]],
    [3, { mean: [0.5], std: [0.25] }, [0.5, 0.5, 0.5], [0.25, 0.25, 0.25]],
  ];
  for (const [channels, settings, mean, std] of cases) {
    const { metadata } = await read(settings, channels);
    assert.ok(
      near(metadata.mean, mean) && near(metadata.std, std),
      `${JSON.stringify(settings)}: ${metadata.mean}, ${metadata.std}`,
    );
  }
});

test('settings that contradict each other or are ambiguous are not used, with a warning', async () => {
  const cases: [1 | 3, Record<string, unknown>, RegExp][] = [
    [3, { mean: M, std: in255(S) }, /mean \(0\.4, 0\.5, 0\.6\), std \(51, .*both for pixels from 0 to 255/],
    [3, { mean: in255(M), std: S }, /both for pixels from 0 to 1 or/],
    [3, { mean: M }, /mean .*: not a mean and a standard deviation each/],
    [3, { mean: [0.5, 0.5], std: [0.5, 0.5] }, /not 3 numbers each/],
    [1, { mean: M, std: S }, /not 1 number each/],
    [3, { mean: 0.81, std: 0.02 }, /not 3 numbers each/],
    [3, { mean: M, std: [0.2, 0, 0.3] }, /not 3 numbers each/],
    [3, { mean: M, std: S, args: { mean: [0.5, 0.5, 0.5], std: S } }, /args\.mean .*: they contradict each other/],
    [1, { mean: [-1], std: [1] }, /not 1 number/],
    [1, { mean: [30_000], std: [9_000] }, /not 1 number/],
    [3, { mean: 'imagenet', std: 'imagenet' }, /"imagenet".*not 3 numbers/],
    [
      3,
      { img_size: 320, args: { input_size: [3, 256, 256] } },
      /img_size \(320\), args\.input_size \(3, 256, 256\): they contradict/,
    ],
    [3, { img_size: 256, crop_size: 224 }, /img_size \(256\), crop_size \(224\): an image may be cut/],
    [3, { input_size: [320, 256] }, /input_size \(320, 256\): no side of a square/],
    [3, { input_size: 7 }, /no side of a square/],
    [3, { channel_order: 'bgr', args: { channel_order: 'RGB' } }, /channel_order .*they contradict/],
  ];
  for (const [channels, settings, message] of cases) {
    const model = await read(settings, channels);
    const bare = await read({}, channels);
    assert.match(messageOf(model, 'ignored-data'), message, JSON.stringify(settings));
    assert.equal(model.metadata, bare.metadata, 'as if nothing were said');
    assert.is(messageOf(model, 'file-settings'), '');
  }
});

test('the size of the input, the order of channels and names of classes', async () => {
  for (const size of [320, '320', [320, 320], [3, 320, 320], [320, 320, 3]]) {
    const model = await read({ pretrained_cfg: { input_size: size, crop_pct: 0.875 } });
    assert.equal([model.metadata.inputWidth, model.metadata.inputHeight], [320, 320], JSON.stringify(size));
    assert.match(
      messageOf(model, 'file-settings'),
      /Taken from the file's pretrained_cfg\.input_size: an input of 320 × 320/,
    );
    assert.not.match(messageOf(model, 'assumed-input'), /224 ×/);
  }
  const sides = await read({ args: { img_w: 96, img_h: 96 }, channel_order: 'BGR' });
  assert.equal([sides.metadata.inputWidth, sides.metadata.channelOrder], [96, 'bgr']);
  const names = ['Mass', 'Nodule', 'Edema'];
  const named = await read({
    hyper_parameters: { class_names: names },
    id2label: { 0: 'LABEL_0', 1: 'LABEL_1', 2: 'LABEL_2' },
  });
  assert.equal(named.metadata.classes, names);
  assert.match(
    messageOf(named, 'file-settings'),
    /the file's hyper_parameters\.class_names: the outputs are Mass, Nodule, Edema/,
  );
  const two = await read({ classes: names, args: { labels: ['a', 'b', 'c'] } });
  assert.match(messageOf(two, 'unnamed-outputs'), /different names in classes and args\.labels/);
  const file = await read({ labels: 'labels.csv' }, 1);
  assert.is(file.metadata.classes[0], 'output 0');
});

test('options of the user replace settings of the file, field by field and without a warning', async () => {
  const settings = { mean: M, std: S, img_size: 320, classes: ['a', 'b', 'c'] };
  const given = { mean: [0.1, 0.1, 0.1], inputWidth: 64, inputHeight: 64, classes: ['x', 'y', 'z'] };
  for (const options of [given, { metadata: given }]) {
    const model = await read(settings, 3, options);
    const { mean, std, inputWidth, classes } = model.metadata;
    assert.equal([mean, std, inputWidth, classes], [given.mean, S, 64, given.classes]);
    assert.match(messageOf(model, 'file-settings'), /^Taken from the file's mean and std: std 0\.2, 0\.25, 0\.3\./);
  }
  const quiet = await read({ mean: M, img_size: 7 }, 3, { ...given, std: [1, 1, 1] });
  assert.is(messageOf(quiet, 'ignored-data'), '');
});

test('after conversion, the settings are part of the weights’ own metadata', async () => {
  const { metadata, checkpoint: own } = await read({ mean: M, std: S, img_size: 96, classes: ['a', 'b', 'c'] });
  const again = await describeModel(
    await readCheckpoint(writeSafetensors(own.tensors, formatWeightsMetadata(metadata))),
    {},
  );
  assert.equal([again.metadata.mean, again.metadata.inputWidth, again.metadata.classes], [M, 96, ['a', 'b', 'c']]);
  assert.equal(
    again.warnings.map(({ code }) => code),
    ['assumed-input', 'assumed-network'],
  );
});

test('transform_input of a GoogLeNet is applied after the mean and std of the file', async () => {
  const metadata = { transform_input: 'true', mean: '[0.5,0.5,0.5]', std: '[0.5,0.5,0.5]' };
  const model = await describeModel({ tensors: await network('googlenet', 3), metadata }, {});
  const x = (0.7 - model.metadata.mean[0]) / model.metadata.std[0];
  assert.ok(Math.abs(x - (((0.7 - 0.5) / 0.5) * 0.229 + 0.485 - 0.5) / 0.5) < 1e-9);
  assert.match(messageOf(model, 'file-settings'), /mean and std and transform_input/);
});

test('training that starts from such a file prepares images in the same way', () => {
  const options = {
    size: 64,
    classes: ['a', 'b'],
    seed: 1,
    init: checkpoint({ args: { mean: in255(M), std: in255(S) } }),
  };
  const { input, warnings } = startOf(options);
  assert.ok(near(input.mean, M) && near(input.std, S));
  assert.match(
    warnings[0].message,
    /^Taken from the file's args\.mean and args\.std, which are for pixels from 0 to 255/,
  );
  const said = startOf({ ...options, metadata: { mean: [0, 0, 0], std: [1, 1, 1] } });
  assert.equal([said.input.mean, said.warnings], [[0, 0, 0], []]);
});

test('settings that are nested too deeply or too large are skipped', async () => {
  const deep = '['.repeat(100_000) + ']'.repeat(100_000);
  const inner = `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`;
  const model = await read({ classes: deep, labels: inner, mean: deep, config: inner, img_size: '9'.repeat(10_000) });
  assert.is(model.metadata.classes[0], 'output 0');
  assert.ok(model.warnings.every(({ message }) => message.length < 2_000));
});

test('a layer of an absurd size is refused before anything is allocated', async () => {
  for (const [name, shape] of [
    ['fc.weight', [1e9, 6]],
    ['fc.weight', [1e9, 0]],
    ['fc.weight', [0, 6]],
    ['head.prediction.weight', [1e9, 0]],
    ['conv1.weight', [1e9, 3, 7, 0]],
    ['layer1.0.conv1.weight', [1e12, 0, 3, 3]],
  ] as const) {
    const tensors = new Map([...networks[3], [name, { shape: [...shape], data: new Float32Array(0) }]]);
    const error = await describeModel({ tensors, metadata: {} }, {}).then(
      () => undefined,
      (reason: Error) => reason,
    );
    assert.instance(error, InputError, `${name} ${shape}`);
    assert.match(error!.message, /impossible size|is wrong|not read the backbone|none of a ResNet|of another shape/);
  }
});

test.run();
