/** VGG: Simonyan & Zisserman, Very deep convolutional networks for large-scale image recognition, 2014. */
import type { Vgg } from '../formats/architecture.js';
import type { GraphBuilder } from '../graph/ir/graph.js';
import type { Tensor } from '../graph/ir/tensor.js';
import { relu } from '../ops/layers/activation.js';
import { batchNorm } from '../ops/layers/batch_norm.js';
import { maxPool } from '../ops/layers/pool.js';
import { convolution } from './layers.js';

/** Adds all layers of the list. Names count convolutions, norms, activations and poolings, as nn.Sequential does. */
export function vgg(g: GraphBuilder, image: Tensor, { layers, batchNorm: norm, prefix = 'features.' }: Vgg): Tensor {
  let index = 0;
  const next = () => `${prefix}${index++}`;
  let x = image;
  for (const layer of layers) {
    if (layer === 'M') {
      x = maxPool(g, x, { kernel: 2, stride: 2, name: next() });
      continue;
    }
    x = convolution(g, x, next(), { outputs: layer, kernel: 3 });
    if (norm) x = batchNorm(g, x, next());
    x = relu(g, x, next());
  }
  return x;
}
