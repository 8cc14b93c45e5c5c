/** ConvNeXt: Liu et al., A ConvNet for the 2020s, 2022. */
import { InputError } from '../../errors.js';
import { isSize, listOf } from '../../formats/checks.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import { channelCount, type Tensor } from '../../graph/ir/tensor.js';
import { activationOf } from '../../ops/layers/activation.js';
import { sum } from '../../ops/layers/add.js';
import { scaleChannels } from '../../ops/layers/batch_norm.js';
import { conv2d } from '../../ops/layers/conv2d.js';
import { layerNorm } from '../../ops/layers/layer_norm.js';
import type { Family, Recognition, Shapes } from '../family.js';
import { convolution } from '../layers/layers.js';
import { convolutionShape, countFrom, named } from '../recognise/shapes.js';

/** Liu et al. 2022, as torchvision has it. */
export type ConvNeXt = {
  family: 'convnext';
  prefix?: string;
  /** Blocks of each stage. */
  layers: number[];
  /** Channels of each stage. */
  widths: number[];
};

/** The epsilon of all norms. */
const EPSILON = 1e-6;

/** How many times more channels a block has inside than at its ends. */
const EXPANSION = 4;

const standard = (width: number, depth: number): ConvNeXt => ({
  family: 'convnext',
  layers: [3, 3, depth, 3],
  widths: [width, 2 * width, 4 * width, 8 * width],
});

/** In torchvision's nn.Sequential the stages have odd numbers. The number before each is that of the layers that halve the size. */
const placeOf = (prefix: string, stage: number) => `${prefix}${2 * stage + 1}`;

export const family: Family<ConvNeXt> = {
  fields: () => ({
    layers: [listOf(isSize, 1, 16), 'the blocks of each stage'],
    widths: [listOf(isSize, 1, 16), 'the channels of each stage'],
  }),
  checkTogether({ layers, widths }) {
    if (layers.length === widths.length) return;
    throw new InputError("architecture: the convnext's widths are wrong", {
      expected: `${layers.length}, one for each stage`,
      given: String(widths.length),
    });
  },
  blocks: ({ layers }) => layers,
  prefix: 'features.',
  standard: () => ({
    convnext_tiny: standard(96, 9),
    convnext_small: standard(96, 27),
    convnext_base: standard(128, 27),
    convnext_large: standard(192, 27),
  }),
  /**
   * [n, h, w, channels] → [n, ⌊h / 32⌋, ⌊w / 32⌋, the last width] for four stages. The norm after the average pooling is not part of the
   * features.
   */
  build(g, image, { layers, widths, prefix }) {
    let x = convolution(g, image, `${prefix}0.0`, { outputs: widths[0], kernel: 4, stride: 4, padding: 0 });
    x = layerNorm(g, x, `${prefix}0.1`, EPSILON);
    layers.forEach((blocks, stage) => {
      if (stage > 0) {
        const name = `${prefix}${2 * stage}`;
        x = layerNorm(g, x, `${name}.0`, EPSILON);
        x = convolution(g, x, `${name}.1`, { outputs: widths[stage], kernel: 2, stride: 2, padding: 0 });
      }
      for (let index = 0; index < blocks; index++) x = block(g, x, `${placeOf(prefix, stage)}.${index}`);
    });
    return x;
  },
};

/** torchvision's stochastic depth is left out. It skips blocks at random in training, but changes nothing in inference. */
function block(g: GraphBuilder, x: Tensor, name: string): Tensor {
  const channels = channelCount(x);
  const factors = g.parameter(`${name}.layer_scale`, [channels, 1, 1]);
  let y = convolution(g, x, `${name}.block.0`, { outputs: channels, kernel: 7, groups: channels });
  y = layerNorm(g, y, `${name}.block.2`, EPSILON);
  y = pixelwise(g, y, `${name}.block.3`, EXPANSION * channels);
  y = activationOf(g, y, { kind: 'gelu' }, `${name}.block.4`);
  y = pixelwise(g, y, `${name}.block.5`, channels);
  return sum(g, scaleChannels(g, y, factors, `${name}.scaled`), x, name);
}

/** Applies torch's nn.Linear to the channels of each pixel. */
function pixelwise(g: GraphBuilder, x: Tensor, name: string, outputs: number): Tensor {
  const weight = g.parameter(`${name}.weight`, [outputs, channelCount(x)]);
  return conv2d(g, x, weight, g.parameter(`${name}.bias`, [outputs]), { name });
}

export const recognition: Recognition<ConvNeXt> = {
  title: 'a ConvNeXt',
  hasNormInHead: true,
  ways: [{ mark: /^(|.*\.)1\.0\.block\.0\.weight$/, read }],
};

function read(tensors: Shapes, prefix: string): ConvNeXt {
  const first = (stage: number) => `${placeOf(prefix, stage)}.0.block.0`;
  const count = countFrom(tensors, 0, first);
  const stages = Array.from({ length: count }, (_, index) => index);
  return {
    family: 'convnext',
    layers: stages.map((stage) => countFrom(tensors, 0, (index) => `${placeOf(prefix, stage)}.${index}.block.0`)),
    widths: stages.map((stage) => convolutionShape(tensors, first(stage))[0]),
    ...named(prefix, 'features.'),
  };
}
