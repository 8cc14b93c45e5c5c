/**
 * ResNet: He et al., Deep residual learning for image recognition, 2015. With groups it is ResNeXt (Xie et al. 2016), with wider
 * bottlenecks a wide ResNet (Zagoruyko & Komodakis 2016).
 */
import { InputError } from '../../errors.js';
import { isSize, listOf, oneOf, optional } from '../../formats/checks.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import { channelCount, type Tensor } from '../../graph/ir/tensor.js';
import { relu } from '../../ops/layers/activation.js';
import { sum } from '../../ops/layers/add.js';
import { batchNorm } from '../../ops/layers/batch_norm.js';
import { maxPool } from '../../ops/layers/pool.js';
import type { Family, Recognition, Shapes } from '../family.js';
import { type ConvolutionOptions, convolution, normRelu } from '../layers/layers.js';
import { convolutionShape, countFrom, named } from '../recognise/shapes.js';

/** He et al. 2015, with the stride in the bottleneck's 3×3 convolution. */
export type ResNet = {
  family: 'resnet';
  prefix?: string;
  block: 'basic' | 'bottleneck';
  /** Blocks of each stage. */
  layers: number[];
  /** Channels of each stage. A bottleneck block has four times as many output channels. */
  widths: number[];
  /** Channels of the first convolution. */
  stem: number;
  /** Channels inside the bottlenecks of each stage. Default: the stage's width. */
  inner?: number[];
  /** Groups of the bottlenecks' 3×3 convolutions. Default 1. */
  groups?: number;
};

const standard = (block: ResNet['block'], ...layers: number[]): ResNet => ({
  family: 'resnet',
  block,
  layers,
  widths: [64, 128, 256, 512],
  stem: 64,
});

/** @param wider how many times more channels the bottlenecks have inside than those of a ResNet-50 */
const wide = (wider: number, groups: number | undefined, ...layers: number[]): ResNet => ({
  ...standard('bottleneck', ...layers),
  inner: [64, 128, 256, 512].map((width) => width * wider),
  ...(groups === undefined ? {} : { groups }),
});

export const family: Family<ResNet> = {
  fields: () => ({
    block: [oneOf('basic', 'bottleneck'), 'basic or bottleneck'],
    layers: [listOf(isSize, 1, 16), 'the blocks of each stage'],
    widths: [listOf(isSize, 1, 16), 'the channels of each stage'],
    stem: [isSize, 'a size'],
    inner: [optional(listOf(isSize, 1, 16)), 'the channels within the bottlenecks of each stage'],
    groups: [optional(isSize), 'a size'],
  }),
  checkTogether({ block, layers, widths, inner, groups = 1 }) {
    for (const [field, list] of Object.entries({ widths, inner }))
      if (list && layers.length !== list.length)
        throw new InputError(`architecture: the resnet's ${field} are wrong`, {
          expected: `${layers.length}, one for each stage`,
          given: String(list.length),
        });
    if (block === 'basic' && (inner || groups > 1))
      throw new InputError('architecture: a resnet of basic blocks has neither inner nor groups', {
        hint: "these fields are for block: 'bottleneck'",
      });
    const parts = inner ?? widths;
    if (parts.some((width) => width % groups !== 0))
      throw new InputError("architecture: the resnet's groups are wrong", {
        expected: `a divisor of ${parts.join(', ')}`,
        given: String(groups),
      });
  },
  blocks: ({ layers }) => layers,
  prefix: '',
  standard: () => ({
    resnet18: standard('basic', 2, 2, 2, 2),
    resnet34: standard('basic', 3, 4, 6, 3),
    resnet50: standard('bottleneck', 3, 4, 6, 3),
    resnet101: standard('bottleneck', 3, 4, 23, 3),
    resnet152: standard('bottleneck', 3, 8, 36, 3),
    resnext50_32x4d: wide(2, 32, 3, 4, 6, 3),
    resnext101_32x8d: wide(4, 32, 3, 4, 23, 3),
    resnext101_64x4d: wide(4, 64, 3, 4, 23, 3),
    wide_resnet50_2: wide(2, undefined, 3, 4, 6, 3),
    wide_resnet101_2: wide(2, undefined, 3, 4, 23, 3),
  }),
  /** [n, h, w, channels] → [n, ⌈h / 32⌉, ⌈w / 32⌉, 512 or 2048] for the standard networks. */
  build(g, image, { block, layers, widths, stem, inner = widths, groups = 1, prefix }) {
    let x = convolution(g, image, `${prefix}conv1`, { outputs: stem, kernel: 7, stride: 2, bias: false });
    x = normRelu(g, x, `${prefix}bn1`);
    x = maxPool(g, x, { kernel: 3, stride: 2, padding: 1, name: `${prefix}maxpool` });
    layers.forEach((blocks, stage) => {
      for (let index = 0; index < blocks; index++) {
        const stride = stage > 0 && index === 0 ? 2 : 1;
        const name = `${prefix}layer${stage + 1}.${index}`;
        x = residual(g, x, name, { block, width: widths[stage], inner: inner[stage], groups, stride });
      }
    });
    return x;
  },
};

interface ResidualOptions {
  block: ResNet['block'];
  width: number;
  inner: number;
  groups: number;
  stride: number;
}

function residual(
  g: GraphBuilder,
  x: Tensor,
  name: string,
  { block, width, inner, groups, stride }: ResidualOptions,
): Tensor {
  const outputs = block === 'bottleneck' ? 4 * width : width;
  const layer = (from: Tensor, index: number, options: Omit<ConvolutionOptions, 'bias'>) =>
    convolution(g, from, `${name}.conv${index}`, { ...options, bias: false });
  let y: Tensor;
  if (block === 'bottleneck') {
    y = normRelu(g, layer(x, 1, { outputs: inner, kernel: 1 }), `${name}.bn1`);
    y = normRelu(g, layer(y, 2, { outputs: inner, kernel: 3, stride, groups }), `${name}.bn2`);
    y = batchNorm(g, layer(y, 3, { outputs, kernel: 1 }), `${name}.bn3`);
  } else {
    y = normRelu(g, layer(x, 1, { outputs: width, kernel: 3, stride }), `${name}.bn1`);
    y = batchNorm(g, layer(y, 2, { outputs, kernel: 3 }), `${name}.bn2`);
  }
  let shortcut = x;
  if (stride > 1 || channelCount(x) !== outputs) {
    shortcut = convolution(g, x, `${name}.downsample.0`, { outputs, kernel: 1, stride, bias: false });
    shortcut = batchNorm(g, shortcut, `${name}.downsample.1`);
  }
  return relu(g, sum(g, y, shortcut, `${name}.sum`), name);
}

/**
 * If the children of a torchvision ResNet were put into an nn.Sequential, their names are numbers. These are the names in the order of the
 * numbers.
 */
const NUMBERED = ['conv1', 'bn1', '2', '3', 'layer1', 'layer2', 'layer3', 'layer4'];

export const recognition: Recognition<ResNet> = {
  title: 'a ResNet',
  ways: [{ mark: /^(|.*\.)layer1\.0\.conv1\.weight$/, read }],
  spellings: {
    about: 'one has a number for a ResNet’s layer (4.0.conv1), one its name (layer1.0.conv1)',
    of(tensors) {
      const start = [...tensors.keys()]
        .map((name) => /^(|.*\.)4\.0\.conv1\.weight$/.exec(name)?.[1])
        .find((one) => one !== undefined);
      const isNumbered =
        start !== undefined && tensors.has(`${start}1.running_mean`) && tensors.has(`${start}7.0.conv1.weight`);
      return (name) => {
        if (!isNumbered || !name.startsWith(start)) return name;
        const [number, ...rest] = name.slice(start.length).split('.');
        return start + [NUMBERED[Number(number)] ?? number, ...rest].join('.');
      };
    },
  },
};

function read(tensors: Shapes, prefix: string): ResNet {
  const at = (stage: number, block: number, conv: number) => `${prefix}layer${stage}.${block}.conv${conv}`;
  const block = tensors.has(`${at(1, 0, 3)}.weight`) ? 'bottleneck' : 'basic';
  const stages = Array.from({ length: countFrom(tensors, 1, (stage) => at(stage, 0, 1)) }, (_, index) => index + 1);
  const found = stages.map((stage) => {
    const [inner] = convolutionShape(tensors, at(stage, 0, 1));
    const [outputs, perGroup] = convolutionShape(tensors, at(stage, 0, 2));
    const width = block === 'basic' ? outputs : convolutionShape(tensors, at(stage, 0, 3))[0] / 4;
    const fits = outputs === inner && (block === 'basic' ? perGroup === inner : inner % perGroup === 0);
    if (!fits || !Number.isInteger(width))
      throw new InputError(`the blocks of the checkpoint's ${prefix}layer${stage} are none of a ResNet`, {
        expected:
          block === 'basic'
            ? `${inner} channels throughout`
            : `${inner} channels out of its first two convolutions, and four times a whole number out of the third`,
        given: `${outputs}×${perGroup} for its second convolution, ${block === 'basic' ? outputs : 4 * width} out of its block`,
      });
    return { inner, width, groups: inner / perGroup };
  });
  const [{ groups }] = found;
  if (found.some((one) => one.groups !== groups))
    throw new InputError('ResNets whose stages have different numbers of groups are not supported', {
      expected: String(groups),
      given: found.map((one) => one.groups).join(', '),
    });
  const layers = stages.map((stage) => countFrom(tensors, 0, (index) => at(stage, index, 1)));
  const [stem] = convolutionShape(tensors, `${prefix}conv1`);
  return {
    ...{ family: 'resnet', block, layers, widths: found.map(({ width }) => width), stem },
    ...(found.some(({ inner, width }) => inner !== width) ? { inner: found.map(({ inner }) => inner) } : {}),
    ...(groups > 1 ? { groups } : {}),
    ...named(prefix, ''),
  };
}
