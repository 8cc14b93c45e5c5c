/** MobileNetV3: Howard et al., Searching for MobileNetV3, 2019. */
import { fields, isSize, listOf, oneOf, optional } from '../../formats/checks.js';
import type { Activation } from '../../ops/layers/activations.js';
import type { Family, Recognition, Shapes } from '../family.js';
import {
  type InvertedResidual,
  invertedResidual,
  numberedNames,
  readNumbered,
  usualStrides,
} from '../layers/inverted_residual.js';
import { convolutionNorm, inSequence } from '../layers/layers.js';
import { convolutionShape, countFrom, named } from '../recognise/shapes.js';

/** Howard et al. 2019, as torchvision has it. */
export type MobileNetV3 = {
  family: 'mobilenet_v3';
  prefix?: string;
  /** Channels of the first convolution. */
  stem: number;
  blocks: (InvertedResidual & { activation: 'relu' | 'hard_swish' })[];
  /** Channels of the last convolution. */
  last: number;
};

/** Epsilon and momentum of all norms. */
const NORMS = { epsilon: 1e-3, momentum: 0.01 };

/** A row of tables 1 and 2 of the paper: expanded channels, output channels, kernel, stride, squeezed channels, activation. */
type Row = [
  expanded: number,
  outputs: number,
  kernel: number,
  stride: number,
  squeeze: number,
  activation: 'relu' | 'hard_swish',
];

const LARGE: readonly Row[] = [
  [16, 16, 3, 1, 0, 'relu'],
  [64, 24, 3, 2, 0, 'relu'],
  [72, 24, 3, 1, 0, 'relu'],
  [72, 40, 5, 2, 24, 'relu'],
  [120, 40, 5, 1, 32, 'relu'],
  [120, 40, 5, 1, 32, 'relu'],
  [240, 80, 3, 2, 0, 'hard_swish'],
  [200, 80, 3, 1, 0, 'hard_swish'],
  [184, 80, 3, 1, 0, 'hard_swish'],
  [184, 80, 3, 1, 0, 'hard_swish'],
  [480, 112, 3, 1, 120, 'hard_swish'],
  [672, 112, 3, 1, 168, 'hard_swish'],
  [672, 160, 5, 2, 168, 'hard_swish'],
  [960, 160, 5, 1, 240, 'hard_swish'],
  [960, 160, 5, 1, 240, 'hard_swish'],
];

const SMALL: readonly Row[] = [
  [16, 16, 3, 2, 8, 'relu'],
  [72, 24, 3, 2, 0, 'relu'],
  [88, 24, 3, 1, 0, 'relu'],
  [96, 40, 5, 2, 24, 'hard_swish'],
  [240, 40, 5, 1, 64, 'hard_swish'],
  [240, 40, 5, 1, 64, 'hard_swish'],
  [120, 48, 5, 1, 32, 'hard_swish'],
  [144, 48, 5, 1, 40, 'hard_swish'],
  [288, 96, 5, 2, 72, 'hard_swish'],
  [576, 96, 5, 1, 144, 'hard_swish'],
  [576, 96, 5, 1, 144, 'hard_swish'],
];

const standard = (rows: readonly Row[], last: number): MobileNetV3 => ({
  family: 'mobilenet_v3',
  stem: 16,
  blocks: rows.map(([expanded, outputs, kernel, stride, squeeze, activation]) => ({
    ...{ expanded, kernel, stride, outputs, activation },
    ...(squeeze > 0 ? { squeeze } : {}),
  })),
  last,
});

export const family: Family<MobileNetV3> = {
  fields: () => ({
    stem: [isSize, 'a size'],
    blocks: [
      listOf(
        fields({
          ...{ expanded: isSize, kernel: isSize, stride: oneOf(1, 2), outputs: isSize, squeeze: optional(isSize) },
          activation: oneOf('relu', 'hard_swish'),
        }),
      ),
      'a list of expanded, kernel, stride, outputs, squeeze and activation',
    ],
    last: [isSize, 'a size'],
  }),
  prefix: 'features.',
  standard: () => ({ mobilenet_v3_large: standard(LARGE, 960), mobilenet_v3_small: standard(SMALL, 576) }),
  /** [n, h, w, channels] → [n, ⌈h / 32⌉, ⌈w / 32⌉, last]. */
  build(g, image, { stem, blocks, last, prefix }) {
    const outside = { ...NORMS, activation: { kind: 'hard_swish' } as Activation };
    let inputs = stem;
    let x = convolutionNorm(g, image, inSequence(`${prefix}0`), { outputs: stem, kernel: 3, stride: 2, ...outside });
    blocks.forEach(({ activation: kind, ...block }, index) => {
      const name = `${prefix}${index + 1}`;
      const names = numberedNames(name, block.expanded !== inputs, block.squeeze !== undefined);
      x = invertedResidual(g, x, block, {
        ...{ name, names, activation: { kind }, ...NORMS },
        ...{ inner: { kind: 'relu' }, gate: { kind: 'hard_sigmoid' } },
      });
      inputs = block.outputs;
    });
    return convolutionNorm(g, x, inSequence(`${prefix}${blocks.length + 1}`), { outputs: last, kernel: 1, ...outside });
  },
};

export const recognition: Recognition<MobileNetV3> = {
  title: 'a MobileNetV3',
  hasHiddenLayers: true,
  ways: [
    {
      mark: /^(|.*\.)1\.block\.0\.0\.weight$/,
      // An EfficientNet has such names too, for the second block of each stage, but no convolution of the name that is looked for here.
      holds: (tensors, prefix) => tensors.has(`${prefix}0.0.weight`),
      read,
    },
  ],
};

function read(tensors: Shapes, prefix: string): MobileNetV3 {
  const count = countFrom(tensors, 1, (index) => `${prefix}${index}.block.0.0`);
  const rows = count === SMALL.length ? SMALL : LARGE;
  const strides = usualStrides(
    'blocks',
    count,
    rows.map(([, , , stride]) => stride),
  );
  const blocks = strides.map((stride, index) => ({
    ...readNumbered(tensors, `${prefix}${index + 1}`, stride),
    activation: rows[index][5],
  }));
  const [stem] = convolutionShape(tensors, `${prefix}0.0`);
  const [last] = convolutionShape(tensors, `${prefix}${count + 1}.0`);
  return { family: 'mobilenet_v3', stem, blocks, last, ...named(prefix, 'features.') };
}
