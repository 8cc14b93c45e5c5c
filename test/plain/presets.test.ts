/** Public checkpoints are recognised by their structure, told apart, requested by name, and never guessed. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import { CHEST_XRAY14_LABELS } from '../../src/formats/data_sets/image_table.js';
import type { Checkpoint, TensorData } from '../../src/formats/weights/checkpoint.js';
import { describeModel } from '../../src/localizer/weights/model.js';
import type { ModelOptions } from '../../src/localizer/weights/weights_input.js';
import { backboneParameters } from '../../src/nets/backbone.js';
import { presetNamed } from '../../src/nets/presets/index.js';
import { torchxrayvision } from '../../src/nets/presets/torchxrayvision.js';

// All tensors are views of the same zeros: only names and shapes count here.
const zeros = new Float32Array(8 << 20);
const zerosOf = (shape: readonly number[]): TensorData => ({
  shape: [...shape],
  data: zeros.subarray(
    0,
    shape.reduce((all, size) => all * size, 1),
  ),
});

/** A standard backbone with a linear layer, under any names. */
function twin(
  backbone: 'densenet121' | 'resnet50',
  {
    channels,
    outputs,
    layer,
    rename = (name: string) => name,
    ...rest
  }: {
    channels: 1 | 3;
    outputs: number;
    layer: string;
    rename?: (name: string) => string;
  } & Partial<Checkpoint>,
): Checkpoint {
  const { parameters, stem, channels: features } = backboneParameters(backbone);
  const tensors = [...parameters].map(([name, { shape }]): [string, TensorData] => [
    rename(name),
    zerosOf(name === stem ? [shape[0], channels, ...shape.slice(2)] : shape),
  ]);
  tensors.push(
    [rename(`${layer}.weight`), zerosOf([outputs, features])],
    [rename(`${layer}.bias`), zerosOf([outputs])],
  );
  return { tensors: new Map(tensors), metadata: {}, ...rest };
}

const xrv = (rest: Partial<Checkpoint> = {}) =>
  twin('densenet121', { channels: 1, outputs: 18, layer: 'classifier', ...rest });
const withThresholds = (checkpoint: Checkpoint, values: readonly (number | null)[]): Checkpoint => {
  const data = Float32Array.from(values, (value) => value ?? Number.NaN);
  return { ...checkpoint, tensors: new Map([...checkpoint.tensors, ['op_threshs', { shape: [data.length], data }]]) };
};
const wrapped = (isOld: boolean, classifier = 14) =>
  twin('densenet121', {
    ...{ channels: 3, outputs: classifier, layer: 'classifier.0' },
    rename: (name) =>
      `module.densenet121.${isOld ? name.replace(/(denselayer\d+\.(?:norm|conv))([12])\./, '$1.$2.') : name}`,
  });
const read = (checkpoint: Checkpoint, options: ModelOptions = {}) => describeModel(checkpoint, options);
const said = ({ warnings }: { warnings: readonly { code: string; message: string }[] }, code: string) =>
  warnings.find((one) => one.code === code)?.message ?? '';

async function refused(work: Promise<unknown>, message: RegExp): Promise<void> {
  const error = await work.then(
    () => new Error('it was not refused'),
    (reason: Error) => reason,
  );
  assert.instance(error, InputError, String(error));
  assert.match(error.message, message);
}

test('torchxrayvision’s DenseNets are recognised, and told apart by settings, thresholds and the name of the file', async () => {
  // The file has another name than the published one: only what all seven have in common is used, and no names of outputs are guessed.
  const unknown = await read(xrv());
  const { mean, std, inputWidth, fit, classes } = unknown.metadata;
  assert.equal([mean, std, inputWidth, fit], [[0.5], [1 / 2048], 224, 'crop']);
  assert.equal([classes.length, classes[0], classes[17]], [18, 'output 0', 'output 17']);
  assert.is(unknown.metadata.operatingThresholds, undefined);
  assert.match(said(unknown, 'unnamed-outputs'), /one of several public checkpoints.*densenet121-res224-nih.*--preset/);

  const nih = presetNamed('densenet121-res224-nih');
  const trained = nih.labels.filter((label) => label !== null);
  const ways: [string, Promise<Awaited<ReturnType<typeof read>>>][] = [
    ['preset', read(xrv(), { preset: 'densenet121-res224-nih' })],
    ['thresholds', read(withThresholds(xrv(), nih.operatingThresholds!))],
    ['weights', read(xrv({ metadata: { weights: 'densenet121-res224-nih' } }))],
    ['pathologies', read(xrv({ metadata: { pathologies: JSON.stringify(nih.labels.map((label) => label ?? '')) } }))],
    ['file name', read(xrv({ name: nih.fileName! }))],
  ];
  for (const [way, model] of ways) {
    const { metadata, checkpoint, layout } = await model;
    assert.equal(metadata.classes, trained, way);
    assert.equal(Object.keys(metadata.operatingThresholds!), trained, way);
    assert.ok(Math.abs(metadata.operatingThresholds!.Hernia - 0.0004403434) < 1e-9);
    assert.equal([metadata.trainingData, metadata.license, metadata.fit], ['NIH ChestX-ray14', 'Apache-2.0', 'crop']);
    assert.equal(checkpoint.tensors.get('classifier.weight')!.shape, [14, 1024]);
    assert.match(
      said(await model, 'untrained-outputs'),
      /4 outputs were never trained and are left out: number 14, 15, 16, 17/,
    );
    assert.match(`${layout!.title} ${layout!.citation}`, /densenet121-res224-nih.*Cohen et al\./);
  }
  const { metadata, warnings } = await ways[0][1];
  assert.is(metadata.assumed?.includes('classes') ?? false, false);
  assert.not.ok(warnings.some(({ code }) => code === 'unnamed-outputs'));
});

test('every preset of torchxrayvision has a threshold for each output that was trained, and for no other', () => {
  assert.is(torchxrayvision.length, 8);
  for (const { name, labels, operatingThresholds } of torchxrayvision) {
    assert.is(labels.length, 18, name);
    assert.equal(
      labels.map((label) => label === null),
      operatingThresholds!.map((value) => value === null),
      name,
    );
  }
});

test('only the rows of outputs that were never trained are removed from the prediction layer', async () => {
  const own = xrv();
  own.tensors.set('classifier.weight', {
    shape: [18, 1024],
    data: Float32Array.from({ length: 18 * 1024 }, (_, i) => i),
  });
  own.tensors.set('classifier.bias', { shape: [18], data: Float32Array.from({ length: 18 }, (_, i) => i) });
  const { checkpoint, leftOut } = await read(own, { preset: 'densenet121-res224-rsna' });
  assert.equal([...checkpoint.tensors.get('classifier.bias')!.data], [8, 16]);
  assert.equal(checkpoint.tensors.get('classifier.weight')!.data[1024], 16 * 1024);
  assert.equal(leftOut, []);
  // Names may be said for all outputs, or for those that were trained.
  const names = Array.from({ length: 18 }, (_, index) => `finding ${index}`);
  for (const classes of [names, ['finding 8', 'finding 16']]) {
    const { metadata } = await read(own, { preset: 'densenet121-res224-rsna', classes });
    assert.equal(metadata.classes, ['finding 8', 'finding 16']);
    assert.equal(Object.keys(metadata.operatingThresholds!), metadata.classes);
  }
});

test('torchxrayvision’s ResNet has an input of 512 pixels', async () => {
  const { metadata } = await read(twin('resnet50', { channels: 1, outputs: 18, layer: 'fc' }));
  assert.equal([metadata.inputWidth, metadata.mean, metadata.classes.length], [512, [0.5], 16]);
  assert.is(metadata.operatingThresholds!.Atelectasis, 0.51570356);
});

test('CheXNet: old names of tensors mean arnoweng or zoogzog, which have the same outputs; new names may mean CheXpert', async () => {
  const old = await read(wrapped(true));
  assert.equal(old.metadata.classes, [...CHEST_XRAY14_LABELS]);
  assert.equal([old.metadata.fit, old.metadata.mean[0], old.metadata.inputWidth], ['crop', 0.485, 224]);
  assert.match(said(old, 'unnamed-outputs'), /arnoweng\/CheXNet or zoogzog\/chexnet/);
  assert.match(said(old, 'assumed-input'), /ten crops/);
  const named = await read({ ...wrapped(true), name: 'm-25012018-123527.pth.tar' });
  assert.match(named.layout!.title!, /zoogzog/);

  const open = await read(wrapped(false));
  assert.is(open.metadata.classes[0], 'output 0');
  assert.match(said(open, 'unnamed-outputs'), /arnoweng-chexnet, zoogzog-chexnet, gaetandi-chexpert.*--preset/);
  assert.is((await read(wrapped(false), { preset: 'gaetandi-chexpert' })).metadata.classes[0], 'No Finding');
  assert.is((await read(wrapped(false, 13))).layout, undefined);
});

test('jrzech’s network, which was saved whole together with other values, is recognised', async () => {
  const network = {
    type: 'torchvision.models.densenet.DenseNet',
    settings: {},
    code: [],
    children: ['features', 'classifier'],
  };
  const whole = (metadata: Record<string, string>) =>
    twin('densenet121', {
      channels: 3,
      outputs: 14,
      layer: 'classifier.0',
      metadata,
      modules: new Map([['', network]]),
    });
  // Without the modules of its pooling layers it is refused, but only once it has been described.
  await refused(read(whole({ best_loss: '0.1', epoch: '5', LR: '0.01' })), /other poolings/);
  const { modules: _, ...alone } = whole({});
  assert.is((await read(alone)).layout, undefined);
});

test('a preset that does not fit is refused or gives a warning; an unknown name is refused with the most similar one', async () => {
  await refused(
    read(wrapped(false), { preset: 'densenet121-res224-all' }),
    /are not torchxrayvision's densenet121-res224-all; expected 18 outputs/,
  );
  await refused(
    read(xrv(), { preset: 'densenet121-res224-al' }),
    /no preset densenet121-res224-al.*did you mean densenet121-res224-all/,
  );
  const other = await read(twin('resnet50', { channels: 1, outputs: 18, layer: 'fc' }), {
    preset: 'densenet121-res224-all',
  });
  assert.ok(
    other.warnings.some(({ message }) => /not those of torchxrayvision's densenet121-res224-all/.test(message)),
  );
});

/** A network of JF Healthcare's repository, whose convolutions are told apart by their numbers. */
function jfHealthcare(inputs = 1024): Checkpoint['tensors'] {
  const { tensors } = twin('densenet121', {
    channels: 3,
    outputs: 1000,
    layer: 'classifier',
    rename: (name) => `module.backbone.${name}`,
  });
  for (let index = 0; index < 5; index++) {
    const filled = (shape: readonly number[], value: number): TensorData => ({
      shape: [...shape],
      data: new Float32Array(shape.reduce((a, b) => a * b)).fill(value),
    });
    tensors
      .set(`module.fc_${index}.weight`, filled([1, inputs, 1, 1], index))
      .set(`module.fc_${index}.bias`, filled([1], -index));
    for (const part of ['weight', 'bias', 'running_mean', 'running_var'])
      tensors.set(`module.bn_${index}.${part}`, filled([inputs], part === 'running_var' || part === 'weight' ? 1 : 0));
  }
  const pyramid = 'module.attention_map.pyramid_attention.mid_branch.conv.1';
  tensors
    .set(`${pyramid}.running_mean`, zerosOf([1024]))
    .set('module.attention_map.spatial_attention.gamma', zerosOf([1]));
  return tensors;
}

test('JF Healthcare’s convolutions become one layer if the pooling is said', async () => {
  const model = await read({ tensors: jfHealthcare(), metadata: {} }, { preset: 'jfhealthcare-pcam' });
  const { pooling, classes, inputWidth, mean, std, fit, prediction } = model.metadata;
  assert.equal([pooling, inputWidth, fit, prediction], ['pcam', 512, 'pad', 'fc_0_to_4']);
  assert.equal(classes, ['Cardiomegaly', 'Edema', 'Consolidation', 'Atelectasis', 'Pleural Effusion']);
  assert.equal([mean[0], std[2]], [128 / 255, 64 / 255]);
  const { shape, data } = model.checkpoint.tensors.get('fc_0_to_4.weight')!;
  assert.equal(
    [shape, [0, 1023, 1024, 5119].map((at) => data[at])],
    [
      [5, 1024],
      [0, 0, 1, 4],
    ],
  );
  assert.equal(
    [...model.checkpoint.tensors.get('fc_0_to_4.bias')!.data],
    [0, -1, -2, -3, -4].map((value) => value || 0),
  );
  assert.match(said(model, 'assumed-network'), /equalises the histogram/);
  const averaged = await read({ tensors: jfHealthcare(), metadata: {} }, { metadata: { pooling: 'average' } });
  assert.equal([averaged.metadata.pooling, averaged.metadata.classes[4]], ['average', 'Pleural Effusion']);
});

test('JF Healthcare’s heads with more than that are refused by name, and those of an unknown pooling', async () => {
  await refused(
    read({ tensors: jfHealthcare(), metadata: {} }),
    /JF Healthcare's weights.*does not say how they pool.*jfhealthcare-pcam/,
  );
  await refused(read({ tensors: jfHealthcare(), metadata: {} }, { prediction: 'fc_0' }), /JF Healthcare's weights/);
  const preset = { preset: 'jfhealthcare-pcam' };
  const with1 = (name: string, size: number) =>
    read(
      { tensors: jfHealthcare().set(name, { shape: [size], data: new Float32Array(size).fill(0.5) }), metadata: {} },
      preset,
    );
  await refused(
    with1('module.bn_3.running_mean', 1024),
    /bn_3\.running_mean, a trained batch norm.*raybox train --init/,
  );
  await refused(
    with1('module.attention_map.pyramid_attention.mid_branch.conv.1.running_mean', 1024),
    /feature pyramid attention/,
  );
  await refused(with1('module.attention_map.spatial_attention.gamma', 1), /spatial attention/);
  await refused(read({ tensors: jfHealthcare(2048), metadata: {} }, preset), /AVG_MAX/);
});

test('options of the caller come before a preset, and settings in the file come after it', async () => {
  const settings = {
    classes: JSON.stringify(Array.from({ length: 18 }, (_, index) => `own ${index}`)),
    img_size: '320',
  };
  const { metadata } = await read(xrv({ metadata: settings }), { preset: 'densenet121-res224-all', fit: 'pad' });
  assert.equal([metadata.classes[0], metadata.fit, metadata.inputWidth], ['Atelectasis', 'pad', 224]);
  const own = await read(xrv({ metadata: settings }));
  assert.equal([own.metadata.classes[0], own.metadata.inputWidth], ['own 0', 320]);
});

test.run();
