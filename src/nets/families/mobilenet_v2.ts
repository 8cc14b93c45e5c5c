/** MobileNetV2: Sandler et al., Inverted residuals and linear bottlenecks, 2018. */
import { isSize, listOf } from '../../formats/checks.js';
import type { Family, Recognition, Shapes } from '../family.js';
import {
  type BlockNames,
  type InvertedResidual,
  invertedResidual,
  isInvertedResidual,
  readInvertedResidual,
  usualStrides,
} from '../layers/inverted_residual.js';
import { convolutionNorm, inSequence, RELU6 } from '../layers/layers.js';
import { convolutionShape, countFrom, named } from '../recognise/shapes.js';

/** Sandler et al. 2018, as torchvision has it. */
export type MobileNetV2 = {
  family: 'mobilenet_v2';
  prefix?: string;
  /** Channels of the first convolution. */
  stem: number;
  blocks: InvertedResidual[];
  /** Channels of the last convolution. */
  last: number;
};

/** Table 2 of the paper: expansion, channels, number of blocks, stride of the first block. */
const STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

function standard(): MobileNetV2 {
  let inputs = 32;
  const blocks = STAGES.flatMap(([expansion, outputs, count, stride]) =>
    Array.from({ length: count }, (_, index): InvertedResidual => {
      const block = { expanded: expansion * inputs, kernel: 3, stride: index === 0 ? stride : 1, outputs };
      inputs = outputs;
      return block;
    }),
  );
  return { family: 'mobilenet_v2', stem: 32, blocks, last: 1280 };
}

function namesOf(name: string, hasExpansion: boolean): BlockNames {
  const project = hasExpansion ? 2 : 1;
  return {
    ...(hasExpansion ? { expand: inSequence(`${name}.conv.0`) } : {}),
    depthwise: inSequence(`${name}.conv.${project - 1}`),
    project: [`${name}.conv.${project}`, `${name}.conv.${project + 1}`],
  };
}

export const family: Family<MobileNetV2> = {
  fields: () => ({
    stem: [isSize, 'a size'],
    blocks: [listOf(isInvertedResidual()), 'a list of expanded, kernel, stride and outputs'],
    last: [isSize, 'a size'],
  }),
  prefix: 'features.',
  standard: () => ({ mobilenet_v2: standard() }),
  /** [n, h, w, channels] → [n, ⌈h / 32⌉, ⌈w / 32⌉, last]. */
  build(g, image, { stem, blocks, last, prefix }) {
    const activation = RELU6;
    let inputs = stem;
    let x = convolutionNorm(g, image, inSequence(`${prefix}0`), { outputs: stem, kernel: 3, stride: 2, activation });
    blocks.forEach((block, index) => {
      const name = `${prefix}${index + 1}`;
      x = invertedResidual(g, x, block, { name, names: namesOf(name, block.expanded !== inputs), activation });
      inputs = block.outputs;
    });
    return convolutionNorm(g, x, inSequence(`${prefix}${blocks.length + 1}`), { outputs: last, kernel: 1, activation });
  },
};

export const recognition: Recognition<MobileNetV2> = {
  title: 'a MobileNetV2',
  ways: [{ mark: /^(|.*\.)1\.conv\.0\.0\.weight$/, read }],
};

function read(tensors: Shapes, prefix: string): MobileNetV2 {
  const count = countFrom(tensors, 1, (index) => `${prefix}${index}.conv.0.0`);
  const strides = usualStrides(
    'blocks',
    count,
    standard().blocks.map(({ stride }) => stride),
  );
  const blocks = strides.map((stride, index) => {
    const name = `${prefix}${index + 1}`;
    return readInvertedResidual(tensors, namesOf(name, tensors.has(`${name}.conv.1.0.weight`)), stride);
  });
  const [stem] = convolutionShape(tensors, `${prefix}0.0`);
  const [last] = convolutionShape(tensors, `${prefix}${count + 1}.0`);
  return { family: 'mobilenet_v2', stem, blocks, last, ...named(prefix, 'features.') };
}
