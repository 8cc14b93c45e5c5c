/** MNASNet: Tan et al., MnasNet: platform-aware neural architecture search for mobile, 2018, its variant B1. */
import { isSize, listOf } from '../../formats/checks.js';
import type { Family, Recognition, Shapes } from '../family.js';
import {
  type BlockNames,
  type InvertedResidual,
  invertedResidual,
  isInvertedResidual,
  readInvertedResidual,
  rounded,
  usualStrides,
} from '../layers/inverted_residual.js';
import { convolutionNorm } from '../layers/layers.js';
import { convolutionShape, countFrom, named } from '../recognise/shapes.js';

/** Tan et al. 2018, as torchvision has it. */
export type MnasNet = {
  family: 'mnasnet';
  prefix?: string;
  /** Channels of the first convolution, and of the depthwise one after it. */
  stem: number;
  /** Channels of the 1×1 convolution after the first depthwise one. */
  first: number;
  /** The blocks of each stack. */
  stacks: InvertedResidual[][];
  /** Channels of the last convolution. */
  last: number;
};

/** The momentum of all norms in training. TensorFlow writes the same as 0.9997, the share of the old statistics that is kept. */
const MOMENTUM = 3e-4;

/** Of each stack: expansion, channels, kernel, number of blocks, stride of the first block. */
const STACKS = [
  [3, 24, 3, 3, 2],
  [3, 40, 5, 3, 2],
  [6, 80, 5, 3, 2],
  [6, 96, 3, 2, 1],
  [6, 192, 5, 4, 2],
  [6, 320, 3, 1, 1],
] as const;

/** @param width the factor of all numbers of channels except that of the last convolution */
function standard(width: number): MnasNet {
  let inputs = rounded(16 * width);
  const stacks = STACKS.map(([expansion, channels, kernel, count, stride]) =>
    Array.from({ length: count }, (_, index): InvertedResidual => {
      const expanded = expansion * inputs;
      inputs = rounded(channels * width);
      return { expanded, kernel, stride: index === 0 ? stride : 1, outputs: inputs };
    }),
  );
  return { family: 'mnasnet', stem: rounded(32 * width), first: rounded(16 * width), stacks, last: 1280 };
}

/** The first stack's place in the nn.Sequential. */
const FIRST_STACK = 8;

function namesOf(name: string): BlockNames {
  const pair = (index: number) => [`${name}.layers.${index}`, `${name}.layers.${index + 1}`] as const;
  return { expand: pair(0), depthwise: pair(3), project: pair(6) };
}

export const family: Family<MnasNet> = {
  fields: () => ({
    stem: [isSize, 'a size'],
    first: [isSize, 'a size'],
    stacks: [
      listOf(listOf(isInvertedResidual(), 1, 64), 1, 16),
      'lists of blocks with expanded, kernel, stride and outputs',
    ],
    last: [isSize, 'a size'],
  }),
  prefix: 'layers.',
  standard: () => ({
    mnasnet0_5: standard(0.5),
    mnasnet0_75: standard(0.75),
    mnasnet1_0: standard(1),
    mnasnet1_3: standard(1.3),
  }),
  /** [n, h, w, channels] → [n, ⌈h / 32⌉, ⌈w / 32⌉, last]. */
  build(g, image, { stem, first, stacks, last, prefix }) {
    const norms = { momentum: MOMENTUM };
    const outside = { activation: { kind: 'relu' } as const, ...norms };
    const pair = (index: number) => [`${prefix}${index}`, `${prefix}${index + 1}`] as const;
    let x = convolutionNorm(g, image, pair(0), { outputs: stem, kernel: 3, stride: 2, ...outside });
    x = convolutionNorm(g, x, pair(3), { outputs: stem, kernel: 3, groups: stem, ...outside });
    x = convolutionNorm(g, x, pair(6), { outputs: first, kernel: 1, ...norms });
    stacks.forEach((blocks, stack) => {
      blocks.forEach((block, index) => {
        const name = `${prefix}${FIRST_STACK + stack}.${index}`;
        x = invertedResidual(g, x, block, { name, names: namesOf(name), ...outside });
      });
    });
    return convolutionNorm(g, x, pair(FIRST_STACK + stacks.length), { outputs: last, kernel: 1, ...outside });
  },
};

export const recognition: Recognition<MnasNet> = {
  title: 'an MNASNet',
  ways: [{ mark: /^(|.*\.)8\.0\.layers\.0\.weight$/, read }],
};

function read(tensors: Shapes, prefix: string): MnasNet {
  const at = (stack: number, index: number) => `${prefix}${FIRST_STACK + stack}.${index}`;
  const count = countFrom(tensors, 0, (stack) => `${at(stack, 0)}.layers.0`);
  const strides = usualStrides(
    'stacks',
    count,
    STACKS.map(([, , , , stride]) => stride),
  );
  const stacks = strides.map((stride, stack) =>
    Array.from({ length: countFrom(tensors, 0, (index) => `${at(stack, index)}.layers.0`) }, (_, index) =>
      readInvertedResidual(tensors, namesOf(at(stack, index)), index === 0 ? stride : 1),
    ),
  );
  const [stem] = convolutionShape(tensors, `${prefix}0`);
  const [first] = convolutionShape(tensors, `${prefix}6`);
  const [last] = convolutionShape(tensors, `${prefix}${FIRST_STACK + count}`);
  return { family: 'mnasnet', stem, first, stacks, last, ...named(prefix, 'layers.') };
}
