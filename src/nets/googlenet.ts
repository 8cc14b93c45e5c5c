/** GoogLeNet: Szegedy et al., Going deeper with convolutions, 2014, with batch norm as torchvision has it. */
import type { GoogLeNet } from '../formats/architecture.js';
import type { GraphBuilder } from '../graph/ir/graph.js';
import type { Tensor } from '../graph/ir/tensor.js';
import { relu } from '../ops/layers/activation.js';
import { batchNorm } from '../ops/layers/batch_norm.js';
import { concat } from '../ops/layers/concat.js';
import { localResponseNorm } from '../ops/layers/lrn.js';
import { maxPool } from '../ops/layers/pool.js';
import { convolution } from './layers.js';

const EPSILON = 1e-3;

/** Adds all layers of the list. */
export function googlenet(g: GraphBuilder, image: Tensor, { layers, prefix = '' }: GoogLeNet): Tensor {
  let x = image;
  layers.forEach((layer, index) => {
    const name = `${prefix}${layer.name ?? index}`;
    if ('conv' in layer) x = basic(g, x, name, layer.conv, layer.kernel, layer.stride);
    else if ('maxPool' in layer)
      x = maxPool(g, x, { kernel: layer.maxPool, stride: layer.stride, ceilMode: true, name });
    else if ('lrn' in layer) {
      const { lrn: size, alpha, beta, k } = layer;
      x = localResponseNorm(g, x, { size, alpha, beta, k, name });
    } else x = inception(g, x, name, layer.inception, layer.wideKernel ?? 3);
  });
  return x;
}

function basic(g: GraphBuilder, x: Tensor, name: string, outputs: number, kernel: number, stride = 1): Tensor {
  const y = convolution(g, x, `${name}.conv`, { outputs, kernel, stride, bias: false });
  return relu(g, batchNorm(g, y, `${name}.bn`, EPSILON), name);
}

function inception(g: GraphBuilder, x: Tensor, name: string, widths: readonly number[], wideKernel: number): Tensor {
  const [one, reduced, three, wideReduced, wide, pooled] = widths;
  const reducedTo = (branch: string, from: number, outputs: number, kernel: number) =>
    basic(g, basic(g, x, `${branch}.0`, from, 1), `${branch}.1`, outputs, kernel);
  const pool = maxPool(g, x, { kernel: 3, stride: 1, padding: 1, ceilMode: true, name: `${name}.branch4.0` });
  return concat(
    g,
    [
      basic(g, x, `${name}.branch1`, one, 1),
      reducedTo(`${name}.branch2`, reduced, three, 3),
      reducedTo(`${name}.branch3`, wideReduced, wide, wideKernel),
      basic(g, pool, `${name}.branch4.1`, pooled, 1),
    ],
    name,
  );
}
