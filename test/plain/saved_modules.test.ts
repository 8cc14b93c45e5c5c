/** Networks that were saved whole: settings that differ from the family are followed, reported in a warning, or refused by the layer's name. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import { readTorch } from '../../src/formats/torch/torch.js';
import type { Checkpoint, SavedModule } from '../../src/formats/weights/checkpoint.js';
import { describeModel } from '../../src/localizer/weights/model.js';
import type { ModelOptions } from '../../src/localizer/weights/weights_input.js';
import { readFixture } from '../support/fixture.js';

const read = async (name: string) => readTorch(await readFixture(`torch-modules/${name}`));
const resnet = await read('resnet.pth');
const wrapped = await read('wrapped.pth.tar');

/** The same checkpoint with modules changed, added or, for undefined, removed. */
function changed(checkpoint: Checkpoint, changes: Record<string, Partial<SavedModule> | undefined>): Checkpoint {
  const modules = new Map(checkpoint.modules);
  for (const [name, change] of Object.entries(changes)) {
    const around = name.slice(0, Math.max(0, name.lastIndexOf('.')));
    const last = name.slice(name.lastIndexOf('.') + 1);
    const before = modules.get(name) ?? { type: '', settings: {}, code: [], children: [] };
    const settings = { ...before.settings, ...change?.settings };
    const parent = modules.get(around)!;
    if (!modules.has(name)) modules.set(around, { ...parent, children: [...parent.children, last] });
    if (change) modules.set(name, { ...before, ...change, settings });
    else modules.delete(name);
  }
  return { ...checkpoint, modules };
}

const torch = (name: string) => `torch.nn.modules.${name}`;

async function refused(checkpoint: Checkpoint, message: RegExp, options: ModelOptions = {}): Promise<void> {
  const error = await describeModel(checkpoint, options).then(
    () => new Error('it was not refused'),
    (reason: Error) => reason,
  );
  assert.instance(error, InputError, String(error));
  assert.match(error.message, message);
}

test('a layer whose settings differ from the family is refused by name', async () => {
  const cases: [string, Partial<SavedModule>, RegExp][] = [
    [
      'layer2.0.conv1',
      { settings: { stride: [1, 1] } },
      /layer2\.0\.conv1 .*expected stride 2×2; given Conv2d with stride 1×1/,
    ],
    [
      'layer2.0.conv2',
      { settings: { dilation: [2, 2], padding: [2, 2] } },
      /layer2\.0\.conv2 .*padding 2×2, dilation 2×2/,
    ],
    ['conv1', { settings: { padding_mode: 'reflect' } }, /conv1 .*padding_mode reflect/],
    ['conv1', { type: torch('conv.ConvTranspose2d') }, /conv1 .*class Conv2d; .*ConvTranspose2d/],
    ['bn1', { settings: { track_running_stats: false } }, /bn1 .*track_running_stats false/],
    ['maxpool', { settings: { ceil_mode: true } }, /maxpool .*ceil_mode true/],
    ['maxpool', { settings: { kernel_size: 2 } }, /maxpool .*kernel_size 2×2/],
    ['maxpool', { type: torch('pooling.AvgPool2d') }, /maxpool .*pooling average/],
    ['maxpool', { type: torch('linear.Identity') }, /other poolings.*expected maxpool; given none/],
    ['avgpool', { settings: { output_size: [2, 2] } }, /avgpool leaves a map/],
    ['layer1.0.relu', { type: torch('activation.LeakyReLU') }, /layer1\.0\.relu .*expected relu; .*LeakyReLU/],
    ['layer1.0.relu', { type: torch('linear.Identity') }, /layer1\.0\.relu .*Identity/],
    ['layer2.0.relu', { type: torch('activation.Mish') }, /layer2\.0\.relu.*Mish/],
    ['relu', { type: '__main__.Swish' }, /raybox does not know what .*relu computes.*__main__\.Swish/],
    [
      'layer1.0',
      { type: 'blocks.MyBlock' },
      /raybox does not know what .*layer1\.0 computes.*blocks\.MyBlock.*--architecture/,
    ],
    ['layer1.0', { code: ['forward'] }, /layer1\.0 has code of its own.*forward/],
    ['', { code: ['_forward_hooks'] }, /as a whole has code of its own/],
    ['normalize', { type: '__main__.Normalize' }, /normalize.*__main__\.Normalize/],
    [
      'fc.2',
      { type: torch('activation.Softmax') },
      /fc\.2 behind its prediction layer.*softmax an image has exactly one/,
    ],
    ['fc.2', { type: torch('activation.ReLU') }, /fc\.2 behind its prediction layer/],
    ['fc.0', { type: torch('activation.Tanh') }, /fc\.0 before its prediction layer/],
  ];
  for (const [name, change, message] of cases) await refused(changed(resnet, { [name]: change }), message);
});

test('differences that change nothing are accepted without a warning', async () => {
  const changes: [string, Partial<SavedModule>][] = [
    ['fc.0', { type: torch('activation.ReLU') }],
    ['fc.2', { type: torch('activation.Sigmoid') }],
    ['fc.2', { type: torch('linear.Identity') }],
    ['conv1', { settings: { padding: 'same', stride: [2, 2] } }],
    ['bn1', { settings: { momentum: 0.5 } }],
    ['layer1.0.conv1', { settings: { padding: 'same' } }],
    ['loss', { type: torch('loss.BCEWithLogitsLoss') }],
  ];
  const before = await describeModel(resnet, {});
  for (const [name, change] of changes) {
    const { warnings, metadata } = await describeModel(changed(resnet, { [name]: change }), {});
    assert.equal(warnings, before.warnings, name);
    assert.equal(metadata, before.metadata, name);
  }
  assert.is(before.sources.pooling, 'file');
  assert.not.ok(before.warnings.some(({ code }) => code === 'assumed-network'));
});

test('another ε of a layer, and another pooling of the features, are followed', async () => {
  const { checkpoint } = await describeModel(resnet, {});
  const [own, file] = [checkpoint, resnet].map(({ tensors }) => tensors.get('bn1.running_var')!.data);
  own.forEach((value, index) => {
    assert.ok(Math.abs(value + 1e-5 - (file[index] + 0.01)) < 1e-6);
  });
  assert.is(checkpoint.tensors.get('layer1.0.bn1.running_var'), resnet.tensors.get('layer1.0.bn1.running_var'));
  const { metadata } = await describeModel(
    changed(resnet, { avgpool: { type: torch('pooling.AdaptiveMaxPool2d') } }),
    {},
  );
  assert.is(metadata.pooling, 'max');
});

test('an unknown class around the network gives a warning, and so does one within it if the caller gave the architecture', async () => {
  const told = await describeModel(wrapped, {});
  const warning = told.warnings.find(({ code }) => code === 'assumed-network');
  assert.match(warning!.message, /classes whose code is not in the file: __main__\.DenseNet121 \(module\)/);
  const own = changed(resnet, { 'layer1.0': { type: 'blocks.MyBlock' } });
  const { architecture } = (await describeModel(resnet, {})).metadata;
  const given = await describeModel(own, { architecture: architecture as never });
  assert.ok(given.warnings.some(({ message }) => message.includes('blocks.MyBlock (layer1.0)')));
});

test.run();
