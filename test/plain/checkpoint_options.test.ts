/** Options for checkpoints, and settings in them about pixels: they are followed, reported in a warning, or refused by name. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import type { TensorData } from '../../src/formats/weights/checkpoint.js';
import { readCheckpoint } from '../../src/formats/weights/read_checkpoint.js';
import { writeSafetensors } from '../../src/formats/weights/safetensors.js';

import { describeModel } from '../../src/localizer/weights/model.js';
import type { ModelOptions } from '../../src/localizer/weights/weights_input.js';
import type { Backbone } from '../../src/nets/backbone.js';
import { startOf } from '../../src/train/start.js';
import { seededNetwork } from '../support/torch.js';

const RESNET: Backbone = { family: 'resnet', block: 'basic', layers: [1, 1], widths: [4, 6], stem: 4 };
const FC = { classes: 3, pooling: 'average', prediction: 'fc' } as const;
const networks = { 1: await seededNetwork(RESNET, FC, 1), 3: await seededNetwork(RESNET, FC, 3) };
const tensor = (...shape: number[]): TensorData => ({
  shape,
  data: new Float32Array(shape.reduce((all, one) => all * one, 1)).fill(0.1),
});
const strings = (settings: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
  );

interface Case {
  options?: ModelOptions;
  more?: Record<string, TensorData>;
  prefix?: string;
  settings?: Record<string, unknown>;
  channels?: 1 | 3;
}
const read = ({ options = {}, more = {}, prefix = '', settings = {}, channels = 3 }: Case) => {
  const own = [...networks[channels]].map(([name, one]) => [prefix + name, { ...one }] as const);
  return describeModel({ tensors: new Map([...own, ...Object.entries(more)]), metadata: strings(settings) }, options);
};
const told = (model: { warnings: readonly { code: string; message: string }[] }, code: string) =>
  model.warnings.flatMap((warning) => (warning.code === code ? [warning.message] : [])).join(' ');

async function messageOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    assert.instance(error, InputError, String(error));
    return (error as Error).message;
  }
  throw new Error('it was not refused');
}
const near = (some: readonly number[], others: readonly number[]) =>
  some.length === others.length && some.every((value, i) => Math.abs(value - others[i]) < 1e-6);

test('the option ignore is refused if it names tensors that the network reads, with any prefix', async () => {
  const more = { 'extra.weight': tensor(2, 2, 3, 3) };
  for (const [prefix, ignore, message] of [
    [
      '',
      ['fc'],
      /ignore names tensors that the network reads; given fc, among which is the prediction layer fc; .*leave it out of ignore/,
    ],
    ['', ['extra', 'layer1.0.conv1'], /given layer1\.0\.conv1, the beginning of layer1\.0\.conv1\.weight/],
    ['', ['extra.', 'conv1.weight'], /given conv1\.weight/],
    ['module.', ['module.fc'], /given module\.fc, among which is the prediction layer module\.fc/],
    ['module.', ['fc.weight', 'extra'], /given fc\.weight, extra, among which is the prediction layer fc/],
    ['module.', ['module'], /given module, among which is the prediction layer module\.fc/],
  ] as const)
    assert.match(await messageOf(() => read({ prefix, more, options: { ignore } })), message, `${prefix}${ignore}`);
  const task = { 'gender.weight': tensor(2, 6), 'gender.bias': tensor(2) };
  assert.match(
    await messageOf(() => read({ more: task, options: { prediction: 'fc', ignore: ['fc', 'gender'] } })),
    /ignore names tensors that the network reads; given fc, gender, among which/,
  );
  assert.is((await read({ more: task, options: { prediction: 'fc', ignore: ['gender'] } })).metadata.prediction, 'fc');
  const older = { 'conv1_old.weight': tensor(4, 3, 7, 7) };
  assert.match(
    await messageOf(() => read({ more: older, options: { ignore: ['conv1'] } })),
    /given conv1, the beginning of conv1\.weight; name only the others, by longer beginnings/,
  );
  const own = await readCheckpoint(writeSafetensors(networks[3], {}));
  // A training that starts from the backbone does not need the head.
  assert.ok(
    startOf({ ...{ init: own, size: 64, classes: ['a'], seed: 1 }, ignore: ['fc'] }).fresh.includes(
      'head.prediction.weight',
    ),
  );
  assert.match(
    await messageOf(() => startOf({ ...{ init: own, size: 64, classes: ['a'], seed: 1 }, ignore: ['layer1'] })),
    /ignore names tensors that the network reads; given layer1/,
  );
});

test('the option ignore gives a warning if no tensor has such a name, and is refused if it is not a list of names', async () => {
  const model = await read({ more: { 'extra.weight': tensor(2, 2, 3, 3) }, options: { ignore: ['extra.', 'extar'] } });
  assert.equal(model.leftOut, ['extra.weight']);
  assert.match(
    told(model, 'unused-option'),
    /No tensor's name begins with extar, which ignore names .*conv1, bn1, layer1/,
  );
  const two = { 'b.extra.weight': tensor(2, 2, 3, 3) };
  const named = await read({ prefix: 'b.', more: two, options: { prefix: 'b', ignore: ['b.extra'] } });
  assert.equal([named.leftOut, told(named, 'unused-option')], [['extra.weight'], '']);
  for (const ignore of ['fc', [''], [3], { 0: 'fc' }])
    assert.match(
      await messageOf(() => read({ options: { ignore: ignore as never } })),
      /ignore; expected a list of beginnings/,
    );
});

test('the options mean and std may be for pixels from 0 to 1 or, with a warning, both for pixels from 0 to 255', async () => {
  const options = { mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375] };
  for (const given of [options, { metadata: options }]) {
    const model = await read({ options: given });
    assert.ok(near(model.metadata.mean, [0.485, 0.456, 0.406]) && near(model.metadata.std, [0.229, 0.224, 0.225]));
    assert.match(
      told(model, 'assumed-input'),
      /A mean of 123\.675, .* are for pixels from 0 to 255, and were read as such: .* 0\.485/,
    );
    assert.is(model.sources.mean, 'given');
  }
  const quiet = await read({ options: { mean: [0.5, 0.5, 0.5], std: [1 / 2048, 1 / 2048, 1 / 2048] } });
  assert.not.match(told(quiet, 'assumed-input'), /255/);
  assert.ok(near((await read({ options: { mean: [0], std: [255] }, channels: 1 })).metadata.std, [1]));
});

test('mean and std are refused, with the reason, if their scales differ or if they cannot be a mean and a std', async () => {
  const good = { mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] };
  const scale = /mean and std are not of one scale; expected both for pixels from 0 to 1 .* divide by 255/;
  for (const [given, message] of [
    [{ mean: [120, 110, 100], std: [0.2, 0.2, 0.2] }, scale],
    [{ mean: [0.4, 0.5, 0.6], std: [58, 57, 57] }, scale],
    [{ mean: [0.5, 110, 100], std: [58, 57, 57] }, scale],
    [{ mean: [120, 110, 100], std: [58, 57, 0.2] }, scale],
    [{ mean: [300, 300, 300], std: [58, 57, 57] }, scale],
    [{ mean: [-0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] }, scale],
    [
      { mean: [120, 110, 100] },
      /mean is not of pixels from 0 to 1; .*given 120, 110, 100; divide it by 255 .*or give std as well/,
    ],
    [{ std: [58, 57, 57] }, /std is not of pixels from 0 to 1; .*or give mean as well/],
    [{ ...good, std: [0.2, 0, 0.2] }, /std; expected numbers above 0, one for each channel; given 0 for channel 1/],
    [{ ...good, std: [0.2, 0.2, -1] }, /given -1 for channel 2/],
    [{ ...good, mean: [Number.NaN, 0.5, 0.5] }, /mean; expected finite numbers, .*given NaN for channel 0/],
    [{ ...good, mean: '0.5' }, /mean; .*given '0\.5'/],
    [{ ...good, mean: [] }, /mean; .*given \[\]/],
    [{ ...good, mean: [0.5, '0.5', 0.5] }, /given '0\.5' for channel 1|metadata: mean; expected a list of numbers/],
  ] as [ModelOptions, RegExp][]) {
    assert.match(await messageOf(() => read({ options: given })), message, JSON.stringify(given));
    assert.match(await messageOf(() => read({ options: { metadata: given } })), message);
  }
  const init = await readCheckpoint(writeSafetensors(networks[3], {}));
  const start = (metadata: object) => startOf({ init, size: 64, classes: ['a'], seed: 1, metadata });
  assert.match(await messageOf(() => start({ mean: [120, 110, 100], std: [0.2, 0.2, 0.2] })), scale);
  assert.ok(near(start({ mean: [127.5, 127.5, 127.5], std: [51, 51, 51] }).input.std, [0.2, 0.2, 0.2]));
});

test('the range of pixels that a file gives with mean and std is used', async () => {
  const [M, S] = [
    [0.4, 0.5, 0.6],
    [0.2, 0.25, 0.3],
  ];
  const in255 = (values: readonly number[]) => values.map((value) => value * 255);
  const heeded: [Record<string, unknown>, number[], number[]][] = [
    [{ input_range: [0, 1], mean: M, std: S }, M, S],
    [{ input_range: [0, 255], mean: in255(M), std: in255(S), input_space: 'RGB' }, M, S],
    [{ input_range: [0, 255], mean: [0, 0, 0], std: [1, 1, 1] }, [0, 0, 0], [1, 1, 1].map(() => 1 / 255)],
    [{ image_mean: M, image_std: S, do_rescale: true, rescale_factor: 1 / 255, do_normalize: true }, M, S],
    [{ image_mean: in255(M), image_std: in255(S), do_rescale: false }, M, S],
    [{ image_mean: M, image_std: S, rescale_factor: 1 / 127.5 }, M.map((m) => m / 2), S.map((s) => s / 2)],
    [{ image_mean: M, image_std: S, do_rescale: true, do_normalize: false }, [0, 0, 0], [1, 1, 1]],
    [{ do_rescale: false, do_normalize: false }, [0, 0, 0], [1, 1, 1].map(() => 1 / 255)],
  ];
  for (const [settings, mean, std] of heeded) {
    const model = await read({ settings: { preprocessor: settings } });
    const what = `${JSON.stringify(settings)}: ${model.metadata.mean}, ${model.metadata.std}`;
    assert.ok(near(model.metadata.mean, mean) && near(model.metadata.std, std), what);
    assert.match(told(model, 'file-settings'), /Taken from the file's preprocessor\./);
  }
  const doubtful: [Record<string, unknown>, RegExp][] = [
    [{ input_range: [0, 255], mean: M, std: S }, /input_range \(0, 255\): not 3 numbers each for pixels from 0 to 255/],
    [{ input_range: [0, 1], mean: in255(M), std: in255(S) }, /not 3 numbers each for pixels from 0 to 1/],
    [{ input_range: [-1, 1], mean: M, std: S }, /a range of pixels other than/],
    [{ input_range: [0, 255] }, /input_range \(0, 255\): not a mean and a standard deviation each/],
    [{ image_mean: M, image_std: S, do_rescale: false }, /do_rescale \(false\): not 3 numbers/],
    [{ image_mean: [0, 0, 0], image_std: [1, 1, 1], do_rescale: false }, /do_rescale \(false\)/],
    [{ image_mean: M, image_std: S, do_rescale: true, input_range: [0, 255] }, /they contradict each other/],
    [{ image_mean: M, image_std: S, rescale_factor: 2 }, /a factor that is not from 0 to 1/],
    [{ image_mean: M, image_std: S, rescale_offset: true, rescale_factor: 1 / 127.5 }, /an offset is added/],
    [{ mean: M, std: S, do_normalize: false }, /do_normalize \(false\): they do not say of which range/],
  ];
  const bare = await read({});
  for (const [settings, message] of doubtful) {
    const model = await read({ settings });
    assert.match(told(model, 'ignored-data'), message, JSON.stringify(settings));
    assert.equal(model.metadata, bare.metadata);
  }
});

test('the order of channels is found under its various names, with a warning if it is not clear', async () => {
  for (const [settings, order] of [
    [{ input_space: 'BGR' }, 'bgr'],
    [{ color_mode: 'BGR' }, 'bgr'],
    [{ img_norm_cfg: { mean: [0.4, 0.5, 0.6], std: [0.2, 0.2, 0.2], to_rgb: false } }, 'bgr'],
    [{ img_norm_cfg: { to_rgb: true } }, 'rgb'],
    [{ args: { to_bgr: true } }, 'bgr'],
    [{ bgr: 'True' }, 'bgr'],
    [{ bgr: false }, 'rgb'],
    [{ data_preprocessor: { bgr_to_rgb: true, rgb_to_bgr: false } }, 'rgb'],
  ] as [Record<string, unknown>, string][]) {
    const model = await read({ settings });
    assert.is(model.metadata.channelOrder, order, JSON.stringify(settings));
    assert.match(told(model, 'file-settings'), new RegExp(`channels in the order ${order}`));
    assert.is(told(await read({ settings, channels: 1 }), 'file-settings').includes('order'), false);
  }
  for (const [settings, message] of [
    [{ to_rgb: true, channel_order: 'bgr' }, /they contradict each other/],
    [{ bgr_to_rgb: false }, /bgr_to_rgb \(false\): it does not say whether/],
    [{ swap_rb: true }, /swap_rb \(true\): it does not say/],
    [{ color_space: 'YCbCr' }, /color_space \("YCbCr"\): it does not say/],
  ] as [Record<string, unknown>, RegExp][]) {
    const model = await read({ settings });
    assert.match(told(model, 'ignored-data'), message);
    assert.is(model.metadata.channelOrder, 'rgb');
  }
});

test('a warning says if images were cut or resized differently from how raybox does it', async () => {
  const sized = { input_size: [3, 320, 320] };
  for (const [settings, side, message] of [
    [{ ...sized, crop_pct: 0.875 }, 320, /crop_pct \(0\.875\): the middle of a larger image was cut out/],
    [{ ...sized, interpolation: 'bicubic' }, 320, /interpolation \("bicubic"\): images are resized bilinearly/],
    [{ ...sized, resample: 3 }, 320, /resample \(3\): images are resized bilinearly/],
    [{ ...sized, antialias: false }, 320, /antialias \(false\)/],
    [{ ...sized, test_input_size: [3, 384, 384] }, 320, /test_input_size \(3, 384, 384\): of one part of the work/],
    [{ train_size: 320, test_size: 0.2 }, 224, /train_size \(320\): of one part of the work/],
    [{ crop_size: 320 }, 224, /crop_size \(320\): how an image is resized and cut does not say the size/],
    [{ resize: 256, crop_size: 224 }, 224, /resize \(256\), crop_size \(224\): how an image is resized and cut/],
    [
      { size: { shortest_edge: 256 }, crop_size: { height: 224, width: 224 } },
      224,
      /crop_size \(224, 224\), size\.shortest_edge|size\.shortest_edge \(256\), crop_size/,
    ],
    [{ size: { height: 384, width: 384 } }, 384, /^$/],
    [{ ...sized, crop_pct: 1, interpolation: 'bilinear', resample: 2 }, 320, /^$/],
    [{ ...sized, train_size: 320, train_interpolation: 'random' }, 320, /^$/],
  ] as [Record<string, unknown>, number, RegExp][]) {
    const model = await read({ settings });
    assert.match(told(model, 'ignored-data'), message, JSON.stringify(settings));
    assert.is(model.metadata.inputWidth, side, JSON.stringify(settings));
  }
  const said = await read({
    settings: { ...sized, crop_pct: 0.9, test_size: 384 },
    options: { fit: 'crop', inputWidth: 64, inputHeight: 64 },
  });
  assert.is(told(said, 'ignored-data'), '', 'what a user says is not told again');
});

test('weights that are stored in parts, and tensors that are not plain numbers, are refused with what to do in torch', async () => {
  const { 'fc.weight': fc, 'conv1.weight': stem, ...others } = Object.fromEntries(networks[3]);
  const parts = (names: Record<string, TensorData>) =>
    messageOf(() =>
      describeModel(
        {
          tensors: new Map(
            Object.entries({ ...others, 'fc.weight': fc, 'conv1.weight': stem, ...names }).filter(([, one]) => one),
          ),
          metadata: {},
        },
        {},
      ),
    );
  const without = (name: string) => ({ [name]: undefined as never });
  assert.match(
    await parts({ ...without('fc.weight'), 'fc.weight_g': tensor(3, 1), 'fc.weight_v': tensor(3, 6) }),
    /weights in parts, as weight norm keeps them; .*given fc\.weight_g; .*remove_weight_norm/,
  );
  assert.match(
    await parts({ ...without('conv1.weight'), 'conv1.weight_orig': stem, 'conv1.weight_u': tensor(4) }),
    /as pruning or spectral norm keeps them; .*conv1\.weight_orig; .*remove_spectral_norm/,
  );
  assert.match(
    await parts({ ...without('conv1.weight'), 'conv1.parametrizations.weight.original': stem }),
    /as a parametrization keeps them; .*conv1\.parametrizations\.weight\.original; .*remove_parametrizations/,
  );
  assert.match(
    await parts({
      ...without('conv1.weight'),
      'conv1.0.weight': tensor(4, 3, 3, 3),
      'conv1.3.weight': tensor(4, 4, 3, 3),
    }),
    /conv1\.weight is missing or is not a convolution; .*given conv1\.0\.weight, conv1\.3\.weight/,
  );
});

test.run();
