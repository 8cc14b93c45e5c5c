/** DenseNet: Huang et al., Densely connected convolutional networks, 2016. */
import type { DenseNet } from '../formats/architecture.js';
import type { GraphBuilder } from '../graph/ir/graph.js';
import { channelCount, type Tensor } from '../graph/ir/tensor.js';
import { concat } from '../ops/layers/concat.js';
import { averagePool, maxPool } from '../ops/layers/pool.js';
import { convolution, normRelu } from './layers.js';

/** Adds the layers up to the last norm and its ReLU. */
export function densenet(g: GraphBuilder, image: Tensor, description: DenseNet): Tensor {
  const { growthRate, blocks, initialFeatures, bottleneck, prefix = 'features.' } = description;
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
      // One more slice onto what is there: the chain of concatenations ends as one buffer that nobody copies.
      x = concat(g, [x, y], name);
    }
    if (block < blocks.length - 1) x = transition(g, x, `${prefix}transition${block + 1}`);
  });
  return normRelu(g, x, `${prefix}norm5`);
}

function transition(g: GraphBuilder, x: Tensor, name: string): Tensor {
  const outputs = Math.floor(channelCount(x) / 2);
  const y = convolution(g, normRelu(g, x, `${name}.norm`), `${name}.conv`, { outputs, kernel: 1, bias: false });
  return averagePool(g, y, { kernel: 2, stride: 2, name: `${name}.pool` });
}
