/** RegNet, X and Y: Radosavovic et al., Designing network design spaces, 2020. */
import { InputError } from '../../errors.js';
import { isNumber, isSize, listOf, optional } from '../../formats/checks.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import { channelCount, type Tensor } from '../../graph/ir/tensor.js';
import { relu } from '../../ops/layers/activation.js';
import type { Activation } from '../../ops/layers/activations.js';
import { sum } from '../../ops/layers/add.js';
import type { Family, Recognition, Shapes } from '../family.js';
import { convolutionNorm, inSequence, squeezeExcitation } from '../layers/layers.js';
import { convolutionShape, countFrom, named } from '../recognise/shapes.js';

/** Radosavovic et al. 2020, as torchvision has it: its bottlenecks have as many channels inside as at their ends. */
export type RegNet = {
  family: 'regnet';
  prefix?: string;
  /** Channels of the first convolution. */
  stem: number;
  /** Blocks of each stage. */
  layers: number[];
  /** Channels of each stage. */
  widths: number[];
  /** Channels in a group of the 3×3 convolutions. A stage with fewer channels than this has one group. */
  groupWidth: number;
  /** Only in Y networks: the number of channels inside squeeze-and-excitation, as a share of the channels of the block's input. */
  squeeze?: number;
};

/** The value of `squeeze` in every standard Y network. */
const USUAL = 0.25;

const standard = (groupWidth: number, layers: number[], widths: number[], squeeze?: number): RegNet => ({
  family: 'regnet',
  stem: 32,
  layers,
  widths,
  groupWidth,
  ...(squeeze === undefined ? {} : { squeeze }),
});

const groupWidthOf = (width: number, groupWidth: number) => Math.min(groupWidth, width);

export const family: Family<RegNet> = {
  fields: () => ({
    stem: [isSize, 'a size'],
    layers: [listOf(isSize, 1, 16), 'the blocks of each stage'],
    widths: [listOf(isSize, 1, 16), 'the channels of each stage'],
    groupWidth: [isSize, 'a size'],
    squeeze: [optional((value) => isNumber(value) && (value as number) > 0 && (value as number) <= 1), '0 to 1'],
  }),
  checkTogether({ layers, widths, groupWidth }) {
    const fits = widths.every((width) => width % groupWidthOf(width, groupWidth) === 0);
    if (layers.length === widths.length && fits) return;
    throw new InputError("architecture: the regnet's widths are wrong", {
      expected: `${layers.length}, one for each stage, all multiples of ${groupWidth} or less than it`,
      given: widths.join(', '),
    });
  },
  blocks: ({ layers }) => layers,
  prefix: '',
  standard: () => ({
    regnet_x_400mf: standard(16, [1, 2, 7, 12], [32, 64, 160, 400]),
    regnet_x_800mf: standard(16, [1, 3, 7, 5], [64, 128, 288, 672]),
    regnet_x_1_6gf: standard(24, [2, 4, 10, 2], [72, 168, 408, 912]),
    regnet_x_3_2gf: standard(48, [2, 6, 15, 2], [96, 192, 432, 1008]),
    regnet_x_8gf: standard(120, [2, 5, 15, 1], [80, 240, 720, 1920]),
    regnet_x_16gf: standard(128, [2, 6, 13, 1], [256, 512, 896, 2048]),
    regnet_x_32gf: standard(168, [2, 7, 13, 1], [336, 672, 1344, 2520]),
    regnet_y_400mf: standard(8, [1, 3, 6, 6], [48, 104, 208, 440], USUAL),
    regnet_y_800mf: standard(16, [1, 3, 8, 2], [64, 144, 320, 784], USUAL),
    regnet_y_1_6gf: standard(24, [2, 6, 17, 2], [48, 120, 336, 888], USUAL),
    regnet_y_3_2gf: standard(24, [2, 5, 13, 1], [72, 216, 576, 1512], USUAL),
    regnet_y_8gf: standard(56, [2, 4, 10, 1], [224, 448, 896, 2016], USUAL),
    regnet_y_16gf: standard(112, [2, 4, 11, 1], [224, 448, 1232, 3024], USUAL),
    regnet_y_32gf: standard(232, [2, 5, 12, 1], [232, 696, 1392, 3712], USUAL),
  }),
  /** [n, h, w, channels] → [n, ⌈h / 32⌉, ⌈w / 32⌉, the last width] for four stages. */
  build(g, image, { stem, layers, widths, groupWidth, squeeze, prefix }) {
    const activation: Activation = { kind: 'relu' };
    const first = inSequence(`${prefix}stem`);
    let x = convolutionNorm(g, image, first, { outputs: stem, kernel: 3, stride: 2, activation });
    layers.forEach((blocks, stage) => {
      for (let index = 0; index < blocks; index++)
        x = block(g, x, nameOf(prefix, stage, index), widths[stage], index === 0 ? 2 : 1, groupWidth, squeeze);
    });
    return x;
  },
};

const nameOf = (prefix: string, stage: number, index: number) =>
  `${prefix}trunk_output.block${stage + 1}.block${stage + 1}-${index}`;

function block(
  g: GraphBuilder,
  x: Tensor,
  name: string,
  outputs: number,
  stride: number,
  groupWidth: number,
  squeeze?: number,
): Tensor {
  const activation: Activation = { kind: 'relu' };
  const groups = outputs / groupWidthOf(outputs, groupWidth);
  let y = convolutionNorm(g, x, inSequence(`${name}.f.a`), { outputs, kernel: 1, activation });
  y = convolutionNorm(g, y, inSequence(`${name}.f.b`), { outputs, kernel: 3, stride, groups, activation });
  if (squeeze !== undefined)
    y = squeezeExcitation(g, y, `${name}.f.se`, {
      squeeze: squeezedChannels(channelCount(x), squeeze),
      activation,
      gate: { kind: 'sigmoid' },
    });
  y = convolutionNorm(g, y, inSequence(`${name}.f.c`), { outputs, kernel: 1 });
  const shortcut =
    stride > 1 || channelCount(x) !== outputs
      ? convolutionNorm(g, x, inSequence(`${name}.proj`), { outputs, kernel: 1, stride })
      : x;
  return relu(g, sum(g, y, shortcut, `${name}.sum`), name);
}

/** Rounds halves to the even neighbour, as Python's round does. */
function squeezedChannels(inputs: number, ratio: number): number {
  const exact = inputs * ratio;
  const below = Math.floor(exact);
  return Math.max(1, exact - below === 0.5 ? below + (below % 2) : Math.round(exact));
}

export const recognition: Recognition<RegNet> = {
  title: 'a RegNet',
  ways: [{ mark: /^(|.*\.)trunk_output\.block1\.block1-0\.f\.a\.0\.weight$/, read }],
};

function read(tensors: Shapes, prefix: string): RegNet {
  const at = (stage: number, index: number) => nameOf(prefix, stage, index);
  const count = countFrom(tensors, 0, (stage) => `${at(stage, 0)}.f.a.0`);
  const stages = Array.from({ length: count }, (_, stage) => {
    const [width, perGroup] = convolutionShape(tensors, `${at(stage, 0)}.f.b.0`);
    const [outputs] = convolutionShape(tensors, `${at(stage, 0)}.f.c.0`);
    return { width, perGroup, outputs, layers: countFrom(tensors, 0, (index) => `${at(stage, index)}.f.a.0`) };
  });
  const groupWidth = stages.reduce((widest, { perGroup }) => Math.max(widest, perGroup), 0);
  for (const { width, perGroup, outputs } of stages)
    if (outputs !== width || perGroup !== groupWidthOf(width, groupWidth))
      throw new InputError(
        'RegNets whose bottlenecks or groups have different widths within a stage are not supported',
        {
          expected: `${width} channels throughout a stage, in groups of ${groupWidthOf(width, groupWidth)}`,
          given: `${outputs} out of its blocks, and groups of ${perGroup}`,
        },
      );
  const [stem] = convolutionShape(tensors, `${prefix}stem.0`);
  const squeezed = tensors.get(`${at(0, 0)}.f.se.fc1.weight`)?.shape[0];
  return {
    family: 'regnet',
    stem,
    layers: stages.map(({ layers }) => layers),
    widths: stages.map(({ width }) => width),
    groupWidth,
    ...(squeezed === undefined
      ? {}
      : { squeeze: squeezed === squeezedChannels(stem, USUAL) ? USUAL : squeezed / stem }),
    ...named(prefix, ''),
  };
}
