/** ResNet: He et al., Deep residual learning for image recognition, 2015. */
import { InputError } from '../../errors.js';
import { isSize, listOf, oneOf } from '../../formats/checks.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import { channelCount, type Tensor } from '../../graph/ir/tensor.js';
import { relu } from '../../ops/layers/activation.js';
import { sum } from '../../ops/layers/add.js';
import { batchNorm } from '../../ops/layers/batch_norm.js';
import { maxPool } from '../../ops/layers/pool.js';
import type { Family, Recognition, Shapes } from '../family.js';
import { convolution, normRelu } from '../layers.js';
import { convolutionShape, countFrom, named } from '../shapes.js';

/** He et al. 2015, with the stride in the bottleneck's 3×3 convolution. */
export type ResNet = {
  family: 'resnet';
  prefix?: string;
  block: 'basic' | 'bottleneck';
  /** Blocks of each stage. */
  layers: number[];
  /** Channels of each stage; a bottleneck puts out four times as many. */
  widths: number[];
  /** Channels of the first convolution. */
  stem: number;
};

const standard = (block: ResNet['block'], ...layers: number[]): ResNet => ({
  family: 'resnet',
  block,
  layers,
  widths: [64, 128, 256, 512],
  stem: 64,
});

export const family: Family<ResNet> = {
  fields: () => ({
    block: [oneOf('basic', 'bottleneck'), 'basic or bottleneck'],
    layers: [listOf(isSize, 1, 16), 'the blocks of each stage'],
    widths: [listOf(isSize, 1, 16), 'the channels of each stage'],
    stem: [isSize, 'a size'],
  }),
  checkTogether({ layers, widths }) {
    if (layers.length !== widths.length)
      throw new InputError("architecture: the resnet's widths are wrong", {
        expected: `${layers.length}, one for each stage`,
        given: String(widths.length),
      });
  },
  blocks: ({ layers }) => layers,
  prefix: '',
  standard: () => ({
    resnet18: standard('basic', 2, 2, 2, 2),
    resnet34: standard('basic', 3, 4, 6, 3),
    resnet50: standard('bottleneck', 3, 4, 6, 3),
    resnet101: standard('bottleneck', 3, 4, 23, 3),
  }),
  /** [n, h, w, channels] → [n, ⌈h / 32⌉, ⌈w / 32⌉, 512 or 2048] for the standard ones. */
  build(g, image, { block, layers, widths, stem, prefix }) {
    let x = convolution(g, image, `${prefix}conv1`, { outputs: stem, kernel: 7, stride: 2, bias: false });
    x = normRelu(g, x, `${prefix}bn1`);
    x = maxPool(g, x, { kernel: 3, stride: 2, padding: 1, name: `${prefix}maxpool` });
    layers.forEach((blocks, stage) => {
      for (let index = 0; index < blocks; index++) {
        const stride = stage > 0 && index === 0 ? 2 : 1;
        x = residual(g, x, `${prefix}layer${stage + 1}.${index}`, block, widths[stage], stride);
      }
    });
    return x;
  },
};

function residual(
  g: GraphBuilder,
  x: Tensor,
  name: string,
  block: ResNet['block'],
  width: number,
  stride: number,
): Tensor {
  const outputs = block === 'bottleneck' ? 4 * width : width;
  const layer = (from: Tensor, index: number, options: { outputs: number; kernel: number; stride?: number }) =>
    convolution(g, from, `${name}.conv${index}`, { ...options, bias: false });
  let y: Tensor;
  if (block === 'bottleneck') {
    y = normRelu(g, layer(x, 1, { outputs: width, kernel: 1 }), `${name}.bn1`);
    y = normRelu(g, layer(y, 2, { outputs: width, kernel: 3, stride }), `${name}.bn2`);
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

/** A torchvision ResNet whose children were put into an nn.Sequential has numbers for names. */
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
  const widths = stages.map((stage) => {
    const [width] = convolutionShape(tensors, at(stage, 0, 1));
    const [, inner] = convolutionShape(tensors, at(stage, 0, 2));
    const outer = block === 'basic' ? width : convolutionShape(tensors, at(stage, 0, 3))[0] / 4;
    if (inner !== width || outer !== width)
      throw new InputError('wide and grouped ResNets (ResNeXt) are not supported', {
        expected: `${width} channels throughout the blocks of ${prefix}layer${stage}`,
        given: `${inner} into its second convolution, ${outer} out of its block`,
      });
    return width;
  });
  const layers = stages.map((stage) => countFrom(tensors, 0, (index) => at(stage, index, 1)));
  const [stem] = convolutionShape(tensors, `${prefix}conv1`);
  return { family: 'resnet', block, layers, widths, stem, ...named(prefix, '') };
}
