/** Families are recognised from torchvision's state dicts: they give the right logits, or are refused with the reason. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import type { TensorData } from '../../src/formats/weights/checkpoint.js';
import { type Gpu, openGpu } from '../../src/gpu/device.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import { product } from '../../src/graph/ir/tensor.js';
import { createPlan } from '../../src/graph/plan/plan.js';
import { describeModel } from '../../src/localizer/weights/model.js';
import { type Backbone, checkBackbone } from '../../src/nets/backbone.js';
import {
  backboneParameters,
  buildBackbone,
  describeGraph,
  graphNetwork,
  inferArchitecture,
  localizerHead,
  type NetworkFunction,
  parameterSource,
  standardBackbone,
} from '../../src/nets/index.js';
import { forward as batchStatistics } from '../../src/ops/layers/batch_statistics.js';
import { seededRandom } from '../../src/random.js';
import { generated, runBackbone, seededNetwork, torchvision, transpose } from '../support/torch.js';

const gpu: Gpu = await openGpu();
const families = suite('families');

const read = (tensors: Map<string, TensorData>) => describeModel({ tensors, metadata: {} }, {});

async function refused(tensors: Map<string, TensorData>, message: RegExp): Promise<void> {
  const error = await read(tensors).catch((thrown: unknown) => thrown);
  assert.instance(error, InputError);
  assert.match((error as InputError).message, message);
}

const zeros = (...shape: number[]): TensorData => ({ shape, data: new Float32Array(product(shape)) });
const more = (tensors: Map<string, TensorData>, ...added: [string, ...number[]][]) =>
  new Map([...tensors, ...added.map(([name, ...shape]) => [name, zeros(...shape)] as const)]);

/** A network of full depth that is narrow, with torchvision's head, and what torchvision computes. */
function narrow(family: string) {
  const found = torchvision.heads.find(({ backbone }) => backbone.family === family)!;
  const head = { classes: 5, pooling: 'average', prediction: found.prediction } as const;
  return { ...found, head, tensors: seededNetwork(found.backbone, head) };
}

for (const { backbone, size, logits: expected } of torchvision.heads) {
  families(`${backbone.family}: a state dict with a linear layer gives torchvision’s logits`, async () => {
    const { tensors, head } = narrow(backbone.family);
    const model = await read(more(await tensors, ['bn.num_batches_tracked', 1]));
    assert.equal(model.architecture, { backbone, head });
    assert.equal(model.leftOut, ['bn.num_batches_tracked']);
    const g = createGraph();
    const image = g.input('image', [1, size, size, 3]);
    const written = graphNetwork(describeGraph(model.network, { height: size, width: size, channels: 3 }));
    const { logits } = written(g, image);
    const weights = parameterSource(model.checkpoint, g.parameters);
    const plan = await createPlan(gpu, g.finish([logits]), { weights });
    try {
      const shape = [1, 3, size, size];
      plan.write(image, transpose((await generated('image', shape)) as Float32Array, shape));
      await plan.run();
      const values = await plan.read(logits);
      const scale = Math.max(...expected.map(Math.abs));
      for (const [index, value] of values.entries())
        assert.ok(Math.abs(value - expected[index]) < 1e-4 * scale, `${values.join()} is not ${expected.join()}`);
    } finally {
      plan.close();
    }
  });
}

families('tensors that the family does not have are refused by name', async () => {
  const v2 = await narrow('mobilenet_v2').tensors;
  await refused(
    more(v2, ['features.3.conv.4.weight', 4]),
    /layers that a MobileNetV2 does not have.*features\.3\.conv\.4/s,
  );
  const v3 = await narrow('mobilenet_v3').tensors;
  // The second block has no squeeze-and-excitation: fc1 without fc2, or behind the wrong layer.
  await refused(more(v3, ['features.2.block.3.fc1.weight', 8, 32, 1, 1]), /features\.2\.block\.3\.fc1/);
  const mnasnet = await narrow('mnasnet').tensors;
  await refused(more(mnasnet, ['layers.17.weight', 8, 8, 1, 1]), /layers\.17/);
  const regnet = await narrow('regnet').tensors;
  await refused(more(regnet, ['trunk_output.block1.block1-0.f.d.0.weight', 8, 8, 1, 1]), /block1-0\.f\.d\.0/);
});

families('a head with a hidden layer is refused as torchvision’s own', async () => {
  const { tensors } = narrow('mobilenet_v3');
  const headless = [...(await tensors)].filter(([name]) => !name.startsWith('classifier.'));
  await refused(
    more(new Map(headless), ['classifier.0.weight', 16, 240], ['classifier.3.weight', 5, 16]),
    /head of a MobileNetV3 has a hidden layer, as torchvision's classifier of a MobileNetV3 has/,
  );
});

families('a head that normalises pooled features is refused if torchvision has none there', async () => {
  const backbone: Backbone = { family: 'convnext', layers: [1, 1], widths: [8, 12] };
  const tensors = await seededNetwork(backbone, { classes: 5, pooling: 'average', prediction: 'classifier.2' });
  // A single linear layer, which somebody may have used as a head.
  assert.equal((await read(tensors)).architecture?.backbone, backbone);
  await refused(
    more(tensors, ['classifier.1.weight', 12], ['classifier.1.bias', 12]),
    /a ConvNeXt normalises the pooled features, as torchvision's classifier.*classifier\.1, a layer norm/s,
  );
  const regnet = await narrow('regnet').tensors;
  const channels = regnet.get('fc.weight')!.shape[1];
  await refused(
    more(regnet, ['norm.weight', channels], ['norm.running_mean', channels]),
    /head of a RegNet normalises the pooled features; .* norm, a batch norm/s,
  );
});

families(
  'an Inception v3: its auxiliary classifier is left out, its input is asked about, another’s poolings refused',
  async () => {
    const tensors = await narrow('inception_v3').tensors;
    const aux = ['AuxLogits.conv0.conv.weight', 'AuxLogits.fc.weight'];
    const model = await read(more(tensors, [aux[0], 8, 48, 1, 1], [aux[1], 5, 8]));
    assert.equal(model.leftOut, aux);
    assert.equal([model.metadata.inputWidth, model.metadata.inputHeight], [299, 299]);
    assert.match(model.warnings[0].message, /299 × 299 pixels.*An Inception v3 that was trained with transform_input/);
    const told = await describeModel({ tensors, metadata: {} }, { transformInput: true });
    assert.equal(told.metadata.mean, [0.5, 0.5, 0.5]);
    const channels = tensors.get('fc.weight')!.shape[1];
    await refused(more(tensors, ['fc.weight', 1008, channels]), /TensorFlow's Inception.*leave out the padding/s);
  },
);

/** Families in which the strides follow from the number of stages. */
const SHOW_STRIDES = ['resnet', 'regnet', 'shufflenet_v2', 'inception_v3', 'convnext'];

families('a network in an nn.Sequential, whose layers have numbers before their names, is recognised', async () => {
  for (const [family, usual] of [
    ['mobilenet_v3', 'features.'],
    ['efficientnet', 'features.'],
    ['convnext', 'features.'],
    ['shufflenet_v2', ''],
  ] as const) {
    const described = torchvision.heads.find((one) => one.backbone.family === family)?.backbone;
    const backbone: Backbone = described ?? { family: 'convnext', layers: [1, 2], widths: [8, 12] };
    const tensors = await seededNetwork(backbone, { classes: 5, pooling: 'average', prediction: '3' });
    for (const start of ['0.', '0.1.']) {
      const wrapped = [...tensors].map(([name, tensor]): [string, TensorData] => [
        name.startsWith('3.') ? name : start + name.slice(usual.length),
        tensor,
      ]);
      const { architecture } = await read(new Map(wrapped));
      assert.equal(architecture?.backbone, { ...backbone, prefix: start });
      assert.is(architecture?.head?.prediction, '3');
    }
  }
});

families('norms have torchvision’s momentum in training, also in a network that was described as a graph', () => {
  const momenta = (name: string, graph: boolean) => {
    const network: NetworkFunction = (g, image) => {
      const features = buildBackbone(g, name, image);
      return { features, ...localizerHead(g, features, { classes: 1, pooling: 'average' }) };
    };
    const written = graph ? graphNetwork(describeGraph(network, { height: 96, width: 96, channels: 3 })) : network;
    const g = createGraph({ parameters: 'state', batchStatistics });
    const { logits } = written(g, g.input('image', [2, 96, 96, 3]));
    const { nodes } = g.finish([logits]);
    const own = nodes.filter(({ operation }) => operation === (batchStatistics as unknown));
    return [...new Set(own.map(({ attributes }) => (attributes as { momentum: number }).momentum))];
  };
  const expected = { mnasnet0_5: 3e-4, mobilenet_v3_small: 0.01, efficientnet_b0: 0.1, shufflenet_v2_x0_5: 0.1 };
  for (const [name, momentum] of Object.entries({
    ...expected,
    efficientnet_b5: 0.01,
    inception_v3: 0.1,
    googlenet: 0.1,
  }))
    for (const graph of [false, true]) assert.equal(momenta(name, graph), [momentum], name);
});

families(
  'strides, which no shape shows, are taken from a standard network with as many blocks; otherwise the weights are refused',
  async () => {
    for (const { backbone, gradients } of torchvision.samples) {
      if (!gradients || typeof backbone === 'string' || SHOW_STRIDES.includes(backbone.family)) continue;
      await refused(
        await seededNetwork(backbone, undefined),
        /cannot tell the strides of the checkpoint's (blocks|sta)/,
      );
    }
  },
);

families('norms of an EfficientNet-B5 have another epsilon than those of a B4', () => {
  for (const name of ['efficientnet_b4', 'efficientnet_b5']) {
    assert.is(inferArchitecture(backboneParameters(name).parameters).backbone, name);
    assert.is(
      (standardBackbone(name) as Extract<Backbone, { family: 'efficientnet' }>).epsilon,
      name.endsWith('5') ? 1e-3 : undefined,
    );
  }
});

families('widths that do not fit together are refused', () => {
  const check = (fields: object) => () => checkBackbone({ stem: 4, last: 4, ...fields });
  const shuffle = { family: 'shufflenet_v2', layers: [1, 1], widths: [4, 6] };
  assert.throws(check({ ...shuffle, widths: [4, 5] }), /widths are wrong; expected 2 even numbers/);
  assert.throws(check({ ...shuffle, widths: [4] }), /widths are wrong/);
  assert.throws(() => checkBackbone({ family: 'convnext', layers: [1, 1], widths: [4] }), /expected 2, one for each/);
  const inception = structuredClone(standardBackbone('inception_v3')) as Extract<Backbone, { family: 'inception_v3' }>;
  inception.modules[3].pop();
  assert.throws(() => checkBackbone(inception), /Mixed_6a is wrong; expected 4 sizes/);
});

families(
  'an Inception v3 may end after any module, join the outputs of some, and leave padding out of averages',
  async () => {
    const whole = { stem: [3, 4, 4, 5, 6], modules: [4, 5].map((wide) => [wide, 3, 4, 3, 4, 5, 3]) };
    const shape = [1, 3, 75, 75];
    const image = Float32Array.from({ length: product(shape) }, seededRandom(5));
    const features = (fields: object = {}, modules = 2) =>
      runBackbone(
        gpu,
        { family: 'inception_v3', ...whole, modules: whole.modules.slice(0, modules), ...fields },
        image,
        shape,
      );
    const [one, two, both] = [await features({}, 1), await features(), await features({ columns: [1, 2] })];
    assert.equal(
      Array.from(both),
      [...one, ...two],
      'NCHW: the channels of the first module, then those of the second',
    );

    const edges = await features({ averages: 'edges' }, 1);
    const side = Math.sqrt(edges.length / 16);
    const differs = (from: number, to: number) => edges.subarray(from, to).some((value, i) => value !== one[from + i]);
    assert.not(differs(0, 13 * side * side), 'branches without an average');
    const pooled = [...edges.keys()].slice(13 * side * side).filter((i) => edges[i] !== one[i]);
    assert.ok(pooled.length > 0, 'the average at the edges');
    const isInner = (i: number) => [i % side, Math.floor(i / side) % side].every((at) => at > 0 && at < side - 1);
    assert.not(pooled.some(isInner), 'the average of nine values');

    const check = (fields: object) => () => checkBackbone({ family: 'inception_v3', ...whole, ...fields } as Backbone);
    assert.throws(check({ columns: [2, 1] }), /inception_v3's columns are wrong; expected ascending numbers.* 1 … 2/);
    assert.throws(check({ columns: [3] }), /columns are wrong/);
    assert.throws(check({ averages: 'zeros' }), /averages is wrong; expected edges, or nothing/);
    assert.throws(check({ modules: [] }), /modules is wrong/);
  },
);

families('blocks that do not belong to the family are refused with what is wrong', () => {
  const infer = (entries: Record<string, number[]>) =>
    inferArchitecture(new Map(Object.entries(entries).map(([name, shape]) => [name, { shape }])));
  const stage = (index: number) => ({
    [`features.${index}.0.block.0.0.weight`]: [8, 8, 3, 3],
    [`features.${index}.0.block.1.0.weight`]: [8, 8, 1, 1],
  });
  const fused = Object.assign({}, ...[1, 2, 3, 4, 5, 6, 7].map(stage));
  assert.throws(() => infer(fused), /not a depthwise convolution.*EfficientNetV2/s);
  const block = (prefix: string, shape: number[]) => ({
    [`${prefix}.f.a.0.weight`]: [8, 8, 1, 1],
    [`${prefix}.f.b.0.weight`]: shape,
    [`${prefix}.f.c.0.weight`]: [8, 8, 1, 1],
  });
  const regnet = {
    ...block('trunk_output.block1.block1-0', [8, 4, 3, 3]),
    ...block('trunk_output.block2.block2-0', [8, 2, 3, 3]),
  };
  assert.throws(() => infer(regnet), /groups have different widths/);
  const conv = {
    'layer1.0.conv1.weight': [12, 8, 1, 1],
    'layer1.0.conv3.weight': [32, 12, 1, 1],
    'conv1.weight': [8, 3, 7, 7],
  };
  assert.throws(() => infer({ ...conv, 'layer1.0.conv2.weight': [12, 5, 3, 3] }), /none of a ResNet/);
});

families.after(() => gpu.close());
families.run();
