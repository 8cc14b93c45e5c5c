/** EfficientNet: Tan & Le, EfficientNet: rethinking model scaling for convolutional neural networks, 2019. */
import { isNumber, isSize, listOf, optional } from '../../formats/checks.js';
import type { Activation } from '../../ops/layers/activations.js';
import type { Family, Recognition, Shapes } from '../family.js';
import {
  type InvertedResidual,
  invertedResidual,
  isInvertedResidual,
  numberedNames,
  readNumbered,
  rounded,
  usualStrides,
} from '../layers/inverted_residual.js';
import { convolutionNorm, inSequence } from '../layers/layers.js';
import { convolutionShape, countFrom, named } from '../recognise/shapes.js';

/** Tan & Le 2019, as torchvision has it. */
export type EfficientNet = {
  family: 'efficientnet';
  prefix?: string;
  /** Channels of the first convolution. */
  stem: number;
  /** Blocks of each stage. */
  stages: InvertedResidual[][];
  /** Channels of the last convolution. */
  last: number;
  /** The epsilon of all norms. Default 1e-5; torchvision's B5 to B7 have 1e-3. */
  epsilon?: number;
  /** The momentum of all norms in training. Default 0.1; torchvision's B5 to B7 have 0.01. */
  momentum?: number;
};

/** Table 1 of the paper: expansion, kernel, stride of the first block, channels, blocks. */
const STAGES = [
  [1, 3, 1, 16, 1],
  [6, 3, 2, 24, 2],
  [6, 5, 2, 40, 2],
  [6, 3, 2, 80, 3],
  [6, 5, 1, 112, 3],
  [6, 5, 2, 192, 4],
  [6, 3, 1, 320, 1],
] as const;

type Norms = Pick<EfficientNet, 'epsilon' | 'momentum'>;

/** The norms of B5 to B7. */
const LARGE: Norms = { epsilon: 1e-3, momentum: 0.01 };

/** @param width the factor of the numbers of channels, @param depth the factor of the numbers of blocks in a stage */
function standard(width: number, depth: number, norms: Norms = {}): EfficientNet {
  const stem = rounded(32 * width);
  let inputs = stem;
  const stages = STAGES.map(([expansion, kernel, stride, channels, count]) =>
    Array.from({ length: Math.ceil(count * depth) }, (_, index): InvertedResidual => {
      const [expanded, squeeze] = [rounded(inputs * expansion), Math.max(1, Math.floor(inputs / 4))];
      inputs = rounded(channels * width);
      return { expanded, kernel, stride: index === 0 ? stride : 1, outputs: inputs, squeeze };
    }),
  );
  return { family: 'efficientnet', stem, stages, last: 4 * inputs, ...norms };
}

export const family: Family<EfficientNet> = {
  fields: () => ({
    stem: [isSize, 'a size'],
    stages: [
      listOf(listOf(isInvertedResidual(), 1, 64), 1, 16),
      'lists of blocks with expanded, kernel, stride, outputs and squeeze',
    ],
    last: [isSize, 'a size'],
    epsilon: [optional((value) => isNumber(value) && (value as number) > 0), 'a number above 0'],
    momentum: [optional((value) => isNumber(value) && (value as number) >= 0 && (value as number) <= 1), '0 to 1'],
  }),
  prefix: 'features.',
  standard: () => ({
    efficientnet_b0: standard(1, 1),
    efficientnet_b1: standard(1, 1.1),
    efficientnet_b2: standard(1.1, 1.2),
    efficientnet_b3: standard(1.2, 1.4),
    efficientnet_b4: standard(1.4, 1.8),
    efficientnet_b5: standard(1.6, 2.2, LARGE),
    efficientnet_b6: standard(1.8, 2.6, LARGE),
    efficientnet_b7: standard(2, 3.1, LARGE),
  }),
  /** [n, h, w, channels] → [n, ⌈h / 32⌉, ⌈w / 32⌉, last]. */
  build(g, image, { stem, stages, last, epsilon, momentum, prefix }) {
    const silu: Activation = { kind: 'silu' };
    const outside = { epsilon, momentum, activation: silu };
    let inputs = stem;
    let x = convolutionNorm(g, image, inSequence(`${prefix}0`), { outputs: stem, kernel: 3, stride: 2, ...outside });
    stages.forEach((blocks, stage) => {
      blocks.forEach((block, index) => {
        const name = `${prefix}${stage + 1}.${index}`;
        const names = numberedNames(name, block.expanded !== inputs, block.squeeze !== undefined);
        const squeezing = { inner: silu, gate: { kind: 'sigmoid' } as Activation };
        x = invertedResidual(g, x, block, { name, names, ...outside, ...squeezing });
        inputs = block.outputs;
      });
    });
    return convolutionNorm(g, x, inSequence(`${prefix}${stages.length + 1}`), { outputs: last, kernel: 1, ...outside });
  },
};

export const recognition: Recognition<EfficientNet> = {
  title: 'an EfficientNet',
  ways: [{ mark: /^(|.*\.)1\.0\.block\.0\.0\.weight$/, read }],
};

function read(tensors: Shapes, prefix: string): EfficientNet {
  const at = (stage: number, index: number) => `${prefix}${stage + 1}.${index}`;
  const count = countFrom(tensors, 0, (stage) => `${at(stage, 0)}.block.0.0`);
  const strides = usualStrides(
    'stages',
    count,
    STAGES.map(([, , stride]) => stride),
  );
  const stages = strides.map((stride, stage) =>
    Array.from({ length: countFrom(tensors, 0, (index) => `${at(stage, index)}.block.0.0`) }, (_, index) =>
      readNumbered(tensors, at(stage, index), index === 0 ? stride : 1),
    ),
  );
  const [stem] = convolutionShape(tensors, `${prefix}0.0`);
  const [last] = convolutionShape(tensors, `${prefix}${count + 1}.0`);
  // No shape shows the norms' epsilon and momentum. They are taken from the standard network that has exactly these blocks.
  const blocks = JSON.stringify(stages);
  const alike = Object.values(family.standard()).find((one) => JSON.stringify(one.stages) === blocks);
  const norms: Norms = alike?.epsilon === undefined ? {} : LARGE;
  return { family: 'efficientnet', stem, stages, last, ...norms, ...named(prefix, 'features.') };
}
