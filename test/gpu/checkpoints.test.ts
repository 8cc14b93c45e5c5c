/**
 * Checkpoints from elsewhere: they are read correctly, with warnings about what is assumed, or refused. No other network is ever run
 * without a warning.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import type { Checkpoint, TensorData } from '../../src/formats/weights/checkpoint.js';
import { readCheckpoint } from '../../src/formats/weights/read_checkpoint.js';
import { writeSafetensors } from '../../src/formats/weights/safetensors.js';
import { formatWeightsMetadata, type WeightsMetadata } from '../../src/formats/weights/weights.js';
import { openGpu } from '../../src/gpu/device.js';
import { load } from '../../src/index.js';
import { describeModel } from '../../src/localizer/weights/model.js';
import type { ModelOptions } from '../../src/localizer/weights/weights_input.js';
import type { Head } from '../../src/nets/architecture.js';
import type { Backbone } from '../../src/nets/backbone.js';
import { parameterSource, standardBackbone } from '../../src/nets/index.js';
import type { Model } from '../../src/nets/model.js';
import { generated, readData, seededNetwork } from '../support/torch.js';

const RESNET: Backbone = { family: 'resnet', block: 'basic', layers: [1, 1], widths: [4, 6], stem: 4 };
const DENSENET: Backbone = { family: 'densenet', growthRate: 4, blocks: [2, 2], initialFeatures: 8, bottleneck: 2 };
const FC: Head = { classes: 3, pooling: 'average', prediction: 'fc' };

type Tensors = Checkpoint['tensors'];
const tensor = async (name: string, ...shape: number[]): Promise<[string, TensorData]> => [
  name,
  { shape, data: Float32Array.from(await generated(name, shape)) },
];

const resnet = await seededNetwork(RESNET, FC);
const densenet = await seededNetwork(DENSENET, { ...FC, prediction: 'classifier' }, 1);
const renamed = (tensors: Tensors, change: (name: string) => string): Tensors =>
  new Map([...tensors].map(([name, own]) => [change(name), { ...own }]));
const withMore = async (tensors: Tensors, ...more: [string, ...number[]][]): Promise<Tensors> =>
  new Map([...tensors, ...(await Promise.all(more.map(([name, ...shape]) => tensor(name, ...shape))))]);
const read = (tensors: Tensors, options: ModelOptions = {}, metadata = {}): Promise<Model> =>
  describeModel({ tensors, metadata }, options);
const codes = ({ warnings }: Pick<Model, 'warnings'>) => warnings.map(({ code }) => code);

async function refused(work: Promise<unknown>, message: RegExp): Promise<void> {
  const error = await work.then(
    () => new Error('it was not refused'),
    (reason: Error) => reason,
  );
  assert.instance(error, InputError, String(error));
  assert.match(error.message, message);
}

test('a layer that the graph does not read is refused by name, anywhere in the file', async () => {
  const cases: [string, [string, ...number[]][]][] = [
    [
      'layer1\\.0\\.se\\.fc1, layer1\\.0\\.se\\.fc2',
      [
        ['layer1.0.se.fc1.weight', 2, 4],
        ['layer1.0.se.fc2.weight', 4, 2],
      ],
    ],
    ['layer2\\.0\\.eca\\.conv', [['layer2.0.eca.conv.weight', 1, 1, 3]]],
    [
      'layer1\\.0\\.sa\\.conv1',
      [
        ['layer1.0.ca.fc1.weight', 2, 4, 1, 1],
        ['layer1.0.sa.conv1.weight', 1, 2, 7, 7],
      ],
    ],
    ['conv1\\.bias', [['conv1.bias', 4]]],
    ['layer2\\.0\\.gamma', [['layer2.0.gamma', 6]]],
    [
      'layer1\\.0\\.conv3',
      [
        ['layer1.0.bn3.weight', 4],
        ['layer1.0.conv3.bias', 4],
      ],
    ],
    [
      'fc_bn',
      [
        ['fc_bn.weight', 6],
        ['fc_bn.bias', 6],
        ['fc_bn.running_mean', 6],
        ['fc_bn.running_var', 6],
      ],
    ],
    ['given temperature', [['temperature', 1]]],
    ['given pool', [['pool.p', 1]]],
    ['attention', [['attention.conv.weight', 1, 6, 1, 1]]],
    // Layers whose names contain a word that usually belongs to training.
    ['loss_attention', [['loss_attention.weight', 6]]],
    ['attn_pool\\.loss', [['attn_pool.loss.weight', 6, 6]]],
    ['\\bacc\\b', [['acc.weight', 6, 6]]],
    ['given gap\\.pos_weight', [['gap.pos_weight', 6]]],
  ];
  for (const [names, more] of cases) await refused(read(await withMore(resnet, ...more)), new RegExp(names));
  // The same in a file of raybox's own.
  const { metadata } = await read(resnet);
  const file = writeSafetensors(
    await withMore(resnet, ['layer1.0.se.fc1.weight', 2, 4]),
    formatWeightsMetadata(metadata),
  );
  await refused(
    readCheckpoint(file).then((own) => describeModel(own, {})),
    /layer1\.0\.se\.fc1/,
  );
});

test('tensors that do not affect the result are left out and listed', async () => {
  const more: [string, ...number[]][] = [
    ['bn1.num_batches_tracked'],
    ['layer1.0.total_ops', 1],
    ['n_averaged'],
    ['loss_fn.pos_weight', 3],
    ['criterion.weight', 3],
    ['BCELoss.pos_weight', 3],
    ['pos_weight', 3],
    ['loss_function.weight', 3],
    ['train_bce.pos_weight', 3],
    ['metrics.confmat', 3, 3],
    ['val_auroc.preds', 9],
    ['optimizer.state.0.exp_avg', 4, 3, 7, 7],
  ];
  const { leftOut, checkpoint } = await read(await withMore(resnet, ...more));
  assert.equal([...leftOut].sort(), more.map(([name]) => name).sort());
  assert.equal(checkpoint.tensors.get('fc.weight'), resnet.get('fc.weight'));
  const aux = await withMore(
    await seededNetwork('googlenet', FC),
    ['aux1.fc2.weight', 1000, 1024],
    ['aux2.conv.bn.bias', 128],
  );
  assert.is((await read(aux)).leftOut.length, 2);
  await refused(read(await withMore(resnet, ['aux1.fc2.weight', 9, 6])), /aux1\.fc2/);
});

test('a head with a hidden layer, two branches, or on something else than pooled features is refused with the reason', async () => {
  const without = new Map([...resnet].filter(([name]) => !name.startsWith('fc.')));
  const heads: [RegExp, [string, ...number[]][]][] = [
    [
      /hidden layer; .* given fc\.0 \(6 → 16\), fc\.2 \(16 → 3\); .* class activation map/,
      [
        ['fc.0.weight', 16, 6],
        ['fc.2.weight', 3, 16],
      ],
    ],
    [
      /hidden layer/,
      [
        ['fc.0.weight', 6, 6],
        ['fc.3.weight', 3, 6],
      ],
    ],
    [
      /several prediction layers; .* given fc\.a \(6 → 5\), fc\.b \(6 → 2\)/,
      [
        ['fc.a.weight', 5, 6],
        ['fc.b.weight', 2, 6],
      ],
    ],
    [/does not read the backbone's pooled features; expected 6 .* given 12/, [['fc.weight', 3, 12]]],
    [/no prediction layer/, []],
  ];
  for (const [message, more] of heads) await refused(read(await withMore(without, ...more)), message);
  const batchNorm: [string, ...number[]][] = ['weight', 'bias', 'running_mean', 'running_var'].map((part) => [
    `fc.0.${part}`,
    6,
  ]);
  await refused(
    read(await withMore(without, ...batchNorm, ['fc.1.weight', 3, 6])),
    /a ResNet normalises the pooled features;.*given fc\.0, a batch norm/,
  );
  const two = await withMore(
    without,
    ['age.weight', 1, 6],
    ['finding.weight', 3, 6],
    ['finding.bias', 3],
    ['age.bias', 1],
  );
  await refused(read(two, { prediction: 'finding' }), /age/);
  const chosen = await read(two, { prediction: 'finding', ignore: ['age'] });
  assert.is(chosen.metadata.prediction, 'finding');
  assert.equal([...chosen.leftOut].sort(), ['age.bias', 'age.weight']);
  await refused(read(resnet, { prediction: 'classifier' }), /no linear layer classifier; expected fc/);
});

test('the same network is recognised with any prefix and at any place in an nn.Sequential', async () => {
  const plain = await read(resnet);
  for (const start of ['module.', 'encoder.', 'net.module.model.', 'a.b.c.d.']) {
    const all = await read(renamed(resnet, (name) => start + name));
    assert.equal(all.metadata, plain.metadata, start);
    assert.equal([...all.checkpoint.tensors.keys()], [...resnet.keys()], start);
    const counted = renamed(await withMore(resnet, ['n_averaged']), (name) =>
      name === 'n_averaged' ? name : start + name,
    );
    assert.equal((await read(counted)).leftOut, ['n_averaged']);
    // The head is next to the backbone, and not inside it.
    const beside = renamed(resnet, (name) =>
      name.startsWith('fc.') ? name.replace('fc', 'net.head.1') : start + name,
    );
    assert.match((await read(beside)).metadata.prediction!, /head\.1$/);
  }
  const sequence = renamed(resnet, (name) => name.replace(/^fc/, 'fc.4'));
  assert.is((await read(sequence)).metadata.prediction, 'fc.4');
  const dense = renamed(densenet, (name) => `densenet121.${name.replace(/^classifier/, 'classifier.0')}`);
  assert.equal((await read(dense)).metadata.architecture, DENSENET);
  const old = renamed(densenet, (name) => name.replace(/(denselayer\d+\.(?:norm|conv))([12])\./, '$1.$2.'));
  assert.equal([...(await read(old)).checkpoint.tensors.keys()], [...densenet.keys()]);
  await refused(read(new Map([...densenet, ...old])), /two tensors are named/);
  const deep = await seededNetwork({ ...RESNET, layers: [1, 1, 1, 1], widths: [4, 4, 4, 6] }, FC);
  const children = ['conv1', 'bn1', '-', '-', 'layer1', 'layer2', 'layer3', 'layer4'];
  const numbered = renamed(deep, (name) => {
    const [module, ...rest] = name.split('.');
    return module === 'fc' ? name : ['features', children.indexOf(module), ...rest].join('.');
  });
  assert.equal([...(await read(numbered)).checkpoint.tensors.values()], [...deep.values()]);
  const biasless = new Map([...resnet].filter(([name]) => name !== 'fc.bias'));
  assert.equal([...(await read(biasless)).checkpoint.tensors.get('fc.bias')!.data], [0, 0, 0]);
});

test('if a file has several networks, one has to be chosen by name', async () => {
  const twice = new Map([
    ...renamed(resnet, (name) => `student.${name}`),
    ...renamed(resnet, (name) => `teacher.net.${name}`),
  ]);
  await refused(read(twice), /holds several networks; .* student\..* teacher\.net\./);
  const student = await read(twice, { prefix: 'student' });
  assert.equal([...student.checkpoint.tensors.keys()], [...resnet.keys()]);
  assert.ok(student.leftOut.includes('teacher.net.fc.weight'), 'what is left out is named');
  await refused(read(twice, { prefix: 'pupil' }), /no tensor's name begins with pupil\.; expected student, teacher/);
  await refused(read(twice, { architecture: RESNET }), /several networks of this architecture/);
  const decoder = await withMore(
    renamed(resnet, (name) => `encoder.${name}`),
    ['decoder.0.weight', 4, 6, 3, 3],
  );
  await refused(read(decoder), /decoder\.0/);
  assert.equal((await read(decoder, { ignore: ['decoder.'] })).leftOut, ['decoder.0.weight']);
  await refused(
    read(await withMore(resnet, ['layer1.0.se.fc.weight', 4, 4]), { ignore: ['layer1'] }),
    /layer1\.0\.se\.fc/,
  );
});

test('families that raybox does not know are called by their names', async () => {
  const families: [RegExp, string, ...number[]][] = [
    [/look like an EfficientNet under other names/, '_blocks.0._depthwise_conv.weight', 8, 1, 3, 3],
    [/an EfficientNet or a MobileNet under other names/, 'blocks.1.0.conv_dw.weight', 8, 1, 3, 3],
    [/a MobileNet of another kind/, 'features.0.0.weight', 8, 3, 3, 3],
    [/a RegNet under other names/, 's1.b1.conv1.conv.weight', 8, 8, 1, 1],
    [/a vision transformer/, 'class_token', 1, 1, 8],
    [/a vision transformer/, 'blocks.0.attn.qkv.weight', 24, 8],
    [/a Swin transformer/, 'layers.0.blocks.0.attn.relative_position_bias_table', 169, 3],
    [/a ConvNeXt under other names/, 'stages.1.0.gamma', 8],
    [/an Inception network other than/, 'mixed_5b.branch0.conv.weight', 8, 4, 1, 1],
    [/no network that raybox knows/, 'blocks.3.depthwise.weight', 8, 1, 3, 3],
  ];
  for (const [message, ...mark] of families) {
    await refused(read(await withMore(new Map(), mark)), message);
  }
});

test('networks that detect or segment are refused as what they are, whatever layers lie behind the backbone', async () => {
  const backbone = await seededNetwork(RESNET, undefined);
  const tasks: [RegExp, [string, ...number[]][]][] = [
    [
      /of a detection network.*given rpn\.head\.cls_logits\.weight.*raybox train --init/,
      [
        ['rpn.head.cls_logits.weight', 3, 6, 1, 1],
        ['roi_heads.box_head.fc6.weight', 16, 6],
        ['roi_heads.box_predictor.cls_score.weight', 3, 16],
      ],
    ],
    [/of a detection network/, [['head.regression_head.module_list.0.1.weight', 6, 6, 1, 1]]],
    [/of a segmentation network/, [['classifier.low_classifier.weight', 3, 6, 1, 1]]],
  ];
  for (const [message, layers] of tasks) await refused(read(await withMore(backbone, ...layers)), message);
});

test('a VGG’s classifier is refused for its hidden layers; another network with similar convolutions is not recognised as a VGG', async () => {
  const vgg = await seededNetwork({ family: 'vgg', layers: [4, 'M', 6, 'M'], batchNorm: false }, undefined);
  const classifier: [string, ...number[]][] = [
    ['classifier.0.weight', 8, 294],
    ['classifier.3.weight', 8, 8],
    ['classifier.6.weight', 5, 8],
  ];
  await refused(read(await withMore(vgg, ...classifier)), /hidden layer/);
  assert.is((await read(await withMore(vgg, ['classifier.weight', 5, 6]))).metadata.classes.length, 5);
  await refused(read(await withMore(vgg, ['blocks.0.conv.weight', 6, 6, 3, 3])), /no network that raybox knows/);
  // Convolutions one after the other may have strides, which no shape shows. A VGG has poolings between its stages, each of one width.
  for (const layers of [
    [4, 4, 'M'],
    [4, 6, 'M', 8, 'M'],
  ] as (number | 'M')[][]) {
    const other = await seededNetwork({ family: 'vgg', layers, batchNorm: true }, undefined);
    await refused(
      read(await withMore(other, ['fc.weight', 5, layers.at(-2) as number])),
      /no network that raybox knows/,
    );
  }
});

test('names, input and pooling that are not given are assumed with a warning; given ones are used without one', async () => {
  const bare = await read(resnet);
  assert.equal(codes(bare), ['assumed-input', 'assumed-network', 'unnamed-outputs']);
  assert.equal(bare.metadata.classes, ['output 0', 'output 1', 'output 2']);
  for (const outputs of [8, 14]) {
    const own = await read(await seededNetwork(RESNET, { ...FC, classes: outputs }));
    assert.is(own.metadata.classes[0], 'output 0', `${outputs} outputs are no reason for names`);
  }
  const [{ message }] = bare.warnings;
  assert.match(
    message,
    /224 × 224 .* channels in the order rgb, 3 channels of 0 to 1, minus 0\.485, 0\.456, 0\.406.*0\.00048828125/,
  );
  const said: Partial<WeightsMetadata> = {
    ...{ mean: [0.5, 0.5, 0.5], std: [1, 1, 1], inputWidth: 64, inputHeight: 64, channelOrder: 'bgr', fit: 'pad' },
    ...{ classes: ['a', 'b', 'c'], pooling: 'max' },
  };
  for (const options of [said, { metadata: said }]) {
    const told = await read(resnet, options);
    assert.equal(told.warnings, []);
    assert.equal([told.metadata.mean, told.metadata.pooling, told.metadata.classes], [said.mean, 'max', said.classes]);
    assert.is(told.metadata.assumed, undefined);
  }
  assert.is((await read(resnet, { mean: [1, 1, 1], metadata: { mean: [2, 2, 2] } })).metadata.mean[0], 1);
  await refused(
    read(resnet, { metadata: { klasses: ['a'] } as never }),
    /metadata has no option klasses.* mean classes/,
  );
  await refused(read(resnet, { classes: ['a'] }), /expected 3, one for each output; given 1: a/);
  await refused(
    read(resnet, { architecture: 'vgg16' }),
    /not of the architecture that was given; expected 26 parameters of vgg16/,
  );
  const grey = await read(densenet);
  assert.match(grey.warnings[0].message, /1 channel/);
  assert.equal([grey.metadata.inputChannels, grey.metadata.assumed!.includes('channelOrder')], [1, false]);
  await refused(read(await seededNetwork(RESNET, FC, 2)), /conv1\.weight reads 2 channels/);
});

test('an assumption is still reported after the weights were written to a file and read again', async () => {
  const { metadata, checkpoint, warnings } = await read(resnet, { mean: [0, 0, 0] });
  const file = await readCheckpoint(writeSafetensors(checkpoint.tensors, formatWeightsMetadata(metadata)));
  const again = await describeModel(file, {});
  assert.equal(again.warnings, warnings);
  const { fit, inputWidth, inputHeight, channelOrder, std } = metadata;
  const said = await describeModel(file, {
    fit,
    inputWidth,
    inputHeight,
    channelOrder,
    std,
    pooling: 'average',
    classes: ['a', 'b', 'c'],
  });
  assert.equal(said.warnings, []);
});

test('names of outputs are read from a file in all usual forms', async () => {
  const names = ['No Finding', 'Edema', 'Fracture'];
  const ways: Record<string, unknown>[] = [
    { classes: names },
    { class_names: names },
    { class_to_idx: { Edema: 1, 'No Finding': 0, Fracture: 2 } },
    { id2label: { 0: 'No Finding', 1: 'Edema', 2: 'Fracture' } },
    { labels: names.slice(1), pathologies: names },
  ];
  for (const way of ways) {
    const strings = Object.fromEntries(Object.entries(way).map(([key, value]) => [key, JSON.stringify(value)]));
    const model = await read(resnet, {}, strings);
    assert.equal([model.metadata.classes, model.sources.classes], [names, 'file'], JSON.stringify(way));
    assert.not(codes(model).includes('unnamed-outputs'));
  }
});

test('names in a file that do not fit its outputs are not used, and the warning shows them', async () => {
  const ways: [Record<string, string>, RegExp][] = [
    [{ classes: '["a","a","b"]' }, /: classes \(3: a, a, b\)\. Name/],
    [{ classes: '["a","b"]' }, /: classes \(2: a, b\)\. Name/],
    [{ class_to_idx: '{"a":0,"b":1,"c":3}' }, /: class_to_idx \(3: a: 0, b: 1, c: 3\)\. Name/],
    [{ class_to_idx: '{"a":0,"b":1,"c":2,"d":2}' }, /: class_to_idx \(4: a: 0, b: 1, c: 2, d: 2\)\. Name/],
    [{ id2label: '{"0":"a","4294967294":"b"}' }, /: id2label \(2: /],
    [{ labels: '["a","b","c","d","e"]' }, /: labels \(5: a, b, c, d, …\)\. Name/],
    [{ classes: '["a","b","c"]', class_to_idx: '{"a":0,"c":1,"b":2}' }, /different orders in classes and class_to_idx/],
    [{ labels: '[{"toString":1},2]' }, /: labels \(2: {…}, 2\)\. Name/],
    [{ classes: '[' }, /: classes \(1: \[\)\. Name/],
    [{ classes: '7' }, /called output 0 to output 2\. Name/],
  ];
  for (const [way, message] of ways) {
    const { metadata, warnings } = await read(resnet, {}, way);
    assert.is(metadata.classes[0], 'output 0', JSON.stringify(way));
    assert.match(warnings.find(({ code }) => code === 'unnamed-outputs')!.message, message);
  }
});

test('a negative variance is refused; its root is NaN, which the ReLU after it would hide', async () => {
  const tensors = new Map([...resnet].map(([name, own]) => [name, { ...own, data: own.data.slice() }]));
  tensors.get('bn1.running_var')!.data[2] = -1;
  const values = parameterSource({ tensors }, tensors);
  assert.is(values('bn1.running_mean', [4]), tensors.get('bn1.running_mean')!.data);
  assert.throws(
    () => values('bn1.running_var', [4]),
    /bn1\.running_var holds a negative variance; expected numbers of 0 and more; given -1 at 2/,
  );
});

test('torchxrayvision’s layout gives range, operating thresholds and names of the trained outputs, with warnings', async () => {
  const tensors = await seededNetwork(DENSENET, { classes: 18, pooling: 'average', prediction: 'classifier' }, 1);
  const data = Float32Array.from({ length: 18 }, (_, index) => (index > 15 ? Number.NaN : index / 20));
  const model = await read(new Map([...tensors, ['op_threshs', { shape: [18], data }]]));
  const { mean, std, classes, operatingThresholds } = model.metadata;
  assert.equal([mean, std], [[0.5], [1 / 2048]]);
  assert.equal([classes[0], classes[13], classes.length], ['Atelectasis', 'Hernia', 16]);
  assert.is(operatingThresholds!.Consolidation, Math.fround(0.05));
  assert.is(Object.keys(operatingThresholds!).length, 16);
  assert.equal(codes(model), ['assumed-input', 'assumed-network', 'unnamed-outputs', 'untrained-outputs']);
  assert.equal(model.checkpoint.tensors.get('classifier.weight')!.shape[0], 16);
  assert.equal(model.leftOut, ['op_threshs']);
});

test('a GoogLeNet with transform_input: a warning mentions the option, and with it the results are right', async () => {
  const tensors = await seededNetwork('googlenet', FC);
  const bare = await read(tensors);
  assert.match(bare.warnings[0].message, /transform_input.*transformInput \(--transform-input\)/);
  for (const told of [
    await read(tensors, { transformInput: true }),
    await read(tensors, { metadata: { transformInput: true } }),
    await read(tensors, {}, { transform_input: 'true' }),
    await read(tensors, { transformInput: true }, { transform_input: 'true' }),
  ]) {
    assert.equal(
      [told.metadata.mean, told.metadata.std],
      [
        [0.5, 0.5, 0.5],
        [0.5, 0.5, 0.5],
      ],
    );
    assert.not(told.metadata.assumed!.includes('mean'));
  }
  const both = await read(tensors, { transformInput: true, mean: [0, 0, 0], std: [1, 1, 1] });
  // x → (0.229 x + 0.485 − 0.5) / 0.5, as torchvision computes its first channel.
  assert.ok(Math.abs((0.7 - both.metadata.mean[0]) / both.metadata.std[0] - (0.229 * 0.7 + 0.485 - 0.5) / 0.5) < 1e-9);
  await refused(read(resnet, { transformInput: true }), /option of a GoogLeNet or an Inception v3 with 3 channels/);
});

test('a given backbone is used, and not guessed from the first tensor with four sizes', async () => {
  const first = await withMore(new Map(), ['criterion.features.weight', 8, 5, 3, 3]);
  assert.is((await read(new Map([...first, ...resnet]))).metadata.inputChannels, 3);
  const named = await read(
    renamed(await seededNetwork('resnet18', FC), (name) => `encoder.${name}`),
    { architecture: 'resnet18' },
  );
  assert.equal([named.metadata.architecture, named.sources.architecture], ['resnet18', 'given']);
  const beside = renamed(await seededNetwork('squeezenet1_1', undefined), (name) => `net.${name}`);
  const given = await read(await withMore(beside, ['out.weight', 3, 512]), {
    architecture: standardBackbone('squeezenet1_1'),
  });
  assert.is(given.metadata.classes.length, 3);
});

test('classes called constructor, toString or __proto__ have operating thresholds, results and files like any other', async () => {
  const classes = ['constructor', 'toString', '__proto__'];
  const file = mkdtempSync(join(tmpdir(), 'raybox-'));
  const gpu = await openGpu();
  try {
    const { metadata } = await read(resnet, { classes, inputWidth: 64, inputHeight: 64 });
    const bytes = writeSafetensors(resnet, formatWeightsMetadata(metadata));
    writeFileSync(join(file, 'w.safetensors'), bytes);
    const localizer = await load(join(file, 'w.safetensors'), { device: gpu.device });
    const image = { data: Uint8Array.from({ length: 4096 }, (_, i) => (i * 37) % 251), width: 64, height: 64 };
    const all = await localizer.localize(image, {
      operatingThresholds: JSON.parse('{"__proto__":0}'),
      heatmaps: 'raw',
    });
    const plain = await localizer.localize(image);
    for (const label of classes) {
      assert.ok(Object.hasOwn(all.probabilities, label) && Object.hasOwn(all.logits, label), label);
      const probability = Object.entries(all.probabilities).find(([name]) => name === label)![1];
      const isFound = plain.findings.some((finding) => finding.label === label);
      assert.is(isFound, probability >= 0.5, `${label} at ${probability}`);
    }
    assert.ok(all.findings.some(({ label }) => label === '__proto__'));
    assert.equal(Object.keys(JSON.parse(JSON.stringify(all.probabilities))), classes);
    await localizer.close();
  } finally {
    gpu.close();
    rmSync(file, { recursive: true });
  }
});

interface Wanted {
  logits: number[];
  meta?: ModelOptions;
}

test('networks as users of other projects have reported them give PyTorch’s logits, or are refused by name', async () => {
  const wanted = await readData('cases/want.json');
  if (!wanted) return console.log('skipped: cases, for want of the data folder');
  const folder = process.env.RAYBOX_DATA ?? new URL('../../../../shared/data', import.meta.url).pathname;
  const image = [
    `${folder}/cases/x64.png`,
    new URL('../../../../../shared/data/cases/x64.png', import.meta.url).pathname,
  ].find(existsSync)!;
  const reasons: Record<string, RegExp> = { 'se_fc1.pth': /layer1\.0\.se\./, 'gofinge_two_linear.pth': /hidden layer/ };
  const gpu = await openGpu();
  for (const [name, { logits, meta }] of Object.entries(
    JSON.parse(new TextDecoder().decode(wanted)) as Record<string, Wanted>,
  )) {
    const bytes = (await readData(`cases/${name}`))!;
    const options = { device: gpu.device, ...meta, inputWidth: 64, inputHeight: 64 };
    if (reasons[name]) {
      await refused(load(bytes, options), reasons[name]);
      continue;
    }
    const localizer = await load(bytes, options);
    const result = await localizer.classify(new Blob([readFileSync(image)]));
    for (const [index, value] of logits.entries()) {
      const own = Object.values(result.logits)[index];
      assert.ok(Math.abs(own - value) < 1e-5 * Math.max(1, Math.abs(value)), `${name}: ${own} is not ${value}`);
    }
    await localizer.close();
  }
  const named = await load((await readData('cases/chexpert14.pth'))!, { device: gpu.device });
  assert.is(named.classes[0], 'No Finding');
  await named.close();
  gpu.close();
});

test.run();
