/** AlexNet: Krizhevsky, One weird trick for parallelizing convolutional neural networks, 2014, as torchvision has it. */
import type { AlexNet } from '../formats/architecture.js';
import type { GraphBuilder } from '../graph/ir/graph.js';
import type { Tensor } from '../graph/ir/tensor.js';
import { maxPool } from '../ops/layers/pool.js';
import { convolutionRelu } from './layers.js';

/** Adds the layers up to the last pooling: [n, h, w, channels] → about [n, h / 32, w / 32, widths[4]]. */
export function alexnet(g: GraphBuilder, image: Tensor, { widths, prefix = 'features.' }: AlexNet): Tensor {
  const pool = (x: Tensor, index: number) => maxPool(g, x, { kernel: 3, stride: 2, name: `${prefix}${index}` });
  const conv = (x: Tensor, index: number, width: number, kernel = 3) =>
    convolutionRelu(g, x, `${prefix}${index}`, { outputs: widths[width], kernel });
  let x = convolutionRelu(g, image, `${prefix}0`, { outputs: widths[0], kernel: 11, stride: 4, padding: 2 });
  x = pool(x, 2);
  x = pool(conv(x, 3, 1, 5), 5);
  x = conv(x, 6, 2);
  x = conv(x, 8, 3);
  return pool(conv(x, 10, 4), 12);
}
