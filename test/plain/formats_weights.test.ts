/**
 * Proves that metadata of weights is written and read without loss, that each wrong field is named, and that the format of a checkpoint is
 * detected.
 */
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import { readCheckpoint } from '../../src/formats/weights/read_checkpoint.js';
import { readSafetensors, writeSafetensors } from '../../src/formats/weights/safetensors.js';
import {
  formatWeightsMetadata,
  parseWeightsMetadata,
  type WeightsMetadata,
} from '../../src/formats/weights/weights.js';
import { architectureMetadata, architectureOf, backboneOf } from '../../src/nets/architecture.js';

const fixture = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../../test/fixtures/${name}`, import.meta.url)));

const metadata: WeightsMetadata = {
  architecture: {
    family: 'resnet',
    block: 'bottleneck',
    layers: [1, 2, 1, 1],
    widths: [16, 32, 64, 128],
    stem: 16,
    prefix: 'features.',
  },
  classes: ['Mass', 'Nodule', 'Pleural "Übel"'],
  inputWidth: 512,
  inputHeight: 448,
  inputChannels: 3,
  channelOrder: 'rgb',
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
  fit: 'stretch',
  transitionChannels: 2048,
  transitionKernel: 1,
  transitionActivation: 'relu',
  pooling: 'lse',
  lseR: 10,
  operatingThresholds: { Mass: 0.25, Nodule: 1 },
  heatThresholds: [60, 127.5],
  boxRules: { Mass: { heatThresholds: [200] }, Nodule: { minRegion: 2.5 } },
  activationRanges: { 'conv1.weight': [-0.5, 6], 'layer1.0.conv2.weight': [0, 1e-3] },
  heatmapScaling: 'minmax',
  trainingData: 'none',
  license: 'MIT',
};

function refuses(action: () => unknown, message: RegExp): void {
  assert.throws(action, (error: unknown) => {
    if (!(error instanceof InputError)) throw error;
    if (!message.test(error.message)) throw new Error(`'${error.message}' is not like ${message}`);
    return true;
  });
}

test('metadata is the same after writing and reading a weights file', () => {
  const file = writeSafetensors(new Map(), formatWeightsMetadata(metadata));
  assert.equal(parseWeightsMetadata(readSafetensors(file).metadata), metadata);
  const {
    operatingThresholds,
    heatThresholds,
    boxRules,
    activationRanges,
    lseR,
    transitionChannels,
    transitionKernel,
    transitionActivation,
    ...plain
  } = metadata;
  const least: WeightsMetadata = {
    ...plain,
    architecture: 'resnet50',
    pooling: 'average',
    prediction: 'fc',
    inputChannels: 1,
    mean: [0.5],
    std: [1],
  };
  assert.equal(parseWeightsMetadata(formatWeightsMetadata(least)), least);
  assert.equal(parseWeightsMetadata({ ...formatWeightsMetadata(least), note: 'anything' }), least);
});

test('each field that is missing or wrong is named', () => {
  const strings = formatWeightsMetadata(metadata);
  for (const key of Object.keys(strings)) {
    const { [key]: _, ...rest } = strings;
    const isOptional = ['operating_thresholds', 'heat_thresholds', 'box_rules', 'activation_ranges'].includes(key);
    if (isOptional) parseWeightsMetadata(rest);
    else refuses(() => parseWeightsMetadata(rest), new RegExp(key === 'raybox_weights' ? 'no raybox metadata' : key));
  }
  for (const [key, ...values] of [
    ['raybox_weights', '2', ''],
    ['architecture', '', 'ResNet 50', '../x', '{'],
    ['classes', '[]', 'Mass', '["a", "a"]', '[""]', '[3]'],
    ['input_width', '0', '-1', '1.5', '1e3', '', 'wide', '9999999'],
    ['input_height', '0'],
    ['input_channels', '2', ''],
    ['channel_order', 'RGB'],
    ['mean', '[0.5]', '[1, 2, null]', '[1e999, 0, 0]'],
    ['std', '[1, 1, 0]', '[1, 1]'],
    ['fit', 'zoom'],
    ['transition_channels', '0'],
    ['transition_kernel', '2', '0'],
    ['transition_activation', 'sine'],
    ['pooling', 'sum', 'average'],
    ['lse_r', '0', '-1', 'NaN', '', 'Infinity'],
    ['operating_thresholds', '[]', '{"Mass": 1.1}', '{"Mass": "0.5"}', '{"Unknown": 0.5}', 'null'],
    ['heatmap_scaling', 'log'],
    ['heat_thresholds', '[]', '[60, 60]', '[0]', '[256]', '{}', '60'],
    ['min_region', '-1'],
    ['box_rules', '[]', 'null', '{"Mass": 60}', '{"Mass": {"heatThresholds": []}}', '{"Mass": {"heatThresholds": 60}}'],
    ['box_rules', '{"Mass": {"minRegion": "2"}}', '{"Mass": {"maxBoxes": 2}}', '{"Unknown": {"minRegion": 2}}'],
    ['activation_ranges', '[]', 'null', '{}', '{"w": 3}', '{"w": [0]}', '{"w": [0, 1, 2]}', '{"w": ["0", 1]}'],
    [
      'activation_ranges',
      '{"w": [0, 0]}',
      '{"w": [0.5, 1]}',
      '{"w": [-2, -1]}',
      '{"w": [0, 1e999]}',
      '{"w": [0, 1e-40]}',
    ],
    ['training_data', '', ' '],
    ['license', ''],
  ])
    for (const value of values)
      refuses(
        () => parseWeightsMetadata({ ...strings, [key]: value }),
        key === 'pooling' && value === 'average'
          ? /lse_r is wrong/
          : new RegExp(`metadata's ${key}( of \\w+)? is wrong; expected`),
      );
  refuses(() => parseWeightsMetadata({}), /given no metadata/);
  refuses(() => parseWeightsMetadata({ format: 'pt' }), /given format/);
  refuses(() => formatWeightsMetadata({ ...metadata, inputWidth: 1.5 }), /input_width is wrong/);
  const grey = { ...metadata, inputChannels: 1 } as const;
  refuses(() => formatWeightsMetadata(grey), /mean is wrong; expected 1 number, as/);
});

test('the former key for operating thresholds is read too; both keys at once are refused if they differ', () => {
  const { operating_thresholds: text, ...strings } = formatWeightsMetadata({
    ...metadata,
    assumed: ['operatingThresholds'],
  });
  const former = { ...strings, assumed: '["thresholds"]', thresholds: text };
  assert.equal(parseWeightsMetadata(former), { ...metadata, assumed: ['operatingThresholds'] });
  const both = { ...former, operating_thresholds: '{"Nodule": 1, "Mass": 0.25}' };
  assert.equal(parseWeightsMetadata(both).operatingThresholds, metadata.operatingThresholds);
  refuses(
    () => parseWeightsMetadata({ ...both, thresholds: '{"Mass": 0.25}' }),
    /metadata's thresholds is wrong; expected the same as operating_thresholds/,
  );
  refuses(() => parseWeightsMetadata({ ...strings, thresholds: '{"Mass": 2}' }), /metadata's thresholds is wrong/);
  const program = { ...metadata, thresholds: { Mass: 0.5 } };
  refuses(() => formatWeightsMetadata(program), /no option thresholds; thresholds is called operatingThresholds/);
});

test('values that a program nests without end, or that JSON cannot represent, are refused', () => {
  let deep: unknown = [];
  for (let i = 0; i < 200_000; i++) deep = [deep];
  const itself: unknown[] = [];
  itself.push(itself);
  let wide: unknown[] = [1];
  for (let i = 0; i < 7; i++) wide = new Array(100).fill(wide);
  for (const value of [deep, itself, wide, [1n], { toJSON: () => undefined }])
    for (const key of ['classes', 'mean', 'operatingThresholds', 'architecture'])
      refuses(
        () => formatWeightsMetadata({ ...metadata, [key]: value }),
        new RegExp(`(${key}|operating_thresholds|architecture|classes)`),
      );
});

test('metadata and architecture are converted into each other', () => {
  const fields = { architecture: metadata.architecture, transitionChannels: 2048, transitionKernel: 1 } as const;
  assert.equal(architectureMetadata(architectureOf(metadata)), {
    ...fields,
    transitionActivation: 'relu',
    pooling: 'lse',
    lseR: 10,
  });
  const fc = { architecture: 'resnet50', pooling: 'average', prediction: 'fc' } as const;
  assert.equal(architectureMetadata({ backbone: 'resnet50', head: { classes: 3, ...fc } }), fc);
});

test('each field of a description that is missing or wrong is named', () => {
  const vgg = { family: 'vgg', layers: [8, 'M'], batchNorm: false };
  for (const [description, message] of [
    [[], /architecture is wrong; expected a network's name in lower case/],
    [{ family: 3 }, /architecture is wrong/],
    [{ family: 'lenet' }, /unknown family; expected alexnet, .* given 'lenet'/],
    [{ family: 'toString' }, /unknown family/],
    [{ ...vgg, layers: [8, 'N'] }, /vgg's layers is wrong; expected a list of sizes and 'M'/],
    [{ ...vgg, layers: [8.5] }, /layers is wrong/],
    [{ ...vgg, layers: Array(257).fill(8) }, /layers is wrong/],
    [{ ...vgg, batchNorm: 1 }, /batchNorm is wrong/],
    [{ ...vgg, prefix: 3 }, /prefix is wrong/],
    [{ ...vgg, depth: 3 }, /a vgg has no 'depth'/],
    [{ family: 'alexnet', widths: [1, 2, 3] }, /expected five sizes/],
    [{ family: 'resnet', block: 'basic', layers: [1, 1], widths: [8], stem: 8 }, /widths are wrong; expected 2, one/],
    [{ family: 'resnet', block: 'basic', layers: [9999], widths: [8], stem: 8 }, /too deep/],
    [{ family: 'densenet', growthRate: 0, blocks: [1], initialFeatures: 8, bottleneck: 1 }, /growthRate is wrong/],
    [{ family: 'googlenet', layers: [{ inception: [1, 2, 3] }] }, /googlenet's layers is wrong/],
    [{ family: 'googlenet', layers: [{ conv: 8, kernel: 3, pad: 1 }] }, /googlenet's layers is wrong/],
    [{ family: 'squeezenet', layers: [{ fire: [1, 2] }] }, /squeezenet's layers is wrong/],
    [{ family: 'squeezenet', layers: ['M'], names: { conv: 'c' } }, /names is wrong/],
    [
      { family: 'squeezenet', layers: [{ fire: [1, 2, 2] }, 'M'], columns: [2] },
      /ascending numbers of modules, 1 … 1; given 2/,
    ],
    [
      { family: 'squeezenet', layers: [{ fire: [1, 2, 2] }, { fire: [1, 2, 2] }], columns: [2, 1] },
      /columns are wrong/,
    ],
    [{ family: 'squeezenet', layers: [{ fire: [1, 2, 2] }], columns: [0.5] }, /columns is wrong/],
  ] as const)
    refuses(
      () =>
        backboneOf(
          parseWeightsMetadata({ ...formatWeightsMetadata(metadata), architecture: JSON.stringify(description) }),
        ),
      message,
    );
});

test('the format of a checkpoint is detected from its content', async () => {
  const names = [
    ...(await readCheckpoint(fixture('torch-reference/densenet/model.safetensors'))).tensors.keys(),
  ].sort();
  const fromTorch = [...(await readCheckpoint(fixture('torch-reference/densenet/model.pth'))).tensors.keys()].sort();
  assert.equal(
    fromTorch.filter((name) => !name.endsWith('num_batches_tracked')),
    names,
  );
  assert.is((await readCheckpoint(writeSafetensors(new Map()))).tensors.size, 0);
});

test('the error for a file that is not a checkpoint names its format', async () => {
  for (const [start, message] of [
    ['', /given an empty file; the download or copy did not finish/],
    ['\n<!DOCTYPE html>\n<html>', /given an HTML page; the address gave a web page/],
    ['version https://git-lfs.github.com/spec/v1\noid', /given a git-lfs pointer; run git lfs pull/],
    ['{"error": "not found"}', /given a text file/],
    ['\x08\x07\x12\x07pytorch', /given an ONNX file; export the state dict/],
    [
      '\x89HDF\r\n\x1a\n',
      /an ONNX model, model\.json of TensorFlow\.js, or a model that Keras saved; given an HDF5 file/,
    ],
    ['\x80\x04\x95', /given a pickle file; save the weights with torch\.save/],
    ['\x1f\x8b\x08', /given a gzip file; unpack it first/],
    ['\x00\x01', /given bytes 00 01/],
    ['\x89PNG\r\n\x1a\n', /given a PNG file/],
  ] as const) {
    const bytes = Uint8Array.from(start, (character) => character.charCodeAt(0));
    const error = await readCheckpoint(bytes).catch((reason: Error) => reason);
    refuses(() => {
      throw error;
    }, message);
  }
});

test.run();
