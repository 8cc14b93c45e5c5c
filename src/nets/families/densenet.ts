/** DenseNet: Huang et al., Densely connected convolutional networks, 2016. */
import { InputError } from '../../errors.js';
import { isSize, listOf } from '../../formats/checks.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import { channelCount, type Tensor } from '../../graph/ir/tensor.js';
import { concat } from '../../ops/layers/concat.js';
import { averagePool, maxPool } from '../../ops/layers/pool.js';
import type { Family, Recognition, Shapes } from '../family.js';
import { convolution, normRelu } from '../layers/layers.js';
import { convolutionShape, countFrom, named } from '../recognise/shapes.js';

/** Huang et al. 2016. */
export type DenseNet = {
  family: 'densenet';
  prefix?: string;
  growthRate: number;
  /** Layers of each dense block. */
  blocks: number[];
  /** Channels of the first convolution. */
  initialFeatures: number;
  /** Channels between a layer's two convolutions, as a multiple of the growth rate. */
  bottleneck: number;
};

const standard = (...blocks: number[]): DenseNet => ({
  family: 'densenet',
  growthRate: 32,
  blocks,
  initialFeatures: 64,
  bottleneck: 4,
});

export const family: Family<DenseNet> = {
  fields: () => ({
    growthRate: [isSize, 'a size'],
    blocks: [listOf(isSize, 1, 16), 'the layers of each block'],
    initialFeatures: [isSize, 'a size'],
    bottleneck: [isSize, 'a size'],
  }),
  blocks: ({ blocks }) => blocks,
  prefix: 'features.',
  standard: () => ({
    densenet121: standard(6, 12, 24, 16),
    densenet169: standard(6, 12, 32, 32),
  }),
  /** The layers up to the last norm and its ReLU. */
  build(g, image, { growthRate, blocks, initialFeatures, bottleneck, prefix }) {
    let x = convolution(g, image, `${prefix}conv0`, { outputs: initialFeatures, kernel: 7, stride: 2, bias: false });
    x = normRelu(g, x, `${prefix}norm0`);
    x = maxPool(g, x, { kernel: 3, stride: 2, padding: 1, name: `${prefix}pool0` });
    blocks.forEach((layers, block) => {
      for (let layer = 1; layer <= layers; layer++) {
        const name = `${prefix}denseblock${block + 1}.denselayer${layer}`;
        let y = normRelu(g, x, `${name}.norm1`);
        y = convolution(g, y, `${name}.conv1`, { outputs: bottleneck * growthRate, kernel: 1, bias: false });
        y = normRelu(g, y, `${name}.norm2`);
        y = convolution(g, y, `${name}.conv2`, { outputs: growthRate, kernel: 3, bias: false });
        // Each layer's output is appended to those before it. Fusion turns this chain of concatenations into one buffer without copies.
        x = concat(g, [x, y], name);
      }
      if (block < blocks.length - 1) x = transition(g, x, `${prefix}transition${block + 1}`);
    });
    return normRelu(g, x, `${prefix}norm5`);
  },
};

function transition(g: GraphBuilder, x: Tensor, name: string): Tensor {
  const outputs = Math.floor(channelCount(x) / 2);
  const y = convolution(g, normRelu(g, x, `${name}.norm`), `${name}.conv`, { outputs, kernel: 1, bias: false });
  return averagePool(g, y, { kernel: 2, stride: 2, name: `${name}.pool` });
}

/** Up to torchvision 0.2 the parts of a dense layer were called `norm.1` and `conv.2`. PyTorch later forbade dots in names of modules. */
const OLD_LAYER = /(\bdenselayer\d+\.(?:norm|conv))\.([12])\./;

export const recognition: Recognition<DenseNet> = {
  title: 'a DenseNet',
  ways: [{ mark: /^(|.*\.)denseblock1\.denselayer1\.conv1\.weight$/, read }],
  spellings: {
    about: 'one has the old DenseNet name (norm.1), one the new (norm1)',
    of: () => (name) => name.replace(OLD_LAYER, '$1$2.'),
  },
};

function read(tensors: Shapes, prefix: string): DenseNet {
  const at = (block: number, layer: number) => `${prefix}denseblock${block}.denselayer${layer}`;
  const [growthRate] = convolutionShape(tensors, `${at(1, 1)}.conv2`);
  const [between] = convolutionShape(tensors, `${at(1, 1)}.conv1`);
  const count = countFrom(tensors, 1, (block) => `${at(block, 1)}.conv1`);
  const blocks = Array.from({ length: count }, (_, block) =>
    countFrom(tensors, 1, (layer) => `${at(block + 1, layer)}.conv1`),
  );
  const [initialFeatures] = convolutionShape(tensors, `${prefix}conv0`);
  if (between % growthRate !== 0)
    throw new InputError(`the checkpoint's ${at(1, 1)}.conv1 fits no DenseNet`, {
      expected: `a multiple of the growth rate ${growthRate}`,
      given: `${between} channels`,
    });
  const bottleneck = between / growthRate;
  return { family: 'densenet', growthRate, blocks, initialFeatures, bottleneck, ...named(prefix, 'features.') };
}
