/** ResNet: He et al., Deep residual learning for image recognition, 2015. */
import type { ResNet } from '../formats/architecture.js';
import type { GraphBuilder } from '../graph/ir/graph.js';
import { channelCount, type Tensor } from '../graph/ir/tensor.js';
import { relu } from '../ops/layers/activation.js';
import { sum } from '../ops/layers/add.js';
import { batchNorm } from '../ops/layers/batch_norm.js';
import { maxPool } from '../ops/layers/pool.js';
import { convolution, normRelu } from './layers.js';

/** Adds the layers up to the last stage: [n, h, w, channels] → [n, ⌈h / 32⌉, ⌈w / 32⌉, 512 or 2048] for the standard ones. */
export function resnet(g: GraphBuilder, image: Tensor, { block, layers, widths, stem, prefix = '' }: ResNet): Tensor {
  let x = convolution(g, image, `${prefix}conv1`, { outputs: stem, kernel: 7, stride: 2, bias: false });
  x = normRelu(g, x, `${prefix}bn1`);
  x = maxPool(g, x, { kernel: 3, stride: 2, padding: 1, name: `${prefix}maxpool` });
  layers.forEach((blocks, stage) => {
    for (let index = 0; index < blocks; index++) {
      const stride = stage > 0 && index === 0 ? 2 : 1;
      x = residual(g, x, `${prefix}layer${stage + 1}.${index}`, block, widths[stage], stride);
    }
  });
  return x;
}

function residual(
  g: GraphBuilder,
  x: Tensor,
  name: string,
  block: ResNet['block'],
  width: number,
  stride: number,
): Tensor {
  const outputs = block === 'bottleneck' ? 4 * width : width;
  const layer = (from: Tensor, index: number, options: { outputs: number; kernel: number; stride?: number }) =>
    convolution(g, from, `${name}.conv${index}`, { ...options, bias: false });
  let y: Tensor;
  if (block === 'bottleneck') {
    y = normRelu(g, layer(x, 1, { outputs: width, kernel: 1 }), `${name}.bn1`);
    y = normRelu(g, layer(y, 2, { outputs: width, kernel: 3, stride }), `${name}.bn2`);
    y = batchNorm(g, layer(y, 3, { outputs, kernel: 1 }), `${name}.bn3`);
  } else {
    y = normRelu(g, layer(x, 1, { outputs: width, kernel: 3, stride }), `${name}.bn1`);
    y = batchNorm(g, layer(y, 2, { outputs, kernel: 3 }), `${name}.bn2`);
  }
  let shortcut = x;
  if (stride > 1 || channelCount(x) !== outputs) {
    shortcut = convolution(g, x, `${name}.downsample.0`, { outputs, kernel: 1, stride, bias: false });
    shortcut = batchNorm(g, shortcut, `${name}.downsample.1`);
  }
  return relu(g, sum(g, y, shortcut, `${name}.sum`), name);
}
